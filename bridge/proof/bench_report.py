"""From what was measured to what is said of it: percentiles, rates over time, medians and ratios of rounds. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from bridge.proof.bench_audit import Findings
from bridge.proof.bench_setting import Setting

Subject = Literal["bridge", "bare"]
"""Who was measured: the bridge, or the loop of the same operations that promises nothing."""
Traffic = Literal["mt", "mo", "http", "callback"]
"""What: lives of MTs over SMPP, MOs over SMPP, lives of MTs over HTTP, MOs by callback."""
LIVES: Mapping[Traffic, str] = {
    "mt": "lives of MTs",
    "mo": "MOs",
    "http": "lives of MTs over HTTP",
    "callback": "MOs by callback",
}
"""Each in words."""
INBOUND: tuple[Traffic, ...] = ("mo", "callback")
"""What has no MTs."""
OVER_HTTP: tuple[Traffic, ...] = ("http", "callback")

Point = tuple[float, float]
"""Seconds since the beginning, and a value then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One measured round. `cpu_us`: microseconds of CPU a life, by who had them; None where that cannot be seen.

    `publish_us`: of the broker for one MT that is put into its queue, before the round; in `cpu_us` as well.
    `start_s`: from the start of the process to the first message taken. `redis_bytes`: a life's, once all is through;
    None if keys of earlier rounds expired meanwhile.
    Over time: `rate` of lives that ended, `begun` of those that began (a submit_sm at the SMSC, a deliver_sm to us).
    """

    subject: Subject
    traffic: Traffic
    lives: int
    seconds: float
    cpu_us: Mapping[str, float | None]
    publish_us: float | None
    start_s: float
    peak_kib: int
    redis_bytes: float | None
    refused: int
    findings: Findings
    rate: Sequence[Point]
    begun: Sequence[Point]

    @property
    def per_s(self) -> float:
        """Lives a second."""
        return self.lives / self.seconds


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of a latency, in milliseconds."""

    p50: float
    p99: float
    p999: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Percentiles":
        """Of these, in any order; there must be one."""
        ordered = sorted(seconds)
        return cls(*(percentile(ordered, part) * 1000 for part in (0.5, 0.99, 0.999)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """At a steady rate: `submit` from publish to submit_sm, `event` from receipt to event.."""

    rate: float
    lives: int
    submit: Percentiles
    event: Percentiles
    submit_over_time: Sequence[Point]
    event_over_time: Sequence[Point]
    cpu_us: Mapping[str, float | None]
    findings: Findings


@dataclass(frozen=True, slots=True)
class Memory:
    """What Redis remembered before the rounds: so many finished MTs, in so many octets."""

    lives: int
    octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """MTs whose answers were kept back: `reached` of `wanted` at once.

    Memory of the worker: before the first, while they were, and at most until all were through.
    """

    wanted: int
    reached: int
    idle_kib: int
    held_kib: int
    peak_kib: int
    findings: Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of one bench. `warm_up`: what the rounds before the first had, of which only this counts."""

    setting: Setting
    rounds: Sequence[Round]
    latencies: Latencies | None = None
    remembered: Memory | None = None
    in_flight: InFlight | None = None
    warm_up: Findings = field(default_factory=Findings)

    @property
    def findings(self) -> Findings:
        """Of everything together."""
        parts = [self.warm_up, *(one.findings for one in self.rounds)]
        parts += [one.findings for one in (self.latencies, self.in_flight) if one is not None]
        return sum(parts, Findings())

    def of(self, subject: Subject, traffic: Traffic) -> list[Round]:
        """The rounds of this kind, in order."""
        return [one for one in self.rounds if (one.subject, one.traffic) == (subject, traffic)]

    @property
    def traffics(self) -> list[Traffic]:
        """What was measured, in order."""
        return list(dict.fromkeys(one.traffic for one in self.rounds))

    def segments(self, traffic: Traffic) -> int:
        """Of each life of the bridge. The bare loop knows none."""
        return self.setting.segments if traffic == "mt" else 1


def percentile(ordered: Sequence[float], part: float) -> float:
    """The smallest value that at least this part of all are not above (nearest rank). `ordered`: and not empty."""
    rank = -int(-part * len(ordered) // 1)
    return ordered[min(max(rank, 1), len(ordered)) - 1]


def rate_over_time(times: Sequence[float], every_s: float) -> list[Point]:
    """Happenings a second, for each whole step from the first on. `times`: in order."""
    if not times:
        return []
    steps = int((times[-1] - times[0]) / every_s)
    counts = [0] * steps
    for at in times:
        step = int((at - times[0]) / every_s)
        if step < steps:
            counts[step] += 1
    return [((step + 0.5) * every_s, count / every_s) for step, count in enumerate(counts)]


def latency_over_time(pairs: Sequence[tuple[float, float]], part: float, every_s: float) -> list[Point]:
    """A percentile in milliseconds for each step. `pairs`: when, and how many seconds it took; in order of when."""
    steps: dict[int, list[float]] = {}
    for at, took in pairs:
        steps.setdefault(int((at - pairs[0][0]) / every_s), []).append(took)
    return [
        ((step + 0.5) * every_s, percentile(sorted(values), part) * 1000) for step, values in steps.items()
    ]


def middle(rounds: Sequence[Round], value: Callable[[Round], float | None]) -> float | None:
    """The median of a figure over rounds; None if one of them has none."""
    values = [value(one) for one in rounds]
    known = [one for one in values if one is not None]
    return median(known) if known and len(known) == len(values) else None


def ratio(
    bridge: Sequence[Round], bare: Sequence[Round], value: Callable[[Round], float | None]
) -> float | None:
    """The median over pairs of neighbours in time of bridge to bare: a noise that lasts hits both."""
    ratios = []
    for one, other in zip(bridge, bare, strict=False):
        ours, theirs = value(one), value(other)
        if ours is None or not theirs:
            return None
        ratios.append(ours / theirs)
    return median(ratios) if ratios else None


PARTS = ("worker", "broker", "redis")


def cpu_of(part: str, pieces: int = 1) -> Callable[[Round], float | None]:
    """The figure of a round that is this part's CPU a life, or for each of so many pieces of it."""

    def figure(one: Round) -> float | None:
        spent = one.cpu_us[part]
        return None if spent is None else spent / pieces

    return figure


def summary(report: Report) -> dict[str, Any]:
    """All of it, for scripts: medians, ratios, and each round."""
    findings = report.findings
    return {
        "clean": findings.clean,
        "lost": findings.lost,
        "doubled": findings.doubled,
        "wrong": findings.wrong,
        "example": findings.example,
        "workers": report.setting.workers,
        "binds": report.setting.binds,
        "routes": report.setting.routes,
        "segments": report.setting.segments,
        **{traffic: _of_traffic(report, traffic) for traffic in report.traffics},
        "latency": None if report.latencies is None else _of_latencies(report.latencies),
        "remembered": None if report.remembered is None else _of_memory(report.remembered),
        "in_flight": None if report.in_flight is None else _of_in_flight(report.in_flight),
    }


def _of_traffic(report: Report, traffic: Traffic) -> dict[str, Any]:
    bridge, bare = report.of("bridge", traffic), report.of("bare", traffic)
    return {
        "bridge": _of_rounds(bridge),
        "bare": _of_rounds(bare),
        "ratio": {
            "per_s": _rounded(ratio(bridge, bare, lambda one: one.per_s), 3),
            "cpu_us": {part: _rounded(ratio(bridge, bare, cpu_of(part)), 3) for part in PARTS},
        },
        "cpu_us_a_segment": {
            part: _rounded(middle(bridge, cpu_of(part, report.segments(traffic)))) for part in PARTS
        },
        "rounds": [_of_round(one) for one in (*bridge, *bare)],
    }


def _of_rounds(rounds: Sequence[Round]) -> dict[str, Any]:
    return {
        "per_s": _rounded(middle(rounds, lambda one: one.per_s)),
        "cpu_us": {part: _rounded(middle(rounds, cpu_of(part))) for part in PARTS},
        "publish_us": _rounded(middle(rounds, lambda one: one.publish_us)),
        "start_s": _rounded(middle(rounds, lambda one: one.start_s), 2),
        "peak_mib": _rounded(middle(rounds, lambda one: one.peak_kib / 1024)),
        "redis_bytes": _rounded(middle(rounds, lambda one: one.redis_bytes)),
    }


def _of_round(one: Round) -> dict[str, Any]:
    return {
        "subject": one.subject,
        "lives": one.lives,
        "seconds": round(one.seconds, 3),
        "per_s": round(one.per_s, 1),
        "cpu_us": {part: _rounded(spent) for part, spent in one.cpu_us.items()},
        "refused": one.refused,
    }


def _of_latencies(latencies: Latencies) -> dict[str, Any]:
    return {
        "rate": round(latencies.rate, 1),
        "lives": latencies.lives,
        "publish_to_submit_ms": _of_percentiles(latencies.submit),
        "receipt_to_event_ms": _of_percentiles(latencies.event),
        "cpu_us": {part: _rounded(spent) for part, spent in latencies.cpu_us.items()},
    }


def _of_memory(memory: Memory) -> dict[str, int]:
    return {"lives": memory.lives, "octets": memory.octets}


def _of_in_flight(in_flight: InFlight) -> dict[str, float]:
    return {
        "wanted": in_flight.wanted,
        "reached": in_flight.reached,
        "idle_mib": round(in_flight.idle_kib / 1024, 1),
        "held_mib": round(in_flight.held_kib / 1024, 1),
        "peak_mib": round(in_flight.peak_kib / 1024, 1),
    }


def _of_percentiles(percentiles: Percentiles) -> dict[str, float]:
    return {
        "p50": round(percentiles.p50, 2),
        "p99": round(percentiles.p99, 2),
        "p99.9": round(percentiles.p999, 2),
    }


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)
