"""What a flight knows of itself."""

import pytest

from bridge.outbound.flight import Long, SegmentRef
from bridge.outbound.parts import NOBODY, Fate, Parts
from tests.outbound.test_outbound_lanes import flight


@pytest.mark.parametrize(
    ("provider", "reference", "current"),
    [("p", 7, True), ("q", 7, False), ("p", 8, False), (NOBODY, 7, False)],
)
def test_an_answer_is_of_the_copy_only_if_provider_and_reference_are(
    provider: str, reference: int, current: bool
) -> None:
    made = flight(1)
    ref = SegmentRef(made, 1, 2, 7)
    assert not ref.is_current("p"), "it has no segments any more"
    made.long = Long(Parts(provider, "p1", "c0ffee00", (Fate.WRITTEN, Fate.NONE)))
    made.long.reference = reference
    assert ref.is_current("p") is current
