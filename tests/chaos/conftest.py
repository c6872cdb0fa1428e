"""A ledger whose clock the test sets."""

import pytest

from tests.chaos.ledger import TimedLedger


class Clock:
    """Says `now`."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> TimedLedger:
    return TimedLedger(clock)
