"""How long a receipt may wait for its MT, and in which steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inbound.matching import early_rung
from bridge.model.names import WAIT_RUNGS_S

LIMIT_S = st.floats(0, 90_000) | st.integers(0, 200).map(float)


@pytest.mark.parametrize(
    ("waited_s", "limit_s", "rung_s"),
    [
        (0, 120, 1),
        (2.9, 120, 1),
        (3, 120, 5),
        (29.9, 120, 5),
        (30, 120, 30),
        (90, 120, 30),
        (91, 120, 5),
        (115.5, 120, 1),
        (119.9, 120, 1),
        (120, 120, None),
        (121, 120, None),
        (0, 0, None),
        (0, 0.5, 1),
        (0, 1, 1),
        (4, 8, 1),
        (4, 9, 5),
    ],
)
def test_the_rungs(waited_s: float, limit_s: float, rung_s: int | None) -> None:
    assert early_rung(waited_s, limit_s) == rung_s


@given(LIMIT_S, st.data())
def test_a_receipt_waits_as_long_as_it_may_and_no_longer(limit_s: float, data: st.DataObject) -> None:
    """Whatever each round takes beside its rung; a round over the limit is at most the shortest rung."""
    late_s = data.draw(st.sampled_from([0.0, 0.001, 0.3]))
    waited_s, rounds = 0.0, 0
    while (rung_s := early_rung(waited_s, limit_s)) is not None:
        assert rung_s in WAIT_RUNGS_S
        assert waited_s + rung_s <= limit_s + min(WAIT_RUNGS_S)
        waited_s += rung_s + late_s
        rounds += 1
    assert limit_s <= waited_s <= limit_s + min(WAIT_RUNGS_S) + late_s
    assert rounds <= 3 + 6 + limit_s / 30 + 10


@given(st.floats(-1e9, 1e9), LIMIT_S)
def test_every_rung_has_a_queue(waited_s: float, limit_s: float) -> None:
    assert early_rung(waited_s, limit_s) in {None, *WAIT_RUNGS_S}
