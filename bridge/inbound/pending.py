"""What has come in and is not answered yet: one entry for each MO or DR, and the answers that wait for its verdict.

A repeat that comes while the first is being worked on joins it. Every wait has a limit: an answer that is owed for
longer than `ANSWER_WITHIN_S` is given as a refusal, and the provider sends it again.
"""

from typing import Generic, TypeVar

from bridge.inbound.ports import Answer
from bridge.model.events import Origin
from bridge.model.inbound import Raw

ANSWER_WITHIN_S = 10.0
MOST_PENDING = 2000
"""How many MOs and DRs one worker works on at once; above it, it refuses: a flood waits at the provider."""
MOST_OCTETS = 16 * 1024 * 1024
"""What they may have brought in all: usual ones never get there, but a PDU may hold 64 KiB, which takes ten times that
until its event is confirmed. Callbacks are bounded by the bodies they come in."""

What = TypeVar("What")


def octets_of(raw: Raw) -> int:
    """Of the message and the TLVs of a PDU; none of a callback."""
    return (len(raw.get("short_message", "")) + sum(map(len, raw.get("tlvs", {}).values()))) // 2


class Entry(Generic[What]):
    """One MO or DR being worked on. `epoch` and `held`: of a receipt, as its claim had them; `octets`: of its PDU."""

    __slots__ = ("answers", "epoch", "event_id", "held", "key", "octets", "origin", "since", "what")

    def __init__(
        self,
        key: bytes,
        what: What,
        origin: Origin,
        event_id: str,
        answer: Answer,
        since: float,
        octets: int = 0,
    ) -> None:
        self.key = key
        self.what = what
        self.origin = origin
        self.event_id = event_id
        self.answers = [answer]
        self.since = since
        self.octets = octets
        self.epoch = 0
        self.held = b""


class Pending(Generic[What]):
    """The entries, oldest first."""

    def __init__(self) -> None:
        self._entries: dict[bytes, Entry[What]] = {}
        self._octets = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def full(self) -> bool:
        """Whether a new entry has to be refused."""
        return len(self._entries) >= MOST_PENDING or self._octets >= MOST_OCTETS

    def get(self, key: bytes) -> Entry[What] | None:
        """The entry of this key, if it is being worked on."""
        return self._entries.get(key)

    def add(self, entry: Entry[What]) -> None:
        """Begin work on it."""
        self._entries[entry.key] = entry
        self._octets += entry.octets

    def answer(self, entry: Entry[What], safe: bool) -> None:
        """The verdict, for all that wait for it; the work on it is over."""
        if self._entries.pop(entry.key, None) is not None:
            self._octets -= entry.octets
        answers, entry.answers = entry.answers, []
        for answer in answers:
            answer(safe)

    def refuse_overdue(self, now: float) -> int:
        """Refuse what has waited too long, but go on with the work; returns how many answers were given."""
        refused = 0
        for entry in self._entries.values():
            if now - entry.since < ANSWER_WITHIN_S:
                break
            answers, entry.answers = entry.answers, []
            for answer in answers:
                answer(False)
            refused += len(answers)
        return refused
