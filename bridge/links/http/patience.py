"""Those who wait, each for as long as the others, and one timer for all of them: whoever came first is due first."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Who = TypeVar("Who")


class Patience(Generic[Who]):
    """Who waits, in the order in which they came. Make it inside a running loop."""

    def __init__(self, limit_s: float, over: Callable[[Who], None]) -> None:
        """`over`: told of each who has waited for so long, and waits no more then. It must not raise."""
        self._limit_s = limit_s
        self._over = over
        self._until: dict[Who, float] = {}
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._until)

    def __iter__(self) -> Iterator[Who]:
        return iter(self._until)

    def begin(self, who: Who) -> None:
        """From now on it waits."""
        self._until[who] = until = self._loop.time() + self._limit_s
        if self._timer is None:
            self._timer = self._loop.call_at(until, self._look)

    def end(self, who: Who) -> bool:
        """It waits no longer; whether it did."""
        return self._until.pop(who, None) is not None

    def close(self) -> None:
        """Nobody is told of any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        while self._until:
            who, until = next(iter(self._until.items()))
            if until > now:
                self._timer = self._loop.call_at(until, self._look)
                return
            del self._until[who]
            self._over(who)
        self._timer = None
