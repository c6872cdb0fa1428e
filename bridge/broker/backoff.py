"""How long to wait before the next attempt: exponential with full jitter, so that a pool does not come in step."""

import random

FIRST_S = 0.2
LONGEST_S = 5.0
STEADY_S = 10.0
"""What lasted so long counts as a success: the next wait is a short one again."""


class Backoff:
    """The waits of one retrying loop. `next_s` grows with each call until `lasted` says it went well."""

    __slots__ = ("_failures",)

    def __init__(self) -> None:
        self._failures = 0

    def next_s(self) -> float:
        """Seconds to wait: anything between nothing and a ceiling that doubles from 0.2 to 5."""
        ceiling = min(LONGEST_S, FIRST_S * 2 ** min(self._failures, 10))
        self._failures += 1
        return random.uniform(0, ceiling)  # noqa: S311 - spreads load, keeps no secret

    def lasted(self, seconds: float) -> None:
        """The last attempt worked for so long."""
        if seconds >= STEADY_S:
            self._failures = 0
