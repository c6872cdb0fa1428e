"""One route in this worker: its settings, its lanes, and the rotation of its links that may be ready.

Choosing a link costs the same with 4 links as with 64: ready ones stand in a rotation, a full one leaves it when
met and comes back when it frees a slot.
"""

from collections import deque
from collections.abc import Sequence

from bridge.config.settings import RouteSettings
from bridge.outbound.flight import Flight
from bridge.outbound.lanes import Lanes
from bridge.outbound.links import LinkSlot
from bridge.outbound.parts import NOBODY
from bridge.outbound.settle import Standing

LARGEST_PREFETCH = 2000
"""What RabbitMQ's quorum queues cap a consumer's prefetch at."""


class Route:
    """A named pair of queues with the links that may carry them."""

    __slots__ = ("_carriers", "_rotation", "_standing", "lanes", "name", "pump_due", "settings", "slots")

    def __init__(self, name: str, settings: RouteSettings, slots: Sequence[LinkSlot]) -> None:
        self.name = name
        self.settings = settings
        self.slots = tuple(slot for slot in slots if slot.link.provider in settings.providers)
        self._carriers = frozenset(slot.link.provider for slot in self.slots)
        self.lanes = Lanes()
        self.pump_due = False
        self._rotation: deque[LinkSlot] = deque()
        self._standing: set[LinkSlot] = set()

    def offer(self, slot: LinkSlot) -> None:
        """This link may be ready (again)."""
        if slot not in self._standing:
            self._standing.add(slot)
            self._rotation.append(slot)

    def prefetch(self, now: float) -> int:
        """How many messages to hold: twice what the links that are up can have unanswered. 0: route not active."""
        return min(2 * sum(slot.link.window for slot in self.slots if slot.up(now)), LARGEST_PREFETCH)

    def ready_link(self, flight: Flight, now: float) -> LinkSlot | None:
        """A ready link that may carry this message, the one that has rested longest first.

        A link the message avoids is taken only when no other link that might carry it is up. The rest of a long MT
        leaves over the link that had the beginning while that is up, else over any of the same provider.
        """
        rotation = self._rotation
        for _ in range(len(rotation)):
            slot = rotation[0]
            if not slot.ready(now):
                rotation.popleft()
                self._standing.discard(slot)
                continue
            rotation.rotate(-1)
            if not flight.picky or self._acceptable(slot, flight, now):
                return slot
        return None

    def _acceptable(self, slot: LinkSlot, flight: Flight, now: float) -> bool:
        if not _may_carry(slot, flight):
            return False
        if slot.key == flight.avoid:
            return not self.other_link_up(flight, slot, now)
        begun = flight.begun
        if begun is None:
            return True
        home = (begun.provider, begun.link)
        return home in (slot.key, flight.avoid) or not any(s.key == home and s.up(now) for s in self.slots)

    def other_link_up(self, flight: Flight, but: LinkSlot | None, now: float) -> bool:
        """Whether a link other than this one is up that might carry the message, or the rest of it."""
        return any(slot is not but and _may_carry(slot, flight) and slot.up(now) for slot in self.slots)

    def forsaken(self, flight: Flight, now: float) -> bool:
        """Whether only providers that have nothing of a message are up to carry the rest of it."""
        return (
            flight.begun is not None
            and not self.other_link_up(flight, None, now)
            and any(slot.link.provider not in flight.refused_by and slot.up(now) for slot in self.slots)
        )

    def can_go_on(self, flight: Flight, now: float) -> bool:
        """Whether the rest of a message that is begun may still go where the beginning went."""
        begun = flight.begun
        return (
            begun is not None
            and begun.provider not in (NOBODY, *flight.refused_by)
            and not self.forsaken(flight, now)
        )

    def other_providers(self, flight: Flight, provider: str) -> bool:
        """Whether a provider of the route, beside this one, has not refused the message for good."""
        return any(name != provider and name not in flight.refused_by for name in self._carriers)

    def standing(self, flight: Flight, provider: str) -> Standing:
        """Where the message stands after what this provider said of it."""
        return Standing(
            counted=flight.counted,
            max_attempts=self.settings.max_attempts,
            other_providers=self.other_providers(flight, provider),
            on_doubt=flight.mt.on_doubt or self.settings.on_doubt,
            bounced=flight.bounced,
            begun=flight.begun is not None,
            missing=flight.long is not None and not flight.long.parts.complete,
        )


def _may_carry(slot: LinkSlot, flight: Flight) -> bool:
    """Whether this link might be given the message, or the rest of it, were it ready."""
    provider, begun = slot.link.provider, flight.begun
    return provider not in flight.refused_by and (begun is None or begun.provider == provider)
