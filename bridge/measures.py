"""Which numbers a worker shows to Prometheus, and where they are read. Part of the composition: knows all rooms."""

from collections.abc import Callable, Iterator, Sequence

from bridge.broker.broker import Broker
from bridge.inbound.deadlines import Deadlines
from bridge.inbound.early import EarlyReceipts
from bridge.inbound.receive import Receiver
from bridge.links.bind import Bind
from bridge.links.counters import LinkCounters
from bridge.ops.metrics import Metric, Sample, metrics_of
from bridge.outbound.dispatch import Dispatcher
from bridge.store.store import Store

OF_LINK = ("provider", "site", "link")


def metrics(
    links: Sequence[Bind],
    dispatcher: Dispatcher,
    inbound: tuple[Receiver, EarlyReceipts, Deadlines],
    broker: Broker,
    store: Store,
) -> Iterator[Metric]:
    """All families. The rooms count in plain integers; a scrape reads them."""

    def named(value: Callable[[Bind], float]) -> Callable[[], list[Sample]]:
        return lambda: [((link.provider, link.site, link.name), value(link)) for link in links]

    yield from metrics_of(
        LinkCounters,
        "link",
        OF_LINK,
        lambda: (((link.provider, link.site, link.name), link.counters) for link in links),
    )
    yield Metric("link_up", "1 while the link is up", "gauge", OF_LINK, named(lambda link: link.active))
    yield Metric(
        "link_in_flight", "Submits without an answer", "gauge", OF_LINK, named(lambda link: link.in_flight)
    )
    yield Metric(
        "mt",
        "MTs: taken from a lane, ended in an outcome, resent, repeated",
        "counter",
        ("event", "route", "detail"),
        lambda: list(dispatcher.tally.items()),
    )
    yield Metric(
        "inbound",
        "MOs and DRs: received, safe, held, repeats, refused, early, unmatched, overdue",
        "counter",
        ("event", "kind", "provider"),
        lambda: [item for part in inbound for item in part.tally.items()],
    )
    gauges: dict[str, tuple[str, Callable[[], float]]] = {
        "mt_in_hand": ("MTs this worker holds", lambda: dispatcher.in_hand),
        "inbound_unanswered": ("MOs and DRs waiting for their verdict", lambda: inbound[0].unanswered),
        "publishes_in_flight": ("Messages RabbitMQ has not confirmed", lambda: broker.publisher.in_flight),
        "broker_up": ("1 while connected to RabbitMQ", lambda: broker.up),
        "redis_up": ("1 while connected to Redis", lambda: store.up),
    }
    for name, (text, value) in gauges.items():
        yield Metric(name, text, "gauge", (), _single(value))


def _single(value: Callable[[], float]) -> Callable[[], list[Sample]]:
    return lambda: [((), float(value()))]
