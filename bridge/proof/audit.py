"""The verdict: set arithmetic over what was published, what the provider took, and which events came back.

A `Ledger` is filled while things happen, in any order; `audit` compares its sides at any time. Nothing here knows
how the facts were gathered, waits, or judges speed. MOs are known by their text, which must differ from MO to MO.
A long MT is taken when a phone can put it together: each segment at least once, under one reference.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from bridge.model.inbound import Concat

Kind = Literal["lost", "doubled", "wrong"]
Finding = tuple[Kind, str, Set[str]]

ENDED_UNSENT = frozenset({"rejected", "failed", "parked", "invalid", "expired"})
EXAMPLES = 5
WHOLE = Concat(ref=0, total=1, seq=1)
"""The only segment of a short MT."""


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
    """What the ledger says. Sets hold MT ids, for MOs their texts; for receipts the provider's message ids, or the MT's
    where one receipt speaks of all its segments.
    """

    published: int
    """MTs that RabbitMQ confirmed, each id counted once."""
    per_link: Mapping[str, int]
    """Submissions that the provider took, by link: each segment is one."""
    accepted: int
    """MTs that it has whole, each counted once."""
    long: int
    """Those among them that it took in several segments."""
    ended: Mapping[str, int]
    """MTs that ended otherwise, by outcome."""
    doubled_marked: frozenset[str]
    """MTs of which the provider took a segment more than once, and that are marked as possible duplicates."""
    receipts: int
    """Receipts that were published, each counted once."""
    unmatched: int
    """Receipts among them that no MT was found for."""
    mos: int
    """MOs that were published, each counted once."""
    long_mos: int
    """Those among them that came in several segments."""
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


class Submission(NamedTuple):
    """What the provider named: an MT, or a segment of a long one; and whether it owes a receipt for it."""

    mt_id: str
    segment: bool
    receipt: bool


@dataclass(slots=True)
class Ledger:
    """What happened so far. Every method notes one fact and may be called any number of times."""

    _published: Counter[str] = field(default_factory=Counter)
    _perhaps_published: set[str] = field(default_factory=set)
    _taken: defaultdict[str, Counter[Concat]] = field(default_factory=lambda: defaultdict(Counter))
    _per_link: Counter[str] = field(default_factory=Counter)
    _submissions: dict[str, Submission] = field(default_factory=dict)
    _spellings: dict[str, str] = field(default_factory=dict)
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

    def taken(
        self,
        mt_id: str,
        smsc_id: str,
        link: str,
        *,
        receipt: bool = True,
        segment: Concat | None = None,
        spelt: str | None = None,
    ) -> None:
        """The provider took a submission over this link, and owes a `receipt` for it or not.

        `smsc_id` as answered, `spelt` as receipts spell it, if otherwise.
        """
        self._taken[mt_id][segment or WHOLE] += 1
        self._per_link[link] += 1
        self._submissions[smsc_id] = Submission(mt_id, segment is not None, receipt)
        if spelt is not None and spelt != smsc_id:
            self._spellings[spelt] = smsc_id

    def mo_sent(self, text: str) -> None:
        """The provider has an MO with this text."""
        self._mos_sent.add(text)

    def delivered(self, parcel: Hashable) -> None:
        """The bridge answered OK to a deliver_sm; `parcel` is the same for each repeat of a receipt or MO."""
        self._delivered[parcel] += 1

    def event(self, body: Mapping[str, Any]) -> None:
        """An event came out of RabbitMQ; its decoded body."""
        self._mark(body)
        earlier = self._events.get(body["event_id"])
        if earlier is not None:
            self._repeated += 1
        # A receipt that went out unmatched comes once more when its MT is found, and then tells more.
        if earlier is None or not earlier.get("matched", True):
            self._events[body["event_id"]] = body

    def _mark(self, body: Mapping[str, Any]) -> None:
        if body["type"] in ("mt", "dr") and body["possible_duplicate"]:
            self._marked.add(body["id"] if body["type"] == "mt" else body["mt_id"])

    def audit(self) -> Audit:
        """Compare the sides as they are now."""
        mts, drs, mos = self._of("mt"), [*map(self._as_answered, self._of("dr"))], self._of("mo")
        ended = [event for event in mts if event["outcome"] in ENDED_UNSENT]
        whole = {mt_id for mt_id, segments in self._taken.items() if _is_whole(segments)}
        doubled = {mt_id for mt_id, segments in self._taken.items() if _has_doubles(segments)}
        again = sum(times - 1 for counter in (self._published, self._delivered) for times in counter.values())
        return Audit(
            published=len(self._published),
            per_link=dict(self._per_link),
            accepted=len(whole),
            long=sum(self._taken[mt_id].keys() != {WHOLE} for mt_id in whole),
            ended=Counter(event["outcome"] for event in ended),
            doubled_marked=frozenset(doubled & self._marked),
            receipts=len(drs),
            unmatched=sum(not event["matched"] for event in drs),
            mos=len(mos),
            long_mos=sum(event["segments"] > 1 for event in mos),
            repeated=self._repeated,
            suppressed=max(0, again - self._repeated),
            complaints=tuple(
                Complaint(kind, what, frozenset(about))
                for kind, what, about in (
                    *self._about_mts(ended, whole, doubled),
                    *self._about_receipts(mts, drs, whole - {event["id"] for event in ended}),
                    *self._about_mos(mos),
                )
                if about
            ),
        )

    def _of(self, kind: str) -> list[Mapping[str, Any]]:
        return [event for event in self._events.values() if event["type"] == kind]

    def _as_answered(self, dr: Mapping[str, Any]) -> Mapping[str, Any]:
        """With the id as in the answer: in that of a receipt that was not matched it is as received."""
        smsc_id = dr["smsc_id"]
        return {**dr, "smsc_id": self._spellings.get(smsc_id, smsc_id)}

    def _about_mts(
        self, ended: list[Mapping[str, Any]], whole: set[str], doubled: set[str]
    ) -> Iterator[Finding]:
        published, taken = self._published.keys(), self._taken.keys()
        outcomes = Counter(event["id"] for event in ended)
        refused = {event["id"] for event in ended if event["outcome"] in ("rejected", "invalid")}
        strangers = taken - published - self._perhaps_published
        in_part = taken - whole - strangers - outcomes.keys()
        mixed = {mt_id for mt_id in in_part if len({(s.ref, s.total) for s in self._taken[mt_id]}) > 1}
        yield (
            "lost",
            "MTs lost (not taken by the provider, and no event says why)",
            published - taken - outcomes.keys(),
        )
        yield "lost", "MTs lost in part (segments are missing, and no event says why)", in_part - mixed
        yield "wrong", "MTs whose segments have different references", mixed
        yield "doubled", "MTs doubled without a mark", doubled - self._marked
        yield "wrong", "MTs taken that nobody published", strangers
        yield "wrong", "MTs with more than one outcome", _more_than_one(outcomes)
        yield "wrong", "MTs said to be refused that the provider took", refused & whole

    def _about_receipts(
        self, mts: list[Mapping[str, Any]], drs: list[Mapping[str, Any]], sent: set[str]
    ) -> Iterator[Finding]:
        subjects = Counter(map(self._subject, drs))
        in_doubt = self._marked | {event["id"] for event in mts if event["outcome"] == "parked"}
        answered = {smsc_id for smsc_id, found in self._submissions.items() if found.mt_id not in in_doubt}
        yield "lost", "receipts lost", self._receipts_lost(drs, subjects.keys(), sent)
        yield "doubled", "receipts doubled", _more_than_one(subjects)
        known = self._submissions.keys()
        yield "wrong", "receipts that nobody sent", {event["smsc_id"] for event in drs} - known
        wrong = {e["smsc_id"] for e in drs if e["matched"] and self._mt_of(e["smsc_id"]) != e["mt_id"]}
        yield "wrong", "receipts matched to the wrong MT", wrong & known
        yield (
            "wrong",
            "receipts not matched though their MT was not in doubt",
            {event["smsc_id"] for event in drs if not event["matched"]} & answered,
        )

    def _subject(self, dr: Mapping[str, Any]) -> str:
        """What this receipt speaks of, and no other may: a submission, or a long MT."""
        submission = self._submissions.get(dr["smsc_id"])
        whole_mt = submission is not None and submission.segment and dr["joined"]
        return submission.mt_id if submission is not None and whole_mt else dr["smsc_id"]

    def _receipts_lost(self, drs: list[Mapping[str, Any]], subjects: Set[str], sent: set[str]) -> Set[str]:
        """What the provider sent receipts of, and no event speaks of.

        Of an MT that may have been sent twice one is enough: those of the other copy tell nothing.
        """
        of_mts = {mt_id for event in drs if (mt_id := self._mt_of(event["smsc_id"]))}
        lost = set()
        for smsc_id, submission in self._submissions.items():
            if not submission.receipt:
                continue
            if submission.mt_id in self._marked:
                owed, told = submission.mt_id, submission.mt_id in of_mts
            elif submission.segment:
                owed = submission.mt_id
                told = owed in subjects or owed not in sent
            else:
                owed, told = smsc_id, smsc_id in subjects
            if not told:
                lost.add(owed)
        return lost

    def _mt_of(self, smsc_id: str) -> str | None:
        submission = self._submissions.get(smsc_id)
        return None if submission is None else submission.mt_id

    def _about_mos(self, mos: list[Mapping[str, Any]]) -> Iterator[Finding]:
        per_text = Counter(event["text"] for event in mos)
        strange = per_text.keys() - self._mos_sent
        pieces = {text: whole for text in strange for whole in self._mos_of(text)}
        wholes = set(pieces.values())
        in_part = wholes - per_text.keys()
        yield "lost", "MOs lost", self._mos_sent - per_text.keys() - in_part
        yield "lost", "MOs lost in part (segments are missing)", in_part
        yield "doubled", "MOs doubled", _more_than_one(per_text)
        yield "doubled", "MOs doubled in part", wholes - in_part
        yield "wrong", "MOs that nobody sent", strange - pieces.keys()

    def _mos_of(self, piece: str) -> list[str]:
        """The MOs that this may be a piece of."""
        return [text for text in self._mos_sent if piece and piece in text]


def _more_than_one(counts: Counter[str]) -> set[str]:
    return {thing for thing, times in counts.items() if times > 1}


def _is_whole(segments: Counter[Concat]) -> bool:
    """Are all segments there under one reference?"""
    numbers = defaultdict(set)
    for segment in segments:
        numbers[segment.ref, segment.total].add(segment.seq)
    return any(len(there) == total for (_, total), there in numbers.items())


def _has_doubles(segments: Counter[Concat]) -> bool:
    """Was one of them taken more than once, under whatever reference?"""
    times = Counter[int]()
    for segment, count in segments.items():
        times[segment.seq] += count
    return any(count > 1 for count in times.values())
