"""The messages of one route that wait in this worker for a link, and the order in which they go. Pure.

Interactive goes first; after `INTERACTIVE_RUN` of them in a row one bulk message goes, so that bulk never starves.
In each lane long messages that are begun go before all others: a phone waits for the rest of them.
A message that cannot take any of the links that are ready (it avoids one, a provider refused it, another has its
beginning) does not hold back those behind it: the next few are looked at.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

from bridge.outbound.flight import Flight

INTERACTIVE_RUN = 16
LOOK_AHEAD = 32
MOST_RESTRICTED = 16
"""How many messages that a provider refused may wait here for another. More would hold back all behind them."""

Place = TypeVar("Place")


class Lanes:
    """Two lanes of one route, each with those that are begun apart. Bounded by the prefetch of their consumers."""

    __slots__ = ("_bulk", "_interactive", "_restricted", "_run")

    def __init__(self) -> None:
        self._interactive: tuple[deque[Flight], deque[Flight]] = (deque(), deque())
        self._bulk: tuple[deque[Flight], deque[Flight]] = (deque(), deque())
        self._restricted = 0
        self._run = 0

    def __bool__(self) -> bool:
        return any(self._bulk) or any(self._interactive)

    def __len__(self) -> int:
        return sum(map(len, self._interactive)) + sum(map(len, self._bulk))

    def __iter__(self) -> Iterator[Flight]:
        for queue in (*self._interactive, *self._bulk):
            yield from queue

    def _of(self, flight: Flight) -> deque[Flight]:
        begun, new = self._interactive if flight.lane == "interactive" else self._bulk
        return new if flight.begun is None else begun

    @property
    def full_of_restricted(self) -> bool:
        """Whether no more messages should wait here that a provider refused."""
        return self._restricted >= MOST_RESTRICTED

    def push(self, flight: Flight) -> None:
        """At the end: a new message."""
        self._restricted += bool(flight.refused_by)
        self._of(flight).append(flight)

    def push_front(self, flight: Flight) -> None:
        """At the head: a message whose turn it was already."""
        self._restricted += bool(flight.refused_by)
        self._of(flight).appendleft(flight)

    def remove(self, flight: Flight) -> None:
        """Take this one out; it must be in, and begun or not as it was then."""
        self._of(flight).remove(flight)
        self._restricted -= bool(flight.refused_by)

    def drain(self) -> list[Flight]:
        """Take all out, in order."""
        waiting = list(self)
        for queue in (*self._interactive, *self._bulk):
            queue.clear()
        self._restricted = 0
        return waiting

    def take(self, fit: Callable[[Flight], Place | None]) -> tuple[Flight, Place] | None:
        """The next message that fits somewhere, and where; None when none of those looked at does."""
        bulk_turn = self._run >= INTERACTIVE_RUN and any(self._bulk)
        for lane in (self._bulk, self._interactive) if bulk_turn else (self._interactive, self._bulk):
            for queue in lane:
                for index, flight in enumerate(queue):
                    if index == LOOK_AHEAD:
                        break
                    place = fit(flight)
                    if place is not None:
                        del queue[index]
                        self._restricted -= bool(flight.refused_by)
                        self._run = self._run + 1 if flight.lane == "interactive" else 0
                        return flight, place
        return None
