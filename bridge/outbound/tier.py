"""The links of a route that go before others, or after (`prefer`), and the rotation of those that may be ready.

Choosing a link costs the same with 4 links as with 64: ready ones stand in the rotation, a full one leaves it when
met and comes back when it frees a slot.
"""

from collections import deque
from collections.abc import Callable, Iterable

from bridge.outbound.links import LinkSlot


class Tier:
    """Links of one rank of preference."""

    __slots__ = ("_rotation", "_standing", "alike", "slots")

    def __init__(self, slots: Iterable[LinkSlot]) -> None:
        self.slots = tuple(slots)
        self.alike = not any(slot.before for slot in self.slots)
        """Whether none of them stands in for another: to a message with no wishes each is as good as the next."""
        self._rotation: deque[LinkSlot] = deque()
        self._standing: set[LinkSlot] = set()

    def offer(self, slot: LinkSlot) -> None:
        """This link may be ready (again)."""
        if slot not in self._standing:
            self._standing.add(slot)
            self._rotation.append(slot)

    def next(self, now: float, acceptable: Callable[[LinkSlot], bool] | None) -> LinkSlot | None:
        """A ready link that is acceptable (None: each is), the one that has rested longest first."""
        rotation = self._rotation
        for _ in range(len(rotation)):
            slot = rotation[0]
            if not slot.ready(now):
                rotation.popleft()
                self._standing.discard(slot)
                continue
            rotation.rotate(-1)
            if acceptable is None or acceptable(slot):
                return slot
        return None
