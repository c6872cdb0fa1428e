"""What one turn of the event loop has to say leaves at its end: the journal first, then each socket, once.

So a thousand answers are a handful of system calls, and nothing is answered that is not in the journal.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from bridge.simulator.lines import Lines


class Writer(Protocol):
    """Whoever gathered octets during the turn."""

    def flush(self) -> None:
        """Writes them."""


class Turn:
    """Gathers over one loop turn. `end` may be called earlier, by those who are about to cut a link."""

    def __init__(self, journal: Lines | None) -> None:
        self._journal = journal
        self._writers: list[Writer] = []
        self._scheduled = False
        self._watches: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def touch(self) -> None:
        """Something happened: the turn will have an end."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.end)

    def flush_later(self, writer: Writer) -> None:
        """`writer` has octets for the end of this turn. To be called once a turn by each."""
        self._writers.append(writer)
        self.touch()

    def end(self) -> None:
        """Journal, sockets, then those who wait for something to come true."""
        self._scheduled = False
        if self._journal is not None:
            self._journal.flush()
        writers, self._writers = self._writers, []
        for writer in writers:
            writer.flush()
        if self._watches:
            self._look()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns when the condition is true; it is asked at each turn's end. The caller sets the limit of time."""
        if condition():
            return
        come_true: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watches.append((condition, come_true))
        await come_true

    def _look(self) -> None:
        still = []
        for condition, come_true in self._watches:
            if come_true.done():
                continue
            if condition():
                come_true.set_result(None)
            else:
                still.append((condition, come_true))
        self._watches = still
