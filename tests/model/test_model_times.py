"""Instants: RFC 3339, UTC, milliseconds always."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.times import rfc3339


@pytest.mark.parametrize(
    ("epoch_s", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1795363200, "2026-11-22T16:00:00.000Z"),
        (1795363200.123, "2026-11-22T16:00:00.123Z"),
        (1795363200.9996, "2026-11-22T16:00:00.999Z"),
        (951868799.5, "2000-02-29T23:59:59.500Z"),
    ],
)
def test_instants(epoch_s: float, text: str) -> None:
    assert rfc3339(epoch_s) == text


@given(st.floats(0, 4_102_444_800))
def test_every_instant_has_one_length_and_reads_back(epoch_s: float) -> None:
    text = rfc3339(epoch_s)
    assert len(text) == len("2026-11-22T16:00:00.123Z")
    assert abs(datetime.fromisoformat(text).timestamp() - epoch_s) < 0.001001
    assert datetime.fromisoformat(text).tzinfo == UTC


@given(st.lists(st.floats(0, 4_102_444_800), min_size=2, max_size=2).map(sorted))
def test_their_texts_sort_as_they_do(instants: list[float]) -> None:
    earlier, later = map(rfc3339, instants)
    assert earlier <= later
