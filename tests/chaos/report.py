"""What a run says at the end: per fault how much was sent, lost, doubled, how long all stood, how soon all was well.

What went wrong with a message is told beside the fault that struck last when the message was last heard of; what
Redis forgot, beside the fault that made it forget. Pure.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.proof.audit import Audit, Complaint

GRACE_S = 2.0
"""What is under way when a fault strikes was last heard of so long before it at most."""
CALM = "(before the first)"


@dataclass(slots=True, kw_only=True)
class Span:
    """The time from one strike to the next. `seconds` of the fault; `recovered_s` None: all was not well in time."""

    faults: str
    began: float
    seconds: float
    sent: int
    stall_s: float
    recovered_s: float | None
    remark: str = ""


@dataclass(slots=True)
class Counts:
    """What went wrong in one span; `known` is what Redis forgot, and not held against the bridge."""

    lost: int = 0
    marked: int = 0
    doubled: int = 0
    otherwise: int = 0
    known: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole run. `held`: complaints held against the bridge, `known`: those that are not."""

    spans: Sequence[Span]
    counts: Sequence[Counts]
    """For each span."""
    audit: Audit
    held: Sequence[Complaint]
    known: Sequence[Complaint]
    died: Sequence[str]
    """What workers that ended by themselves said last."""

    @property
    def passed(self) -> bool:
        """Nothing held against the bridge, each fault recovered from, no worker ended by itself."""
        return not (self.held or self.died or any(span.recovered_s is None for span in self.spans))


Lives = Mapping[str, tuple[float, float]]
"""When each thing was first and last heard of."""


def judged(
    complaints: Iterable[Complaint], lives: Lives, forgot_at: Sequence[float]
) -> tuple[list[Complaint], list[Complaint]]:
    """The complaints held against the bridge, and those about what lived when Redis forgot.

    Redis holds no MT, so that one that is lost has no such excuse.
    """
    held: list[Complaint] = []
    known: list[Complaint] = []
    for complaint in complaints:
        lived = frozenset(thing for thing in complaint.about if _lived(thing, lives, forgot_at))
        excused = frozenset[str]() if complaint.what.startswith("MTs lost") else lived
        for found, about in ((held, complaint.about - excused), (known, excused)):
            if about:
                found.append(Complaint(complaint.kind, complaint.what, about))
    return held, known


def verdict(
    spans: Sequence[Span], audit: Audit, lives: Lives, forgot_at: Sequence[float], died: Sequence[str]
) -> Verdict:
    """Put together what is known."""
    held, known = judged(audit.complaints, lives, forgot_at)
    counts = [Counts() for _ in spans]
    starts = [span.began for span in spans]

    def at(instant: float) -> Counts:
        return counts[max(0, bisect_right(starts, instant) - 1)]

    def of(thing: str) -> Counts:
        return at(lives[thing][1] + GRACE_S if thing in lives else starts[0])

    for mt_id in audit.doubled_marked:
        of(mt_id).marked += 1
    for complaint in held:
        for thing in complaint.about:
            match complaint.kind:
                case "lost":
                    of(thing).lost += 1
                case "doubled":
                    of(thing).doubled += 1
                case "wrong":
                    of(thing).otherwise += 1
    for complaint in known:
        for thing in complaint.about:
            at(_lived(thing, lives, forgot_at)[0]).known += 1
    return Verdict(spans, counts, audit, held, known, died)


def _lived(thing: str, lives: Lives, instants: Sequence[float]) -> Sequence[float]:
    """Those of the instants at which it was under way."""
    if thing not in lives:
        return ()
    first, last = lives[thing]
    return [instant for instant in instants if first - GRACE_S <= instant <= last + GRACE_S]


COLUMNS = ("fault", "for s", "sent", "lost", "doubled", "marked", "wrong", "known", "stall s", "well after s")
WIDTHS = (52, 6, 7, 5, 8, 7, 6, 6, 8, 13)


def table(found: Verdict) -> Iterator[str]:
    """Line by line."""
    yield _line(COLUMNS)
    for span, counts in zip(found.spans, found.counts, strict=True):
        yield _line(
            (
                span.faults,
                f"{span.seconds:.1f}",
                f"{span.sent:,}",
                *map(_shown, (counts.lost, counts.doubled, counts.marked, counts.otherwise, counts.known)),
                f"{span.stall_s:.1f}",
                "never" if span.recovered_s is None else f"{span.recovered_s:.1f}",
            )
        )
        if span.remark:
            yield f"    {span.remark}"
    total = [sum(getattr(c, name) for c in found.counts) for name in Counts.__slots__]
    lost, marked, doubled, otherwise, known = total
    yield _line(
        (
            f"{_times(len(found.spans) - 1, 'strike')}",
            f"{sum(span.seconds for span in found.spans):.0f}",
            f"{sum(span.sent for span in found.spans):,}",
            *map(_shown, (lost, doubled, marked, otherwise, known)),
            f"{max(span.stall_s for span in found.spans):.1f}",
            f"{max(span.recovered_s or 0 for span in found.spans):.1f}",
        )
    )


def sentences(found: Verdict) -> Iterator[str]:
    """What the table does not say."""
    audit = found.audit
    yield (
        f"{audit.published:,} MTs, {audit.accepted:,} of them taken ({audit.long:,} long), "
        f"{sum(audit.ended.values()):,} ended otherwise; {audit.receipts:,} receipts ({audit.unmatched:,} of no known "
        f"MT), {audit.mos:,} MOs; {audit.suppressed:,} repeats suppressed, {audit.repeated:,} events published again"
    )
    for complaint in found.known:
        yield f"known, Redis forgot: {complaint}"
    for complaint in found.held:
        yield f"WRONG: {complaint}"
    for word in found.died:
        yield f"WRONG: {word}"
    for span in found.spans:
        if span.recovered_s is None:
            yield f"WRONG: all was not well in time after {span.faults}"
    yield "Nothing lost, nothing doubled without a mark." if found.passed else "FAILED"


def as_json(found: Verdict) -> dict[str, Any]:
    """For a script."""
    return {
        "passed": found.passed,
        "published": found.audit.published,
        "accepted": found.audit.accepted,
        "receipts": found.audit.receipts,
        "mos": found.audit.mos,
        "faults": [
            {
                "faults": span.faults.split(" + "),
                "seconds": span.seconds,
                "sent": span.sent,
                "lost": counts.lost,
                "doubled": counts.doubled,
                "doubled_marked": counts.marked,
                "otherwise_wrong": counts.otherwise,
                "known": counts.known,
                "worst_stall_s": round(span.stall_s, 1),
                "recovered_s": None if span.recovered_s is None else round(span.recovered_s, 1),
                "remark": span.remark,
            }
            for span, counts in zip(found.spans, found.counts, strict=True)
        ],
        "complaints": [{"what": it.what, "about": sorted(it.about)} for it in found.held],
        "known": [{"what": it.what, "about": sorted(it.about)} for it in found.known],
        "died": list(found.died),
    }


def _line(cells: Iterable[str]) -> str:
    first, *rest = cells
    return f"{first:{WIDTHS[0]}}" + "".join(
        f"{cell:>{width}}" for cell, width in zip(rest, WIDTHS[1:], strict=True)
    )


def _shown(number: int) -> str:
    return f"{number:,}" if number else "-"


def _times(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
