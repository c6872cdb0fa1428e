"""The short way for frames: what is told of, in which order, and what is left to the library."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiormq import spec
from hypothesis import given
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from bridge.broker.incoming import FRAMES_AT_ONCE, Incoming

bodies = st.lists(st.lists(st.binary(min_size=1, max_size=20), max_size=4), max_size=FRAMES_AT_ONCE)


class Told:
    def __init__(self) -> None:
        self.contents: list[tuple[object, bytes]] = []
        self.confirms: list[tuple[int, bool, bool]] = []

    def content(self, method: object, _properties: object, body: bytes) -> None:
        self.contents.append((method, body))

    def confirm(self, *what: Any) -> None:
        self.confirms.append(what)


def incoming(told: Told, *, confirms: bool = True) -> tuple[Any, "asyncio.Queue[Any]"]:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    channel: Any = SimpleNamespace(frames=queue)
    Incoming(channel, told.content, told.confirm if confirms else None)
    return channel.frames, queue


@given(bodies)
async def test_contents_are_told_whole_and_in_order_however_they_are_cut(pieces: list[list[bytes]]) -> None:
    told = Told()
    frames, queue = incoming(told)
    methods = [spec.Basic.Deliver(consumer_tag="c", delivery_tag=number) for number in range(len(pieces))]
    for method, parts in zip(methods, pieces, strict=True):
        await frames.put((1, method))
        await frames.put((1, ContentHeader(body_size=sum(map(len, parts)))))
        for part in parts:
            await frames.put((1, ContentBody(part)))
    assert told.contents == [(method, b"".join(parts)) for method, parts in zip(methods, pieces, strict=True)]
    assert queue.empty()


async def test_confirmations_are_told_only_where_somebody_waits_for_them() -> None:
    for confirms in (True, False):
        told = Told()
        frames, queue = incoming(told, confirms=confirms)
        await frames.put((1, spec.Basic.Ack(3, multiple=True)))
        await frames.put((1, spec.Basic.Nack(4)))
        assert told.confirms == ([(3, True, True), (4, False, False)] if confirms else [])
        assert queue.qsize() == (0 if confirms else 2)


async def test_all_else_is_left_to_the_library_in_order() -> None:
    told = Told()
    frames, queue = incoming(told)
    rest = [spec.Basic.ConsumeOk("c"), ContentHeader(body_size=0), spec.Channel.CloseOk()]
    for frame in rest:
        await frames.put((1, frame))
    assert [(await frames.get())[1] for _ in rest] == rest
    for _ in rest:
        frames.task_done()
    await queue.join()
    assert told.contents == []


async def test_who_fails_costs_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told()
    frames, _ = incoming(told)

    def fail(*_: object) -> None:
        raise RuntimeError("on purpose")

    frames._on_content = fail
    await frames.put((1, spec.Basic.Deliver(delivery_tag=1)))
    await frames.put((1, ContentHeader(body_size=0)))
    frames._on_content = told.content
    await frames.put((1, spec.Basic.Deliver(delivery_tag=2)))
    await frames.put((1, ContentHeader(body_size=0)))
    assert len(told.contents) == 1
    assert "frame.handover_failed" in capsys.readouterr().out


async def test_many_frames_at_once_leave_the_loop_its_turns() -> None:
    frames, _ = incoming(Told())
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    for _ in range(10 * FRAMES_AT_ONCE):
        await frames.put((1, spec.Basic.Ack(1)))
    other.cancel()
    assert turns == 10
