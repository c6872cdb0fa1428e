"""Flatness: the settings are those of the goal, and a ratio is to what was measured beside it."""

import pytest

from tests.measure.flat import ORDINARY, cases, line, over

A, B = {"worker": 100.0, "broker": 50.0, "redis": None}, {"worker": 300.0, "broker": 50.0, "redis": 20.0}


def test_a_ratio_is_to_the_mean_of_the_neighbours_and_unknown_where_one_of_them_is() -> None:
    assert over({"worker": 220.0, "broker": 40.0, "redis": 1.0}, A, B) == {
        "worker": pytest.approx(1.1),
        "broker": pytest.approx(0.8),
        "redis": None,
    }
    assert over(A, B)["redis"] is None


def test_a_line_has_the_median_and_the_spread_of_its_rounds() -> None:
    ratios = [{"worker": value, "broker": 1.0, "redis": None} for value in (0.9, 1.3, 1.0)]
    assert line("8 routes", ratios).split() == [
        *("8", "routes"),
        *("1.00", "(0.90-1.30)"),
        *("1.00", "(1.00-1.00)"),
        "unknown",
    ]


def test_each_case_differs_from_the_ordinary_one_in_one_thing() -> None:
    chosen = cases(5_000_000)
    assert len({case.name for case in (ORDINARY, *chosen)}) == 1 + len(chosen)
    for case in chosen:
        window = "window" if case.name.endswith("of one window") else "window_of_a_bind"
        differences = sum(
            getattr(case.setting, name) != getattr(ORDINARY.setting, name)
            for name in ("workers", "binds", "routes", "segments", window)
        )
        assert differences + bool(case.remembered) + (case.subject == "bare") == 1, case
