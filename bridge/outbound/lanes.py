"""The messages of one route that wait in this worker for a link, and the order in which they go. Pure.

Interactive goes first; after `INTERACTIVE_RUN` of them in a row one bulk message goes, so that bulk never starves.
A message that cannot take any of the links that are ready (it avoids one, a provider refused it) does not hold
back those behind it: the next few are looked at.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

from bridge.model.names import Lane
from bridge.outbound.flight import Flight

INTERACTIVE_RUN = 16
LOOK_AHEAD = 32
MOST_RESTRICTED = 16
"""How many messages that a provider refused may wait here for another. More would hold back all behind them."""

Place = TypeVar("Place")


class Lanes:
    """Two queues of one route. Bounded by the prefetch of their consumers."""

    __slots__ = ("_bulk", "_interactive", "_restricted", "_run")

    def __init__(self) -> None:
        self._interactive: deque[Flight] = deque()
        self._bulk: deque[Flight] = deque()
        self._restricted = 0
        self._run = 0

    def __len__(self) -> int:
        return len(self._interactive) + len(self._bulk)

    def __iter__(self) -> Iterator[Flight]:
        yield from self._interactive
        yield from self._bulk

    def _of(self, lane: Lane) -> deque[Flight]:
        return self._interactive if lane == "interactive" else self._bulk

    @property
    def full_of_restricted(self) -> bool:
        """Whether no more messages should wait here that a provider refused."""
        return self._restricted >= MOST_RESTRICTED

    def push(self, flight: Flight) -> None:
        """At the end: a new message."""
        self._restricted += bool(flight.refused_by)
        self._of(flight.lane).append(flight)

    def push_front(self, flight: Flight) -> None:
        """At the head: a message whose turn it was already."""
        self._restricted += bool(flight.refused_by)
        self._of(flight.lane).appendleft(flight)

    def remove(self, flight: Flight) -> None:
        """Take this one out; it must be in."""
        self._of(flight.lane).remove(flight)
        self._restricted -= bool(flight.refused_by)

    def drain(self) -> list[Flight]:
        """Take all out, in order."""
        waiting = list(self)
        self._interactive.clear()
        self._bulk.clear()
        self._restricted = 0
        return waiting

    def take(self, fit: Callable[[Flight], Place | None]) -> tuple[Flight, Place] | None:
        """The next message that fits somewhere, and where; None when none of those looked at does."""
        bulk_turn = self._run >= INTERACTIVE_RUN and bool(self._bulk)
        for lane in (self._bulk, self._interactive) if bulk_turn else (self._interactive, self._bulk):
            for index, flight in enumerate(lane):
                if index == LOOK_AHEAD:
                    break
                place = fit(flight)
                if place is not None:
                    del lane[index]
                    self._restricted -= bool(flight.refused_by)
                    self._run = self._run + 1 if lane is self._interactive else 0
                    return flight, place
        return None
