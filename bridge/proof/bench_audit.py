"""Was anything lost or doubled while it was measured? By counts, from the board and the events of one round.

Pure but for the clock of what is heard. `audit.py` has the whole truth, for the demo; here every message is the same
and nothing goes wrong by intent.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from bridge.proof.bench_board import Board, now
from bridge.proof.bench_messages import row_of


@dataclass(frozen=True, slots=True)
class Findings:
    """`lost`: rows that did not get to their end. `doubled`: rows that got there twice. `wrong`: events nobody expects.

    `example`: one of them, in words.
    """

    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    example: str = ""

    @property
    def clean(self) -> bool:
        """Nothing of all that."""
        return not (self.lost or self.doubled or self.wrong)

    def __add__(self, other: "Findings") -> "Findings":
        """Of two rounds together."""
        return Findings(
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.wrong + other.wrong,
            self.example or other.example,
        )


class Heard:
    """The events of one round. An event that comes again under its id is one event (contract, section 2)."""

    def __init__(self, board: Board, *, mos: bool, segments: int = 1) -> None:
        """`segments`: of each row."""
        self._board = board
        self._mos = mos
        self._segments = segments
        self._ids: list[str | None] = [None] * board.rows
        self._doubled = 0
        self._wrong = 0
        self._example = ""
        self.rows = 0
        """Rows of which an event was heard."""

    def hear(self, body: bytes) -> None:
        """One event."""
        at = now()
        event = orjson.loads(body)
        if event["type"] == "site":
            return
        row = self._row(event)
        if row is None:
            self._wrong += 1
            self._example = self._example or _in_words(event)
            return
        known = self._ids[row]
        if known is None:
            self._ids[row] = event["event_id"]
            self._board.heard[row] = at
            self.rows += 1
        elif known != event["event_id"]:
            self._doubled += 1
            self._example = self._example or f"row {row} has two events"

    def findings(self) -> Findings:
        """What to say of the round, when it is over."""
        board = self._board
        lost = sum(not heard for heard in board.heard)
        doubled = self._doubled
        example = self._example
        if not self._mos:
            lost = max(lost, sum(copies < self._segments for copies in board.copies))
            doubled += sum(copies > self._segments for copies in board.copies)
        if lost and not example:
            example = f"row {next((row for row, at in enumerate(board.heard) if not at), None)} has no event"
        elif doubled and not example:
            row = next(row for row, copies in enumerate(board.copies) if copies > self._segments)
            example = f"row {row} was sent twice"
        return Findings(lost, doubled, self._wrong + board.total("strays"), example)

    def _row(self, event: dict[str, Any]) -> int | None:
        """Whose event it is; None if nobody's, or if it does not say what it should."""
        if self._mos:
            number = (event["from"] or "").encode() if event["type"] == "mo" else b""
            row = row_of(number, 0, len(number))
        else:
            fine = event["type"] == "dr" and event["matched"] and event["state"] == "delivered"
            fine = fine and event.get("segment") is None  # of a long MT only the joined one is asked for
            digits = (event["mt_id"] or "").rpartition("-")[2] if fine else ""
            row = int(digits) if digits.isdigit() else -1
        return row if 0 <= row < self._board.rows else None


def _in_words(event: dict[str, Any]) -> str:
    told = {name: event[name] for name in ("outcome", "reason", "state", "matched") if name in event}
    return f"an event of type {event['type']}: {told}"
