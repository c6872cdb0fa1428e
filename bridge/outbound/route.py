"""One route in this worker: its settings, its lanes, and which of its links a message may take."""

from collections.abc import Sequence
from functools import partial

from bridge.config.settings import RouteSettings
from bridge.model.mt import Mt
from bridge.outbound.flight import Flight
from bridge.outbound.lanes import Lanes
from bridge.outbound.links import LinkSlot
from bridge.outbound.parts import NOBODY
from bridge.outbound.ports import LinkPort
from bridge.outbound.settle import Standing
from bridge.outbound.tier import Tier

LARGEST_PREFETCH = 2000
"""What RabbitMQ's quorum queues cap a consumer's prefetch at."""


class Route:
    """A named pair of queues with the links that may carry them."""

    __slots__ = ("_carriers", "_tiers", "lanes", "name", "pump_due", "settings", "slots")

    def __init__(self, name: str, settings: RouteSettings, slots: Sequence[LinkSlot]) -> None:
        self.name = name
        self.settings = settings
        self.slots = tuple(slot for slot in slots if slot.link.provider in settings.providers)
        self._carriers = frozenset(slot.link.provider for slot in self.slots)
        self._tiers = _tiers(self.slots, settings.prefer)
        self.lanes = Lanes()
        self.pump_due = False

    def offer(self, slot: LinkSlot) -> None:
        """This link may be ready (again)."""
        for tier in self._tiers:
            if slot in tier.slots:
                tier.offer(slot)

    def prefetch(self, now: float) -> int:
        """How many messages to hold: twice what the links that are up can have unanswered. 0: route not active."""
        for tier in self._tiers:
            window = sum(s.link.window for s in tier.slots if s.up(now) and not s.stands_by(now))
            if window:
                return min(2 * window, LARGEST_PREFETCH)
        return 0

    def ready_link(self, flight: Flight, now: float) -> LinkSlot | None:
        """A ready link that may carry this message, the one that has rested longest first.

        A link the message avoids is taken only when no other link that might carry it is up. The rest of a long MT
        leaves over the link that had the beginning while that is up, else over any of the same provider. One that
        stands in for another is taken only when that does not serve.
        """
        for tier in self._tiers:
            wishes = flight.picky or not tier.alike
            slot = tier.next(now, partial(self._acceptable, flight, now) if wishes else None)
            if slot is not None or any(self._is_way(other, flight, now) for other in tier.slots):
                return slot
        return None

    def _acceptable(self, flight: Flight, now: float, slot: LinkSlot) -> bool:
        if not self._may_carry(slot, flight, now):
            return False
        if slot.key == flight.avoid:
            return not self.other_link_up(flight, slot, now)
        if slot.stands_by(now, flight.avoid):
            return False
        begun = flight.begun
        if begun is None:
            return True
        beginning = (begun.provider, begun.link)
        return beginning in (slot.key, flight.avoid) or not self._is_up(beginning, now)

    def _is_up(self, key: tuple[str, str], now: float) -> bool:
        return any(slot.key == key and slot.up(now) for slot in self.slots)

    def _may_carry(self, slot: LinkSlot, flight: Flight, now: float) -> bool:
        """Whether this link might be given the message, or the rest of it, were it ready."""
        home = None if flight.trouble is None else flight.trouble.home
        if home is not None and slot.key != home and self._serves(home, flight, now):
            return False
        return self._suits(slot.link, flight)

    def _serves(self, home: tuple[str, str], flight: Flight, now: float) -> bool:
        slots = (slot for slot in self.slots if slot.key == home)
        return any(s.up(now) and not s.stands_by(now) and self._suits(s.link, flight) for s in slots)

    @staticmethod
    def _suits(link: LinkPort, flight: Flight) -> bool:
        """Whether it has words for the message, or the rest of it, and its provider has not refused that."""
        begun = flight.begun
        if link.provider in flight.refused_by or (flight.choosy and not link.carries(flight.mt)):
            return False
        return begun is None or (begun.provider == link.provider and link.via == "smpp")

    def _is_way(self, slot: LinkSlot, flight: Flight, now: float) -> bool:
        return self._may_carry(slot, flight, now) and slot.up(now)

    def other_link_up(self, flight: Flight, but: LinkSlot | None, now: float) -> bool:
        """Whether a link other than this one is up that might carry the message, or the rest of it."""
        for tier in self._tiers:
            up = [slot for slot in tier.slots if self._is_way(slot, flight, now)]
            if up:
                return any(slot is not but for slot in up)
        return False

    def forsaken(self, flight: Flight, now: float) -> bool:
        """Whether only links that cannot go on with it are up to carry the rest of a message."""
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
            and begun.provider != NOBODY
            and begun.provider not in flight.refused_by
            and not self.forsaken(flight, now)
        )

    def is_choosy(self, mt: Mt) -> bool:
        """Whether some of its links have no words for this MT, and others have."""
        if mt.data is None and not mt.media and not mt.tlvs:
            return False
        return len({slot.link.carries(mt) for slot in self.slots}) > 1

    def names_of(self, flight: Flight, link: LinkPort | None) -> tuple[tuple[str, str], ...]:
        """Each provider that may have had the message over this link, or over any, and what its receipts will call it.

        Only those of which that is known without an answer.
        """
        links = [slot.link for slot in self.slots] if link is None else [link]
        names = {one.provider: name for one in links if (name := one.known_as(flight.mt_key)) is not None}
        return tuple(names.items())

    def other_providers(self, flight: Flight, provider: str) -> bool:
        """Whether a provider of the route, beside this one, has words for it, and has not refused it for good."""
        carriers = self._carriers
        if flight.choosy:
            carriers = frozenset(slot.link.provider for slot in self.slots if slot.link.carries(flight.mt))
        return any(name != provider and name not in flight.refused_by for name in carriers)

    def standing(self, flight: Flight, provider: str, link: LinkPort | None = None) -> Standing:
        """Where the message stands after what this provider said of it, over this link if it was over one."""
        return Standing(
            counted=flight.counted,
            max_attempts=self.settings.max_attempts,
            other_providers=self.other_providers(flight, provider),
            on_doubt=flight.mt.on_doubt or self.settings.on_doubt,
            bounced=flight.bounced,
            begun=flight.begun is not None,
            missing=flight.long is not None and not flight.long.parts.complete,
            doubt=flight.doubt,
            failures=flight.failures_at(provider),
            resubmit_s=None if link is None else link.resubmit_s,
        )


def _tiers(slots: Sequence[LinkSlot], prefer: str) -> tuple[Tier, ...]:
    """Those that go before, then the others: a tier that has none is left out."""
    first = [slot for slot in slots if prefer in ("any", slot.link.via)]
    others = [slot for slot in slots if slot not in first]
    return tuple(Tier(tier) for tier in (first, others) if tier)
