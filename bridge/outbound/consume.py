"""Consuming a route's queues only while the route is active (contract, rule 4).

One task a route brings the consumers to what is wanted, whatever was wanted in between: a link that flaps ends in
one cancel or none. Messages that wait go back to RabbitMQ only after the consumers are gone, or they would come
straight back.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

import structlog

from bridge.broker.message import Delivery
from bridge.model.names import Lane, Names

log = structlog.get_logger(__name__)

LANES: tuple[Lane, ...] = ("interactive", "bulk")


class SubscriptionPort(Protocol):
    """A consumer that lives over reconnects."""

    def resize(self, prefetch: int) -> None: ...
    async def cancel(self) -> None: ...


class SubscriberPort(Protocol):
    """Where consumers come from."""

    def subscribe(
        self, queue: str, prefetch: int, on_delivery: Callable[[Delivery], None]
    ) -> SubscriptionPort: ...


class RouteConsumers:
    """The consumers of all routes, and one task each that keeps them as wanted."""

    def __init__(self, names: Names, routes: Iterable[str], broker: SubscriberPort) -> None:
        self._names = names
        self._broker = broker
        self._wanted = dict.fromkeys(routes, 0)
        self._changed = {route: asyncio.Event() for route in self._wanted}
        self._take: Callable[[str, Lane, Delivery], None]
        self._return_waiting: Callable[[str], None]

    def attach(
        self, take: Callable[[str, Lane, Delivery], None], return_waiting: Callable[[str], None]
    ) -> None:
        """Who takes the deliveries, and gives back those that wait."""
        self._take = take
        self._return_waiting = return_waiting

    def want(self, route: str, prefetch: int) -> None:
        """How many messages of each lane to hold from now on; 0: none."""
        if self._wanted[route] != prefetch:
            self._wanted[route] = prefetch
            self._changed[route].set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for route in self._wanted:
                tasks.create_task(self._keep(route), name=f"consume {route}")

    async def _keep(self, route: str) -> None:
        subscriptions: list[SubscriptionPort] = []
        changed = self._changed[route]
        while True:
            await changed.wait()
            changed.clear()
            prefetch = self._wanted[route]
            if prefetch and subscriptions:
                for subscription in subscriptions:
                    subscription.resize(prefetch)
            elif prefetch:
                log.info("route.active", route=route, prefetch=prefetch)
                subscriptions = [self._subscribe(route, lane, prefetch) for lane in LANES]
            elif subscriptions:
                log.info("route.inactive", route=route)
                for subscription in subscriptions:
                    await subscription.cancel()
                subscriptions = []
                if not self._wanted[route]:
                    self._return_waiting(route)

    def _subscribe(self, route: str, lane: Lane, prefetch: int) -> SubscriptionPort:
        queue = self._names.route_queue(route, lane)
        return self._broker.subscribe(queue, prefetch, partial(self._take, route, lane))
