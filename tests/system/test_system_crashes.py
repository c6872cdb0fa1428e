"""Workers that die, stop or sleep at any moment: real processes, killed under load (contract 7.2, 7.3, 7.6)."""

import asyncio
import re
import signal
from collections import Counter
from typing import Any

import redis.asyncio

from bridge.model.names import Names
from bridge.proof.proxy import FaultProxy
from bridge.proof.servers import PrivateRabbit
from bridge.simulator.behaviour import Behaviour, Plan
from bridge.simulator.faults.answers import SilentOnSubmit, Slow
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from tests.system.application import ids, until_promises_kept
from tests.system.conftest import MakeCrew
from tests.system.processes import Command

SHORT_LEASE = {"response_timeout_seconds": 2}
"""A dead worker's lease passes after 12 s."""
WINDOW = 20


def binds(network: Network) -> Counter[str]:
    """How many MTs each bind brought."""
    return Counter(submit.bind for submit in network.submits)


async def test_a_worker_killed_with_its_windows_full_loses_nothing(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(Slow(seconds=0.4, every=1))
    crew, app = await make_crew(2, smpp={**SHORT_LEASE, "window": WINDOW})
    publishing = asyncio.create_task(app.publish(ids(1200)))
    await network.until(lambda: len(binds(network)) == 4 and min(binds(network).values()) >= 2 * WINDOW)
    await crew.commands[0].kill()
    await publishing
    await app.until_settled()
    await app.publish(ids(40, "later"))
    await until_promises_kept(crew, app)
    assert len(app.resent) <= 2 * WINDOW, "what the dead one had claimed"
    assert len({submit.bind for submit in network.submits[-20:]}) == 2, "the other goes on"


async def test_a_worker_killed_between_submit_and_answer_leaves_a_parked_mt(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(SilentOnSubmit(every=1))
    crew, app = await make_crew(2, smpp=SHORT_LEASE, route={"on_doubt": "park"})
    await app.publish(["m-0"])
    await network.until(lambda: bool(network.submits))
    for worker in crew.commands:
        await worker.kill()
    for smsc in smscs:
        smsc.behave()
    await crew.workers(1)
    await app.until(lambda: bool(app.of("mt", outcome="parked")))
    assert [letter["bridge-reason"] for letter in await app.letters(1)] == ["doubt"]
    await until_promises_kept(crew, app)
    assert len(network.submits) == 1
    assert app.ended == Counter(["m-0"])
    assert [dr["matched"] for dr in app.of("dr")] == [False]


async def test_a_worker_that_sleeps_past_its_lease_doubles_nothing_unmarked(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc], rabbit: PrivateRabbit
) -> None:
    for smsc in smscs:
        smsc.behave(Slow(seconds=0.4, every=1))
    crew, app = await make_crew(
        2, amqp_url=f"{rabbit.url}?heartbeat=3", smpp={**SHORT_LEASE, "window": WINDOW}
    )
    publishing = asyncio.create_task(app.publish(ids(800)))
    await network.until(lambda: len(binds(network)) == 4 and min(binds(network).values()) >= 2 * WINDOW)
    sleeper = crew.commands[0]
    sleeper.signal(signal.SIGSTOP)
    await publishing
    await app.until(lambda: len(app.ended) == 800)  # without the sleeper: its lease has passed by then
    assert app.resent
    sleeper.signal(signal.SIGCONT)
    await sleeper.says("broker.connected", purpose="consume")
    await app.publish(ids(200, "later"))
    await until_promises_kept(crew, app)


async def test_what_a_killed_worker_had_not_answered_comes_out_once(
    make_crew: MakeCrew,
    network: Network,
    smscs: list[SimulatedSmsc],
    rabbit: PrivateRabbit,
    redis_url: str,
    prefix: str,
) -> None:
    for smsc in smscs:
        smsc.behave(NoReceipts())
    crew, app = await make_crew(2)
    await app.publish(ids(40))
    await app.until(lambda: len(app.ended) == 40)
    rabbit.pause()
    try:
        for message in network.messages:
            network.send_receipt(message.message_id or "", handset=message.destination)
        app.send_mos(ids(40, "mo"))
        await until_claimed(redis_url, prefix, 80)
        await crew.commands[0].kill()
    finally:
        rabbit.resume()
    await until_promises_kept(crew, app)
    again = [delivery for delivery in network.deliveries if delivery.attempt > 1]
    assert {delivery.kind for delivery in again} == {"receipt", "mo"}
    assert len({event["event_id"] for event in app.of("mo")}) == 40
    assert {delivery.parcel.done for delivery in network.deliveries} == {0}


class NoReceipts(Behaviour):
    """Receipts are the test's to send."""

    def on_submit(self, plan: Plan) -> None:
        """Owes none."""
        plan.receipt_copies = 0


async def until_claimed(redis_url: str, prefix: str, number: int) -> None:
    """Wait until so many MOs and DRs are claimed, and not yet safe: under keys of their own, and in the MTs' marks."""
    pending = re.compile(rb"^(?:P\||\d+\|[^|]*:\d+:)")
    async with redis.asyncio.Redis.from_url(redis_url) as client, asyncio.timeout(60):
        while True:
            keys = [key async for key in client.scan_iter(f"{prefix}:i[nd]:*", count=1000)]
            values: list[Any] = list(await client.mget([*keys, b""]))
            if sum(pending.match(value) is not None for value in values if value) >= number:
                return
            await asyncio.sleep(0.05)  # Redis tells nobody


async def test_a_receipt_found_with_a_late_answer_survives_the_worker_that_found_it(
    make_crew: MakeCrew,
    network: Network,
    smscs: list[SimulatedSmsc],
    rabbit: PrivateRabbit,
    redis_url: str,
    prefix: str,
) -> None:
    for smsc in smscs:
        smsc.behave(NoReceipts(), Slow(seconds=2, every=1))
    async with FaultProxy("127.0.0.1", rabbit.port) as door:
        crew, app = await make_crew(1, door=door, early_dr_wait_seconds=0)
        await app.publish(["m-0"])
        await network.until(lambda: bool(network.messages))
        network.send_receipt(network.messages[0].message_id or "", handset=network.messages[0].destination)
        await app.until(lambda: bool(app.of("dr", matched=False)))
        door.stall()
        await until_recorded(redis_url, f"{prefix}:mt:m-0")
        await crew.commands[0].kill()
        await door.cut()
        await door.heal()
        await crew.workers(1)
        await app.until(lambda: bool(app.of("mt", outcome="accepted")))
        async with asyncio.timeout(10):
            await app.until(lambda: bool(app.of("dr", matched=True)))
        await crew.dismiss()


async def until_recorded(redis_url: str, key: str) -> None:
    """Wait until this MT's answer is in Redis."""
    async with redis.asyncio.Redis.from_url(redis_url) as client, asyncio.timeout(60):
        while not str(await client.get(key)).startswith("b'D|"):  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.02)


async def test_the_same_ids_at_two_workers_at_once_are_submitted_once(
    make_crew: MakeCrew, network: Network, prefix: str
) -> None:
    crew, app = await make_crew(2)
    mts = ids(100)
    await app.publish([mt_id for mt_id in mts for _ in range(4)], at_once=400)
    await app.until_settled()
    names = Names(prefix)
    await crew.dismiss()
    assert app.taken == Counter(mts)
    assert app.audit().passed
    assert len({event["event_id"] for event in app.of("mt")}) == len(mts)
    assert app.resent == set()
    assert await app.depth(names.dead) == 0


async def test_sigterm_under_load_leaves_no_doubt(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(Slow(seconds=0.5, every=1))
    crew, app = await make_crew(2, smpp={"window": WINDOW})
    publishing = asyncio.create_task(app.publish(ids(600)))
    await network.until(lambda: len(binds(network)) == 4 and min(binds(network).values()) >= WINDOW)
    assert await crew.commands[0].stop() == 0
    assert not crew.commands[0].logged("worker.undrained")
    await publishing
    await until_promises_kept(crew, app)
    assert app.resent == set()
    assert app.taken == Counter(ids(600))


async def test_a_worker_with_nothing_to_do_ends_at_once(make_crew: MakeCrew) -> None:
    crew, app = await make_crew(1)
    await app.publish(ids(10))
    await app.until_settled()
    async with asyncio.timeout(20):  # the limit for what is in flight is 30
        assert await crew.commands[0].stop() == 0


async def test_a_second_sigterm_stops_at_once(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(SilentOnSubmit(every=1))
    crew, app = await make_crew(1, smpp={"response_timeout_seconds": 60})
    await app.publish(ids(5))
    await network.until(lambda: len(network.submits) == 5)
    worker: Command = crew.commands[0]
    async with asyncio.timeout(20):  # the limit for what is in flight is 30
        worker.signal(signal.SIGTERM)
        await worker.says("worker.stopping", in_hand=5)
        await worker.stop()
    assert worker.logged("worker.undrained", in_hand=5)
