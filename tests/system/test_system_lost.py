"""A Redis that was emptied under the workers: what they had sent is not sent again as if it never had been."""

import asyncio

import pytest
import redis.asyncio

from bridge.simulator.faults.answers import SilentOnSubmit
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from tests.system.application import ids, until_promises_kept
from tests.system.conftest import MakeCrew
from tests.system.test_system_crashes import SHORT_LEASE


@pytest.mark.parametrize("workers_live", [True, False])
async def test_mts_that_come_again_are_in_doubt(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc], redis_url: str, workers_live: bool
) -> None:
    """One of two workers dies with Redis, or both: then only RabbitMQ tells that there were claims."""
    for smsc in smscs:
        smsc.behave(SilentOnSubmit(every=1))
    crew, app = await make_crew(2, smpp=SHORT_LEASE)
    await app.publish(ids(10))
    await network.until(lambda: len(network.submits) == 10)
    sent_by_first = len(network.submits)
    async with redis.asyncio.Redis.from_url(redis_url) as raw:
        await raw.flushall()
    for worker in crew.commands[: 1 if workers_live else 2]:
        await worker.kill()
    for smsc in smscs:
        smsc.behave()
    (late,) = await crew.workers(1)
    if not workers_live:
        assert late.logged("redis.lost_data")
    await app.until(lambda: len(app.ended) == 10)
    await until_promises_kept(crew, app)
    doubled = {text for text, times in app.taken.items() if times > 1}
    assert len(network.submits) > sent_by_first
    assert doubled
    assert doubled <= app.resent


async def test_a_new_installation_has_lost_nothing(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    crew, app = await make_crew(2)
    await app.publish(ids(5))
    await app.until(lambda: len(app.ended) == 5)
    await asyncio.gather(*(worker.kill() for worker in crew.commands))
    await crew.workers(1)
    await app.publish(ids(5, "later"))
    await until_promises_kept(crew, app)
    assert not any(worker.logged("redis.lost_data") for worker in crew.commands)
    assert not app.resent
