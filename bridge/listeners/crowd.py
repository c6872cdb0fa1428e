"""All connections of one listener: how many may stand at once, in all and from one address, and who makes room.

A connection waits while it has no request in hand: it sends a head, or nothing at all. Where a new one is one too
many, the one that has waited longest goes: of its own address, where that has too many, else of all. So whoever
sends a request at once gets through, however many idle connections somebody holds open; only where none waits is it
the new one that goes.
"""

from collections import Counter
from ipaddress import IPv6Address, ip_address
from typing import Generic, TypeVar

Who = TypeVar("Who")

_NETWORK_OCTETS = 8


class Crowd(Generic[Who]):
    """Who is there, and in which order they began to wait."""

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._places: dict[Who, str | bytes] = {}
        self._numbers: Counter[str | bytes] = Counter()
        self._waiting: dict[Who, None] = {}
        self._waiting_at: dict[str | bytes, dict[Who, None]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def enter(self, who: Who, host: str) -> Who | None:
        """A new connection, which waits. Who has to go for it, itself perhaps: already counted as gone."""
        place = place_of(host)
        self._places[who] = place
        self._numbers[place] += 1
        goes = None
        if self._numbers[place] > self._most_per_address:
            goes = next(iter(self._waiting_at.get(place, ())), who)
        elif len(self._places) > self._most:
            goes = next(iter(self._waiting), who)
        self.waits(who)
        if goes is not None:
            self.leave(goes)
        return goes

    def waits(self, who: Who) -> None:
        """It has no request in hand (any more)."""
        if who in self._places:
            self._waiting[who] = None
            self._waiting_at.setdefault(self._places[who], {})[who] = None

    def works(self, who: Who) -> None:
        """It has a request in hand: it will not be asked to make room."""
        if who in self._waiting:
            del self._waiting[who]
            at = self._waiting_at[self._places[who]]
            del at[who]
            if not at:
                del self._waiting_at[self._places[who]]

    def leave(self, who: Who) -> None:
        """It is gone. May be told again."""
        if who not in self._places:
            return
        self.works(who)
        place = self._places.pop(who)
        self._numbers[place] -= 1
        if not self._numbers[place]:
            del self._numbers[place]


def place_of(host: str) -> str | bytes:
    """What counts as one address: an IPv4 address, also in IPv6's clothes, or the first 64 bits of an IPv6 one."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    return str(address.ipv4_mapped) if address.ipv4_mapped else address.packed[:_NETWORK_OCTETS]
