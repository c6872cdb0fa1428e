"""Time that passes only when nothing is left to do, and the event loops of workers that live in it.

Each worker has a loop of its own: a worker that is paused is a loop that is not turned, one that is killed is a loop
that is never turned again. Not responsible for what happens when.
"""

import asyncio
import heapq
from asyncio import events as running
from collections.abc import Callable
from itertools import count
from math import inf
from typing import Any

Act = Callable[[], object]


class Agenda:
    """The one clock, and what is to happen outside of workers. `now`: seconds since the beginning."""

    def __init__(self) -> None:
        self.now = 0.0
        self._numbers = count()
        self._acts: list[tuple[float, int, Act]] = []

    def after(self, seconds: float, act: Act) -> None:
        self.at(self.now + seconds, act)

    def at(self, when: float, act: Act) -> None:
        heapq.heappush(self._acts, (when, next(self._numbers), act))

    @property
    def next_at(self) -> float:
        return self._acts[0][0] if self._acts else inf

    def do_next(self) -> None:
        when, _, act = heapq.heappop(self._acts)
        self.now = max(self.now, when)
        act()


class WorkerLoop(asyncio.BaseEventLoop):
    """A loop on the agenda's clock that runs when it is told to."""

    _ready: Any
    _scheduled: Any
    _timer_cancelled_count: int

    def __init__(self, agenda: Agenda) -> None:
        super().__init__()
        self._agenda = agenda

    def time(self) -> float:
        return self._agenda.now

    @property
    def next_at(self) -> float:
        """When its first timer rings."""
        scheduled = self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
            self._timer_cancelled_count = max(0, self._timer_cancelled_count - 1)
        return scheduled[0]._when if scheduled else inf

    def turn(self, act: Act | None = None) -> None:
        """Do this, and all that is ready or due, until nothing is."""
        before = running._get_running_loop()
        running._set_running_loop(None)
        running._set_running_loop(self)
        try:
            if act is not None:
                act()
            while self._ready or self.next_at <= self._agenda.now:
                self._once()
        finally:
            running._set_running_loop(before)

    def _once(self) -> None:
        """As `_run_once` of the base, but for what it does about sockets, signals and slow callbacks."""
        ready = self._ready
        while self.next_at <= self._agenda.now:
            timer = heapq.heappop(self._scheduled)
            timer._scheduled = False
            ready.append(timer)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def end(self) -> None:
        """Nothing of it goes on: its tasks are taken down, and what they do about that reaches nobody."""
        self._ready.clear()
        for task in asyncio.all_tasks(self):
            task.cancel()
        self._scheduled.clear()
        before = running._get_running_loop()
        running._set_running_loop(self)
        try:
            for _ in range(50):
                if not self._ready:
                    break
                self._once()
        finally:
            running._set_running_loop(before)
        self._ready.clear()
        self._scheduled.clear()
        self.close()
