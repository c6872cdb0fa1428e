"""Long MTs when workers die, Redis and RabbitMQ go away between their segments: whole, and no double unmarked."""

import asyncio

from bridge.proof.proxy import FaultProxy
from bridge.proof.servers import PrivateRabbit, PrivateRedis
from bridge.simulator.faults.answers import Slow
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from tests.system.application import Application, ids, until_promises_kept
from tests.system.conftest import MakeCrew
from tests.system.phones import long_text, references

SHORT_LEASE = {"response_timeout_seconds": 1}
"""A dead worker's lease passes after 11 s."""


def five(mt_id: str) -> str:
    """A text of more segments than a window takes at once."""
    return long_text(mt_id, 5)


def between_segments(network: Network) -> bool:
    """Whether all four binds are in use, and several messages taken in part."""
    binds = {submit.bind for submit in network.submits}
    return len(binds) == 4 and len(network.handsets.incomplete) >= 3


def assert_unmixed(app: Application, network: Network) -> None:
    """No text was mixed up with another, and what was sent under two references is marked."""
    assert not network.handsets.mixed
    assert {mt_id for mt_id, found in references(network).items() if len(found) > 1} <= app.resent


async def test_a_worker_killed_between_segments_leaves_the_rest_to_another(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(Slow(seconds=0.3, every=1))
    crew, app = await make_crew(2, smpp={**SHORT_LEASE, "window": 2})
    publishing = asyncio.create_task(app.publish(ids(30), text_of=five))
    await network.until(lambda: between_segments(network))
    await crew.commands[0].kill()
    for smsc in smscs:
        smsc.behave()
    await publishing
    await until_promises_kept(crew, app)
    assert_unmixed(app, network)
    assert len(app.resent) <= 2 * 2, "what was in flight on the dead one's two binds"
    twice = len(network.handsets.twice)
    assert twice <= 2 * 2, "and of it no more than was in doubt"


async def test_redis_away_between_segments_loses_and_doubles_nothing(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc], redis_server: PrivateRedis
) -> None:
    for smsc in smscs:
        smsc.behave(Slow(seconds=0.2, every=1))
    crew, app = await make_crew(2, smpp={"window": 4})
    publishing = asyncio.create_task(app.publish(ids(40), text_of=five))
    await network.until(lambda: between_segments(network))
    redis_server.kill()
    try:
        for worker in crew.commands:
            await worker.says("store.down")
    finally:
        await redis_server.start()
    await publishing
    await until_promises_kept(crew, app)
    assert_unmixed(app, network)
    assert app.resent == set()
    assert not network.handsets.twice


async def test_rabbitmq_away_between_segments_loses_and_doubles_nothing(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc], rabbit: PrivateRabbit
) -> None:
    for smsc in smscs:
        smsc.behave(Slow(seconds=0.2, every=1))
    async with FaultProxy("127.0.0.1", rabbit.port) as door:
        crew, app = await make_crew(2, door=door, smpp={"window": 4})
        publishing = asyncio.create_task(app.publish(ids(40), text_of=five))
        await network.until(lambda: between_segments(network))
        await door.cut()
        await asyncio.sleep(1)  # longer than all answers take
        await door.heal()
        await publishing
        await until_promises_kept(crew, app)
    assert_unmixed(app, network)
    assert app.resent == set()
    assert not network.handsets.twice
