"""What is over and right, in few octets each: enough to tell when more is heard of it, and to take it up again then.

Ids and texts of events, parcels and MTs are kept as their hashes where nothing but "was it there?" is asked. Those have
64 bits: among two million the odds that any two are equal are one to nine million.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bridge.model.inbound import Concat


class ClosedMt(NamedTuple):
    """An MT that was taken and told of. `first`: when it was first heard of, by the ledger's clock.

    `confirmed`: RabbitMQ said that it has it. `smsc_ids`: those of its submissions; `segments`: what they were, none
    for a short MT; `told`: those of these ids that receipts came for, and `joined`: as one for all segments.
    """

    first: float
    confirmed: bool
    smsc_ids: tuple[str, ...]
    segments: tuple[Concat, ...]
    told: tuple[str, ...]
    joined: tuple[str, ...]

    def events(self, mt_id: str) -> list[Mapping[str, Any]]:
        """Receipts that say the same as those that came, under ids of their own."""
        return [
            {
                "type": "dr",
                "event_id": f"closed {smsc_id} {joined}",
                "possible_duplicate": False,
                "mt_id": mt_id,
                "smsc_id": smsc_id,
                "matched": True,
                "joined": joined,
            }
            for joined, smsc_ids in ((False, self.told), (True, self.joined))
            for smsc_id in smsc_ids
        ]


class Closed:
    """All of it, and the sums an audit needs."""

    def __init__(self) -> None:
        self.mts: dict[str, ClosedMt] = {}
        self.mt_of: dict[str, str] = {}
        """The MT of each of the provider's ids."""
        self.mos: dict[str, float] = {}
        """When each MO, by its text, was first heard of."""
        self.doubled: dict[str, tuple[float, float]] = {}
        """MTs that were taken twice, and marked; when they were first and last heard of."""
        self.published = 0
        self.long = 0
        self.receipts = 0
        self.unmatched = 0
        self.long_mos = 0
        self._events: set[int] = set()

    def close(self, mt_id: str, mt: ClosedMt) -> None:
        """It is over."""
        self.mts[mt_id] = mt
        for smsc_id in mt.smsc_ids:
            self.mt_of[smsc_id] = mt_id
        self._count(mt, 1)

    def reopen(self, mt_id: str) -> ClosedMt:
        """It is not."""
        mt = self.mts.pop(mt_id)
        self.doubled.pop(mt_id, None)
        for smsc_id in mt.smsc_ids:
            del self.mt_of[smsc_id]
        self._count(mt, -1)
        return mt

    def told(self, event_id: str) -> None:
        """This event came, and tells nothing new any more."""
        self._events.add(hash(event_id))

    def knows(self, event_id: str) -> bool:
        """Whether it came."""
        return hash(event_id) in self._events

    def _count(self, mt: ClosedMt, times: int) -> None:
        self.published += times * mt.confirmed
        self.long += times * bool(mt.segments)
        self.receipts += times * (len(mt.told) + len(mt.joined))


class Texts:
    """Which MT each text belongs to, without the texts."""

    def __init__(self) -> None:
        self._ids: dict[int, str] = {}

    def note(self, text: str, mt_id: str) -> None:
        """This MT has this text, and no other has."""
        self._ids[hash(text)] = mt_id

    def get(self, text: str, /) -> str | None:
        """The MT with this text."""
        return self._ids.get(hash(text))
