"""Patience: one timer for all who wait, each of whom is told of once, when its time is over and no sooner."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bridge.links.http.patience import Patience

LIMIT_S = 10.0


class HandClock:
    """The loop as `Patience` sees it: a clock that is set by hand, and timers that are called by it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> "Timer":
        self.timers.append((when, callback))
        return Timer(self, (when, callback))

    def pass_(self, seconds: float) -> None:
        """Let time pass, from timer to timer."""
        end = self.now + seconds
        while self.timers and min(self.timers)[0] <= end:
            due = min(self.timers, key=lambda timer: timer[0])
            self.timers.remove(due)
            self.now = max(self.now, due[0])
            due[1]()
        self.now = end


class Timer:
    """One that can be taken back."""

    def __init__(self, clock: HandClock, timer: tuple[float, Callable[[], None]]) -> None:
        self._clock, self._timer = clock, timer

    def cancel(self) -> None:
        if self._timer in self._clock.timers:
            self._clock.timers.remove(self._timer)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    clock = HandClock()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: clock)
    return clock


def test_each_is_told_of_when_its_time_is_over(clock: HandClock) -> None:
    over: list[tuple[str, float]] = []
    patience = Patience[str](LIMIT_S, lambda who: over.append((who, clock.now)))
    for who in "abc":
        patience.begin(who)
        clock.pass_(1)
    assert len(clock.timers) == 1
    assert (len(patience), list(patience)) == (3, ["a", "b", "c"])
    clock.pass_(LIMIT_S)
    assert over == [("a", 110.0), ("b", 111.0), ("c", 112.0)]
    assert (len(patience), clock.timers) == (0, [])
    patience.begin("d")
    clock.pass_(LIMIT_S)
    assert over[-1] == ("d", 123.0)


def test_who_ended_is_told_of_no_more(clock: HandClock) -> None:
    over: list[str] = []
    patience = Patience[str](LIMIT_S, over.append)
    patience.begin("a")
    clock.pass_(1)
    patience.begin("b")
    assert patience.end("a")
    assert not patience.end("a")
    clock.pass_(LIMIT_S - 1)
    assert not over
    clock.pass_(1)
    assert over == ["b"]
    assert not patience.end("b")


def test_who_is_told_may_begin_and_end_others(clock: HandClock) -> None:
    over: list[str] = []

    def told(who: str) -> None:
        over.append(who)
        if who == "a":
            patience.end("b")
            patience.begin("d")

    patience = Patience[str](LIMIT_S, told)
    for who in "abc":
        patience.begin(who)
    clock.pass_(LIMIT_S)
    assert over == ["a", "c"]
    assert len(clock.timers) == 1
    clock.pass_(LIMIT_S)
    assert over == ["a", "c", "d"]


def test_closed_it_tells_of_nobody(clock: HandClock) -> None:
    over: list[Any] = []
    patience = Patience[str](LIMIT_S, over.append)
    patience.begin("a")
    patience.close()
    clock.pass_(2 * LIMIT_S)
    assert not over
