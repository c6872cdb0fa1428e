"""What is closed is not forgotten: a ledger that closes comes to the same verdict as one that never does."""

from collections.abc import Callable, Iterator
from operator import methodcaller
from random import Random
from typing import Any

import pytest

from bridge.model.inbound import Concat
from bridge.proof.audit import Audit, Ledger
from tests.chaos.closed import Texts
from tests.chaos.conftest import Clock
from tests.chaos.ledger import TimedLedger

QUIET_S = 10.0
Fact = Callable[[Ledger], object]


def dr(event_id: str, smsc_id: str, mt_id: str | None, **fields: Any) -> dict[str, Any]:
    said = {"matched": mt_id is not None, "joined": True, "possible_duplicate": False, **fields}
    return {"type": "dr", "event_id": event_id, "smsc_id": smsc_id, "mt_id": mt_id, **said}


def mt(event_id: str, mt_id: str, outcome: str) -> dict[str, Any]:
    return {
        "type": "mt", "event_id": event_id, "id": mt_id, "outcome": outcome, "possible_duplicate": outcome == "resent"
    }  # fmt: skip


def mo(event_id: str, text: str) -> dict[str, Any]:
    return {"type": "mo", "event_id": event_id, "text": text, "segments": 1}


def live(ledger: Ledger) -> None:
    """A short MT and a long one, their receipts, and an MO: all as it should be."""
    for mt_id in ("short", "long"):
        ledger.published(mt_id)
    ledger.taken("short", "s", "link", spelt="s")
    for seq in (1, 2):
        ledger.taken("long", f"l{seq}", "link", segment=Concat(ref=7, total=2, seq=seq))
    ledger.event(dr("e1", "s", "short"))
    ledger.event(dr("e2", "l2", "long"))
    ledger.mo_sent("hello")
    ledger.event(mo("e3", "hello"))


def live_twice(ledger: Ledger) -> None:
    """A long MT in doubt, sent twice and marked: receipts of its first copy went out unmatched, then those joined."""
    ledger.published("twice")
    ledger.event(mt("t0", "twice", "resent"))
    for copy in (1, 2):
        for seq in (1, 2):
            ledger.taken("twice", f"t{copy}{seq}", "link", segment=Concat(ref=7, total=2, seq=seq))
    for smsc_id in ("t11", "t12"):
        ledger.event(dr(f"of {smsc_id}", smsc_id, None, joined=False))
    ledger.event(dr("of both", "t21", "twice"))


def same(one: Audit, other: Audit) -> bool:
    def told(audit: Audit) -> tuple[object, ...]:
        found = {(it.kind, it.what): it.about for it in audit.complaints}
        return found, audit.published, audit.accepted, audit.doubled_marked, audit.mos, audit.repeated

    return told(one) == told(other)


def test_what_is_complete_and_quiet_is_closed_and_still_counts(clock: Clock, ledger: TimedLedger) -> None:
    live(ledger)
    before = ledger.audit()
    clock.now = QUIET_S
    ledger.close(QUIET_S)
    assert not ledger.closed.mts, "something was heard of it a moment ago"
    clock.now += 0.1
    ledger.close(QUIET_S)
    assert ledger.closed.mts.keys() == {"short", "long"}
    assert ledger.closed.mos.keys() == {"hello"}
    assert not ledger.lives
    assert ledger.audit() == before
    assert (before.published, before.accepted, before.long, before.receipts, before.mos) == (2, 2, 1, 2, 1)


LATER: dict[str, Fact] = {
    "a third copy": lambda it: it.taken("twice", "t31", "link", segment=Concat(ref=8, total=2, seq=1)),
    "a mark that comes again": lambda it: it.event(mt("t1", "twice", "resent")),
    "a receipt of the first copy": lambda it: it.event(dr("e4", "t11", "twice")),
    "taken again": lambda it: it.taken("short", "s2", "link"),
    "a segment taken again": lambda it: it.taken("long", "l3", "link", segment=Concat(ref=9, total=2, seq=1)),
    "published again": lambda it: it.published("short"),
    "perhaps published again": lambda it: it.published("short", confirmed=False),
    "a second receipt": lambda it: it.event(dr("e4", "s", "short")),
    "a second receipt of a long one": lambda it: it.event(dr("e4", "l1", "long")),
    "a receipt of another's": lambda it: it.event(dr("e4", "l1", "short")),
    "a receipt that nobody sent": lambda it: it.event(dr("e4", "x", "short")),
    "the same receipt again": lambda it: it.event(dr("e1", "s", "short")),
    "a second MO": lambda it: it.event(mo("e4", "hello")),
    "the same MO again": lambda it: it.event(mo("e3", "hello")),
    "a piece of the MO": lambda it: it.event({**mo("e4", "ell"), "complete": False}),
    "an end after all": lambda it: it.event(mt("e4", "short", "failed")),
    "refused after all": lambda it: it.event(mt("e4", "short", "rejected")),
}


@pytest.mark.parametrize("later", LATER.values(), ids=LATER.keys())
@pytest.mark.parametrize("marked", [False, True])
def test_whatever_is_heard_of_it_later_counts(
    later: Fact, clock: Clock, ledger: TimedLedger, *, marked: bool
) -> None:
    plain = Ledger()
    facts: list[Fact] = [
        live,
        live_twice,
        *([lambda it: it.event(mt("e9", "short", "resent"))] if marked else []),
        later,
    ]
    for fact in facts:
        fact(plain)
        fact(ledger)
        clock.now += QUIET_S + 1
        ledger.close(QUIET_S)
    assert same(ledger.audit(), plain.audit())


def chance_facts(chance: Random) -> Iterator[Fact]:
    """A few MTs and MOs, of which everything may happen, also twice or in part, in any order."""
    for number in range(60):
        mt_id, smsc_id = f"m{chance.randrange(6)}", f"s{chance.randrange(12)}"
        segment = Concat(ref=chance.randrange(2), total=2, seq=chance.choice((1, 2)))
        event_id, text = f"e{number - chance.choice((0, 0, 0, 1))}", f"t{chance.randrange(4)}"
        named = f"n{chance.randrange(number + 1)}"
        confirmed = chance.random() < 0.8
        yield chance.choice(
            [
                methodcaller("published", mt_id, confirmed=confirmed),
                methodcaller("taken", mt_id, f"n{number}", "link"),
                methodcaller("taken", mt_id, f"n{number}", "link", segment=segment),
                methodcaller("event", dr(event_id, named, mt_id)),
                methodcaller("event", dr(event_id, named, mt_id, joined=False)),
                methodcaller("event", dr(event_id, named, None, joined=False)),
                methodcaller("event", dr(event_id, smsc_id, None)),
                methodcaller("event", mt(event_id, mt_id, "resent")),
                methodcaller("mo_sent", text),
                methodcaller("event", mo(event_id, text)),
            ]
        )


def test_the_verdict_does_not_depend_on_when_things_are_closed() -> None:
    closed = 0
    for seed in range(100):
        chance, clock = Random(seed), Clock()
        plain, ledger = Ledger(), TimedLedger(clock)
        for fact in chance_facts(chance):
            fact(plain)
            fact(ledger)
            clock.now += 1
            if chance.random() < 0.3:
                ledger.close(chance.choice((0.5, 5.0)))
        closed += len(ledger.closed.mts) + len(ledger.closed.mos)
        assert same(ledger.audit(), plain.audit()), seed
    assert closed > 20


def test_texts_are_known_by_their_hash() -> None:
    texts = Texts()
    texts.note("hello", "m1")
    assert texts.get("hello") == "m1"
    assert texts.get("hello!") is None
