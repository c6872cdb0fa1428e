"""Gathers operations, a turn of the loop at least, and sends them in one call; one call in flight.

What a call without an answer means for each operation is decided here: a fail-fast one is told None (unknown),
a kept one stays, in order, and goes into a later call. Not responsible for Redis itself: `send` is handed in.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from bridge.pace import GAP_S

MAX_OPERATIONS = 256
"""In one call: Redis serves nobody else while it runs."""
RETRY_REFUSED_S = 2.0

Word = bytes | str | int

log = structlog.get_logger(__name__)


class NoAnswer(Exception):
    """The call may or may not have been executed; the message says what happened, in one line."""


class Operation:
    """One operation on its way. `read` makes the script's reply into what `done` is told."""

    __slots__ = ("done", "kept", "read", "words")

    def __init__(
        self, words: tuple[Word, ...], read: Callable[[Any], Any], done: Callable[[Any], None], *, kept: bool
    ) -> None:
        self.words = words
        self.read = read
        self.done = done
        self.kept = kept


class Batcher:
    """The queue before Redis. It is shut until `open`, and while it is, fail-fast operations fail at once."""

    def __init__(self, send: Callable[[Sequence[Word]], Awaitable[list[Any]]]) -> None:
        """`send` executes the operations' words in order and returns a reply for each; raises NoAnswer."""
        self._send = send
        self._waiting: deque[Operation] = deque()
        self._filled = asyncio.Event()
        self._retries: set[asyncio.TimerHandle] = set()
        self._open = False
        self._idle = asyncio.Event()
        self._idle.set()

    def open(self) -> None:
        """Calls are answered, as far as is known; `serve` is about to run."""
        self._open = True

    def shut(self) -> None:
        """Calls are not answered: what fails fast fails now."""
        self._open = False
        waiting, self._waiting = self._waiting, deque()
        for operation in waiting:
            if operation.kept:
                self._waiting.append(operation)
            else:
                _tell(operation, None)
        self._look_idle()

    def add(self, operation: Operation) -> None:
        """Queue it for the next call."""
        if self._open or operation.kept:
            self._waiting.append(operation)
            self._filled.set()
            self._idle.clear()
        else:
            asyncio.get_running_loop().call_soon(operation.done, None)

    async def serve(self) -> None:
        """Send what gathers, until a call is not answered: raises NoAnswer, with that call waiting again."""
        loop = asyncio.get_running_loop()
        began = loop.time() - GAP_S
        while True:
            if not self._waiting:
                self._filled.clear()
                await self._filled.wait()
            # The rest of this turn joins, and what comes until Redis may be asked again.
            await asyncio.sleep(max(0, began + GAP_S - loop.time()))
            began = loop.time()
            await self._flush()

    async def idle(self) -> None:
        """Return when all that was asked is answered."""
        await self._idle.wait()

    async def _flush(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_OPERATIONS))]
        words: list[Word] = []
        for operation in batch:
            words += operation.words
        try:
            replies = await self._send(words)
        except BaseException:
            self._waiting.extendleft(reversed(batch))
            raise
        self._settle(batch, replies)
        self._look_idle()

    def _look_idle(self) -> None:
        if not self._waiting and not self._retries:
            self._idle.set()

    def close(self) -> None:
        """Nothing will be sent any more: kept operations are dropped. Only what is shut can be closed."""
        for retry in self._retries:
            retry.cancel()
        dropped = len(self._waiting) + len(self._retries)
        self._waiting.clear()
        self._retries.clear()
        if dropped:
            log.warning("store.dropped", operations=dropped)

    def _settle(self, batch: list[Operation], replies: list[Any]) -> None:
        for operation, reply in zip(batch, replies, strict=True):
            if isinstance(reply, Exception):
                self._refused(operation, reply)
                continue
            try:
                result = operation.read(reply)
            except (ValueError, TypeError, LookupError) as error:
                self._refused(operation, error)
            else:
                _tell(operation, result)

    def _refused(self, operation: Operation, error: Exception) -> None:
        """This one alone is in trouble: a foreign value under its key. Others must not wait for it."""
        log.error("store.refused", operation=operation.words[0], error=str(error))
        if not operation.kept:
            _tell(operation, None)
            return

        def again() -> None:
            self._retries.discard(timer)
            self.add(operation)

        timer = asyncio.get_running_loop().call_later(RETRY_REFUSED_S, again)
        self._retries.add(timer)


def _tell(operation: Operation, result: Any) -> None:
    """One callback that raises must not cost the others of its batch their answer."""
    try:
        operation.done(result)
    except Exception as error:  # noqa: BLE001 - the loop's handler reports it, whatever it is
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a callback of the store raised", "exception": error}
        )
