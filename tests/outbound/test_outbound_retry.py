"""The wait ladder, and the attempts that travel along it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.attempt import KEPT_ATTEMPTS, Attempt
from bridge.model.names import WAIT_RUNGS_S
from bridge.outbound.retry import dump_attempts, load_attempts, rung_after, rung_for_lease

ATTEMPTS = st.builds(Attempt, st.text(), st.text(), st.text(), st.text(), st.text())


def test_each_failure_waits_longer_up_to_the_top_rung() -> None:
    assert [rung_after(counted) for counted in range(1, 8)] == [1, 5, 30, 120, 600, 600, 600]


@given(st.integers(-5, 10_000_000))
def test_a_wait_for_a_lease_does_not_outlast_it_but_for_the_shortest_rung(wait_ms: int) -> None:
    rung = rung_for_lease(wait_ms)
    assert rung in WAIT_RUNGS_S
    assert rung * 1000 <= wait_ms or rung == WAIT_RUNGS_S[0]
    longer = [other for other in WAIT_RUNGS_S if other > rung]
    assert all(other * 1000 > wait_ms for other in longer)


@pytest.mark.parametrize("lease_ms", [1, 999, 40_000, 610_000, 3_600_000])
def test_a_dead_workers_message_is_back_within_the_lease_and_one_rung(lease_ms: int) -> None:
    waited = 0
    while waited < lease_ms:
        waited += rung_for_lease(lease_ms - waited) * 1000
    assert waited - lease_ms < WAIT_RUNGS_S[0] * 1000


@given(st.lists(ATTEMPTS, max_size=40))
def test_the_last_attempts_survive_the_header(attempts: list[Attempt]) -> None:
    assert load_attempts(dump_attempts(attempts)) == attempts[-KEPT_ATTEMPTS:]


@given(
    st.one_of(
        st.none(),
        st.integers(),
        st.text(),
        st.binary(),
        st.lists(st.text()),
        st.sampled_from(["[" * 100_000, '[{"at": 3}]', "[1, null]", "{}", "NaN", b"\xff"]),
    )
)
def test_a_header_that_anybody_wrote_never_raises(header: object) -> None:
    assert all(isinstance(attempt, Attempt) for attempt in load_attempts(header))
