"""The claims of MTs: who may submit one, and what became of it (`functions.lua` has the states).

`mt_key` names an MT and its generation; `owner` one flight of it, without `|`, never used again. Every
operation calls `done` exactly once, in a later turn of the loop. Not responsible for what `info` means.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from bridge.store.batcher import Batcher, Operation
from bridge.store.correlation import Correlation, dump

Verdict = Literal["new", "mine", "taken", "busy", "stale", "done"]


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a claim.

    new, mine (this flight holds it already: the lease runs anew), taken (over, from a flight whose lease has
    passed): submit. busy: another flight holds it for `wait_ms` yet. stale: its lease has passed, which is doubt;
    nothing was changed. done: `info` is what was recorded.
    """

    verdict: Verdict
    wait_ms: int = 0
    info: str = ""


class Unmatched(NamedTuple):
    """A receipt that was published before anybody knew its MT: `body` as given to `Receipts.unmatched`.

    `stale`: another receipt had ended the MT before it.
    """

    body: bytes
    stale: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """An answer is recorded. `fenced`: another flight held the claim or had finished it otherwise.

    `unmatched`: the receipts that went out without this MT, in their order.
    """

    fenced: bool
    unmatched: list[Unmatched]


_PLAIN = {b"new": Claim("new"), b"mine": Claim("mine"), b"taken": Claim("taken"), b"stale": Claim("stale")}
_RECORDED = (Recorded(fenced=False, unmatched=[]), Recorded(fenced=True, unmatched=[]))


class Claims:
    """The operations on claims. Fail-fast ones tell None when it is unknown whether they were executed."""

    def __init__(self, batcher: Batcher, prefix: str) -> None:
        self._add = batcher.add
        self._mt = f"{prefix}:mt:".encode()
        self._id = f"{prefix}:id:"
        self._un = f"{prefix}:un:"

    def claim(
        self,
        mt_key: str,
        owner: str,
        lease_ms: int,
        done: Callable[[Claim | None], None],
        *,
        takeover: bool = False,
    ) -> None:
        """Claim for `lease_ms`; `takeover` takes a stale one. Fails fast: None may mean claimed."""
        words = (b"claim", self._mt + mt_key.encode(), owner, lease_ms, int(takeover))
        self._add(Operation(words, _read_claim, done, kept=False))

    def answered(
        self, mt_key: str, owner: str, info: str, entry: Correlation, done: Callable[[Recorded], None]
    ) -> None:
        """Record the provider's answer, whoever holds the claim, and correlate `entry.smsc_id` with it. Kept.

        With an empty smsc_id there is nothing to correlate.
        """
        name = f"{entry.provider}:{entry.smsc_id}" if entry.smsc_id else ""
        digits, body = dump(entry)
        words = (
            b"answered",
            self._mt + mt_key.encode(),
            owner,
            info,
            name and self._id + name,
            self._un + name,
            digits,
            body,
        )
        self._add(Operation(words, _read_recorded, done, kept=True))

    def finish(self, mt_key: str, owner: str, info: str, done: Callable[[bool], None]) -> None:
        """Record an end without an answer to correlate; False if the claim is another's. Kept."""
        self._add(Operation((b"finish", self._mt + mt_key.encode(), owner, info), bool, done, kept=True))

    def amend(self, mt_key: str, old: str, new: str, done: Callable[[bool], None]) -> None:
        """Replace what was recorded, if it is still `old`; False if it is neither. Kept."""
        self._add(Operation((b"amend", self._mt + mt_key.encode(), old, new), bool, done, kept=True))

    def release(self, mt_key: str, owner: str, done: Callable[[], None]) -> None:
        """Give up a claim that is pending and ours: surely nothing was sent. Kept."""
        words = (b"release", self._mt + mt_key.encode(), owner)
        self._add(Operation(words, bool, lambda _: done(), kept=True))


def _read_claim(reply: bytes) -> Claim:
    plain = _PLAIN.get(reply)
    if plain is not None:
        return plain
    if reply.startswith(b"busy|"):
        return Claim("busy", wait_ms=int(reply[5:]))
    return Claim("done", info=reply[5:].decode())


def _read_recorded(reply: Any) -> Recorded:
    if isinstance(reply, int):
        return _RECORDED[reply]
    fenced, found = reply
    unmatched = [Unmatched(body, bool(stale)) for body, stale in zip(found[::2], found[1::2], strict=True)]
    return Recorded(bool(fenced), unmatched)
