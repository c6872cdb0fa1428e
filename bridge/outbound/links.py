"""Outbound's view of one link: its pace, how many of its slots are spoken for, and whom it stands in for."""

from collections.abc import Sequence

from bridge.outbound.pacing import Pacer
from bridge.outbound.ports import LinkPort


class LinkSlot:
    """One link as the dispatcher counts it.

    `reserved`: slots given to messages whose claim is on its way; `in_flight`: submits without an answer.
    `before`: the links that it stands in for, `after`: those that stand in for it. `was`: up, and sound, when looked
    at last.
    """

    __slots__ = ("after", "before", "in_flight", "key", "link", "pacer", "reserved", "was")

    def __init__(self, link: LinkPort) -> None:
        self.link = link
        self.key = (link.provider, link.name)
        self.pacer = Pacer(link.window)
        self.in_flight = 0
        self.reserved = 0
        self.was = (False, True)
        self.before: tuple[LinkSlot, ...] = ()
        self.after: tuple[LinkSlot, ...] = ()

    def up(self, now: float) -> bool:
        """Contract, "Words": bound, and not paused by throttling for more than 5 s."""
        return self.link.active and self.pacer.up(now)

    def stands_by(self, now: float, avoided: tuple[str, str] | None = None) -> bool:
        """Whether one that it stands in for serves, other than the one `avoided`."""
        return any(slot.link.sound and slot.key != avoided and slot.up(now) for slot in self.before)

    @property
    def room(self) -> int:
        """How many slots nobody has."""
        return min(self.link.free, self.pacer.limit - self.in_flight) - self.reserved

    def ready(self, now: float) -> bool:
        """Up, with a slot nobody has."""
        return (
            self.link.free > self.reserved
            and self.in_flight + self.reserved < self.pacer.limit
            and not self.pacer.paused(now)
        )


def slots_of(links: Sequence[LinkPort]) -> dict[LinkPort, LinkSlot]:
    """A slot for each link; the endpoints of one provider know each other by their ranks."""
    slots = {link: LinkSlot(link) for link in links}
    for slot in slots.values():
        link = slot.link
        stand_ins = [
            other
            for other in slots.values()
            if other.link.provider == link.provider and other.link.via == link.via
        ]
        slot.before = tuple(other for other in stand_ins if other.link.rank < link.rank)
        slot.after = tuple(other for other in stand_ins if other.link.rank > link.rank)
    return slots
