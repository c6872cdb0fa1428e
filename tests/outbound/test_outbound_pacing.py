"""The pace of a throttled link: pauses that double, a speed that comes back step by step."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.outbound.pacing import FIRST_PAUSE_S, LONGEST_PAUSE_S, Pacer


def test_a_link_that_was_never_throttled_runs_its_whole_window() -> None:
    pacer = Pacer(10)
    pacer.accepted()
    assert (pacer.limit, pacer.paused(0.0), pacer.up(0.0)) == (10, False, True)


def test_throttling_pauses_and_halves_the_limit() -> None:
    pacer = Pacer(10)
    assert pacer.throttled(100.0) == 100.0 + FIRST_PAUSE_S
    assert pacer.limit == 5
    assert pacer.paused(100.0)
    assert not pacer.paused(100.0 + FIRST_PAUSE_S)


def test_the_rest_of_the_window_makes_the_pause_no_longer() -> None:
    pacer = Pacer(10)
    until = pacer.throttled(100.0)
    assert pacer.throttled(100.1) == until
    assert (pacer.pause_s, pacer.limit) == (FIRST_PAUSE_S, 5)


def test_pauses_double_up_to_the_longest() -> None:
    pacer, now, pauses = Pacer(8), 0.0, []
    for _ in range(9):
        now = pacer.throttled(now)
        pauses.append(pacer.pause_s)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    assert pacer.limit == 1


def test_a_long_pause_takes_the_link_out_of_the_route_and_a_short_one_does_not() -> None:
    pacer, now = Pacer(8), 0.0
    while pacer.pause_s <= 5:
        assert pacer.up(now)
        now = pacer.throttled(now)
    assert not pacer.up(now - 0.001)
    assert pacer.up(now)


def test_speed_comes_back_step_by_step() -> None:
    pacer = Pacer(4)
    pacer.throttled(pacer.throttled(0.0))
    assert (pacer.limit, pacer.pause_s) == (1, 1.0)
    seen = []
    for _ in range(1 + 2 + 3 + 4):
        pacer.accepted()
        seen.append((pacer.limit, pacer.pause_s))
    assert seen[0] == (2, 0.5)
    assert seen[2] == (3, 0.0)
    assert seen[-1] == (4, 0.0)


@given(st.integers(1, 200), st.lists(st.tuples(st.booleans(), st.floats(0, 30))))
def test_the_limit_stays_within_the_window_and_the_pause_within_its_bounds(
    window: int, steps: list[tuple[bool, float]]
) -> None:
    pacer, now = Pacer(window), 0.0
    for throttled, after in steps:
        now += after
        if throttled:
            assert pacer.throttled(now) > now
        else:
            pacer.accepted()
        assert 1 <= pacer.limit <= window
        assert pacer.pause_s == 0 or FIRST_PAUSE_S <= pacer.pause_s <= LONGEST_PAUSE_S


@given(st.integers(1, 50), st.lists(st.floats(0, 30), max_size=20))
def test_enough_success_always_brings_the_whole_window_back(window: int, throttles: list[float]) -> None:
    pacer, now = Pacer(window), 0.0
    for after in throttles:
        now += after
        pacer.throttled(now)
    for _ in range(window * (window + 1) // 2 + 10 * window):
        pacer.accepted()
    assert (pacer.limit, pacer.pause_s) == (window, 0.0)
