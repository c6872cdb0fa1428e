"""The verdict in words: a table with a row for each kind of fault, sentences, and the same for a script. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.report import Counts, Span, Verdict

COLUMNS = (
    "fault",
    "played",
    "MTs sent",
    "lost",
    "doubled, unmarked",
    "doubled, marked",
    "otherwise wrong",
    "known",
    "worst stall, s",
    "well again after, s",
)
CALM = "(before the first)"


@dataclass(slots=True)
class Row:
    """What there is to say of one kind of fault, or of all."""

    played: int = 0
    sent: int = 0
    lost: int = 0
    doubled: int = 0
    marked: int = 0
    otherwise: int = 0
    known: int = 0
    stall_s: float = 0.0
    recovered_s: float | None = 0.0

    def add(self, span: Span, counts: Counts) -> None:
        """One more span."""
        self.sent += span.sent
        for name in Counts.__slots__:
            setattr(self, name, getattr(self, name) + getattr(counts, name))
        self.stall_s = max(self.stall_s, span.stall_s)
        if self.recovered_s is not None:
            self.recovered_s = None if span.recovered_s is None else max(self.recovered_s, span.recovered_s)

    def cells(self, name: str) -> list[str]:
        """As the columns want it."""
        numbers = self.lost, self.doubled, self.marked, self.otherwise, self.known
        return [
            name,
            f"{self.played:,}",
            f"{self.sent:,}",
            *(f"{number:,}" for number in numbers),
            f"{self.stall_s:.1f}",
            "never" if self.recovered_s is None else f"{self.recovered_s:.1f}",
        ]


def table(found: Verdict) -> Iterator[str]:
    """Markdown, line by line: a row for each kind of fault in the order of their names, and one for all.

    Of two faults that struck together, what happened is told in the rows of both; the last row counts it once.
    """
    rows: dict[str, Row] = {}
    whole = Row()
    for span, counts in zip(found.spans, found.counts, strict=True):
        whole.add(span, counts)
        whole.played += len(span.faults)
        for name in span.faults or (CALM,):
            row = rows.setdefault(name, Row())
            row.add(span, counts)
            row.played += bool(span.faults)
    cells = [
        list(COLUMNS),
        *(row.cells(name) for name, row in sorted(rows.items())),
        whole.cells("**all**"),
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    head, *body = cells
    yield _line(head, widths)
    yield f"|{'-' * (widths[0] + 2)}|" + "".join(f"{'-' * (width + 1)}:|" for width in widths[1:])
    for row_cells in body:
        yield _line(row_cells, widths)


def sentences(found: Verdict) -> Iterator[str]:
    """What the table does not say."""
    audit = found.audit
    yield (
        f"{audit.published:,} MTs, {audit.accepted:,} of them taken ({audit.long:,} long), "
        f"{sum(audit.ended.values()):,} ended otherwise; {audit.receipts:,} receipts ({audit.unmatched:,} of no known "
        f"MT), {audit.mos:,} MOs ({audit.long_mos:,} long); {audit.suppressed:,} repeats suppressed, "
        f"{audit.repeated:,} events published again"
    )
    yield from found.notes
    for span in found.spans:
        if span.remark:
            yield f"{named(span.faults)}: {span.remark}"
    for complaint in found.known:
        yield f"known, Redis forgot: {complaint}"
    for complaint in found.held:
        yield f"WRONG: {complaint}"
    for word in found.troubles:
        yield f"WRONG: {word}"
    for span in found.spans:
        if span.recovered_s is None:
            yield f"WRONG: all was not well in time after {named(span.faults)}"
    yield "Nothing lost, nothing doubled without a mark." if found.passed else "FAILED"


def named(faults: Sequence[str]) -> str:
    """Those that strike together, as people read it."""
    return " + ".join(faults) or CALM


def as_json(found: Verdict) -> dict[str, Any]:
    """For a script: every strike by itself."""
    return {
        "passed": found.passed,
        "published": found.audit.published,
        "accepted": found.audit.accepted,
        "receipts": found.audit.receipts,
        "mos": found.audit.mos,
        "faults": [
            {
                "faults": list(span.faults),
                "seconds": round(span.seconds, 1),
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
        "troubles": list(found.troubles),
        "notes": list(found.notes),
    }


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    return f"| {first[0]:{first[1]}} | " + " | ".join(f"{cell:>{width}}" for cell, width in rest) + " |"
