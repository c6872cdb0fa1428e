"""Dates of receipts to ISO 8601, instants to SMPP absolute time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.dates import absolute_time, read_date


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2611221405", "2026-11-22T14:05"),
        ("261122140559", "2026-11-22T14:05:59"),
        ("202611221405", "2026-11-22T14:05"),  # 20, then 26: no month
        ("201211221405", "2020-12-11T22:14:05"),  # 20, then 12: a month
        ("201311221405", "2013-11-22T14:05"),
        ("20261122140559", "2026-11-22T14:05:59"),
        ("261122140559700+", "2026-11-22T14:05:59.7+00:00"),
        ("261122140559022+", "2026-11-22T14:05:59.0+05:30"),
        ("261122140559948-", "2026-11-22T14:05:59.9-12:00"),
        ("261122140559049+", None),  # no such zone
        ("261322140559012+", None),
        ("26112214055901x+", None),
        ("000000000000000R", None),  # relative: not a date
        ("0000000000", None),
        ("000000000000", None),
        ("2600221405", None),  # a month 00
        ("2602301405", None),
        ("2611222405", None),
        ("26112214055", None),
        ("2026-11-22", None),
        ("²²²²²²²²²²", None),
        ("", None),
    ],
)
def test_reads_dates(written: str, read: str | None) -> None:
    assert read_date(written) == read


@given(st.text(st.sampled_from("0123456789+-R ²"), max_size=17))
def test_reading_never_raises(value: str) -> None:
    assert read_date(value) is None or "T" in str(read_date(value))


@pytest.mark.parametrize(
    ("epoch_s", "written"),
    [
        (0.0, "700101000000000+"),
        (1795356305.9, "261122140505000+"),
        (4102444799.0, "991231235959000+"),
        (9e9, "991231235959000+"),
    ],
)
def test_writes_absolute_time(epoch_s: float, written: str) -> None:
    assert absolute_time(epoch_s) == written


@given(st.integers(min_value=946684800, max_value=4102444799))
def test_reads_what_it_writes(epoch_s: int) -> None:
    written = absolute_time(epoch_s)
    assert len(written) == 16
    assert read_date(written) is not None
