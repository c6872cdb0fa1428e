"""The connections that one answer to "where is the host?" led to. None of them outlives it while idle (contract 1.5).

Not responsible for asking (`names.py`) nor for connecting (`dial.py`).
"""

import asyncio
import math

from bridge.links.http.connection import Connection
from bridge.links.http.names import Answer

KEEP_IDLE_S = 30.0


class Lot:
    """Those that are idle; those in use come back to it."""

    def __init__(self, answer: Answer, loop: asyncio.AbstractEventLoop) -> None:
        self.answer = answer
        self._ended = False
        self._loop = loop
        self._idle: list[tuple[float, Connection]] = []
        """With the time from which it has been idle; the longest idle first."""
        self._sweep: asyncio.TimerHandle | None = None
        self._expiry: asyncio.TimerHandle | None = None
        if not math.isinf(answer.expires_at):
            self._expiry = loop.call_at(answer.expires_at, self.end)

    @property
    def over(self) -> bool:
        """Whether its answer holds no longer."""
        return self._ended or self._loop.time() >= self.answer.expires_at

    def take(self) -> Connection | None:
        """One that may be used at once, the one used last."""
        while self._idle:
            _, connection = self._idle.pop()
            if connection.idle and not connection.peer_spoke():
                return connection
            connection.close()
        return None

    def give_back(self, connection: Connection) -> None:
        """Keep it for the next, if it can be kept."""
        if self.over or not connection.idle:
            connection.close()
            return
        self._idle.append((self._loop.time(), connection))
        if self._sweep is None:
            self._sweep = self._loop.call_later(KEEP_IDLE_S, self._close_the_longest_idle)

    def end(self) -> None:
        """Its time is over: what is idle is closed, what is in use when it comes back."""
        self._ended = True
        for timer in (self._expiry, self._sweep):
            if timer is not None:
                timer.cancel()
        for _, connection in self._idle:
            connection.close()
        self._idle.clear()

    def _close_the_longest_idle(self) -> None:
        self._sweep = None
        long_ago = self._loop.time() - KEEP_IDLE_S
        kept = 0
        while kept < len(self._idle) and self._idle[kept][0] <= long_ago:
            self._idle[kept][1].close()
            kept += 1
        del self._idle[:kept]
        if self._idle:
            self._sweep = self._loop.call_at(self._idle[0][0] + KEEP_IDLE_S, self._close_the_longest_idle)
