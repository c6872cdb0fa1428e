"""Metrics: what the rooms count, as Prometheus reads it."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from prometheus_client import generate_latest

from bridge.ops.metrics import Metric, metrics_of, registry_of


@dataclass(slots=True)
class LinkNumbers:
    """A room's counters."""

    sent: int = field(default=0, metadata={"help": "Sent so far"})
    ends: Counter[str] = field(default_factory=Counter, metadata={"help": "Ends", "label": "outcome"})


def test_counters_are_read_when_scraped() -> None:
    numbers = LinkNumbers()
    tally: Counter[tuple[str, ...]] = Counter()
    registry = registry_of(
        [
            *metrics_of(LinkNumbers, "link", ("provider",), lambda: [(("p",), numbers)]),
            Metric("mt", "MTs by outcome", "counter", ("route", "outcome"), tally.items),
            Metric("link_free", "Free slots", "gauge", (), lambda: [((), 7.0)]),
        ]
    )
    numbers.sent += 2
    numbers.ends["Doubt"] += 1
    tally["default", "accepted"] += 3
    text = generate_latest(registry).decode()
    assert "# HELP bridge_link_sent_total Sent so far" in text
    assert 'bridge_link_sent_total{provider="p"} 2.0' in text
    assert 'bridge_link_ends_total{outcome="Doubt",provider="p"} 1.0' in text
    assert 'bridge_mt_total{outcome="accepted",route="default"} 3.0' in text
    assert "bridge_link_free 7.0" in text
    assert "process_cpu_seconds_total" in text


def test_a_name_given_twice_is_an_error() -> None:
    metric = Metric("mt", "MTs", "counter", (), list)
    with pytest.raises(ValueError, match="given twice: mt"):
        registry_of([metric, metric])
