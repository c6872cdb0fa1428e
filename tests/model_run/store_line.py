"""A worker's way to the simulated Redis, in the place of the client library: calls that are executed or not, and
answered or not. Not responsible for what they do.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import redis.exceptions

from bridge.store.batcher import Word
from tests.model_run.weather import Passage

if TYPE_CHECKING:
    from tests.model_run.worker import Worker

GLOBALS = 4
"""So many words are the same in each call of a turn."""


class Client:
    """As much of a client as the store uses. What Redis does late, for a call given up, may come after later calls."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._world = worker.world
        self.connection = self.connection_pool = self
        self.connection_kwargs = {"host": "redis"}

    async def disconnect(self, *, nowait: bool) -> None:
        """The connection's: there is nothing to give up."""

    async def aclose(self) -> None:
        """There is nothing to close."""

    async def script_load(self, _script: bytes) -> None:
        await self._hop()
        self._world.scripted = True

    async def script(self, words: Sequence[Word]) -> Any:
        """In the place of the store's own way to call the script."""
        store = self._worker.store
        answer: asyncio.Future[Any] = self._worker.loop.create_future()
        self._send((*store._globals, store._turn, *words), answer)
        return await answer

    async def _hop(self) -> None:
        done: asyncio.Future[None] = self._worker.loop.create_future()
        self._later(self._world.delay(), done, None)
        await done

    def _send(self, words: tuple[Word, ...], answer: "asyncio.Future[Any]") -> None:
        world, delay = self._world, self._world.delay()
        passage = world.step(self._worker, "redis", *words[GLOBALS:])
        if passage is Passage.DIES_BEFORE:
            return
        if not world.redis_up:
            self._later(delay, answer, redis.exceptions.ConnectionError("Error 111"))
            return
        if passage is Passage.REFUSED:
            self._later(delay, answer, redis.exceptions.OutOfMemoryError("OOM"))
            return
        heard = passage is Passage.WELL
        execute = partial(self._execute, words, answer, heard, passage is Passage.LATE)
        if passage is Passage.LATE:
            world.agenda.after(world.chance.choice((0.5, 4.0, 12.0)) * world.chance.random(), execute)
        elif passage is not Passage.NEVER:
            world.agenda.after(delay, execute)
        if not heard and world.chance.random() < 0.5:  # else there is only silence
            self._later(delay + world.delay(), answer, redis.exceptions.ConnectionError("lost"))

    def _execute(
        self, words: tuple[Word, ...], answer: "asyncio.Future[Any]", heard: bool, late: bool
    ) -> None:
        world = self._world
        if not world.redis_up:
            return
        if late:
            world.audit.done_late()
        result = self._done(words)
        if world.telling is not None:
            world.note("redis", f"does {told(words[GLOBALS:])} of {self._worker.name}: {result}")
        if heard:
            self._later(world.delay(), answer, result)

    def _done(self, words: tuple[Word, ...]) -> Any:
        if not self._world.scripted:
            return redis.exceptions.NoScriptError("NOSCRIPT")
        try:
            return self._world.redis.run(words)
        except redis.exceptions.ResponseError as error:
            return error

    def _later(self, delay: float, answer: "asyncio.Future[Any]", result: Any) -> None:
        def tell() -> None:
            if answer.done():
                return
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        self._world.agenda.after(delay, lambda: self._worker.do(tell))


def told(what: Sequence[object]) -> str:
    """Words to a party, as they stand in a story."""
    said = " ".join(word.decode("latin-1") if isinstance(word, bytes) else str(word) for word in what)
    return "".join(sign if sign.isprintable() else "." for sign in said)[:300]
