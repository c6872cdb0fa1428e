"""The segments of long MOs, held until the whole is there, whatever worker each came to (`lua/segments.lua`).

`set_key` is the 16 octets that name one MO by what its segments share, `tag` the 8 octets of one segment's content.
Every operation calls `done` exactly once, in a later turn of the loop. Not responsible for what is in a `body`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, cast

from bridge.store.batcher import Batcher, Operation

SetVerdict = Literal["held", "complete", "busy", "repeat"]

LEASE_MS = 5_000
"""For so long a worker that was told `complete` has the publishing of the whole to itself (contract 7.4)."""


@dataclass(frozen=True, slots=True)
class SetClaim:
    """The answer to one segment.

    held: it is safe here; others are missing. complete: nothing is missing, and it is for the caller to publish
    `parts` under `event_id`, which is that of the first segment. busy: another worker is at that. repeat: it is
    published. `parts` are the bodies in the order of their numbers: those that were not published before.
    """

    verdict: SetVerdict
    event_id: str = ""
    parts: list[bytes] = field(default_factory=list)


class Due(NamedTuple):
    """Segments whose wait is over, or that are complete and were not published: to be published now.

    `set_key` is for `published` and `abandon`; it may be longer than that of `add`.
    """

    set_key: bytes
    event_id: str
    parts: list[bytes]


class Segments:
    """The operations on sets of segments. Fail-fast ones tell None when it is unknown whether they were executed."""

    def __init__(self, batcher: Batcher, prefix: str) -> None:
        self._add = batcher.add
        self._seg = f"{prefix}:seg:".encode()

    def add(
        self,
        set_key: bytes,
        number: int,
        total: int,
        tag: bytes,
        body: bytes,
        event_id: str,
        owner: str,
        wait_ms: int,
        keep_ms: int,
        done: Callable[[SetClaim | None], None],
    ) -> None:
        """Hold segment `number` of `total` for the others, `wait_ms` long from the first. Fails fast.

        What is held is kept for the whole retention, or at least `keep_ms` beyond the wait. Other content under a
        number that is taken begins a set of its own, and what was held before falls due at once. A segment that comes
        when the others were published without it is complete.
        """
        key = self._seg + set_key
        words = (b"segment", key, number, total, tag, body, event_id, owner, LEASE_MS, wait_ms, keep_ms)
        self._add(Operation(words, _read_claim, done, kept=False))

    def published(self, set_key: bytes, event_id: str, keep_ms: int, done: Callable[[], None]) -> None:
        """The event is published, by whomever: its parts are dropped, repeats are known for `keep_ms`. Kept."""
        words = (b"published", self._seg + set_key, event_id, keep_ms)
        self._add(Operation(words, bool, lambda _: done(), kept=True))

    def abandon(self, set_key: bytes, owner: str, done: Callable[[], None]) -> None:
        """It could not be published: what this worker has of it is due at once, for anybody. Kept."""
        words = (b"give_up", self._seg + set_key, owner)
        self._add(Operation(words, bool, lambda _: done(), kept=True))

    def overdue(
        self, limit: int, lease_ms: int, owner: str, done: Callable[[list[Due] | None], None]
    ) -> None:
        """What is due, no other worker's for `lease_ms`. Fails fast."""
        self._add(Operation((b"due_sets", limit, lease_ms, owner), self._read_due, done, kept=False))

    def _read_due(self, reply: list[Any]) -> list[Due]:
        start = len(self._seg)
        return [Due(key[start:], event_id.decode(), parts) for key, event_id, parts in reply]


def _read_claim(reply: Any) -> SetClaim:
    if isinstance(reply, bytes):
        return SetClaim(cast("SetVerdict", reply.decode()))
    verdict, event_id, parts = reply
    return SetClaim(cast("SetVerdict", verdict.decode()), event_id.decode(), parts)
