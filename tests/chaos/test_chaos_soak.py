"""What must not grow: who is judged, what is a leak, what has to come back."""

import os
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.soak import JUDGED_S, MIB, WARM_UP_S, Held, Life, Soak

OLD_S = WARM_UP_S + JUDGED_S + 60
HELD = Held(
    connections=3,
    channels=6,
    consumers=2,
    messages=0,
    unacknowledged=0,
    redis_clients=3,
    redis_keys=0,
    undated=0,
    redis_mib=1,
)


def life(*mib: float, lasts_s: float = OLD_S) -> Life:
    """Memory as it was, at even intervals."""
    step_s = lasts_s / (len(mib) - 1)
    return Life(memory=[(number * step_s, round(size * MIB)) for number, size in enumerate(mib)])


def ramp(first: float, last: float, warm_up: float = 70.0) -> list[float]:
    """It grows fast while it warms up, and then steadily."""
    steady = [first + (last - first) * number / 100 for number in range(101)]
    return [warm_up * number / 40 for number in range(40)] + steady


@pytest.mark.parametrize(
    ("last", "leaks"), [(80.0, False), (88.0, False), (95.0, True), (200.0, True), (60.0, False)]
)
def test_only_growth_after_the_warm_up_is_a_leak(last: float, leaks: bool) -> None:
    found = life(*ramp(80.0, last))
    assert found.judged
    assert found.leaks == leaks


def test_growth_is_told_in_mib_and_mib_an_hour() -> None:
    hour = life(*(100 + number / 60 for number in range(61)), lasts_s=3600)
    grown, slope = hour.growth
    assert slope == pytest.approx(1.0, abs=0.01)
    assert 0.6 < grown < 0.7


def test_who_lived_too_short_is_not_judged() -> None:
    assert not life(10, 500, lasts_s=OLD_S - 120).judged
    assert not Life(memory=[(0.0, MIB)]).judged


def soak(*, files: int = 0, tasks: int = 30) -> Soak:
    """With this process as its only worker, that has these more files and these tasks at the end."""
    counted = {"tasks": 30}
    found = Soak(lambda: {"worker 1": os.getpid()}, lambda: {"worker 1": counted["tasks"]}, lambda: 0.0)
    found.begin(HELD)
    counted["tasks"] = tasks
    found.look()
    found.lives["worker 1"].files += files
    found.after = HELD
    return found


def test_all_is_well_when_all_is_as_before() -> None:
    found = soak()
    assert list(found.troubles()) == []
    assert found.lives["worker 1"].memory[0][1] > MIB


@pytest.mark.parametrize(
    ("more", "trouble"),
    [({"files": 100}, "files open"), ({"tasks": 100}, "100 tasks, 30 at first")],
)
def test_files_and_tasks_have_to_come_back(more: dict[str, int], trouble: str) -> None:
    (found,) = soak(**more).troubles()
    assert trouble in found


@pytest.mark.parametrize(
    "what",
    ["connections", "channels", "consumers", "messages", "unacknowledged", "redis_clients", "undated"],
)
def test_what_the_servers_hold_has_to_come_back(what: str) -> None:
    found = soak()
    more: dict[str, Any] = {what: 9}
    found.after = replace(HELD, **more)
    (trouble,) = found.troubles()
    assert trouble.startswith(f"{what.replace('_', ' ')}: 9 at last")


def test_of_messages_that_are_left_it_says_where() -> None:
    found = soak()
    found.after = replace(HELD, messages=9, filled=("mt.r 7", "wait.1 2"))
    (trouble,) = found.troubles()
    assert trouble.endswith("at first (mt.r 7, wait.1 2)")
    *_, held = found.notes()
    assert "messages 0 to 9, " in held


def test_keys_with_a_time_to_live_may_stay() -> None:
    found = soak()
    found.after = replace(HELD, redis_keys=10**6, redis_mib=500)
    assert list(found.troubles()) == []
