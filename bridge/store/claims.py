"""The claims of MTs: who may submit one, and what became of it (`lua/base.lua` has the values).

`mt_key` names an MT and its generation; `owner` one flight of it, without `|`, never used again. A claim may also keep
a `state` of the caller's and, of a long MT, the reference its segments share. Every operation calls `done`
exactly once, in a later turn of the loop. Not responsible for what `info` and `state` mean.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast, get_args

from bridge.store.batcher import Batcher, Operation, Word
from bridge.store.correlation import Correlation, dump
from bridge.text.message_ids import canonical

Verdict = Literal["new", "mine", "taken", "busy", "stale", "done", "lost"]


@dataclass(slots=True)  # not frozen: one a message, and making it takes three times as long
class Claim:
    """The answer to a claim.

    new, mine (this flight holds it already: the lease runs anew), taken (over, from a flight whose lease has
    passed): submit. busy: another flight holds it for `wait_ms` yet. stale: its lease has passed, which is doubt;
    nothing was changed. done: `info` is what was recorded. lost: Redis lost of late what it knew, perhaps of this one,
    too; nothing was changed.
    `reference`: of a long MT's segments, as drawn by this claim, or as found. `state`: as found, before this claim.
    `holder`: of a stale one.
    """

    verdict: Verdict
    wait_ms: int = 0
    info: str = ""
    reference: int = 0
    state: str = ""
    holder: str = ""


class Unmatched(NamedTuple):
    """A receipt that was published before anybody knew its MT: `body` as given to `Receipts.unmatched`.

    The rest as in `ReceiptClaim`.
    """

    body: bytes
    stale: bool
    extra: bool = False
    joined: tuple[str, ...] | None = None


@dataclass(slots=True)  # not frozen: one a message, and making it takes three times as long
class Recorded:
    """An answer is recorded.

    `fenced`: another flight held the claim, this one held it for another copy, or it was finished otherwise.
    `unmatched`: the receipts that went out without this MT, in their order.
    """

    fenced: bool
    unmatched: list[Unmatched]


_PLAIN = {
    verdict.encode(): Claim(verdict)
    for verdict in get_args(Verdict)
    if verdict not in ("busy", "done", "stale")
}
_RECORDED = (Recorded(fenced=False, unmatched=[]), Recorded(fenced=True, unmatched=[]))


class Claims:
    """The operations on claims. Fail-fast ones tell None when it is unknown whether they were executed."""

    def __init__(self, batcher: Batcher, prefix: str) -> None:
        self._add = batcher.add
        self._mt = f"{prefix}:mt:".encode()
        self._ref = f"{prefix}:ref:"
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
        seen: str = "",
        redelivered: bool = False,
        counter: str = "",
        reference: int = 0,
        state: str = "",
    ) -> None:
        """Claim for `lease_ms`. Fails fast, and None may mean claimed.

        `takeover` takes a stale one whose state is still `seen`, or what is lost; `redelivered`: it may have been
        claimed before, and only then it can be lost. With a `state` (no newline in it) the claim keeps that and
        `reference`, or, with a `counter`, a reference drawn from it: one more than the last.
        """
        words: tuple[Word, ...]
        words = (b"claim", self._mt + mt_key.encode(), owner, lease_ms, int(takeover), seen, int(redelivered))
        if state:
            words = (b"claim_long", *words[1:], counter and self._ref + counter, reference, state)
        self._add(Operation(words, _read_claim, done, kept=False))

    def leave(self, mt_key: str, owner: str, reference: int, state: str, done: Callable[[], None]) -> None:
        """End the lease of a long MT's claim that is ours; who comes next finds `reference` and `state`. Kept."""
        words = (b"leave", self._mt + mt_key.encode(), owner, reference, state)
        self._add(Operation(words, bool, lambda _: done(), kept=True))

    def answered(
        self,
        mt_key: str,
        owner: str,
        info: str,
        entry: Correlation,
        done: Callable[[Recorded], None],
        *,
        overdue_ms: int = 0,
    ) -> None:
        """Record the provider's answer, whoever holds the claim, and correlate `entry.smsc_id` with it. Kept.

        With an empty smsc_id there is nothing to correlate. One more id for an MT that was answered with another
        is that of an extra copy. After `overdue_ms` without its final receipt the MT is `Receipts.overdue`; 0: never.
        """
        name = self._name(entry)
        line = dump(entry)
        words = (
            b"answered",
            self._mt + mt_key.encode(),
            owner,
            info,
            name and self._id + name,
            self._un + name,
            line.digits,
            line.body,
            overdue_ms,
        )
        self._add(Operation(words, _read_recorded, done, kept=True))

    def expected(self, mt_key: str, entry: Correlation, done: Callable[[Recorded], None]) -> None:
        """No answer is known, but the provider would call it `entry.smsc_id`: correlate that, whatever its claim. Kept.

        An answer that is recorded, before or later, takes its place. `entry` must be `unanswered`.
        """
        name = self._name(entry)
        line = dump(entry)
        words = (
            b"expected",
            self._mt + mt_key.encode(),
            self._id + name,
            self._un + name,
            line.digits,
            line.body,
        )
        self._add(Operation(words, _read_recorded, done, kept=True))

    def part_answered(
        self,
        mt_key: str,
        owner: str,
        reference: int,
        state: str,
        info: str,
        entry: Correlation,
        done: Callable[[Recorded], None],
        *,
        overdue_ms: int = 0,
    ) -> None:
        """Record the provider's answer to one segment of a long MT, `entry.segment`, and correlate it. Kept.

        A claim that is ours, for the copy with this reference, now says `state`, under the same lease; or, if all
        segments are taken, is finished with `info`. Any other claim is left alone: fenced. The id of a fenced answer,
        and one more for a segment that has another, is that of an extra copy; but not where it was fenced by an end
        without an answer: then nobody sends the segment anew, and `info` resolves it. With no owner, no state and no
        info nothing becomes of the claim.
        """
        if entry.segment is None:
            raise ValueError("no segment of a long MT")
        name = self._name(entry)
        line = dump(entry)
        words = (
            b"part_answered",
            self._mt + mt_key.encode(),
            owner,
            reference,
            state,
            info,
            mt_key,
            entry.provider,
            name and self._id + name,
            self._un + name,
            line.digits,
            *entry.segment,
            line.body,
            int(entry.possible_duplicate),
            overdue_ms,
        )
        self._add(Operation(words, _read_recorded, done, kept=True))

    def retire(self, mt_key: str, done: Callable[[], None]) -> None:
        """Give up the copy of a long MT so far, for one by another provider: all its ids are of an extra copy. Kept."""
        words = (b"retire", self._mt + mt_key.encode(), mt_key)
        self._add(Operation(words, bool, lambda _: done(), kept=True))

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

    def ending(self, mt_key: str, done: Callable[[str | None], None]) -> None:
        """What is recorded of its end, empty if it has not ended; changes nothing. Fails fast, None: not known."""
        self._add(Operation((b"ending", self._mt + mt_key.encode()), bytes.decode, done, kept=False))

    @staticmethod
    def _name(entry: Correlation) -> str:
        """What follows the prefix of the keys under which receipts look for the MT; empty if none can find it."""
        return entry.smsc_id and f"{entry.provider}:{canonical(entry.smsc_id)}"


def _read_claim(reply: bytes) -> Claim:
    plain = _PLAIN.get(reply)
    if plain is not None:
        return plain
    verdict, _, rest = reply.partition(b"|")
    if verdict == b"busy":
        return Claim("busy", wait_ms=int(rest))
    if verdict == b"done":
        return Claim("done", info=rest.decode())
    holder = b""
    if verdict == b"stale":
        holder, _, rest = rest.partition(b"|")
    reference, _, state = rest.partition(b"|")
    return Claim(
        cast("Verdict", verdict.decode()), 0, "", int(reference or 0), state.decode(), holder.decode()
    )


def _read_recorded(reply: Any) -> Recorded:
    if isinstance(reply, int):
        return _RECORDED[reply]
    fenced, found = reply
    return Recorded(bool(fenced), [_read_unmatched(*late) for late in found])


def _read_unmatched(body: bytes, stale: int, extra: int, joined: bytes) -> Unmatched:
    return Unmatched(body, bool(stale), bool(extra), read_states(joined))


def read_states(states: bytes) -> tuple[str, ...] | None:
    """States of the segments of a long MT, in order; None for none at all."""
    return tuple(states.decode().split(",")) if states else None
