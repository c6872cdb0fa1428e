"""The simulated Redis says the same as a real one, and keeps the same: operations by chance, on both, one clock."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, cast

import pytest
import redis
from redis.exceptions import ResponseError

from bridge.store.batcher import Batcher, Operation, Word
from bridge.store.claims import Claims
from bridge.store.correlation import Correlation
from bridge.store.receipts import Question, Receipts, tag_of
from bridge.store.segments import Segments
from bridge.store.store import SCRIPT
from tests.model_run.redis import Redis

RETENTION_MS = 36_000_000
KEEP_MS = 6_000_000
CALLS = 400
BEGAN = 1_800_000_000.0
FAR_MS = 5_000.0
"""Two times to live are the same when they are so near: the real clock runs, the other is set."""

CLOCK_OF_OURS = SCRIPT.replace(b"redis.call('TIME')", b"redis.call('HMGET', 'clock', 's', 'us')")
assert CLOCK_OF_OURS != SCRIPT


class Listed:
    """In the place of a batcher: keeps the words of an operation instead of sending them."""

    def __init__(self) -> None:
        self.words: tuple[Word, ...] = ()

    def add(self, operation: Operation) -> None:
        self.words = operation.words


class Operations:
    """Operations by chance, on few names, so that they meet."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._list = Listed()
        batcher = cast("Batcher", self._list)
        self._claims = Claims(batcher, "b")
        self._receipts = Receipts(batcher, "b")
        self._segments = Segments(batcher, "b")
        self.dues: list[bytes] = [b"s|0|b:id:p:a1"]
        self.helds = [
            b"%d|%b|b:id:p:%b" % (epoch, tag_of(bytes([of]) * 16), smsc_id)
            for of in (1, 2, 3)
            for epoch in (0, 1)
            for smsc_id in (b"a1", b"a2")
        ]

    def some(self) -> tuple[Word, ...]:
        """One, as the script is given it."""
        self._chance.choice(
            (
                self._claim,
                self._answer,
                self._answer,
                self._end,
                self._receive,
                self._receive,
                self._settle,
                self._segment,
                self._due,
            )
        )()
        words: tuple[Word, ...] = self._list.words
        return words

    def _of(self, *words: Any) -> Any:
        return self._chance.choice(words)

    def _mt(self) -> str:
        return str(self._of("m1", "m2", "m3"))

    def _owner(self) -> str:
        return str(self._of("w1:1", "w2:1"))

    def _state(self) -> str:
        return str(self._of("some", "more"))

    def _entry(self, segment: tuple[int, int] | None = None) -> Correlation:
        return Correlation(
            mt_id=self._mt(),
            provider="p",
            smsc_id=self._of("a1", "A1", "0a1", "a2", ""),
            to=self._of("447700900123", "+447700900123", "0049170"),
            segment=segment,
            receipt=self._of("final", "all"),
            possible_duplicate=self._of(False, False, True),
            metadata=self._of(None, {"é": [1, {"b": None}]}),
        )

    def _claim(self) -> None:
        state = self._of("", self._state())
        counter = self._of("", "c") if state else ""
        options = {"takeover": self._of(False, True), "seen": self._of("", "some"), "counter": counter}
        reference = 0 if counter else self._of(1, 2)
        self._claims.claim(
            self._mt(),
            self._owner(),
            self._of(0, 100, 60_000),
            _nothing,
            state=state,
            reference=reference,
            **options,
        )

    def _answer(self) -> None:
        overdue_ms = self._of(0, 0, 500)
        if self._of(True, False):
            entry = self._entry()
            info = self._of("A|1", "A|2")
            self._claims.answered(entry.mt_id, self._owner(), info, entry, _nothing, overdue_ms=overdue_ms)
            return
        entry = self._entry((self._of(1, 2), 2))
        words = (self._owner(), self._of(1, 2, 100), self._state(), self._of("", "L|1"))
        self._claims.part_answered(entry.mt_id, *words, entry, _nothing, overdue_ms=overdue_ms)

    def _end(self) -> None:
        mt, owner = self._mt(), self._owner()
        match self._of("leave", "finish", "amend", "release", "retire"):
            case "leave":
                self._claims.leave(mt, owner, self._of(1, 2), self._state(), _nothing)
            case "finish":
                self._claims.finish(mt, owner, self._of("O|1", "O|2"), _nothing)
            case "amend":
                self._claims.amend(mt, "O|1", "S|1", _nothing)
            case "release":
                self._claims.release(mt, owner, _nothing)
            case _:
                self._claims.retire(mt, _nothing)

    def _key(self) -> bytes:
        return bytes([self._of(1, 2, 3)]) * 16

    def _question(self) -> Question:
        ids = self._of(("a1",), ("a2", "a1"), ("0a1",), ("zz",))
        state, grade = self._of(("delivered", 1), ("undeliverable", 2), ("enroute", 0))
        addresses = self._of(("447700900123", "12345"), ("12345", "0447700900123"), ("", "12345"))
        return Question(
            provider="p",
            ids=ids,
            guesses=self._of((), ("a2",)),
            addresses=addresses,
            state=state,
            grade=grade,
        )

    def _receive(self) -> None:
        key, owner, event = self._key(), self._owner(), self._of("e1", "e2")
        match self._of("message", "receipt", "receipt", "lookup", "unmatched"):
            case "message":
                self._receipts.message(key, owner, event, _nothing)
            case "receipt":
                self._receipts.receipt(key, owner, event, self._question(), _nothing)
            case "lookup":
                self._receipts.lookup(key, self._question(), _nothing)
            case _:
                self._receipts.unmatched(key, self._question(), b'{"a":"\xff"}', _nothing)

    def _settle(self) -> None:
        key, event = self._key(), self._of("e1", "e2")
        match self._of("commit", "waiting", "abandon", "settled"):
            case "commit":
                due = self._of(b"", *self.dues)
                held = self._of(b"", *self.helds)
                self._receipts.commit(key, self._of(0, 1), None, _nothing, due=due, held=held)
            case "waiting":
                self._receipts.waiting(key, event, _nothing)
            case "abandon":
                held = self._of(b"", *self.helds)
                self._receipts.abandon(key, self._of(0, 1), self._owner(), _nothing, held=held)
            case _:
                self._receipts.settled(self._of(*self.dues), _nothing)

    def _segment(self) -> None:
        number, key = self._of(1, 2, 3), self._key()
        match self._of("add", "add", "add", "published", "abandon"):
            case "add":
                content = bytes([number]) if self._of(True, True, True, False) else b"x"
                event = self._of("e1", "e2", "e3")
                owner = self._owner()
                self._segments.add(
                    key, number, 3, content, b"body %d" % number, event, owner, 800, KEEP_MS, _nothing
                )
            case "published":
                self._segments.published(key, self._of("e1", "e2", "e3"), KEEP_MS, _nothing)
            case _:
                self._segments.abandon(key, self._owner(), _nothing)

    def _due(self) -> None:
        if self._of(True, False):
            self._receipts.overdue(self._of(1, 5), 300, _nothing)
        else:
            self._segments.overdue(self._of(1, 5), 300, self._owner(), _nothing)


class Both:
    """A real Redis and a simulated one, asked the same at the same time."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client: Any = client
        self._script = client.register_script(CLOCK_OF_OURS)
        self.now = BEGAN
        self.simulated = Redis(lambda: self.now)

    def run(self, words: Sequence[Word]) -> Any:
        """What both reply."""
        micros = round(self.now * 1_000_000)
        self._client.hset("clock", mapping={"s": micros // 1_000_000, "us": micros % 1_000_000})
        argv = (RETENTION_MS, "b", "w1", 1, *words)
        real, simulated = _readable(self._script(args=argv)), _readable(self.simulated.run(argv))
        assert simulated == real, words
        return real

    def compare(self) -> None:
        """What both keep, and for how long."""
        keys = set(self._client.keys("b:*"))
        assert set(self.simulated.names()) == keys
        for key in keys:
            apart_ms = abs(self.simulated.ttl_ms(key) - self._client.pttl(key))
            assert apart_ms < FAR_MS + (self.now - BEGAN) * 1000, key
            if not key.startswith(b"b:un:"):  # packed otherwise, and read by nobody else
                assert self.simulated.get(key) == self._value(key), key

    def _value(self, key: bytes) -> Any:
        match self._client.type(key):
            case b"hash":
                return self._client.hgetall(key)
            case b"zset":
                return dict(self._client.zrange(key, 0, -1, withscores=True))
            case _:
                return self._client.get(key)


def _readable(replies: Sequence[Any]) -> list[Any]:
    """An operation that meets what no worker would have written there fails in both, each in its own words."""
    return ["fails" if isinstance(one, ResponseError) else one for one in replies]


def _nothing(*_: object) -> None:
    """Nobody hears the reply."""


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.mark.servers
@pytest.mark.parametrize("seed", range(6))
def test_a_simulated_redis_says_and_keeps_what_a_real_one_does(client: "redis.Redis", seed: int) -> None:
    chance = Random(seed)
    both, operations = Both(client), Operations(chance)
    for call in range(CALLS):
        for reply in both.run(
            [word for _ in range(chance.choice((1, 1, 2, 4))) for word in operations.some()]
        ):
            if isinstance(reply, list):
                operations.dues += [
                    one for one in reply if isinstance(one, bytes) and one[:2] in (b"s|", b"j|")
                ]
        both.now += chance.choice((0.0, 0.0, 0.001, 0.2, 0.9))
        if call % 50 == 0:
            both.compare()
    both.compare()


@pytest.mark.servers
def test_what_is_gone_after_its_time_is_gone_in_a_simulated_redis(client: "redis.Redis") -> None:
    both = Both(client)
    operations = Operations(Random(1))
    both.run(operations.some())
    assert both.simulated.names()
    both.now += RETENTION_MS / 1000 + 1
    assert not both.simulated.names()
