"""What the batcher gathers, in which order it goes out, and what each operation is told."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from bridge.store.batcher import MAX_OPERATIONS, Batcher, NoAnswer, Operation, Word


class Server:
    """Answers each word with itself, when it is let."""

    def __init__(self) -> None:
        self.calls: list[list[Word]] = []
        self.called = asyncio.Event()
        self.go = asyncio.Event()
        self.answers = True

    async def send(self, words: Sequence[Word]) -> list[Any]:
        self.calls.append(list(words))
        self.called.set()
        await self.go.wait()
        if not self.answers:
            raise NoAnswer("gone")
        return list(words)


class Told:
    """What operations were told, in order."""

    def __init__(self) -> None:
        self.results: list[tuple[int, Any]] = []
        self._more = asyncio.Event()

    def operation(self, number: int, *, kept: bool) -> Operation:
        return Operation((number,), lambda reply: reply, partial(self._tell, number), kept=kept)

    def _tell(self, number: int, result: Any) -> None:
        self.results.append((number, result))
        self._more.set()

    async def so_many(self, count: int) -> None:
        """Wait until that many have been told."""
        while len(self.results) < count:
            self._more.clear()
            await self._more.wait()


async def test_it_is_idle_when_all_is_answered_or_failed() -> None:
    server, told = Server(), Told()
    batcher = Batcher(server.send)
    await batcher.idle()
    batcher.open()
    serving = asyncio.create_task(batcher.serve())
    batcher.add(told.operation(0, kept=True))
    idle = asyncio.create_task(batcher.idle())
    await server.called.wait()
    assert not idle.done()
    server.go.set()
    await idle
    assert told.results == [(0, 0)]
    serving.cancel()
    batcher.add(told.operation(1, kept=False))
    batcher.shut()
    await batcher.idle()
    assert told.results == [(0, 0), (1, None)]


async def test_a_turn_goes_together_and_what_comes_meanwhile_joins_the_next() -> None:
    server, told = Server(), Told()
    batcher = Batcher(server.send)
    batcher.open()
    serving = asyncio.create_task(batcher.serve())
    for n in range(3):
        batcher.add(told.operation(n, kept=False))
    await server.called.wait()
    for n in range(3, 6):
        batcher.add(told.operation(n, kept=True))
        await asyncio.sleep(0)
    assert server.calls == [[0, 1, 2]], "one call in flight"
    server.go.set()
    await told.so_many(6)
    assert server.calls == [[0, 1, 2], [3, 4, 5]]
    assert told.results == [(n, n) for n in range(6)]
    serving.cancel()


async def test_a_call_has_no_more_than_so_many_operations() -> None:
    server, told = Server(), Told()
    batcher = Batcher(server.send)
    for n in range(2 * MAX_OPERATIONS + 1):
        batcher.add(told.operation(n, kept=True))
    server.go.set()
    batcher.open()
    serving = asyncio.create_task(batcher.serve())
    await told.so_many(2 * MAX_OPERATIONS + 1)
    assert [len(call) for call in server.calls] == [MAX_OPERATIONS, MAX_OPERATIONS, 1]
    assert told.results == [(n, n) for n in range(2 * MAX_OPERATIONS + 1)]
    serving.cancel()


async def test_without_an_answer_the_fast_fail_and_the_kept_stay_in_order() -> None:
    server, told = Server(), Told()
    batcher = Batcher(server.send)
    batcher.open()
    serving = asyncio.create_task(batcher.serve())
    for n in range(4):
        batcher.add(told.operation(n, kept=n % 2 == 1))
    await server.called.wait()
    for n in range(4, 6):
        batcher.add(told.operation(n, kept=n % 2 == 1))
    server.answers = False
    server.go.set()
    with pytest.raises(NoAnswer):
        await serving
    batcher.shut()
    assert told.results == [(0, None), (2, None), (4, None)]
    batcher.add(told.operation(6, kept=False))
    batcher.add(told.operation(7, kept=True))
    assert told.results[3:] == []
    await asyncio.sleep(0)
    assert told.results[3:] == [(6, None)]
    server.answers = True
    batcher.open()
    serving = asyncio.create_task(batcher.serve())
    await told.so_many(8)
    assert server.calls[1:] == [[1, 3, 5, 7]]
    assert told.results[4:] == [(n, n) for n in (1, 3, 5, 7)]
    serving.cancel()


async def test_a_callback_that_raises_costs_the_others_nothing() -> None:
    server, told = Server(), Told()
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    batcher = Batcher(server.send)
    server.go.set()
    batcher.open()
    serving = asyncio.create_task(batcher.serve())

    def fail(result: Any) -> None:
        raise LookupError(result)

    batcher.add(Operation((1,), lambda reply: reply, fail, kept=True))
    batcher.add(told.operation(2, kept=True))
    await told.so_many(1)
    assert [type(context["exception"]) for context in reported] == [LookupError]
    serving.cancel()


async def test_what_is_kept_when_it_closes_is_dropped_untold() -> None:
    server, told = Server(), Told()
    batcher = Batcher(server.send)
    batcher.add(told.operation(1, kept=True))
    batcher.close()
    assert told.results == []
