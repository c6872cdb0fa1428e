"""What is not answered yet: every answer is given once, at the latest when it is overdue, and nothing grows."""

from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bridge.dialects.deliver import ReadOptions, read_inbound
from bridge.inbound.pending import ANSWER_WITHIN_S, MOST_OCTETS, MOST_PENDING, Entry, Pending, octets_of
from bridge.model.events import NO_ORIGIN
from bridge.smpp.pdus import DeliverSm

KEYS = st.sampled_from([b"a", b"b", b"c"])


def entry(key: bytes, told: list[bool], since: float = 0.0) -> Entry[str]:
    return Entry(key, "what", NO_ORIGIN, "id-1", told.append, since)


def test_a_verdict_is_for_all_that_wait_for_it() -> None:
    pending, told = Pending[str](), list[bool]()
    first = entry(b"a", told)
    pending.add(first)
    first.answers.append(told.append)
    assert pending.get(b"a") is first
    pending.answer(first, safe=True)
    assert told == [True, True]
    assert pending.get(b"a") is None
    pending.answer(first, safe=False)
    assert told == [True, True], "once"


def test_what_is_overdue_is_refused_and_goes_on() -> None:
    pending, told = Pending[str](), list[bool]()
    old, young = entry(b"a", told, since=100.0), entry(b"b", told, since=100.5)
    for one in (old, young):
        pending.add(one)
    assert pending.refuse_overdue(100.0 + ANSWER_WITHIN_S - 0.01) == 0
    assert pending.refuse_overdue(100.0 + ANSWER_WITHIN_S) == 1
    assert told == [False]
    assert len(pending) == 2, "a copy of it joins the work"
    old.answers.append(told.append)
    assert pending.refuse_overdue(100.0 + ANSWER_WITHIN_S) == 1, "but is not held either"
    pending.answer(old, safe=True)
    assert told == [False, False]
    assert pending.refuse_overdue(1e9) == 1


def test_it_is_full_at_its_bound() -> None:
    pending = Pending[str]()
    entries = [entry(number.to_bytes(2, "big"), []) for number in range(MOST_PENDING)]
    for one in entries:
        assert not pending.full
        pending.add(one)
    assert pending.full
    pending.answer(entries[0], safe=True)
    assert not pending.full


def test_it_is_full_when_they_have_brought_too_much() -> None:
    pending, told = Pending[str](), list[bool]()
    large = [
        Entry(key, "what", NO_ORIGIN, "id-1", told.append, 0.0, MOST_OCTETS // 2) for key in (b"a", b"b")
    ]
    full = [pending.full]
    for one in large:
        pending.add(one)
        full.append(pending.full)
    for _ in range(2):  # counted down once
        pending.answer(large[0], safe=True)
        full.append(pending.full)
    pending.add(large[0])
    assert [*full, pending.full] == [False, False, True, False, False, True]


def test_a_pdu_weighs_what_it_holds_and_a_callback_nothing() -> None:
    pdu = DeliverSm(
        source_addr="1", destination_addr="2", short_message=b"x" * 9, tlvs=((1, b"yy"), (2, b"z"))
    )
    assert octets_of(read_inbound(pdu, ReadOptions()).raw) == 12
    assert octets_of({"fields": {"text": "hi"}}) == 0


class Answering(RuleBasedStateMachine):
    """Copies that come, verdicts and sweeps, in any order, as the receiver has them."""

    def __init__(self) -> None:
        super().__init__()
        self.pending = Pending[str]()
        self.now = 0.0
        self.told: dict[int, list[bool]] = {}
        self.came: dict[int, float] = {}

    def _answer(self, number: int, safe: bool) -> None:
        self.told[number].append(safe)

    @rule(key=KEYS)
    def copy_comes(self, key: bytes) -> None:
        number = len(self.told)
        self.told[number], self.came[number] = [], self.now
        answer = partial(self._answer, number)
        known = self.pending.get(key)
        if known is None:
            self.pending.add(Entry(key, "what", NO_ORIGIN, "id-1", answer, self.now))
        else:
            known.answers.append(answer)

    @rule(seconds=st.floats(0, 2 * ANSWER_WITHIN_S))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        before = sum(map(len, self.told.values()))
        refused = self.pending.refuse_overdue(self.now)
        assert sum(map(len, self.told.values())) - before == refused
        overdue = [n for n, came in self.came.items() if self.now - came >= ANSWER_WITHIN_S]
        assert all(self.told[number] for number in overdue)

    @precondition(lambda self: len(self.pending) > 0)
    @rule(key=KEYS, safe=st.booleans())
    def verdict(self, key: bytes, safe: bool) -> None:
        known = self.pending.get(key)
        if known is not None:
            self.pending.answer(known, safe)

    @invariant()
    def each_is_told_once(self) -> None:
        assert all(len(told) <= 1 for told in self.told.values())
        assert len(self.pending) <= 3


TestAnswering = Answering.TestCase
