"""Phones that write by themselves, at a steady rate."""

import asyncio
from typing import TYPE_CHECKING

from bridge.simulator.writing import HEADERS, Manner

if TYPE_CHECKING:
    from bridge.simulator.network import Network

TICK_S = 0.01
HANDSETS = 1000
LONG_WORDS = 30
"""Of a long text, each of them its name: some 500 characters."""


class MoSource:
    """`rate` MOs a second, each from the next of a thousand phones and with a text of its own.

    Every `long_every`th is of several segments (0: none), by each kind of header in turn.
    """

    def __init__(self, network: "Network", rate: float, long_every: int = 0) -> None:
        self.sent = 0
        self._network = network
        self._rate = rate
        self._long_every = long_every
        self._running = False
        self._last = 0.0
        self._due = 0.0

    def start(self) -> None:
        """Begins, unless the rate is 0 or it has begun."""
        if self._rate > 0 and not self._running:
            self._running = True
            self._last = asyncio.get_running_loop().time()
            self._network.agenda.after(TICK_S, self._tick)

    def stop(self) -> None:
        """Ends with the next tick."""
        self._running = False

    def _tick(self) -> None:
        if not self._running:
            return
        now = asyncio.get_running_loop().time()
        self._due += (now - self._last) * self._rate
        self._last = now
        while self._due >= 1:
            self._due -= 1
            if not self._network.full:
                self.sent += 1
                self._send(f"447700{900000 + self.sent % HANDSETS}")
        self._network.agenda.after(TICK_S, self._tick)

    def _send(self, source: str) -> None:
        if not self._long_every or self.sent % self._long_every:
            self._network.send_mo(source=source)
            return
        name = self._network.next_name()
        header = HEADERS[self.sent // self._long_every % len(HEADERS)]
        self._network.send_mo(
            " ".join([name] * LONG_WORDS), source=source, name=name, manner=Manner(header=header)
        )
