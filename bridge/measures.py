"""Which numbers a worker shows to Prometheus, and where they are read. Part of the composition: knows all rooms."""

from collections.abc import Callable, Iterator

from bridge.assembly import Assembly
from bridge.links.counters import LinkCounters
from bridge.links.pool import Link
from bridge.ops.metrics import Metric, Sample, metrics_of

OF_LINK = ("provider", "site", "link")


def metrics(rooms: Assembly) -> Iterator[Metric]:
    """All families. The rooms count in plain integers; a scrape reads them."""
    links, dispatcher, broker, store = rooms.links, rooms.dispatcher, rooms.broker, rooms.store
    inbound = (rooms.receiver, rooms.early, rooms.deadlines)

    def named(value: Callable[[Link], float]) -> Callable[[], list[Sample]]:
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
    if rooms.door is not None:
        yield Metric(
            "callbacks",
            "Callbacks by the HTTP status they were answered with",
            "counter",
            ("status", "provider"),
            lambda: list(rooms.door.tally.items()) if rooms.door is not None else [],
        )
    gauges: dict[str, tuple[str, Callable[[], float]]] = {
        "mt_in_hand": ("MTs this worker holds", lambda: dispatcher.in_hand),
        "inbound_unanswered": ("MOs and DRs waiting for their verdict", lambda: rooms.receiver.unanswered),
        "publishes_in_flight": ("Messages RabbitMQ has not confirmed", lambda: broker.publisher.in_flight),
        "broker_up": ("1 while connected to RabbitMQ", lambda: broker.up),
        "redis_up": ("1 while connected to Redis", lambda: store.up),
    }
    for name, (text, value) in gauges.items():
        yield Metric(name, text, "gauge", (), _single(value))


def _single(value: Callable[[], float]) -> Callable[[], list[Sample]]:
    return lambda: [((), float(value()))]
