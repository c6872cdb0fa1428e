"""Lines of the log for what a peer could do without end: of each kind one a second, so that no flood fills the disk."""

from collections import Counter
from typing import Any, Protocol

LINE_EVERY_S = 1.0


class Log(Protocol):
    """Where lines go."""

    def warning(self, event: str, **fields: Any) -> Any: ...


class Sparingly:
    """Warns of the first of a kind at once. `times`: with how many before it that were not told of."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._quiet_until: dict[str, float] = {}
        self._untold: Counter[str] = Counter()

    def warning(self, now: float, event: str, **fields: Any) -> None:
        """`now`: loop time."""
        self._untold[event] += 1
        if now < self._quiet_until.get(event, 0.0):
            return
        self._quiet_until[event] = now + LINE_EVERY_S
        self._log.warning(event, times=self._untold.pop(event), **fields)
