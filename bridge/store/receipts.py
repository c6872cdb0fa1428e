"""The claims of MOs and DRs: which of them are published already, and which MT a receipt means.

`key` is the 16 octets that make an MO or DR itself; `owner` is the worker; event ids have no `|`. Every
operation calls `done` exactly once, in a later turn of the loop. Not responsible for what is published or when.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from bridge.store.batcher import Batcher, Operation, Word
from bridge.store.correlation import Correlation, comparable, load

Verdict = Literal["new", "taken", "mine", "busy", "repeat", "waiting"]

LEASE_MS = 5_000
"""A claim older than this is anybody's: its worker died, or gave up (contract 7.4)."""


@dataclass(frozen=True, slots=True)
class MessageClaim:
    """The answer to the claim of an MO.

    new, taken (over, its lease has passed), mine (this worker holds it): publish under `event_id`, which is that
    of the first claim. busy: another worker is at it. repeat: published. waiting: safe in a wait queue.
    """

    verdict: Verdict
    event_id: str


@dataclass(frozen=True, slots=True)
class ReceiptClaim:
    """The answer to the claim of a DR: as of an MO, and the MT it means.

    `stale`: another receipt has ended that MT before. `epoch` tells the uses of one id apart: part of the key.
    """

    verdict: Verdict
    event_id: str
    entry: Correlation | None = None
    stale: bool = False
    epoch: int = 0


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
        provider: str,
        ids: Sequence[str],
        addresses: tuple[str, str],
        final: bool,
        done: Callable[[ReceiptClaim | None], None],
    ) -> None:
        """Claim a DR and find its MT: the newest that had one of `ids` and whose address fits. Fails fast."""
        words: tuple[Word, ...] = (b"receipt", self._in + key, owner, event_id, LEASE_MS)
        words += self._whose(key, provider, ids, addresses, final)
        self._add(Operation(words, self._read_receipt, done, kept=False))

    def message(
        self, key: bytes, owner: str, event_id: str, done: Callable[[MessageClaim | None], None]
    ) -> None:
        """Claim an MO. Fails fast."""
        words = (b"message", self._in + key, owner, event_id, LEASE_MS)
        self._add(Operation(words, _read_message, done, kept=False))

    def lookup(
        self,
        key: bytes,
        provider: str,
        ids: Sequence[str],
        addresses: tuple[str, str],
        final: bool,
        done: Callable[[ReceiptClaim | None], None],
    ) -> None:
        """Find the MT of a DR that is back from its wait: verdict waiting, or repeat (published). Fails fast."""
        words = (b"lookup", self._in + key, *self._whose(key, provider, ids, addresses, final))
        self._add(Operation(words, self._read_lookup, done, kept=False))

    def commit(
        self, key: bytes, epoch: int, event_id: str, ttl_ms: int | None, done: Callable[[], None]
    ) -> None:
        """Its event is published. Repeats are known for `ttl_ms`, or for the whole retention. Kept."""
        words = (b"commit", self._in + key, epoch, event_id, ttl_ms or 0)
        self._add(Operation(words, bool, lambda _: done(), kept=True))

    def waiting(self, key: bytes, event_id: str, done: Callable[[], None]) -> None:
        """It is confirmed in a wait queue. Kept."""
        self._add(Operation((b"waiting", self._in + key, event_id), bool, lambda _: done(), kept=True))

    def abandon(self, key: bytes, epoch: int, owner: str, done: Callable[[], None]) -> None:
        """It could not be published: the lease ends now, the event id stays, its MT is not ended. Kept."""
        words = (b"abandon", self._claimed(key, epoch), owner, epoch, _tag(key))
        self._add(Operation(words, bool, lambda _: done(), kept=True))

    def unmatched(
        self,
        key: bytes,
        provider: str,
        ids: Sequence[str],
        body: bytes,
        event_id: str,
        done: Callable[[ReceiptClaim | None], None],
        *,
        addresses: tuple[str, str],
        final: bool,
    ) -> None:
        """Its event is published without its MT: commit, and remember `body` for a late answer. Kept.

        `ids`: at least one. Tells the MT (verdict repeat) if it has appeared meanwhile; then nothing is remembered.
        """
        words: tuple[Word, ...] = (
            b"unmatched",
            self._in + key,
            event_id,
            _tag(key),
            int(final),
            f"{self._id}{provider}:",
            f"{self._un}{provider}:",
            comparable(addresses[0]),
            comparable(addresses[1]),
            body,
            len(ids),
            *ids,
        )
        self._add(Operation(words, self._read_unmatched, done, kept=True))

    def _claimed(self, key: bytes, epoch: int) -> bytes:
        return self._in + key + f":{epoch}".encode() if epoch else self._in + key

    def _whose(
        self, key: bytes, provider: str, ids: Sequence[str], addresses: tuple[str, str], final: bool
    ) -> tuple[Word, ...]:
        one, other = addresses
        base = f"{self._id}{provider}:"
        return (_tag(key), int(final), base, comparable(one), comparable(other), len(ids), *ids)

    def _entry(self, id_key: bytes, digits: bytes, body: bytes) -> Correlation:
        return load(id_key[self._name_at :], digits, body)

    def _read_receipt(self, reply: list[Any]) -> ReceiptClaim:
        verdict, event_id = _read_verdict(reply)
        if len(reply) == 2:
            return ReceiptClaim(verdict, event_id)
        epoch, stale, *entry = reply[2:]
        return ReceiptClaim(verdict, event_id, self._entry(*entry), bool(stale), epoch)

    def _read_lookup(self, reply: list[Any]) -> ReceiptClaim:
        verdict: Verdict = "repeat" if reply[0] else "waiting"
        if len(reply) == 1:
            return ReceiptClaim(verdict, "")
        return self._found(verdict, reply[1:])

    def _read_unmatched(self, reply: Any) -> ReceiptClaim | None:
        return self._found("repeat", reply) if reply else None

    def _found(self, verdict: Verdict, found: list[Any]) -> ReceiptClaim:
        epoch, stale, *entry = found
        return ReceiptClaim(verdict, "", self._entry(*entry), bool(stale), epoch)


def _tag(key: bytes) -> str:
    """What names a receipt among those of one id."""
    return key[:4].hex()


def _read_verdict(reply: list[Any]) -> tuple[Verdict, str]:
    return cast("Verdict", reply[0].decode()), reply[1].decode()


def _read_message(reply: list[Any]) -> MessageClaim:
    return MessageClaim(*_read_verdict(reply))
