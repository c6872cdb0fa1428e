"""What a run found: per fault how much was sent, lost, doubled, how long all stood, how soon all was well.

What went wrong with a message is told beside the fault that struck last when the message was last heard of; what
Redis forgot, beside the fault that made it forget. Pure. How it is written down, `telling.py` knows.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bridge.proof.audit import Audit, Complaint

GRACE_S = 2.0
"""What is under way when a fault strikes was last heard of so long before it at most."""


@dataclass(slots=True, kw_only=True)
class Span:
    """The time from one strike to the next. `faults`: none before the first; `seconds` they lasted.

    `recovered_s` None: all was not well in time.
    """

    faults: tuple[str, ...]
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
    troubles: Sequence[str]
    """Workers that ended by themselves, and what did not come back to where it was."""
    notes: Sequence[str] = ()
    """What was measured on the side."""

    @property
    def passed(self) -> bool:
        """Nothing held against the bridge, each fault recovered from, no trouble."""
        return not (self.held or self.troubles or any(span.recovered_s is None for span in self.spans))


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
    spans: Sequence[Span],
    audit: Audit,
    lives: Lives,
    forgot_at: Sequence[float],
    troubles: Sequence[str],
    notes: Sequence[str] = (),
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
    return Verdict(spans, counts, audit, held, known, troubles, notes)


def _lived(thing: str, lives: Lives, instants: Sequence[float]) -> Sequence[float]:
    """Those of the instants at which it was under way."""
    if thing not in lives:
        return ()
    first, last = lives[thing]
    return [instant for instant in instants if first - GRACE_S <= instant <= last + GRACE_S]
