"""What is due later, in one heap with a single timer. Knows nothing of SMPP."""

import asyncio
import math
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

GRAIN_S = 0.001
"""What falls due within a millisecond is done together: a busy SMSC wakes a thousand times a second, not more."""


class Agenda:
    """Calls to make later. A call that raises does not keep the others from being made."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()
        self._timer: asyncio.Handle | None = None
        self._wakes_at = math.inf

    def after(self, delay_s: float, call: Callable[..., None], *args: Any) -> None:
        """Calls `call(*args)` in `delay_s` seconds, never within this very call."""
        loop = asyncio.get_running_loop()
        due = loop.time() + delay_s
        heappush(self._heap, (due, next(self._order), call, args))
        if due < self._wakes_at - GRAIN_S:
            self._arm(loop)

    def clear(self) -> None:
        """Forgets everything."""
        self._heap.clear()
        self._disarm()

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        self._disarm()
        if self._heap:
            self._wakes_at = self._heap[0][0]
            self._timer = loop.call_at(self._wakes_at, self._run, loop)

    def _disarm(self) -> None:
        self._wakes_at = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        limit = loop.time() + GRAIN_S
        try:
            while self._heap and self._heap[0][0] <= limit:
                _, _, call, args = heappop(self._heap)
                call(*args)
        finally:
            self._arm(loop)
