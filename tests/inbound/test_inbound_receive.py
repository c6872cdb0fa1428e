"""Messages from phones: claimed, published, committed, and only then answered; repeats, crashes, outages, floods."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from bridge.broker import Publisher
from bridge.inbound import pending, receive
from tests.inbound.lab import Lab, ids_of, redis_proxy
from tests.inbound.messages import OTHER, Link, dr, mo
from tests.inbound.worker import Worker

pytestmark = pytest.mark.servers


async def test_a_message_is_published_and_then_answered(lab: Lab, worker: Worker) -> None:
    assert await worker.receives(mo("hello"))
    (event,) = await lab.events()
    assert event.key == "mo.p.12345"
    assert (event.body["text"], event.body["link"], event.body["site"]) == ("hello", "smsc1:2775", "one")
    assert (event.properties.message_id, event.properties.type) == (event.body["event_id"], "mo")
    assert worker.receiver.unanswered == 0
    assert worker.receiver.tally == {("received", "mo", "p"): 1, ("safe", "mo", "p"): 1}


async def test_it_is_not_answered_before_its_event_is_confirmed(lab: Lab, worker: Worker) -> None:
    worker.gate.holds = True
    reply = worker.offer(mo())
    confirmed = await worker.gate.held()
    assert reply.told == []
    confirmed()
    assert reply.told == [], "nor before it is committed"
    assert await reply.safe()
    assert list((await lab.claims()).values()) == [b"D"]


async def test_a_message_with_an_id_is_itself_for_the_whole_retention(lab: Lab, worker: Worker) -> None:
    other = await lab.worker("w2")
    assert await worker.receives(mo("first", "x-1"))
    assert await worker.receives(mo("again, in other words", "x-1"), OTHER)
    assert await other.receives(mo("first", "x-1"))
    assert [event.body["text"] for event in await lab.events()] == ["first"]
    (key,) = await lab.claims()
    assert await lab.redis.pttl(key) > 24 * 3_600_000
    assert await worker.receives(mo("first", "x-2"))
    assert len(await lab.events()) == 1


async def test_a_message_without_an_id_is_itself_for_a_while(lab: Lab, worker: Worker) -> None:
    """From its first OK: what comes after that does not change it."""
    other = await lab.worker("w2")
    assert await worker.receives(mo())
    (key,) = await lab.claims()
    assert 0 < await lab.redis.pttl(key) <= 10_000
    await lab.redis.pexpire(key, 1_000_000)
    assert await worker.receives(mo(), OTHER)
    assert await other.receives(mo())
    assert await lab.redis.pttl(key) > 10_000, "the repeats left it alone"
    assert len(first := await lab.events()) == 1
    await lab.redis.delete(key)  # as when the time has passed
    assert await worker.receives(mo())
    assert len(second := await lab.events()) == 1
    assert ids_of(first).isdisjoint(ids_of(second)), "two true ones are two"


async def test_while_it_is_unanswered_it_is_a_repeat_however_long_that_takes(
    lab: Lab, worker: Worker
) -> None:
    worker.gate.holds = True
    first = worker.offer(mo())
    confirmed = await worker.gate.held()
    (key,) = await lab.claims()
    assert await lab.redis.pttl(key) > 10_000, "not only until mo_repeat_seconds have passed"
    confirmed()
    assert await first.safe()


@pytest.mark.parametrize(
    "inbound", [mo(), mo(id_="x-1"), dr("s1"), dr()], ids=["mo", "mo id", "dr", "dr no id"]
)
async def test_what_two_providers_bring_is_not_the_same(lab: Lab, inbound: Any) -> None:
    worker = await lab.worker(early_wait_s=0)
    elsewhere = Link(provider="q")
    assert await worker.receives(inbound)
    assert await worker.receives(inbound, elsewhere)
    first, second = await lab.events()
    assert (first.body["provider"], second.body["provider"]) == ("p", "q")
    assert first.body["event_id"] != second.body["event_id"]


@pytest.mark.parametrize("inbound", [mo(id_="x-1"), dr("s1"), dr()], ids=["mo id", "dr", "dr no id"])
async def test_what_redis_forgot_comes_again_under_the_same_id(lab: Lab, inbound: Any) -> None:
    worker = await lab.worker(early_wait_s=0)
    assert await worker.receives(inbound)
    await lab.redis.flushall()
    assert await worker.receives(inbound)
    assert len(events := await lab.events()) == 2
    assert len(ids_of(events)) == 1


async def test_repeats_join_the_first_while_it_is_worked_on(lab: Lab, worker: Worker) -> None:
    worker.gate.holds = True
    replies = [worker.offer(mo()), worker.offer(mo(), OTHER)]
    confirmed = await worker.gate.held()
    replies.append(worker.offer(mo()))
    assert worker.receiver.unanswered == 1
    confirmed()
    assert [await reply.safe() for reply in replies] == [True] * 3
    assert len(await lab.events()) == 1
    assert worker.receiver.tally["repeat", "mo", "p"] == 2


async def test_what_another_worker_is_at_is_refused(lab: Lab, worker: Worker) -> None:
    other = await lab.worker("w2")
    worker.gate.holds = True
    for inbound in (mo(), mo(id_="x-1"), dr("s1")):
        first = worker.offer(inbound)
        confirmed = await worker.gate.held()
        assert not await other.receives(inbound)
        confirmed()
        assert await first.safe()
        assert await other.receives(inbound)
    assert other.receiver.tally["refused", "mo", "p"] == 2
    assert other.receiver.tally["refused", "dr", "p"] == 1


@pytest.mark.parametrize("inbound", [mo(), mo(id_="x-1"), dr("s1")], ids=["mo", "mo with id", "dr"])
async def test_what_a_dead_worker_left_is_published_under_its_first_event_id(
    lab: Lab, worker: Worker, inbound: Any
) -> None:
    """Whether it was published before is not known: a consumer drops the second by the id."""
    other = await lab.worker("w2")
    await worker.submitted("s1")
    worker.gate.holds = True
    worker.offer(inbound)
    await worker.gate.held()  # and dies
    await lab.lapse()
    assert await other.receives(inbound)
    first, second = await lab.events()
    assert first.body["event_id"] == second.body["event_id"] == second.properties.message_id
    assert await other.receives(inbound)
    assert await lab.events() == []


@pytest.mark.parametrize("inbound", [mo(), mo(id_="x-1"), dr("s1")], ids=["mo", "mo with id", "dr"])
async def test_what_rabbitmq_refused_is_refused_and_comes_under_the_same_id(
    lab: Lab, worker: Worker, inbound: Any
) -> None:
    other = await lab.worker("w2")
    await worker.submitted("s1")
    names = lab.names
    await lab.amqp(lambda channel: channel.exchange_unbind(names.inbound, names.events))
    assert not await worker.receives(inbound)
    (refused,) = worker.gate.tried
    await lab.amqp(lambda channel: channel.exchange_bind(names.inbound, names.events))
    assert await other.receives(inbound), "at once: the claim was given up"
    (event,) = await lab.events()
    assert refused.message_id == event.body["event_id"]
    assert not event.body.get("stale"), "the refused receipt ended nothing"


@pytest.mark.parametrize("inbound", [mo(), dr("s1")], ids=["mo", "dr"])
async def test_what_may_have_been_published_is_refused_and_comes_under_the_same_id(
    lab: Lab, worker: Worker, inbound: Any
) -> None:
    await worker.submitted("s1")
    worker.gate.loses = True
    assert not await worker.receives(inbound)
    worker.gate.loses = False
    assert await worker.receives(inbound)
    first, second = await lab.events()
    assert first.body["event_id"] == second.body["event_id"]


async def test_without_rabbitmq_everything_is_refused(lab: Lab, worker: Worker) -> None:
    await worker.submitted("s1")
    connected, worker.gate.publisher = worker.gate.publisher, Publisher()
    for inbound in (mo(), dr("s1"), dr("early"), dr()):
        assert not await worker.receives(inbound)
    worker.gate.publisher = connected
    for inbound in (mo(), dr("s1"), dr("early"), dr()):
        assert await worker.receives(inbound)
    assert len(await lab.events()) == 3, "one waits for its MT"


async def test_without_redis_everything_is_refused_and_what_was_published_is_committed_later(
    lab: Lab,
) -> None:
    proxy, url = await redis_proxy(lab.redis_url)
    async with proxy:
        worker = await lab.worker(redis_url=url)
        worker.gate.holds = True
        published = worker.offer(mo("published"))
        confirmed = await worker.gate.held()
        await proxy.cut()
        for inbound in (mo(), mo(id_="x-1"), dr("s1")):
            assert not await worker.receives(inbound)
        confirmed()
        assert published.told == []
        await proxy.heal()
        assert await published.safe()
        assert [event.body["text"] for event in await lab.events()] == ["published"]


async def test_what_waits_too_long_is_refused_and_its_next_copy_joins(
    lab: Lab, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "SWEEP_S", 0.01)
    monkeypatch.setattr(pending, "ANSWER_WITHIN_S", 0.02)
    sweeping = asyncio.create_task(worker.receiver.run())
    worker.gate.holds = True
    assert not await worker.receives(mo())
    assert worker.receiver.unanswered == 1, "the work goes on"
    assert not await worker.receives(mo())
    confirmed = await worker.gate.held()
    sweeping.cancel()
    with suppress(asyncio.CancelledError):
        await sweeping
    joined = worker.offer(mo())
    confirmed()
    assert await joined.safe()
    assert await worker.receives(mo())
    assert len(await lab.events()) == 1


async def test_a_flood_waits_at_the_provider(
    lab: Lab, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "MOST_PENDING", 2)
    worker.gate.holds = True
    worked_on = [worker.offer(mo("a")), worker.offer(dr())]
    for inbound in (mo("c"), dr("s1")):
        assert worker.offer(inbound).told == [False], "at once, and nothing is claimed"
    worked_on.append(worker.offer(mo("a")))
    for _ in range(2):
        (await worker.gate.held())()
    assert [await reply.safe() for reply in worked_on] == [True] * 3
    worker.gate.holds = False
    assert await worker.receives(mo("c"))
    assert worker.receiver.tally["refused", "mo", "p"] == 1
    assert worker.receiver.tally["refused", "dr", "p"] == 1
