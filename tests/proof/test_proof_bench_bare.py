"""The bare loop and the load on real servers: the operations of a life, all of them, once each."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
import redis

from bridge.broker.declare import apply
from bridge.broker.errors import library_errors
from bridge.broker.session import Session, Urls
from bridge.broker.topology import Exchange, Queue, topology
from bridge.model.names import Names
from bridge.proof.bench_audit import Findings, Heard
from bridge.proof.bench_bare import run_bare
from bridge.proof.bench_board import Board
from bridge.proof.bench_load import Consumer, Producer
from bridge.proof.bench_messages import Mts
from bridge.proof.servers import PrivateRabbit
from bridge.proof.stage import ROUTE

pytestmark = pytest.mark.servers

ROWS = 700
LIMIT_S = 60.0
MTS = Mts("t", [ROUTE])


class Yard:
    """A topology of its own, a producer and a consumer, and a board."""

    def __init__(
        self, session: Session, names: Names, amqp_url: str, redis_url: str, directory: Path
    ) -> None:
        self.session = session
        self.names = names
        self.board = Board.create(directory / "board", ROWS)
        self._amqp_url = amqp_url
        self._redis_url = redis_url

    async def run(self, *, mos: bool) -> None:
        async with asyncio.timeout(LIMIT_S):
            await run_bare(self._amqp_url, self._redis_url, self.names, ROUTE, self.board, mos=mos)

    async def producer(self) -> Producer:
        return Producer(await self.session.channel(confirms=True), self.names)

    async def consumer(self) -> Consumer:
        consumer = Consumer(await self.session.channel(), self.names)
        await consumer.declare()
        return consumer

    async def left(self, queue: str) -> int:
        """Messages in a queue, given out or not: what is not acked returns when its channel closes."""
        channel = await self.session.channel()
        with library_errors():
            declared = await channel.queue_declare(queue, passive=True)
        return declared.message_count or 0

    def keys(self) -> dict[str, int]:
        """How many keys of each kind there are in Redis."""
        counts: dict[str, int] = {}
        with redis.Redis.from_url(self._redis_url, decode_responses=True) as client:
            for key in client.scan_iter(f"{self.names.prefix}:*"):
                kind = key.split(":")[1]
                counts[kind] = counts.get(kind, 0) + 1
                assert client.pttl(key) > 0
        return counts


@pytest.fixture
async def yard(rabbit: PrivateRabbit, redis_url: str, prefix: str, tmp_path: Path) -> AsyncIterator[Yard]:
    session = await Urls([rabbit.url]).connect("test")
    names = Names(prefix)
    items = topology(names, [ROUTE])
    await apply(session, items)
    yield Yard(session, names, rabbit.url, redis_url, tmp_path)
    if not session.alive:
        session = await Urls([rabbit.url]).connect("test")
    channel = await session.channel()
    with library_errors():
        for item in items:
            if isinstance(item, Queue):
                await channel.queue_delete(item.name)
            elif isinstance(item, Exchange):
                await channel.exchange_delete(item.name)
        await channel.queue_delete(f"{prefix}.heard")
    await session.close()


async def everything_heard(consumer: Consumer, heard: Heard) -> Findings:
    await consumer.listen(heard.hear)
    async with asyncio.timeout(LIMIT_S):
        while heard.rows < ROWS:  # noqa: ASYNC110 - it sets no event
            await asyncio.sleep(0.01)
    await consumer.stop()
    return heard.findings()


async def test_every_mt_is_claimed_recorded_acked_correlated_and_told(yard: Yard) -> None:
    consumer, producer = await yard.consumer(), await yard.producer()
    board = yard.board
    await producer.fill(board, MTS)
    assert all(board.published)
    assert await yard.left(yard.names.route_queue(ROUTE, "bulk")) == ROWS
    await yard.run(mos=False)
    assert (board.total("taken"), board.total("answered")) == (ROWS, ROWS)
    assert list(board.copies) == [1] * ROWS
    assert all(one <= other for one, other in zip(board.taken, board.answered, strict=True))
    assert yard.keys() == {"c": ROWS, "m": ROWS, "d": ROWS}
    assert await consumer.waiting() == ROWS
    assert await everything_heard(consumer, Heard(board, mos=False)) == Findings()
    assert board.total("ended") == 1
    # Its channel is closed: what was not acked would be in the queue again.
    assert await yard.left(yard.names.route_queue(ROUTE, "bulk")) == 0


async def test_every_mo_is_claimed_told_and_committed(yard: Yard) -> None:
    consumer = await yard.consumer()
    await yard.run(mos=True)
    assert yard.board.total("answered") == ROWS
    assert yard.keys() == {"d": ROWS}
    assert await everything_heard(consumer, Heard(yard.board, mos=True)) == Findings()


async def test_mts_at_a_rate_come_in_their_order_and_all(yard: Yard) -> None:
    consumer, producer = await yard.consumer(), await yard.producer()
    channel = await yard.session.channel()
    async with asyncio.timeout(LIMIT_S):
        await producer.pace(yard.board, MTS, 2000.0)
    assert list(yard.board.published) == sorted(yard.board.published)
    found = await channel.basic_get(yard.names.route_queue(ROUTE, "bulk"), no_ack=True)
    assert orjson.loads(found.body)["id"] == "t-000000"
    assert await yard.left(yard.names.route_queue(ROUTE, "bulk")) == ROWS - 1
    assert not await consumer.waiting()
