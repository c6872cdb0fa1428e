"""A worker's way to the simulated Redis, in the place of the client library: calls that are executed or not, and
answered or not. Not responsible for what they do.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import redis.exceptions

from bridge.store.batcher import Word
from tests.model_run.weather import Passage

if TYPE_CHECKING:
    from tests.model_run.worker import Worker


class Client:
    """As much of a client as the store uses.

    What Redis does late, from a connection given up, it does before the worker's next call, unless calls overtake.
    """

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._world = worker.world
        self.connection_pool = self
        self.connection_kwargs = {"host": "redis"}
        self._late: list[Callable[[], None]] = []

    async def disconnect(self) -> None:
        """The pool's: there is nothing to give up."""

    async def aclose(self) -> None:
        """There is nothing to close."""

    async def script_load(self, _script: bytes) -> None:
        await self._hop()
        self._world.scripted = True

    async def evalsha(self, _sha: str, _keys: int, *words: Word) -> Any:
        answer: asyncio.Future[Any] = self._worker.loop.create_future()
        self._send(words, answer)
        return await answer

    async def _hop(self) -> None:
        done: asyncio.Future[None] = self._worker.loop.create_future()
        self._later(self._world.delay(), done, None)
        await done

    def _send(self, words: tuple[Word, ...], answer: "asyncio.Future[Any]") -> None:
        world, delay = self._world, self._world.delay()
        passage = world.step(self._worker, "redis", *words[2:])
        if passage is Passage.DIES_BEFORE:
            return
        if not world.redis_up:
            self._later(delay, answer, redis.exceptions.ConnectionError("Error 111"))
            return
        heard = passage is Passage.WELL or passage is Passage.REFUSED
        execute = partial(self._execute, words, answer, heard)
        if passage is Passage.LATE:
            late = _Once(partial(_all, [world.audit.done_late, execute]))
            world.agenda.after(world.chance.uniform(2.0, 12.0), late)
            if not world.size.overtaking:
                self._late.append(late)
        elif passage is not Passage.NEVER:
            acts: list[Callable[[], None]] = [*self._late, execute]
            self._late = []
            world.agenda.after(delay, partial(_all, acts))
        if not heard and world.chance.random() < 0.5:  # else there is only silence
            self._later(delay + world.delay(), answer, redis.exceptions.ConnectionError("lost"))

    def _execute(self, words: tuple[Word, ...], answer: "asyncio.Future[Any]", heard: bool) -> None:
        world = self._world
        if not world.redis_up:
            return
        result: Any
        if world.scripted:
            result = world.redis.run(words)
            if world.telling is not None:
                world.note("redis", f"does {told(words[2:])} of {self._worker.name}: {result}")
        else:
            result = redis.exceptions.NoScriptError("NOSCRIPT")
        if heard:
            self._later(world.delay(), answer, result)

    def _later(self, delay: float, answer: "asyncio.Future[Any]", result: Any) -> None:
        def tell() -> None:
            if answer.done():
                return
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        self._world.agenda.after(delay, lambda: self._worker.do(tell))


def _all(acts: Sequence[Callable[[], None]]) -> None:
    for act in acts:
        act()


class _Once:
    """Something that is done once, whoever does it first."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act: Callable[[], None] | None = act

    def __call__(self) -> None:
        act, self._act = self._act, None
        if act is not None:
            act()


def told(what: Sequence[object]) -> str:
    """Words to a party, as they stand in a story."""
    said = " ".join(word.decode("latin-1") if isinstance(word, bytes) else str(word) for word in what)
    return "".join(sign if sign.isprintable() else "." for sign in said)[:300]
