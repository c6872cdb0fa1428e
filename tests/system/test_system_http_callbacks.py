"""What a provider posts to the bridge, whole: each id comes out once, whatever happens meanwhile (contract 7.4)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bridge.proof.proxy import FaultProxy
from bridge.proof.servers import PrivateRabbit, PrivateRedis
from bridge.simulator.http.faults import AcceptedFirst, CallbacksTwice
from bridge.simulator.network import Network
from tests.system.application import ids
from tests.system.http_lab import HttpStage, once_each
from tests.system.lab import Event
from tests.system.test_system_outbound import mts, until_receipts

UNAVAILABLE = 503


@pytest.fixture
async def stage(rabbit: PrivateRabbit, redis_url: str, prefix: str) -> AsyncIterator[HttpStage]:
    async with HttpStage(rabbit.url, redis_url, prefix) as stage:
        yield stage


def statuses(stage: HttpStage) -> set[int | None]:
    """How the bridge answered its callbacks."""
    return {sent.status for sent in stage.provider.callbacks}


def texts(events: list[Event]) -> Counter[str]:
    """Of MOs."""
    return Counter(event["text"] for event in events)


async def test_receipts_and_messages_come_out_once_each_though_all_are_repeated(stage: HttpStage) -> None:
    for site in (stage.one, stage.two):
        site.behave(CallbacksTwice(every=1), AcceptedFirst(seconds=0.0, every=2))
    lab = await stage.lab()
    await lab.publish(mts(300))
    for text in ids(100, "mo"):
        stage.provider.send_mo(text)
    await until_receipts(lab, 300)
    await lab.until(lambda: len(lab.by_kind["mo"]) >= 100)
    await stage.until_told()
    await stage.until(lambda: stage.provider.outbox.counts.ok >= 2 * (300 + 150 + 100))
    assert Counter(dr["mt_id"] for dr in lab.by_kind["dr"]) == Counter(ids(300))
    assert {(dr["state"], dr["site"], dr["via"]) for dr in lab.by_kind["dr"]} == {("delivered", None, "http")}
    assert texts(lab.by_kind["mo"]) == Counter(ids(100, "mo"))
    assert {(mo["from"], mo["to"], mo["via"]) for mo in lab.by_kind["mo"]} == {
        ("447700900123", "12345", "http")
    }
    assert statuses(stage) == {200}


async def test_states_out_of_order_are_told_as_they_come_where_all_are_asked_for(stage: HttpStage) -> None:
    lab = await stage.lab()
    await lab.publish(mts(1, receipt="all"))
    await until_receipts(lab, 1)
    await stage.until_told(stage.provider.send_receipt("m-0", state=6))
    await stage.until_told(stage.provider.send_receipt("m-0", state=2))
    await lab.until(lambda: len(lab.by_kind["dr"]) >= 2)
    told = [(dr["state"], dr["stale"]) for dr in lab.by_kind["dr"]]
    assert told == [("delivered", False), ("accepted", True)]


async def test_a_receipt_that_overtakes_the_answer_is_matched(stage: HttpStage, network: Network) -> None:
    lab = await stage.lab()
    first = stage.provider.send_receipt("m-0")
    await stage.until_told(first)
    await lab.publish(mts(1))
    await until_receipts(lab, 1)
    (dr,) = once_each(lab.of("dr", mt_id="m-0"))
    assert (dr["matched"], dr["smsc_id"]) == (True, "m-0")


@pytest.mark.parametrize("away", ["redis", "rabbitmq"])
async def test_while_nothing_can_be_stored_callbacks_are_refused_and_then_come_out_once(
    stage: HttpStage,
    rabbit: PrivateRabbit,
    redis_server: PrivateRedis,
    tmp_path: Path,
    network: Network,
    away: str,
) -> None:
    place = urlsplit(rabbit.url)
    async with FaultProxy(place.hostname or "", place.port or 0) as proxy:
        crew, app = await stage.crew(tmp_path, 1, network, amqp_url=f"amqp://127.0.0.1:{proxy.port}/")
        await app.publish(ids(20))
        await app.until(lambda: len(app.of("dr")) == 20)
        if away == "redis":
            redis_server.kill()
            await crew.commands[0].says("store.down")
        else:
            await proxy.cut()
            await crew.commands[0].says("broker.lost", times=2)
        try:
            callbacks = [
                *(stage.provider.send_mo(text) for text in ids(50, "mo")),
                *(stage.provider.send_receipt(mt_id, state=5, code=1) for mt_id in ids(20, "strange")),
            ]
            await stage.until(lambda: all(callback.times_sent >= 2 for callback in callbacks))
            assert not any(callback.accepted for callback in callbacks)
        finally:
            if away == "redis":
                await redis_server.start()
            else:
                await proxy.heal()
        await stage.until_told(*callbacks)
        await app.until(lambda: len(app.of("mo")) >= 50 and len(app.of("dr", state="undeliverable")) >= 20)
        assert statuses(stage) == {200, UNAVAILABLE}
        assert texts(once_each(app.of("mo"))) == Counter(ids(50, "mo"))
        strange = once_each(app.of("dr", state="undeliverable"))
        assert Counter(dr["smsc_id"] for dr in strange) == Counter(ids(20, "strange"))
        await crew.dismiss()


async def test_workers_of_one_machine_share_the_door(
    stage: HttpStage, tmp_path: Path, network: Network
) -> None:
    for site in (stage.one, stage.two):
        site.behave(CallbacksTwice(every=3))
    crew, app = await stage.crew(tmp_path, 2, network)
    for worker in crew.commands:
        await worker.says("callbacks.listening")
    await app.publish(ids(300))
    for text in ids(200, "mo"):
        stage.provider.send_mo(text)
    await app.until(lambda: len(app.of("mo")) >= 200 and len({e["mt_id"] for e in app.of("dr")}) == 300)
    await stage.until_told()
    await crew.commands[0].stop()
    for text in ids(50, "later"):
        stage.provider.send_mo(text)
    await app.until(lambda: len(app.of("mo")) >= 250)
    assert texts(once_each(app.of("mo"))) == Counter([*ids(200, "mo"), *ids(50, "later")])
    assert Counter(dr["mt_id"] for dr in once_each(app.of("dr"))) == Counter(ids(300))
    await asyncio.wait_for(crew.dismiss(), 20)
