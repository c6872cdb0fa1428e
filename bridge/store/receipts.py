"""The claims of MOs and DRs: which of them are published already, which MT a receipt means, and which had none.

`key` is the 16 octets that make an MO or DR itself; `owner` is the worker; event ids have no `|`. Every
operation calls `done` exactly once, in a later turn of the loop. Not responsible for what is published or when.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, NamedTuple, cast

import structlog

from bridge.store.batcher import Batcher, Operation, Word
from bridge.store.claims import read_states
from bridge.store.correlation import Correlation, comparable, load
from bridge.text.message_ids import canonical

log = structlog.get_logger(__name__)

Verdict = Literal["new", "taken", "mine", "busy", "repeat", "waiting"]

LEASE_MS = 5_000
"""A claim older than this is anybody's: its worker died, or gave up (contract 7.4)."""


@dataclass(slots=True)  # not frozen: one a message, and making it takes three times as long
class MessageClaim:
    """The answer to the claim of an MO.

    new, taken (over, its lease has passed), mine (this worker holds it): publish under `event_id`, which is that
    of the first claim. busy: another worker is at it. repeat: published; under which id is not known any more.
    waiting: safe in a wait queue.
    """

    verdict: Verdict
    event_id: str


@dataclass(slots=True)  # not frozen: one a message, and making it takes three times as long
class ReceiptClaim:
    """The answer to the claim of a DR: as of an MO, and the MT it means.

    `stale`: another receipt has ended that MT, or that segment of it, before. `epoch` tells the uses of one id apart:
    part of the key. `extra`: it speaks of a copy of the MT beside the one that counts, and ends nothing.
    `joined`: if this receipt ends a long MT (the first failure, or all are final), the states of its segments in
    order, "" where unknown; the same whenever the same receipt is asked for.
    `due`: what `commit` takes off the list of receipts to come, if this receipt ends its MT. `held`: where the claim
    stands, if not under the receipt's key; for `commit` and `abandon`.
    """

    verdict: Verdict
    event_id: str
    entry: Correlation | None = None
    stale: bool = False
    epoch: int = 0
    extra: bool = False
    joined: tuple[str, ...] | None = None
    due: bytes = b""
    held: bytes = b""


@dataclass(slots=True)  # not frozen: one a message, and making it takes three times as long
class Question:
    """Which MT a receipt means, and what the receipt says of it.

    `ids` as received, the one to trust first. `guesses`: canonical forms the id of the answer may have had, tried only
    if none of `ids` is known; an address must be there and fit, and all that are known must mean one MT.
    `state`: the word, or "". `grade`: 0 not final, 1 final, 2 final and a failure.
    """

    provider: str
    ids: Sequence[str]
    guesses: Sequence[str]
    addresses: tuple[str, str]
    state: str
    grade: Literal[0, 1, 2]


class Overdue(NamedTuple):
    """An MT whose final receipt did not come in time. `states`: last known of each segment in order, "" unknown.

    `due` stays the same however often it is told, and is for `settled`.
    """

    due: bytes
    entry: Correlation
    states: tuple[str, ...]


class Receipts:
    """The operations on MOs and DRs. Fail-fast ones tell None when it is unknown whether they were executed."""

    def __init__(self, batcher: Batcher, prefix: str) -> None:
        self._add = batcher.add
        self._in = f"{prefix}:in:".encode()
        self._id = f"{prefix}:id:"
        self._un = f"{prefix}:un:"
        self._name_at = len(self._id.encode())

    def receipt(
        self,
        key: bytes,
        owner: str,
        event_id: str,
        question: Question,
        done: Callable[[ReceiptClaim | None], None],
    ) -> None:
        """Claim a DR and find its MT: the newest that had one of the ids and whose address fits. Fails fast."""
        tag = tag_of(key)
        words = (b"receipt", self._in + key, owner, event_id, LEASE_MS, *self._asked(tag, question))
        self._add(Operation(words, partial(self._read_receipt, tag), done, kept=False))

    def message(
        self, key: bytes, owner: str, event_id: str, done: Callable[[MessageClaim | None], None]
    ) -> None:
        """Claim an MO. Fails fast."""
        words = (b"message", self._in + key, owner, event_id, LEASE_MS)
        self._add(Operation(words, _read_message, done, kept=False))

    def lookup(self, key: bytes, question: Question, done: Callable[[ReceiptClaim | None], None]) -> None:
        """Find the MT of a DR that is back from its wait: verdict waiting, or repeat (published). Fails fast."""
        tag = tag_of(key)
        words = (b"lookup", self._in + key, *self._asked(tag, question))
        self._add(Operation(words, partial(self._read_lookup, tag), done, kept=False))

    def commit(
        self,
        key: bytes,
        epoch: int,
        ttl_ms: int | None,
        done: Callable[[], None],
        *,
        due: bytes = b"",
        held: bytes = b"",
    ) -> None:
        """Its event is published. Repeats are known for `ttl_ms`, or for the whole retention. Kept.

        `due` and `held`: as the receipt's claim had them.
        """
        words = (b"commit", self._in + key, epoch, ttl_ms or 0, due, held)
        self._add(Operation(words, bool, lambda _: done(), kept=True))

    def waiting(self, key: bytes, event_id: str, done: Callable[[], None]) -> None:
        """It is confirmed in a wait queue. Kept."""
        self._add(Operation((b"waiting", self._in + key, event_id), bool, lambda _: done(), kept=True))

    def abandon(
        self, key: bytes, epoch: int, owner: str, done: Callable[[], None], *, held: bytes = b""
    ) -> None:
        """Nobody knows whether it was published: the lease ends now; event id and what it ended stay. Kept.

        `held`: as the receipt's claim had it.
        """
        words = (b"abandon", self._claimed(key, epoch), owner, held)
        self._add(Operation(words, bool, lambda _: done(), kept=True))

    def unmatched(
        self,
        key: bytes,
        question: Question,
        body: bytes,
        done: Callable[[ReceiptClaim | None], None],
    ) -> None:
        """Its event is published without its MT: commit, and remember `body` for a late answer. Kept.

        Of ids there must be one. Tells the MT (verdict repeat) if it has appeared meanwhile; then nothing is
        remembered.
        """
        tag = tag_of(key)
        words = (
            b"unmatched",
            self._in + key,
            f"{self._un}{question.provider}:",
            body,
            *self._asked(tag, question),
        )
        self._add(Operation(words, partial(self._read_unmatched, tag), done, kept=True))

    def overdue(self, limit: int, lease_ms: int, done: Callable[[list[Overdue] | None], None]) -> None:
        """MTs whose final receipt is overdue, told to nobody else for `lease_ms`. Fails fast."""
        self._add(Operation((b"due_receipts", limit, lease_ms), self._read_overdue, done, kept=False))

    def settled(self, due: bytes, done: Callable[[], None]) -> None:
        """The event of an overdue MT is published. Kept."""
        self._add(Operation((b"settled", due), bool, lambda _: done(), kept=True))

    def _claimed(self, key: bytes, epoch: int) -> bytes:
        return self._in + key + f":{epoch}".encode() if epoch else self._in + key

    def _asked(self, tag: bytes, question: Question) -> tuple[Word, ...]:
        one, other = question.addresses
        ids = question.ids
        words = (
            tag,
            question.grade,
            question.state,
            f"{self._id}{question.provider}:",
            comparable(one),
            comparable(other),
            len(ids),
            len(question.guesses),
        )
        return (*words, *map(canonical, ids), *ids, *question.guesses)

    def _read_receipt(self, tag: bytes, reply: list[Any]) -> ReceiptClaim:
        verdict, event_id = _read_verdict(reply)
        return self._found(verdict, event_id, reply[2:], tag)

    def _read_lookup(self, tag: bytes, reply: list[Any]) -> ReceiptClaim:
        return self._found("repeat" if reply[0] else "waiting", "", reply[1:], tag)

    def _read_unmatched(self, tag: bytes, reply: Any) -> ReceiptClaim | None:
        return self._found("repeat", "", reply, tag) if reply else None

    def _found(self, verdict: Verdict, event_id: str, found: list[Any], tag: bytes) -> ReceiptClaim:
        if not found:
            return ReceiptClaim(verdict, event_id)
        epoch, stale, extra, joined, due, held, *line = found
        return ReceiptClaim(
            verdict,
            event_id,
            self._entry(*line),
            bool(stale),
            int(epoch),
            bool(extra),
            read_states(joined),
            due,
            b"%b|%b|%b" % (epoch, tag, line[0]) if held else b"",
        )

    def _read_overdue(self, reply: list[Any]) -> list[Overdue]:
        found = []
        for due, states, *line in reply:
            try:
                entry = self._entry(*line)
            except ValueError as error:  # nobody of ours wrote it: the others must not wait for it
                log.error("store.unreadable", due=due, error=str(error))  # noqa: TRY400  no trace needed
            else:
                found.append(Overdue(due, entry, tuple(states.decode().split(","))))
        return found

    def _entry(self, id_key: bytes, digits: bytes, segment: bytes, body: bytes, doubled: int) -> Correlation:
        entry = load(id_key[self._name_at :], digits, segment, body)
        return replace(entry, possible_duplicate=True) if doubled else entry


def tag_of(key: bytes) -> bytes:
    """What names a receipt among those of one id: eight letters, digits, commas and underscores."""
    return b64encode(key[:6], b",_")


def _read_verdict(reply: list[Any]) -> tuple[Verdict, str]:
    return cast("Verdict", reply[0].decode()), reply[1].decode()


def _read_message(reply: list[Any]) -> MessageClaim:
    return MessageClaim(*_read_verdict(reply))
