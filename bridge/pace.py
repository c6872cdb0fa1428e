"""When to write what was gathered for a connection: soon, but not too often.

A write costs about the same for one message as for fifty, here, at the peer, and on the way back. So what a loop turn
gathered leaves at its end if the last write is a while ago, and otherwise waits until it is: an idle connection is
quick, a busy one writes few large pieces.
"""

import asyncio
from collections.abc import Callable

GAP_S = 0.002
"""From one write to the next on one connection: what a message may lose, on each of the few it passes."""


class Pace:
    """Calls `write` once for all `want` since the last time. Make it inside a running loop."""

    __slots__ = ("_gap_s", "_last", "_loop", "_wanted", "_write")

    def __init__(self, write: Callable[[], None], gap_s: float = GAP_S) -> None:
        self._write = write
        self._gap_s = gap_s
        self._loop = asyncio.get_running_loop()
        self._wanted = False
        self._last = self._loop.time() - gap_s

    def want(self) -> None:
        """There is something to write. `write` is called in a later turn of the loop."""
        if self._wanted:
            return
        self._wanted = True
        wait_s = self._last + self._gap_s - self._loop.time()
        if wait_s > 0:
            self._loop.call_later(wait_s, self._now)
        else:
            self._loop.call_soon(self._now)

    def _now(self) -> None:
        self._wanted = False
        self._last = self._loop.time()
        self._write()
