"""What became of each message of a measured round, in memory that all processes of the round share.

One row a message, one column for each step of its life: when it was taken, by the clock `now`. Written by whoever does
the step (load, simulated SMSC, bare loop), read by the bench while it goes on and when it is over. Nobody waits for
anybody. Not responsible for what the figures mean (`bench_report.py`).
"""

import mmap
import time
from collections.abc import Sequence
from pathlib import Path

COLUMNS = ("published", "taken", "copies", "sent", "answered", "heard")
TOTALS = ("ready", "taken", "answered", "refused", "strays", "held", "ended")
_OCTETS = 8

now = time.monotonic
"""Linux has one such clock for all processes."""


class Board:
    """`rows` messages. A time of 0 is a step not taken.

    published: written to RabbitMQ. taken: at the SMSC (bare loop: claimed), or the first of its segments. copies: how
    often it was taken, each segment once. sent: its receipt, that of its last segment, or the MO that it is, was
    written to the bridge first. answered: deliver_sm_resp came, to the last of its receipts: the end of a life.
    heard: its event was consumed.
    `totals` counts, cheaply to be watched: who is ready, submit_sm taken, lives that ended (`answered`), deliver_sm
    refused, what was none of these messages, submit_sm whose answer was kept back, and whether the bare loop has put
    away everything.
    """

    def __init__(self, path: Path) -> None:
        """The file must be there, made by `Board.create`."""
        with path.open("r+b") as file:
            cells = memoryview(mmap.mmap(file.fileno(), 0)).cast("d")
        first = len(TOTALS)
        self.rows = rows = (len(cells) - first) // len(COLUMNS)
        self.totals = cells[:first]
        self.published, self.taken, self.copies, self.sent, self.answered, self.heard = (
            cells[first + number * rows : first + (number + 1) * rows] for number in range(len(COLUMNS))
        )

    @classmethod
    def create(cls, path: Path, rows: int) -> "Board":
        """A board on which nothing has happened."""
        with path.open("wb") as file:
            file.truncate(_OCTETS * (len(TOTALS) + len(COLUMNS) * rows))
        return cls(path)

    def total(self, name: str) -> int:
        """One of TOTALS."""
        return int(self.totals[TOTALS.index(name)])

    def count(self, name: str, more: int = 1) -> None:
        """Add to one of TOTALS. Each has one process that writes it."""
        self.totals[TOTALS.index(name)] += more


def happened(column: Sequence[float]) -> list[float]:
    """The times of a column at which something happened, in order."""
    return sorted(filter(None, column))
