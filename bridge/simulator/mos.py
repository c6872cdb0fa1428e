"""Phones that write by themselves, at a steady rate."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.simulator.network import Network

TICK_S = 0.01
HANDSETS = 1000


class MoSource:
    """`rate` MOs a second, each from the next of a thousand phones and with a text of its own."""

    def __init__(self, network: "Network", rate: float) -> None:
        self.sent = 0
        self._network = network
        self._rate = rate
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
                self._network.send_mo(source=f"447700{900000 + self.sent % HANDSETS}")
        self._network.agenda.after(TICK_S, self._tick)
