"""Keeping one bind bound: connect, serve until the session is over, wait, and again, until told to stop.

Responsible for the spacing of attempts and for leaving in time. Not for what the session says (`bind.py`).
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

from bridge.links.node import Node, Unreachable, connect
from bridge.links.shell import SessionShell

JITTER = 0.1
"""Up to this part of the rebind time is added, so that a pool does not come back as one."""
LEAVE_S = 5.0
"""How long a hard stop waits for its socket to close."""


def next_attempt_at(started: float, ended: float, interval_s: float, *, sent_away: bool) -> float:
    """When the next attempt may start: an interval after the start of the last one.

    An interval after its end if the peer sent us away: some SMSCs refuse whoever comes back at once.
    """
    return (ended if sent_away else started) + interval_s


class Binder:
    """The loop around one bind's sessions. `run` has one owner; the rest is synchronous."""

    def __init__(
        self,
        node: Node,
        rebind_s: float,
        make_shell: Callable[[], SessionShell],
        on_unreachable: Callable[[str], None],
        on_wait: Callable[[float], None],
    ) -> None:
        self._node = node
        self._rebind_s = rebind_s
        self._make_shell = make_shell
        self._on_unreachable = on_unreachable
        self._on_wait = on_wait
        self._stopping = False
        self._sent_away = False
        self._shell: SessionShell | None = None
        self._pause: asyncio.Timeout | None = None

    async def run(self) -> None:
        """Until `stop`; cancelled: leaves at once, and what is open is reported lost."""
        loop = asyncio.get_running_loop()
        while not self._stopping:
            started = loop.time()
            self._sent_away = False
            await self._attempt()
            if not self._stopping:
                interval_s = self._rebind_s * (1 + random.uniform(0.001, JITTER))  # noqa: S311  (guards nothing)
                due = next_attempt_at(started, loop.time(), interval_s, sent_away=self._sent_away)
                self._on_wait(max(0.0, due - loop.time()))
                await self._wait_until(due)

    def stop(self) -> None:
        """Leave: unbind when nothing is in flight, at once when told again. Attempts and waits end now."""
        self._stopping = True
        if self._shell is not None:
            self._shell.leave()
        elif self._pause is not None:
            self._pause.reschedule(asyncio.get_running_loop().time())

    def sent_away(self) -> None:
        """The peer asked us to go: stay away for a whole interval."""
        self._sent_away = True

    async def _attempt(self) -> None:
        try:
            async with asyncio.timeout(None) as self._pause:
                self._shell = await connect(self._node, self._make_shell)
        except Unreachable as error:
            self._on_unreachable(str(error))
        except TimeoutError:  # told to stop
            pass
        finally:
            self._pause = None
        if self._shell is not None:
            await self._serve(self._shell)

    async def _serve(self, shell: SessionShell) -> None:
        try:
            if self._stopping:
                shell.leave()
            await asyncio.shield(shell.gone)
        finally:
            self._shell = None
            if not shell.gone.done():
                shell.abort()
                await asyncio.wait([shell.gone], timeout=LEAVE_S)

    async def _wait_until(self, when: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(when) as self._pause:
                await asyncio.get_running_loop().create_future()
        self._pause = None
