"""The guard of what a message costs: what it takes from a report, and what it says beside the accepted figures."""

import json
from typing import Any

from bridge.proof.bench_audit import Findings
from bridge.proof.bench_report import PARTS, Report, Round, Subject
from bridge.proof.bench_setting import Setting
from tests.measure.guard import ACCEPTED, found, lines

THEN: dict[str, Any] = {"on": "2026-11-01", "ratio": {"worker": 2.0, "broker": 1.0, "redis": 2.0}}


def a_round(subject: Subject, worker_us: float, broker_us: float | None) -> Round:
    return Round(
        subject=subject,
        traffic="mt",
        lives=1000,
        seconds=2.0,
        cpu_us={"worker": worker_us, "broker": broker_us, "redis": 40.0, "provider": None},
        publish_us=None,
        start_s=0.5,
        peak_kib=1024,
        redis_bytes=300.0,
        refused=0,
        findings=Findings(),
        rate=[],
        begun=[],
    )


def now(**ratios: float | None) -> dict[str, Any]:
    return {"ratio": THEN["ratio"] | ratios}


def test_it_takes_ratios_to_the_bare_loop_and_for_people_microseconds_and_rates() -> None:
    rounds = [a_round("bridge", 300.0, None), a_round("bare", 100.0, None)]
    taken = found(Report(setting=Setting(), rounds=rounds))
    assert taken["ratio"] == {"worker": 3.0, "broker": None, "redis": 1.0}
    assert taken["us"]["worker"] == 300.0
    assert (taken["lives_per_s"], taken["bare_per_s"]) == (500.0, 500.0)
    json.dumps(taken)


def test_what_is_much_dearer_is_said_aloud_and_what_is_not_is_not() -> None:
    said = lines(now(worker=2.6, broker=1.2, redis=1.0), THEN)
    assert "2026-11-01" in said[0]
    worker, broker, redis = said[1:]
    assert worker.split()[:5] == ["worker", "2.60", "accepted", "2.00", "+30%"]
    assert ["dearer" in line for line in (worker, broker, redis)] == [True, False, False]
    assert "-50%" in redis


def test_what_is_not_known_now_or_was_not_then_has_no_line() -> None:
    said = lines(now(broker=None), {"on": "?", "ratio": THEN["ratio"] | {"redis": None}})
    assert [line.split()[0] for line in said[1:]] == ["worker"]


def test_the_accepted_figures_are_there_and_compare() -> None:
    accepted = json.loads(ACCEPTED.read_text())
    assert len(lines(accepted, accepted)) == 1 + len(PARTS)
