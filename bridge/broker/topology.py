"""The exchanges, queues and bindings of the bridge (contract, section 2). Pure: what there is to declare, not how.

Arguments of a queue never change within a major version: RabbitMQ refuses a declaration that differs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.model.names import WAIT_RUNGS_S, Lane, Names

DELIVERY_LIMIT = 100_000
"""Large, since from RabbitMQ 4 the default is 20 and a pool that crashes in a loop uses that up; -1 would drop
messages at their first redelivery on 3.10."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange."""

    name: str
    kind: Literal["topic", "fanout"]
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable quorum queue; `arguments` has the type too."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Binding:
    """From an exchange to a queue, or to another exchange."""

    source: str
    destination: str
    key: str = ""
    to_exchange: bool = False


Item = Exchange | Queue | Binding

_LANES: tuple[Lane, ...] = ("interactive", "bulk")


def topology(names: Names, routes: Sequence[str]) -> list[Item]:
    """Everything, in an order in which it can be declared."""
    return [*_exchanges(names), *_queues(names, routes), *_bindings(names, routes)]


def _exchanges(names: Names) -> Iterator[Exchange]:
    yield Exchange(names.dead, "fanout")
    yield Exchange(names.unrouted, "topic")
    yield Exchange(names.mt, "topic", {"alternate-exchange": names.dead})
    yield Exchange(names.retry, "topic", {"alternate-exchange": names.dead})
    for rung_s in WAIT_RUNGS_S:
        yield Exchange(names.wait(rung_s), "fanout")
    yield Exchange(names.inbound, "topic", {"alternate-exchange": names.unrouted})
    yield Exchange(names.tap, "fanout")
    yield Exchange(names.events, "fanout")


def _safe_dead_letters(exchange: str) -> dict[str, Any]:
    # At-least-once dead lettering needs all three; without the last RabbitMQ silently falls back to at-most-once.
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": exchange,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _queues(names: Names, routes: Sequence[str]) -> Iterator[Queue]:
    worked = {**_safe_dead_letters(names.dead), "x-delivery-limit": DELIVERY_LIMIT}
    yield Queue(names.dead, {"x-queue-type": "quorum"})
    yield Queue(names.unrouted, {"x-queue-type": "quorum"})
    for rung_s in WAIT_RUNGS_S:
        yield Queue(names.wait(rung_s), {**_safe_dead_letters(names.retry), "x-message-ttl": rung_s * 1000})
    yield Queue(names.early, worked)
    for route in routes:
        for lane in _LANES:
            yield Queue(names.route_queue(route, lane), worked)


def _bindings(names: Names, routes: Sequence[str]) -> Iterator[Binding]:
    yield Binding(names.dead, names.dead)
    for key in ("mo.#", "dr.#", "mt.#"):
        yield Binding(names.unrouted, names.unrouted, key)
    for rung_s in WAIT_RUNGS_S:
        yield Binding(names.wait(rung_s), names.wait(rung_s))
    yield Binding(names.events, names.inbound, to_exchange=True)
    yield Binding(names.events, names.tap, to_exchange=True)
    yield Binding(names.retry, names.early, "early.#")
    for route in routes:
        for lane in _LANES:
            for source in (names.mt, names.retry):
                yield Binding(source, names.route_queue(route, lane), names.route_key(route, lane))
