"""The consumers of a route: there while it is active, gone otherwise, whatever happened in between."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from bridge.broker.message import Delivery
from bridge.model.names import Lane, Names
from bridge.outbound.consume import RouteConsumers


class Consumer:
    """A consumer whose cancelling takes until it is let go."""

    def __init__(self, queue: str, prefetch: int) -> None:
        self.queue = queue
        self.prefetch = prefetch
        self.cancelling = False
        self.let_go = asyncio.Event()

    def resize(self, prefetch: int) -> None:
        assert not self.cancelling
        self.prefetch = prefetch

    async def cancel(self) -> None:
        self.cancelling = True
        await self.let_go.wait()


class Pool:
    """A broker, and the dispatcher that hears what goes back."""

    def __init__(self) -> None:
        self.consumers: list[Consumer] = []
        self.returned: list[str] = []
        self.routes = RouteConsumers(Names("b"), ["r", "s"], self)
        self.routes.attach(self._take, self.returned.append)

    def subscribe(self, queue: str, prefetch: int, on_delivery: Callable[[Delivery], None]) -> Consumer:
        assert on_delivery is not None
        self.consumers.append(Consumer(queue, prefetch))
        return self.consumers[-1]

    def _take(self, _route: str, _lane: Lane, _delivery: Delivery) -> None: ...

    def let_go(self) -> None:
        for consumer in self.consumers:
            consumer.let_go.set()

    @property
    def live(self) -> list[tuple[str, int]]:
        return [(each.queue, each.prefetch) for each in self.consumers if not each.cancelling]


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool()
    running = asyncio.create_task(pool.routes.run())
    yield pool
    running.cancel()
    await asyncio.wait([running])


def both(prefetch: int, route: str = "r") -> list[tuple[str, int]]:
    return [(f"b.mt.{route}.interactive", prefetch), (f"b.mt.{route}", prefetch)]


async def test_an_active_route_has_a_consumer_for_each_lane_and_others_none(pool: Pool) -> None:
    pool.routes.want("r", 20)
    await turns()
    assert pool.live == both(20)


async def test_another_prefetch_resizes(pool: Pool) -> None:
    for prefetch in (20, 40):
        pool.routes.want("r", prefetch)
        await turns()
    assert pool.live == both(40)


async def test_what_waits_goes_back_only_when_the_consumers_are_gone(pool: Pool) -> None:
    pool.routes.want("r", 20)
    await turns()
    pool.routes.want("r", 0)
    await turns()
    assert not pool.returned
    pool.let_go()
    await turns()
    assert (pool.live, pool.returned) == ([], ["r"])


async def test_a_route_that_comes_back_while_its_consumers_go_gives_nothing_back(pool: Pool) -> None:
    pool.routes.want("r", 20)
    await turns()
    pool.routes.want("r", 0)
    await turns()
    pool.routes.want("r", 30)
    pool.let_go()
    await turns()
    assert (pool.live, pool.returned) == (both(30), [])


async def test_a_route_that_flaps_meanwhile_ends_as_it_is_wanted_last(pool: Pool) -> None:
    pool.routes.want("r", 20)
    await turns()
    for prefetch in (0, 30, 0, 20):
        pool.routes.want("r", prefetch)
    await turns()
    assert (pool.live, pool.returned) == (both(20), [])
    pool.routes.want("r", 0)
    await turns()
    for prefetch in (30, 0):
        pool.routes.want("r", prefetch)
    pool.let_go()
    await turns()
    assert (pool.live, pool.returned) == ([], ["r"])


async def test_routes_do_not_wait_for_each_other(pool: Pool) -> None:
    pool.routes.want("r", 20)
    await turns()
    pool.routes.want("r", 0)
    pool.routes.want("s", 10)
    await turns()
    assert pool.live[-2:] == both(10, "s")
