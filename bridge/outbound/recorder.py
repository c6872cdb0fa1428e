"""Answers on their way into Redis: the claim, what receipts will look for, and the receipts that were faster.

An answer is a fact: it is recorded at once, whatever is decided of its MT meanwhile. Not responsible for events.
"""

from collections.abc import Callable, Sequence
from functools import partial

import structlog

from bridge.outbound.flight import Flight, Long, SegmentRef
from bridge.outbound.ports import ClaimsPort, LinkPort
from bridge.outbound.record import Record, correlation_of, dump_accepted, dump_long
from bridge.outbound.tell import origin_of
from bridge.store.claims import Recorded, Unmatched
from bridge.store.correlation import Correlation

log = structlog.get_logger(__name__)

LateMatch = Callable[[Sequence[Unmatched], Correlation, Callable[[], None]], None]
"""Takes receipts that went out unmatched, the MT they turned out to speak of, and what to call when that is told."""

NO_HOLDER = ""
"""An owner that no claim has: the answer is recorded, and no claim changed."""


class Recorder:
    """Records what providers answered."""

    def __init__(self, claims: ClaimsPort, late_match: LateMatch, join_s: float) -> None:
        """`join_s`: how long an MT's receipts may take before what is known of it is told instead."""
        self._claims = claims
        self._late_match = late_match
        self._overdue_ms = int(join_s * 1000)

    def single(self, flight: Flight, smsc_id: str, link: LinkPort, then: Callable[[Recorded], None]) -> None:
        """The answer to an MT of one segment; `then` when what came before it is told, too."""
        entry = correlation_of(flight, smsc_id, link.provider)
        info = dump_accepted(smsc_id, origin_of(link), possible_duplicate=flight.doubt)
        done = partial(self._recorded, entry, then)
        self._claims.answered(
            flight.mt_key, flight.owner, info, entry, done, overdue_ms=self._overdue_of(flight)
        )

    def expected(self, flight: Flight, entry: Correlation, then: Callable[[Recorded], None]) -> None:
        """No answer is known, but what receipts will call the MT."""
        self._claims.expected(flight.mt_key, entry, partial(self._recorded, entry, then))

    def shown(
        self, mt_key: str, info: str, entry: Correlation, then: Callable[[Recorded], None], *, told: bool
    ) -> None:
        """A receipt was the answer, to whoever holds the claim. `told`: what came before it is told already."""
        done = then if told else partial(self._recorded, entry, then)
        overdue_ms = 0 if entry.receipt == "none" else self._overdue_ms
        self._claims.answered(mt_key, NO_HOLDER, info, entry, done, overdue_ms=overdue_ms)

    # Segments

    def segment(self, ref: SegmentRef, smsc_id: str, link: LinkPort, owner: str) -> bool:
        """The provider took a segment. `owner`: the name under which Redis knows our claim.

        False if that is no news of the flight's copy: it speaks of one given up, or names a segment once more.
        """
        flight, long = ref.flight, ref.flight.long
        if long is None or not ref.is_current(link.provider) or long.parts.is_taken(ref.number):
            self._further(ref, smsc_id, link)
            return False
        long.parts = long.parts.taken(ref.number, smsc_id)
        long.link = link
        self._segment(flight, long, ref.number, owner, partial(self._one_less, flight, long, ref.number))
        return True

    def _further(self, ref: SegmentRef, smsc_id: str, link: LinkPort) -> None:
        """Its receipts may come all the same."""
        entry = correlation_of(ref.flight, smsc_id, link.provider, (ref.number, ref.count))
        done = partial(self._recorded, entry, _nothing)
        self._claims.part_answered(ref.flight.mt_key, NO_HOLDER, ref.reference, "", "", entry, done)

    def whole(self, flight: Flight, long: Long, then: Callable[[], None]) -> None:
        """All segments are taken: `then` when all answers are recorded, and what came before them is told."""
        long.when_recorded = partial(self._once_more, flight, long, then)
        self._go_on(long)

    def _once_more(self, flight: Flight, long: Long, then: Callable[[], None]) -> None:
        """First those of which it is not sure that they count, and that what was found with them was told.

        Another flight recorded them, whose worker may have died since; or nobody knew then whose the claim was.
        """
        long.when_recorded = then
        for number in long.unsure:
            self._segment(flight, long, number, flight.owner, partial(self._one_less, flight, long, 0))
        long.unsure.clear()
        self._go_on(long)

    def _segment(
        self, flight: Flight, long: Long, number: int, owner: str, then: Callable[[Recorded], None]
    ) -> None:
        parts = long.parts
        entry = correlation_of(
            flight, parts.smsc_ids[number - 1] or "", parts.provider, (number, parts.count)
        )
        long.unrecorded += 1
        self._claims.part_answered(
            flight.mt_key,
            owner,
            long.reference,
            flight.bequest(parts),
            _accepted(flight, long) if parts.complete else "",
            entry,
            partial(self._recorded, entry, then),
            overdue_ms=self._overdue_of(flight),
        )

    def _one_less(self, flight: Flight, long: Long, number: int, recorded: Recorded) -> None:
        """`number`: to be recorded once more if this was for another's claim; 0: not again."""
        if recorded.fenced:
            log.warning("mt.fenced", id=flight.mt.id, outcome="accepted segment")
            if number:
                long.unsure.add(number)
        long.unrecorded -= 1
        self._go_on(long)

    @staticmethod
    def _go_on(long: Long) -> None:
        if not long.unrecorded and long.when_recorded is not None:
            then, long.when_recorded = long.when_recorded, None
            then()

    # Repeats

    def again(self, flight: Flight, record: Record, info: str, then: Callable[[], None]) -> None:
        """An accepted MT once more: the worker that recorded it may have died before it told what it found with it."""
        report = record.report
        provider, waiting = report.origin.provider or "", len(report.smsc_ids)

        def one_less(_recorded: Recorded) -> None:
            nonlocal waiting
            waiting -= 1
            if not waiting:
                then()

        for number, smsc_id in enumerate(report.smsc_ids, 1):
            segment = None if report.segments == 1 else (number, report.segments)
            entry = correlation_of(flight, smsc_id or "", provider, segment)
            done = partial(self._recorded, entry, one_less)
            if segment is None:
                self._claims.answered(flight.mt_key, flight.owner, info, entry, done)
            else:
                self._claims.part_answered(
                    flight.mt_key, flight.owner, record.reference, "", info, entry, done
                )

    # The pieces

    def _recorded(self, entry: Correlation, then: Callable[[Recorded], None], recorded: Recorded) -> None:
        if recorded.unmatched:
            self._late_match(recorded.unmatched, entry, partial(then, recorded))
        else:
            then(recorded)

    def _overdue_of(self, flight: Flight) -> int:
        return 0 if flight.mt.receipt == "none" else self._overdue_ms


def _accepted(flight: Flight, long: Long) -> str:
    """What the claim says of an MT all segments of which are taken."""
    assert long.link is not None  # noqa: S101  one brought the last answer
    origin = origin_of(long.link)
    return dump_long(long.parts.smsc_ids, long.reference, origin, possible_duplicate=flight.doubt)


def _nothing(_recorded: Recorded) -> None:
    """Nothing waits for this step."""
