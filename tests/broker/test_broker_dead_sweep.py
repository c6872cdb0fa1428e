"""A look into a queue on a real RabbitMQ: everything is seen once, in order, and what is not acked is there again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiormq.abc
import pytest
from aiormq import spec

from bridge.broker import sweep as room
from bridge.broker.declare import apply
from bridge.broker.errors import ChannelLost, TopologyError
from bridge.broker.message import Delivery
from bridge.broker.session import Session, Urls
from bridge.broker.sweep import Sweep, sweeping

pytestmark = pytest.mark.servers
LIMIT_S = 60.0


@asynccontextmanager
async def session_of(lab: Any) -> AsyncIterator[Session]:
    session = await Urls([lab.rabbit.url]).connect("test")
    try:
        await apply(session, lab.items)
        yield session
    finally:
        await session.close()


async def fill(lab: Any, first: int, last: int) -> None:
    """Numbers as bodies, each confirmed before the next batch."""

    async def publish(channel: aiormq.abc.AbstractChannel) -> None:
        def one(number: int) -> Any:
            properties = spec.Basic.Properties(delivery_mode=2)
            return channel.basic_publish(
                str(number).encode(), routing_key=lab.names.dead, properties=properties
            )

        for begin in range(first, last, 200):
            await asyncio.gather(*map(one, range(begin, min(begin + 200, last))))

    await lab.call(publish)


async def all_of(sweep: Sweep) -> list[Delivery]:
    async with asyncio.timeout(LIMIT_S):
        return [delivery async for portion in sweep.portions() for delivery in portion]


def numbers(deliveries: list[Delivery]) -> list[int]:
    return [int(delivery.body) for delivery in deliveries]


async def look(lab: Any, session: Session) -> list[int]:
    async with sweeping(session, lab.names.dead) as sweep:
        return numbers(await all_of(sweep))


async def test_all_of_a_deep_queue_is_seen_in_order_again_and_again(lab: Any) -> None:
    depth = 2 * room.PREFETCH + 500
    async with session_of(lab) as session:
        await fill(lab, 0, depth)
        for _ in range(2):
            assert await look(lab, session) == list(range(depth))
            assert await lab.depth(lab.names.dead) == depth


async def test_an_empty_queue_is_seen_at_once(lab: Any) -> None:
    async with session_of(lab) as session:
        assert await look(lab, session) == []


async def test_what_comes_meanwhile_is_left_alone(lab: Any) -> None:
    async with session_of(lab) as session:
        await fill(lab, 0, 3)
        async with sweeping(session, lab.names.dead) as sweep:
            await fill(lab, 3, 6)
            assert sweep.depth == 3
            taken = await all_of(sweep)
            assert numbers(taken) == [0, 1, 2]
            await sweep.stop()
            for delivery in taken:
                delivery.ack()
            await sweep.finish()
        assert await look(lab, session) == [3, 4, 5]


async def test_only_what_is_acked_is_gone(lab: Any) -> None:
    async with session_of(lab) as session:
        await fill(lab, 0, 10)
        async with sweeping(session, lab.names.dead) as sweep:
            taken = await all_of(sweep)
            await sweep.stop()
            for delivery in taken[1::2]:
                delivery.ack()
            await sweep.finish()
        assert await look(lab, session) == [0, 2, 4, 6, 8]


async def test_no_look_is_given_up_half_way_which_would_cost_the_connection(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    ended: list[int] = []
    look_well = room._look

    async def look_slowly(session: Session, queue: str) -> tuple[int, int]:
        begun.append(1)
        found = await look_well(session, queue)
        await asyncio.sleep(0.1)  # a machine that has much to do
        ended.append(1)
        return found

    monkeypatch.setattr(room, "BACK_LIMIT_S", 0.05)
    monkeypatch.setattr(room, "_look", look_slowly)
    async with session_of(lab) as session:
        await fill(lab, 0, 10)
        assert await look(lab, session) == list(range(10))
    assert len(begun) == len(ended) == 2


async def test_a_second_reader_sees_that_it_is_not_alone_and_takes_nothing(lab: Any) -> None:
    async with session_of(lab) as session, session_of(lab) as other:
        await fill(lab, 0, 5)
        async with sweeping(session, lab.names.dead) as sweep:
            assert sweep.readers == 0
            await all_of(sweep)
            async with sweeping(other, lab.names.dead) as second:
                assert (second.depth, second.readers) == (0, 1)
                assert await all_of(second) == []
        assert await look(lab, other) == [0, 1, 2, 3, 4]


async def test_what_others_take_meanwhile_is_not_waited_for(lab: Any) -> None:
    async with session_of(lab) as session:
        await fill(lab, 0, 4)
        async with sweeping(session, lab.names.dead) as sweep:
            await lab.call(lambda channel: channel.basic_get(lab.names.dead, no_ack=True))
            assert numbers(await all_of(sweep)) == [1, 2, 3]


async def test_a_missing_queue_says_what_to_do(lab: Any) -> None:
    async with session_of(lab) as session:
        await lab.call(lambda channel: channel.queue_delete(lab.names.dead))
        with pytest.raises(TopologyError, match=r"is missing: run `bridge topology apply`"):
            await look(lab, session)


async def test_a_queue_that_is_deleted_meanwhile_ends_the_look(lab: Any) -> None:
    async with session_of(lab) as session:
        await fill(lab, 0, 2)
        async with sweeping(session, lab.names.dead) as sweep:
            await lab.call(lambda channel: channel.queue_delete(lab.names.dead))
            with pytest.raises(ChannelLost):
                await all_of(sweep)


async def test_acks_on_a_connection_that_died_are_not_taken_for_done(lab: Any) -> None:
    async with session_of(lab) as session:
        await fill(lab, 0, 2)
        async with sweeping(session, lab.names.dead) as sweep:
            taken = await all_of(sweep)
            await lab.rabbit.ctl("close_all_connections", "test")
            async with asyncio.timeout(LIMIT_S):
                await session.closed()
            assert not taken[0].alive
            taken[0].ack()
            with pytest.raises(ChannelLost):
                await sweep.finish()
    async with session_of(lab) as session:
        assert await look(lab, session) == [0, 1]
