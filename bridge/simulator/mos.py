"""Phones that write by themselves, at a steady rate."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge.simulator.agenda import Agenda
from bridge.simulator.writing import HEADERS, Manner

if TYPE_CHECKING:
    from bridge.simulator.network import Network

TICK_S = 0.01
HANDSETS = 1000
LONG_WORDS = 30
"""Of a long text, each of them its name: some 500 characters."""


class MoSource:
    """`rate` times a second `write(number, phone)`: its number from 1, and the next of a thousand phones.

    None while there is no `room`: that one is never written.
    """

    def __init__(
        self, agenda: Agenda, rate: float, *, write: Callable[[int, str], None], room: Callable[[], bool]
    ) -> None:
        self.sent = 0
        self._agenda = agenda
        self._rate = rate
        self._write = write
        self._room = room
        self._running = False
        self._last = 0.0
        self._due = 0.0

    def start(self) -> None:
        """Begins, unless the rate is 0 or it has begun."""
        if self._rate > 0 and not self._running:
            self._running = True
            self._last = asyncio.get_running_loop().time()
            self._agenda.after(TICK_S, self._tick)

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
            if self._room():
                self.sent += 1
                self._write(self.sent, f"447700{900000 + self.sent % HANDSETS}")
        self._agenda.after(TICK_S, self._tick)


class SmppTexts:
    """Texts for an SMPP provider, each its own name; every `long_every`th is of several segments (0: none).

    The long ones have each kind of header in turn.
    """

    def __init__(self, network: "Network", long_every: int) -> None:
        self._network = network
        self._long_every = long_every

    def write(self, number: int, source: str) -> None:
        """Writes the text of this number."""
        if not self._long_every or number % self._long_every:
            self._network.send_mo(source=source)
            return
        name = self._network.next_name()
        header = HEADERS[number // self._long_every % len(HEADERS)]
        self._network.send_mo(
            " ".join([name] * LONG_WORDS), source=source, name=name, manner=Manner(header=header)
        )
