"""Outbound's view of one link: its pace, and how many of its slots are spoken for."""

from bridge.outbound.pacing import Pacer
from bridge.outbound.ports import LinkPort


class LinkSlot:
    """One link as the dispatcher counts it.

    `reserved`: slots given to messages whose claim is on its way; `in_flight`: submits without an answer.
    """

    __slots__ = ("in_flight", "key", "link", "pacer", "reserved", "was_up")

    def __init__(self, link: LinkPort) -> None:
        self.link = link
        self.key = (link.provider, link.name)
        self.pacer = Pacer(link.window)
        self.in_flight = 0
        self.reserved = 0
        self.was_up = False

    def up(self, now: float) -> bool:
        """Contract, "Words": bound, and not paused by throttling for more than 5 s."""
        return self.link.active and self.pacer.up(now)

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
