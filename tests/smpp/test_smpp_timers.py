"""The clocks of a session as short lists of instants."""

from collections.abc import Callable

import pytest

from bridge.smpp.timers import Alarm, Timers
from bridge.smpp.window import NEVER

INIT, ENQUIRE, RESPONSE, IDLE = 10.0, 30.0, 5.0, 100.0


def timers(inactivity_s: float | None = None) -> Timers:
    return Timers(
        session_init_s=INIT,
        enquire_link_s=ENQUIRE,
        response_timeout_s=RESPONSE,
        inactivity_s=inactivity_s,
        now=0.0,
    )


def rung(clocks: Timers, now: float) -> list[Alarm]:
    """All alarms of an instant; behind them no deadline is due."""
    alarms = []
    while (alarm := clocks.ring(now)) is not None:
        alarms.append(alarm)
    assert clocks.deadline() > now
    return alarms


def test_a_connection_must_be_bound_in_time() -> None:
    clocks = timers()
    assert clocks.deadline() == INIT
    assert rung(clocks, 9.9) == []
    assert rung(clocks, 10.0) == [Alarm.NOT_BOUND]
    assert clocks.deadline() == NEVER


def test_the_bind_has_its_own_time() -> None:
    clocks = timers()
    clocks.binding(4.0)
    assert clocks.deadline() == 14.0
    clocks.bound(5.0)
    assert clocks.deadline() == 35.0


def test_silence_is_enquired_twice() -> None:
    clocks = timers()
    clocks.bound(0.0)
    assert rung(clocks, 30.0) == [Alarm.ENQUIRE]
    assert clocks.deadline() == 35.0
    assert rung(clocks, 35.0) == [Alarm.ENQUIRE]
    assert rung(clocks, 40.0) == [Alarm.SILENT]
    assert clocks.deadline() == NEVER


def test_any_word_ends_the_silence() -> None:
    clocks = timers()
    clocks.bound(0.0)
    rung(clocks, 30.0)
    rung(clocks, 35.0)
    clocks.heard(39.0)
    assert rung(clocks, 68.9) == []
    assert [rung(clocks, now) for now in (69.0, 74.0, 79.0)] == [
        [Alarm.ENQUIRE],
        [Alarm.ENQUIRE],
        [Alarm.SILENT],
    ]


def test_after_a_long_sleep_the_peer_still_has_its_two_chances() -> None:
    clocks = timers()
    clocks.bound(0.0)
    assert rung(clocks, 1000.0) == [Alarm.ENQUIRE]
    assert clocks.deadline() == 1005.0


def test_idleness() -> None:
    clocks = timers(inactivity_s=IDLE)
    clocks.worked(1.0)
    clocks.bound(0.0)
    clocks.worked(50.0)
    clocks.heard(149.0)
    assert rung(clocks, 149.9) == []
    assert rung(clocks, 150.0) == [Alarm.INACTIVE]
    clocks.worked(151.0)
    assert clocks.deadline() == 179.0


def test_who_leaves_may_be_idle() -> None:
    clocks = timers(inactivity_s=IDLE)
    clocks.bound(0.0)
    clocks.leaving()
    clocks.heard(99.0)
    assert rung(clocks, 128.0) == []


def test_a_stall_has_one_response_time() -> None:
    clocks = timers()
    clocks.bound(0.0)
    clocks.stalled(7.0)
    clocks.stalled(9.0)
    assert clocks.deadline() == 12.0
    assert rung(clocks, 12.0) == [Alarm.STALLED]


def test_an_answer_ends_the_stall() -> None:
    clocks = timers()
    clocks.bound(0.0)
    clocks.stalled(7.0)
    clocks.answered()
    assert clocks.deadline() == 30.0


def test_unbinding_waits_for_nothing_else() -> None:
    clocks = timers(inactivity_s=IDLE)
    clocks.bound(0.0)
    clocks.stalled(1.0)
    clocks.leaving()
    clocks.unbinding(2.0)
    clocks.heard(3.0)
    assert clocks.deadline() == 7.0
    assert rung(clocks, 7.0) == [Alarm.NOT_UNBOUND]
    assert clocks.deadline() == NEVER


@pytest.mark.parametrize(
    "start",
    [
        lambda clocks: clocks.binding(0.0),
        lambda clocks: clocks.bound(0.0),
        lambda clocks: clocks.stalled(0.0),
        lambda clocks: clocks.unbinding(0.0),
    ],
)
def test_stopped_nothing_runs(start: Callable[[Timers], None]) -> None:
    clocks = timers(inactivity_s=IDLE)
    start(clocks)
    clocks.stop()
    assert rung(clocks, 1e9) == []
    assert clocks.deadline() == NEVER
