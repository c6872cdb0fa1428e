"""Figures of a bench: percentiles by nearest rank, rates and latencies over time, medians, ratios of neighbours."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.proof.bench_audit import Findings
from bridge.proof.bench_report import (
    InFlight,
    Latencies,
    Memory,
    Percentiles,
    Report,
    Round,
    Subject,
    cpu_of,
    latency_over_time,
    middle,
    percentile,
    rate_over_time,
    ratio,
    summary,
)
from bridge.proof.bench_setting import Setting

values = st.lists(st.floats(0, 1e6), min_size=1, max_size=200).map(sorted)


def a_round(subject: Subject, per_s: float, worker_us: float | None = 100.0) -> Round:
    return Round(
        subject=subject,
        traffic="mt",
        lives=int(per_s * 2),
        seconds=2.0,
        cpu_us={"worker": worker_us, "broker": None, "redis": 40.0, "smsc": None},
        publish_us=20.0,
        start_s=0.5,
        peak_kib=10_240,
        redis_bytes=300.0,
        refused=0,
        findings=Findings(),
        rate=[(0.5, per_s)],
        begun=[(0.5, per_s)],
    )


@pytest.mark.parametrize(
    ("part", "expected"),
    [(0.5, 50.0), (0.99, 99.0), (0.999, 100.0), (1.0, 100.0), (0.001, 1.0), (0.0, 1.0)],
)
def test_a_percentile_is_a_value_that_was_measured(part: float, expected: float) -> None:
    assert percentile([float(number) for number in range(1, 101)], part) == expected


@given(values, st.floats(0, 1))
def test_at_least_that_part_is_not_above_a_percentile_and_none_below_it_would_do(
    ordered: list[float], part: float
) -> None:
    found = percentile(ordered, part)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= part * len(ordered) - 1e-6
    below = sum(value < found for value in ordered)
    assert below == 0 or below < part * len(ordered) + 1e-6


def test_percentiles_are_in_milliseconds_whatever_the_order() -> None:
    assert Percentiles.of([0.003, 0.001, 0.002]) == Percentiles(2.0, 3.0, 3.0)


def test_a_rate_counts_each_happening_of_whole_steps_once() -> None:
    times = [10.0, 10.1, 10.2, 10.6, 11.0, 11.2]
    assert rate_over_time(times, 0.5) == [(0.25, 6.0), (0.75, 2.0)]
    assert rate_over_time([], 0.5) == []


@given(values)
def test_rates_over_time_hold_no_more_than_happened(times: list[float]) -> None:
    every_s = max((times[-1] - times[0]) / 7, 0.01)
    counted = sum(rate * every_s for _, rate in rate_over_time(times, every_s))
    assert counted <= len(times) + 1e-6


def test_a_latency_over_time_is_that_of_each_step() -> None:
    pairs = [(5.0, 0.001), (5.2, 0.004), (6.1, 0.002)]
    assert latency_over_time(pairs, 0.99, 1.0) == [(0.5, 4.0), (1.5, 2.0)]


def test_medians_are_over_rounds_and_unknown_if_one_of_them_is() -> None:
    rounds = [a_round("bridge", per_s, us) for per_s, us in ((100, 9.0), (300, 7.0), (200, 8.0))]
    assert middle(rounds, lambda one: one.per_s) == 200
    assert middle(rounds, cpu_of("worker")) == 8
    assert middle([*rounds, a_round("bridge", 1, None)], cpu_of("worker")) is None
    assert middle([], cpu_of("worker")) is None


def test_a_ratio_compares_neighbours_so_that_a_slow_machine_changes_nothing() -> None:
    bridge = [a_round("bridge", 100), a_round("bridge", 10), a_round("bridge", 90)]
    bare = [a_round("bare", 200), a_round("bare", 20), a_round("bare", 100)]
    assert ratio(bridge, bare, lambda one: one.per_s) == 0.5
    assert ratio(bridge, bare, cpu_of("broker")) is None
    assert ratio(bridge, [], lambda one: one.per_s) is None


def test_what_was_remembered_and_in_flight_is_in_the_summary_and_so_is_what_went_wrong() -> None:
    many = InFlight(
        wanted=10, reached=9, idle_kib=1024, held_kib=2048, peak_kib=3072, findings=Findings(doubled=1)
    )
    report = Report(setting=Setting(), rounds=[], remembered=Memory(10, 6000), in_flight=many)
    told = json.loads(json.dumps(summary(report)))
    assert told["remembered"] == {"lives": 10, "octets": 6000}
    assert told["in_flight"] == {
        "wanted": 10,
        "reached": 9,
        "idle_mib": 1.0,
        "held_mib": 2.0,
        "peak_mib": 3.0,
    }
    assert (told["clean"], told["doubled"], told["latency"]) == (False, 1, None)


def test_a_segment_costs_its_part_of_a_life() -> None:
    rounds = [a_round("bridge", 100, 300.0), a_round("bare", 200)]
    told = summary(Report(setting=Setting(segments=4), rounds=rounds))
    assert told["segments"] == 4
    assert told["mt"]["cpu_us_a_segment"] == {"worker": 75.0, "broker": None, "redis": 10.0}
    assert told["mt"]["ratio"]["cpu_us"]["worker"] == 3.0, "of lives"
    mos = [replace(one, traffic="mo") for one in rounds]
    assert summary(Report(setting=Setting(segments=4), rounds=mos))["mo"]["cpu_us_a_segment"]["worker"] == 300


def test_the_summary_is_json_and_has_the_worst_of_all_rounds() -> None:
    latencies = Latencies(
        rate=500.0,
        lives=1000,
        submit=Percentiles(1.234, 2.0, 3.0),
        event=Percentiles(4.0, 5.0, 6.0),
        submit_over_time=[],
        event_over_time=[],
        cpu_us={"worker": 150.0, "broker": None, "redis": 50.0, "smsc": 40.0},
        findings=Findings(lost=1, example="row 3 has no event"),
    )
    rounds = [a_round("bridge", 100, 300.0), a_round("bare", 200)]
    report = Report(
        setting=Setting(), rounds=rounds, latencies=latencies, warm_up=Findings(doubled=2, example="d")
    )
    told = json.loads(json.dumps(summary(report)))
    assert not told["clean"]
    assert (told["lost"], told["doubled"], told["wrong"], told["example"]) == (1, 2, 0, "d")
    assert told["mt"]["ratio"] == {"per_s": 0.5, "cpu_us": {"worker": 3.0, "broker": None, "redis": 1.0}}
    assert told["mt"]["bridge"]["per_s"] == 100
    assert told["mt"]["bare"]["peak_mib"] == 10
    assert told["latency"]["publish_to_submit_ms"] == {"p50": 1.23, "p99": 2.0, "p99.9": 3.0}
    assert [one["subject"] for one in told["mt"]["rounds"]] == ["bridge", "bare"]
    assert summary(replace(report, latencies=None, warm_up=Findings()))["clean"]
