"""The claims of MTs as the store keeps them, and one worker's way to them, on which nothing happens by itself."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from bridge.store.claims import Claim, Recorded, Unmatched
from bridge.store.correlation import Correlation
from tests.outbound.fake_rabbit import Clock


class Value(NamedTuple):
    """A claim: P (pending: text is the owner), or ended with text as info: D answered, F so but fenced, E otherwise."""

    word: Literal["P", "D", "F", "E"]
    text: str
    deadline: float = 0.0
    reference: int = 0
    state: str = ""


@dataclass
class Join:
    """The copy of a long MT whose receipts count."""

    run: tuple[int, str] | None = None
    retired: int | None = None
    ids: dict[int, str] = field(default_factory=dict)
    fenced: set[int] = field(default_factory=set)


class Redis:
    """The claims, as the store's script has them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.claims: dict[str, Value] = {}
        self.joins: dict[str, Join] = defaultdict(Join)
        self.verdicts: Counter[str] = Counter()
        self.strays: set[str] = set()
        """Names of segments whose answers were fenced."""
        self.extra: dict[str, dict[str, bool]] = defaultdict(dict)
        """By MT: its ids, and whether they are those of extra copies."""
        self.counters: Counter[str] = Counter()
        self.expected: dict[str, int] = {}
        """By MT: after how many ms without a receipt it is overdue."""
        self.names: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
        """By MT: what receipts will call it though no answer is known: by whom, how, and where it is parked."""
        self.unmatched: dict[str, list[Unmatched]] = {}
        """By such a name: the receipts that went out before anybody knew it."""

    def asked(self, *of: Any) -> Claim:
        """A claim, counted."""
        claim = self.claim(*of)
        self.verdicts[claim.verdict] += 1
        return claim

    def claim(
        self,
        key: str,
        owner: str,
        lease_ms: int,
        takeover: bool,
        seen: str,
        counter: str,
        reference: int,
        state: str,
    ) -> Claim:
        found, now = self.claims.get(key), self._clock.time()
        verdict: Literal["new", "mine", "taken"] = "new"
        if found is not None:
            if found.word != "P":
                return Claim("done", info=found.text)
            if found.text == owner:
                verdict = "mine"
            elif found.deadline > now:
                return Claim("busy", wait_ms=int((found.deadline - now) * 1000))
            elif takeover and found.state == seen:
                verdict = "taken"
            else:
                return Claim("stale", reference=found.reference, state=found.state, holder=found.text)
        told = found.reference if found is not None and found.reference else reference
        if counter:
            self.counters[counter] += 1
            told = reference = self.counters[counter]
        self.claims[key] = Value("P", owner, now + lease_ms / 1000, reference, state)
        return Claim(verdict, reference=told, state=found.state if found else "")

    def leave(self, key: str, owner: str, reference: int, state: str) -> None:
        if self._pending(key, owner):
            self.claims[key] = Value("P", owner, 0.0, reference, state)

    def _pending(self, key: str, owner: str) -> bool:
        return self.claims.get(key, Value("E", ""))[:2] == ("P", owner)

    def answered(self, key: str, owner: str, info: str, smsc_id: str) -> Recorded:
        value, extra = self.claims.get(key), self.extra[key]
        if value is not None and value.word != "P" and value.text == info:
            self.joins.pop(key, None)
            extra.setdefault(smsc_id, False)
            return Recorded(fenced=value.word == "F", unmatched=[])
        if value is not None and value.word in "DF":
            if not extra.setdefault(smsc_id, True):
                self.claims[key] = Value("F", info)
            return Recorded(fenced=True, unmatched=[])
        self.joins.pop(key, None)  # as one PDU it counts before the copy in segments
        fenced = value is not None and not self._pending(key, owner)
        self.claims[key] = Value("F" if fenced else "D", info)
        extra.setdefault(smsc_id, False)
        return Recorded(fenced=fenced, unmatched=[])

    def part_answered(
        self, key: str, owner: str, reference: int, state: str, info: str, entry: Correlation
    ) -> Recorded:
        assert entry.segment is not None
        number, join, value = entry.segment[0], self.joins[key], self.claims.get(key)
        run = (reference, entry.provider)
        given_up, same = join.run is None and join.retired == reference, join.run == run
        if info and value is not None and value.word != "P" and value.text == info:
            fenced = by_end = value.word == "F"
        else:
            by_end = value is not None and value.word == "E"
            ours = self._part(key, owner, reference, state, info, value) if not given_up else False
            again = same and join.ids.get(number) == entry.smsc_id and number not in join.fenced
            fenced = not (ours or again or (same and value is not None and value.word == "D"))
            if by_end and info:
                self.claims[key], fenced = Value("F", info), True
        if not fenced or same or (by_end and not (join.run or given_up)):
            if not same:
                self.joins[key] = join = Join(run)
            if number not in join.ids:
                join.ids[number] = entry.smsc_id
                join.fenced |= {number} if fenced else set()
        if fenced:
            self.strays.add(entry.smsc_id)
        return Recorded(fenced=fenced, unmatched=[])

    def _part(self, key: str, owner: str, reference: int, state: str, info: str, value: Value | None) -> bool:
        """Whether the claim is this flight's, for this copy; then it says what is known by now."""
        ours = self._pending(key, owner) and value is not None and value.reference == reference
        if ours or (value is None and (info or state)):
            deadline = value.deadline if value else 0.0
            self.claims[key] = Value("D", info) if info else Value("P", owner, deadline, reference, state)
            return True
        return False

    def retire(self, key: str) -> None:
        join = self.joins[key]
        if join.retired is None or join.run is not None:
            held = self.claims.get(key)
            reference = join.run[0] if join.run else held.reference if held else 0
            self.joins[key] = Join(retired=reference)

    def name_expected(self, key: str, entry: Correlation) -> Recorded:
        """Nothing becomes of the claim."""
        assert entry.unanswered is not None
        self.names[key].add((entry.provider, entry.smsc_id, entry.unanswered))
        return Recorded(fenced=False, unmatched=self.unmatched.get(entry.smsc_id, []))

    def finish(self, key: str, owner: str, info: str) -> bool:
        value = self.claims.get(key)
        if value is not None and value.word != "P":
            return value.text == info
        if value is not None and value.text != owner:
            return False
        self.claims[key] = Value("E", info)
        return True

    def amend(self, key: str, old: str, new: str) -> bool:
        value = self.claims.get(key)
        if value is None or value.word == "P" or value.text not in (old, new):
            return False
        self.claims[key] = value._replace(text=new)
        return True

    def release(self, key: str, owner: str) -> None:
        if self._pending(key, owner):
            del self.claims[key]


@dataclass(eq=False, slots=True)
class Operation:
    run: Callable[[], Any]
    done: Callable[[Any], None]
    kept: bool


class Claims:
    """One worker's way to Redis: operations wait until `flow`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.waiting: deque[Operation] = deque()

    def _add(self, run: Callable[[], Any], done: Callable[[Any], None], *, kept: bool = True) -> None:
        self.waiting.append(Operation(run, done, kept))

    def claim(
        self,
        mt_key: str,
        owner: str,
        lease_ms: int,
        done: Callable[[Claim | None], None],
        *,
        takeover: bool = False,
        seen: str = "",
        redelivered: bool = False,  # noqa: ARG002  this Redis loses nothing
        counter: str = "",
        reference: int = 0,
        state: str = "",
    ) -> None:
        asked = (mt_key, owner, lease_ms, takeover, seen, counter, reference, state)
        self._add(lambda: self._redis.asked(*asked), done, kept=False)

    def leave(self, mt_key: str, owner: str, reference: int, state: str, done: Callable[[], None]) -> None:
        self._add(lambda: self._redis.leave(mt_key, owner, reference, state), lambda _: done())

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
        assert entry.mt_id == mt_key
        self._redis.expected.setdefault(mt_key, overdue_ms)
        self._add(lambda: self._redis.answered(mt_key, owner, info, entry.smsc_id), done)

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
        assert entry.mt_id == mt_key
        self._redis.expected.setdefault(mt_key, overdue_ms)
        asked = (mt_key, owner, reference, state, info, entry)
        self._add(lambda: self._redis.part_answered(*asked), done)

    def expected(self, mt_key: str, entry: Correlation, done: Callable[[Recorded], None]) -> None:
        self._add(lambda: self._redis.name_expected(mt_key, entry), done)

    def retire(self, mt_key: str, done: Callable[[], None]) -> None:
        self._add(lambda: self._redis.retire(mt_key), lambda _: done())

    def finish(self, mt_key: str, owner: str, info: str, done: Callable[[bool], None]) -> None:
        self._add(lambda: self._redis.finish(mt_key, owner, info), done)

    def amend(self, mt_key: str, old: str, new: str, done: Callable[[bool], None]) -> None:
        self._add(lambda: self._redis.amend(mt_key, old, new), done)

    def release(self, mt_key: str, owner: str, done: Callable[[], None]) -> None:
        self._add(lambda: self._redis.release(mt_key, owner), lambda _: done())

    def flow(self, count: int) -> None:
        """The next ones are executed and answered."""
        for _ in range(min(count, len(self.waiting))):
            operation = self.waiting.popleft()
            operation.done(operation.run())

    def fail(self, executed: int) -> None:
        """Redis does not answer; the first few were executed all the same. What is kept will be asked again."""
        waiting, self.waiting = self.waiting, deque()
        for index, operation in enumerate(waiting):
            if index < executed:
                operation.run()
            if operation.kept:
                self.waiting.append(operation)
        for operation in waiting:
            if not operation.kept:
                operation.done(None)
