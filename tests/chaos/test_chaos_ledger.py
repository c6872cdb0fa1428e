"""The ledger with a clock: what is under way, when things lived, how long nothing was taken."""

from typing import Any

from tests.chaos.conftest import Clock
from tests.chaos.ledger import TimedLedger


def event(**fields: Any) -> dict[str, Any]:
    return {"event_id": repr(fields), "possible_duplicate": False, **fields}


def test_an_mt_is_under_way_from_the_confirm_until_it_is_taken(clock: Clock, ledger: TimedLedger) -> None:
    clock.now = 1.0
    ledger.published("m")
    assert ledger.under_way == {"m": 1.0}
    clock.now = 3.0
    ledger.taken("m", "s", "link")
    assert not ledger.under_way
    assert ledger.freshest == 1.0
    ledger.published("m")
    assert not ledger.under_way, "its repeat has nowhere to go"
    assert ledger.sent == 2


def test_an_mt_that_ended_otherwise_is_not_under_way(ledger: TimedLedger) -> None:
    ledger.published("m")
    ledger.event(event(type="mt", id="m", outcome="resent"))
    assert ledger.under_way
    ledger.event(event(type="mt", id="m", outcome="failed"))
    assert not ledger.under_way


def test_what_was_taken_before_its_confirm_is_fresh_all_the_same(clock: Clock, ledger: TimedLedger) -> None:
    ledger.taken("m", "s", "link")
    clock.now = 5.0
    ledger.published("m")
    assert not ledger.under_way
    assert ledger.freshest == 5.0


def test_what_was_not_confirmed_is_not_waited_for(ledger: TimedLedger) -> None:
    ledger.published("m", confirmed=False)
    assert (ledger.under_way, ledger.sent) == ({}, 0)
    assert ledger.audit().published == 0


def test_everything_has_a_first_and_a_last_hour(clock: Clock, ledger: TimedLedger) -> None:
    ledger.published("m")
    clock.now = 1.0
    ledger.taken("m", "s", "link")
    ledger.mo_sent("hello")
    clock.now = 2.0
    ledger.event(event(type="dr", smsc_id="s", mt_id="m", matched=True, joined=True, raw={"long": "story"}))
    ledger.event(event(type="mo", text="hello", segments=1))
    assert ledger.lives == {"m": (0.0, 1.0), "s": (1.0, 2.0), "hello": (1.0, 2.0)}
    assert ledger.audit().passed


def test_the_worst_stall_is_the_longest_time_without_a_submission(clock: Clock, ledger: TimedLedger) -> None:
    for now in (1.0, 4.0, 5.0):
        clock.now = now
        ledger.taken(f"m{now}", f"s{now}", "link")
    assert ledger.stall_s() == 3.0
    clock.now = 7.0
    assert ledger.stall_s() == 2.0, "counted from when it was asked for last"
    clock.now = 7.5
    assert ledger.stall_s() == 0.5, "one that lasts counts too"


def test_no_event_is_taken_for_another_by_what_it_leaves_out(ledger: TimedLedger) -> None:
    ledger.event(event(type="site", state="up"))
    ledger.event(event(type="mt", id="m", outcome="resolved", attempts=[1, 2, 3]))
    ledger.event(event(type="dr", smsc_id="s", mt_id=None, matched=False, joined=False, text="long"))
    assert [it.what for it in ledger.audit().complaints] == ["receipts that nobody sent"]


def test_an_mo_lives_until_what_came_of_it_was_heard(clock: Clock, ledger: TimedLedger) -> None:
    ledger.mo_sent("first, second")
    clock.now = 60.0
    ledger.event(event(type="mo", text="second", segments=1, complete=False))
    assert ledger.lives["first, second"] == (0.0, 60.0)
