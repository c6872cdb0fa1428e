"""How much a link may carry after its peer misbehaved."""

import pytest

from bridge.links.trust import Trust


def test_trusted_it_may_use_its_window() -> None:
    trust = Trust()
    assert (trust.allows(10, 0), trust.allows(0, 10), trust.wary) == (10, 0, False)


@pytest.mark.parametrize(("free", "in_flight", "allowed"), [(10, 0, 1), (9, 1, 0), (7, 3, 0), (0, 0, 0)])
def test_on_probation_one_at_a_time(free: int, in_flight: int, allowed: int) -> None:
    trust = Trust()
    trust.stalled()
    assert trust.allows(free, in_flight) == allowed
    trust.answered()
    assert trust.allows(free, in_flight) == free


def test_account_stops_double_until_a_good_answer() -> None:
    trust = Trust()
    pauses = []
    for _ in range(6):
        pauses.append(trust.account_refused())
        assert trust.account_refused() is None
        assert trust.allows(10, 0) == 0
        trust.answered()  # what was in flight trails in, and proves nothing
        assert trust.stopped
        trust.resume()
        assert trust.allows(10, 0) == 1
    assert pauses == [60, 120, 240, 480, 900, 900]
    trust.answered()
    assert (trust.wary, trust.allows(10, 0)) == (False, 10)
    assert trust.account_refused() == 60


def test_the_bind_is_blamed_by_the_second_refusal_in_a_row() -> None:
    trust = Trust()
    assert [trust.bind_refused(), trust.bind_refused(), trust.bind_refused()] == [False, True, False]
    trust.answered()
    assert not trust.bind_refused()
