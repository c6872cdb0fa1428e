"""The verdict: set arithmetic over what was published, what the provider took, and which events came back.

A `Ledger` is filled while things happen, in any order; `audit` compares its sides at any time. Nothing here knows
how the facts were gathered, waits, or judges speed. MOs are known by their text, which must differ from MO to MO.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["lost", "doubled", "wrong"]
Finding = tuple[Kind, str, Set[str]]

ENDED_UNSENT = frozenset({"rejected", "failed", "parked", "invalid", "expired"})
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Complaint:
    """A promise that was not kept: what is wrong, and the ids or texts it is wrong with."""

    kind: Kind
    what: str
    about: frozenset[str]

    def __str__(self) -> str:
        some = ", ".join(sorted(self.about)[:EXAMPLES])
        return f"{len(self.about)} {self.what}: {some}{', ...' if len(self.about) > EXAMPLES else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What the ledger says. Sets hold MT ids, for receipts the provider's message ids, for MOs their texts."""

    published: int
    """MTs that RabbitMQ confirmed, each id counted once."""
    per_link: Mapping[str, int]
    """Submissions that the provider took, by link."""
    accepted: int
    """MTs among them, each counted once."""
    ended: Mapping[str, int]
    """MTs that ended otherwise, by outcome."""
    doubled_marked: frozenset[str]
    """MTs that the provider took more than once, and that are marked as possible duplicates."""
    receipts: int
    """Receipts that were published, each counted once."""
    unmatched: int
    """Receipts among them that no MT was found for."""
    mos: int
    """MOs that were published, each counted once."""
    repeated: int
    """Events that came again under an id that was seen before: the consumer drops them."""
    suppressed: int
    """Repeats of MTs, receipts and MOs that went in and of which nothing came out."""
    complaints: tuple[Complaint, ...]
    """Promises not kept. While messages are under way, what is not there yet is among them."""

    @property
    def passed(self) -> bool:
        """Nothing lost, nothing doubled without being marked, nothing invented, nothing mixed up."""
        return not self.complaints


@dataclass(slots=True)
class Ledger:
    """What happened so far. Every method notes one fact and may be called any number of times."""

    _published: Counter[str] = field(default_factory=Counter)
    _perhaps_published: set[str] = field(default_factory=set)
    _taken: Counter[str] = field(default_factory=Counter)
    _per_link: Counter[str] = field(default_factory=Counter)
    _mt_of: dict[str, str] = field(default_factory=dict)
    _receipts_owed: set[str] = field(default_factory=set)
    _mos_sent: set[str] = field(default_factory=set)
    _delivered: Counter[Hashable] = field(default_factory=Counter)
    _events: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _marked: set[str] = field(default_factory=set)
    _repeated: int = 0

    def published(self, mt_id: str, *, confirmed: bool = True) -> None:
        """An MT was published; not `confirmed`: RabbitMQ did not say whether it has it."""
        if confirmed:
            self._published[mt_id] += 1
        else:
            self._perhaps_published.add(mt_id)

    def taken(self, mt_id: str, smsc_id: str, link: str, *, receipt: bool = True) -> None:
        """The provider took a submission over this link, and owes a `receipt` for it or not."""
        self._taken[mt_id] += 1
        self._per_link[link] += 1
        self._mt_of[smsc_id] = mt_id
        if receipt:
            self._receipts_owed.add(smsc_id)

    def mo_sent(self, text: str) -> None:
        """The provider has an MO with this text."""
        self._mos_sent.add(text)

    def delivered(self, parcel: Hashable) -> None:
        """The bridge answered OK to a deliver_sm; `parcel` is the same for each repeat of a receipt or MO."""
        self._delivered[parcel] += 1

    def event(self, body: Mapping[str, Any]) -> None:
        """An event came out of RabbitMQ; its decoded body."""
        if body["type"] in ("mt", "dr") and body["possible_duplicate"]:
            self._marked.add(body["id"] if body["type"] == "mt" else body["mt_id"])
        earlier = self._events.get(body["event_id"])
        if earlier is not None:
            self._repeated += 1
        # A receipt that went out unmatched comes once more when its MT is found, and then tells more.
        if earlier is None or not earlier.get("matched", True):
            self._events[body["event_id"]] = body

    def audit(self) -> Audit:
        """Compare the sides as they are now."""
        mts, drs, mos = (self._of(kind) for kind in ("mt", "dr", "mo"))
        ended = [event for event in mts if event["outcome"] in ENDED_UNSENT]
        doubled = _more_than_one(self._taken)
        again = sum(times - 1 for counter in (self._published, self._delivered) for times in counter.values())
        return Audit(
            published=len(self._published),
            per_link=dict(self._per_link),
            accepted=len(self._taken),
            ended=Counter(event["outcome"] for event in ended),
            doubled_marked=frozenset(doubled & self._marked),
            receipts=len(drs),
            unmatched=sum(not event["matched"] for event in drs),
            mos=len(mos),
            repeated=self._repeated,
            suppressed=max(0, again - self._repeated),
            complaints=tuple(
                Complaint(kind, what, frozenset(about))
                for kind, what, about in (
                    *self._about_mts(ended, doubled),
                    *self._about_receipts(mts, drs),
                    *self._about_mos(mos),
                )
                if about
            ),
        )

    def _of(self, kind: str) -> list[Mapping[str, Any]]:
        return [event for event in self._events.values() if event["type"] == kind]

    def _about_mts(self, ended: list[Mapping[str, Any]], doubled: set[str]) -> Iterator[Finding]:
        published, taken = self._published.keys(), self._taken.keys()
        outcomes = Counter(event["id"] for event in ended)
        refused = {event["id"] for event in ended if event["outcome"] in ("rejected", "invalid")}
        yield (
            "lost",
            "MTs lost (not taken by the provider, and no event says why)",
            published - taken - outcomes.keys(),
        )
        yield "doubled", "MTs doubled without a mark", doubled - self._marked
        yield "wrong", "MTs taken that nobody published", taken - published - self._perhaps_published
        yield "wrong", "MTs with more than one outcome", _more_than_one(outcomes)
        yield "wrong", "MTs said to be refused that the provider took", refused & taken

    def _about_receipts(
        self, mts: list[Mapping[str, Any]], drs: list[Mapping[str, Any]]
    ) -> Iterator[Finding]:
        per_id = Counter(event["smsc_id"] for event in drs)
        in_doubt = self._marked | {event["id"] for event in mts if event["outcome"] == "parked"}
        answered = {smsc_id for smsc_id, mt_id in self._mt_of.items() if mt_id not in in_doubt}
        yield "lost", "receipts lost", self._receipts_owed - per_id.keys()
        yield "doubled", "receipts doubled", _more_than_one(per_id)
        yield "wrong", "receipts that nobody sent", per_id.keys() - self._mt_of.keys()
        wrong = {e["smsc_id"] for e in drs if e["matched"] and self._mt_of.get(e["smsc_id"]) != e["mt_id"]}
        yield "wrong", "receipts matched to the wrong MT", wrong & self._mt_of.keys()
        yield (
            "wrong",
            "receipts not matched though their MT was not in doubt",
            {event["smsc_id"] for event in drs if not event["matched"]} & answered,
        )

    def _about_mos(self, mos: list[Mapping[str, Any]]) -> Iterator[Finding]:
        per_text = Counter(event["text"] for event in mos)
        yield "lost", "MOs lost", self._mos_sent - per_text.keys()
        yield "doubled", "MOs doubled", _more_than_one(per_text)
        yield "wrong", "MOs that nobody sent", per_text.keys() - self._mos_sent


def _more_than_one(counts: Counter[str]) -> set[str]:
    return {thing for thing, times in counts.items() if times > 1}
