"""Whether this worker has just been asleep: its machine was paused, or its process stopped. Pure.

What lies in its sockets then is old. An MO without an id may have been sent again, taken by another worker and answered
so long ago that nobody knows of it any more; only who has been awake can tell such a repeat from a second "YES".
"""

AFTER_S = 1.0
"""So long after waking up, what comes is taken for old."""


class Slumber:
    """To be told of a beat at least every second. Times are the loop's."""

    __slots__ = ("_beat_at", "_limit_s", "_old_until")

    def __init__(self, limit_s: float) -> None:
        """`limit_s`: without a beat for so long, it slept."""
        self._limit_s = limit_s
        self._beat_at: float | None = None
        self._old_until = 0.0

    def beat(self, now: float) -> None:
        """It is awake."""
        if self.over(now):
            self._old_until = now + AFTER_S
        self._beat_at = now

    def over(self, now: float) -> bool:
        """Whether it has slept just now, so that what comes may be old."""
        if now < self._old_until:
            return True
        return self._beat_at is not None and now - self._beat_at > self._limit_s
