"""RabbitMQ and Redis die, hang, close connections and lose queues under load: work goes on by itself (contract 7.5)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import aio_pika
import pytest

from bridge.model.names import Names
from bridge.proof.servers import PrivateRabbit, PrivateRedis
from bridge.simulator.faults.answers import Slow
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from bridge.smpp.consts import ESME_RMSGQFUL
from tests.system.application import Application, ids, until_promises_kept
from tests.system.conftest import MakeCrew
from tests.system.processes import Crew

WINDOW = 20
SILENCE_S = 1.5
"""How long nothing may be sent, to believe that nothing is."""


@pytest.fixture
async def loaded(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc]
) -> AsyncIterator[tuple[Crew, Application]]:
    """Two workers under a load that lasts a while, about 200 MTs a second."""
    for smsc in smscs:
        smsc.behave(Slow(seconds=0.4, every=1))
    crew, app = await make_crew(2, smpp={"window": WINDOW})
    publishing = asyncio.create_task(app.publish(ids(1200)))
    await network.until(lambda: len(network.submits) >= 300)
    yield crew, app
    await publishing


@pytest.mark.parametrize("way", ["killed", "hung"])
async def test_while_redis_is_away_nothing_is_sent_and_inbound_is_put_off(
    loaded: tuple[Crew, Application], network: Network, redis_server: PrivateRedis, way: str
) -> None:
    crew, app = loaded
    if way == "killed":
        redis_server.kill()
    else:
        redis_server.pause()
    try:
        for worker in crew.commands:
            await worker.says("store.down")
        await asyncio.sleep(SILENCE_S)  # what was claimed before has been written by now
        sent = len(network.submits)
        mo = app.send_mos(["while away"])[0]
        await network.until(lambda: mo.times_sent >= 2)
        await asyncio.sleep(SILENCE_S)
        assert len(network.submits) == sent < 1200
        refused = {delivery.status for delivery in network.deliveries if delivery.parcel is mo}
        assert refused - {None} == {ESME_RMSGQFUL}
    finally:
        if way == "killed":
            await redis_server.start()
        else:
            redis_server.resume()
    await until_promises_kept(crew, app)
    assert len(network.submits) > sent


async def test_a_killed_rabbitmq_loses_nothing_it_confirmed(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(Slow(seconds=0.4, every=1))
    async with PrivateRabbit() as own:
        crew, app = await make_crew(2, amqp_url=own.url, smpp={"window": WINDOW})
        await own.sync_declarations()
        publishing = asyncio.create_task(app.publish(ids(1200)))
        await network.until(lambda: len(network.submits) >= 300)
        own.kill()
        mo = app.send_mos(["while away"])[0]
        await network.until(lambda: mo.times_sent >= 2)
        assert mo.done is None
        await own.start()
        await publishing
        assert app.confirmed
        await until_promises_kept(crew, app)
        assert mo.done == 0


async def test_closed_connections_are_made_again(
    loaded: tuple[Crew, Application], network: Network, rabbit: PrivateRabbit
) -> None:
    crew, app = loaded
    await rabbit.ctl("close_all_connections", "a test of the bridge")
    for worker in crew.commands:
        for purpose in ("publish", "consume"):
            await worker.says("broker.connected", purpose=purpose)
    await until_promises_kept(crew, app)


async def test_a_deleted_queue_is_declared_again_and_what_was_in_hand_is_sent(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc], prefix: str, rabbit: PrivateRabbit
) -> None:
    for smsc in smscs:
        smsc.behave(Slow(seconds=1.0, every=1))
    crew, app = await make_crew(2, smpp={"window": WINDOW})
    queue = Names(prefix).route_queue("default", "bulk")
    await app.publish(ids(140))
    async with asyncio.timeout(60):
        while await app.depth(queue):  # noqa: ASYNC110 - a queue tells nobody how long it is
            await asyncio.sleep(0.1)
    async with await aio_pika.connect(rabbit.url) as connection:
        await (await connection.channel()).queue_delete(queue)
    for worker in crew.commands:
        await worker.says("topology.repaired")
    await app.publish(ids(60, "later"))
    await until_promises_kept(crew, app)
    assert app.taken == Counter([*ids(140), *ids(60, "later")])
