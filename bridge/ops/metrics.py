"""Prometheus metrics, read from the plain numbers that the rooms count for themselves.

The rooms know nothing of Prometheus: the hot path adds one to an integer, and a scrape reads it. Which
numbers there are is said by `app.py`, which has the objects; this file gives them their shape.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

PREFIX = "bridge_"

Sample = tuple[tuple[str, ...], float]
"""Label values, and the number."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. `name` without prefix and `_total`; `read` is called at every scrape and must be cheap.

    A room that counts in a `collections.Counter` keyed by label values passes its `items`.
    """

    name: str
    help: str
    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    read: Callable[[], Iterable[Sample]]


def metrics_of(
    kind: type, name: str, labels: tuple[str, ...], read: Callable[[], Iterable[tuple[tuple[str, ...], Any]]]
) -> list[Metric]:
    """The metrics of a dataclass of counters: one per field, named `<name>_<field>`.

    A field holds a number, or a mapping of word to number whose further label is in the field's metadata
    (`label`). `help` is in the metadata too. `read` gives the living objects, each with its label values.
    """
    return [_metric_of(field.name, field.metadata, name, labels, read) for field in fields(kind)]


def _metric_of(
    field: str,
    metadata: Mapping[str, str],
    name: str,
    labels: tuple[str, ...],
    read: Callable[[], Iterable[tuple[tuple[str, ...], Any]]],
) -> Metric:
    further = metadata.get("label")

    def numbers() -> Iterator[Sample]:
        for values, counters in read():
            value = getattr(counters, field)
            if further is None:
                yield values, value
            else:
                yield from (((*values, word), number) for word, number in value.items())

    all_labels = labels if further is None else (*labels, further)
    return Metric(f"{name}_{field}", metadata.get("help", field), "counter", all_labels, numbers)


class _Reader(Collector):
    """Reads all metrics when asked."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """The families with the numbers of now."""
        for metric in self._metrics:
            make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family = make(PREFIX + metric.name, metric.help, labels=metric.labels)
            for values, number in metric.read():
                family.add_metric(values, number)
            yield family

    def describe(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """The families without numbers: registering must not read what may not run yet."""
        for metric in self._metrics:
            make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            yield make(PREFIX + metric.name, metric.help, labels=metric.labels)


def registry_of(metrics: Sequence[Metric]) -> CollectorRegistry:
    """A registry of these, with the process's own (CPU, memory, open files). No name may be given twice."""
    doubled = [name for name, times in Counter(metric.name for metric in metrics).items() if times > 1]
    if doubled:
        raise ValueError(f"metrics given twice: {', '.join(doubled)}")
    registry = CollectorRegistry()
    registry.register(_Reader(metrics))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry
