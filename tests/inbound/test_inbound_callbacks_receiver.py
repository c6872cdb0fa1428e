"""Callbacks all the way: over real HTTP, to the real receiver, on real RabbitMQ and Redis."""

import asyncio
from urllib.parse import urlencode, urlsplit

import pytest

from bridge.dialects.genesys_http import GenesysHttp
from bridge.inbound.callbacks.application import Received
from bridge.proof.proxy import FaultProxy
from bridge.proof.servers import PrivateRabbit
from tests.inbound.callers import BEARER, Caller, callback, door, form, request
from tests.inbound.lab import Lab, redis_proxy
from tests.inbound.worker import LIMIT_S, Worker

pytestmark = pytest.mark.servers


def receiving(worker: Worker) -> Received:
    return worker.receiver.received


async def statuses(port: int, *requests: bytes) -> list[int]:
    """What each is answered, all sent at once, each over a connection of its own."""

    async def status(octets: bytes) -> int:
        async with await Caller.at(port) as caller:
            return (await caller.asks(octets)).status

    return list(await asyncio.gather(*(status(octets) for octets in requests)))


async def test_a_callback_becomes_an_event(lab: Lab, worker: Worker) -> None:
    async with door(receiving(worker)) as one:
        paths = ["/callbacks/p/one", "/callbacks/p"]
        asked = [request(form(path, id=path), BEARER, path=path) for path in paths]
        assert await statuses(one.port, *asked) == [200, 200]
    first, second = sorted(await lab.events(), key=lambda event: str(event.body["site"]))
    assert first.key == second.key == "mo.p.12345"
    assert (second.body["provider"], second.body["site"]) == ("p", "one")
    assert (second.body["via"], second.body["link"]) == ("http", "callback")
    assert (first.body["site"], first.body["text"]) == (None, "/callbacks/p")


async def test_the_same_message_at_once_and_later_is_published_once(
    lab: Lab, two_workers: tuple[Worker, Worker]
) -> None:
    mine, its = two_workers
    async with door(receiving(mine)) as one, door(receiving(its)) as two:
        asked = callback("once", id="x-1")
        told = await statuses(one.port, asked, asked) + await statuses(two.port, asked, asked)
        assert told == [200] * 4
        assert await statuses(one.port, asked) == [200]
        assert await statuses(two.port, callback("another", id="x-2")) == [200]
    assert [event.body["text"] for event in await lab.events()] == ["once", "another"]


async def test_at_two_workers_at_once_one_may_have_to_come_again(
    lab: Lab, two_workers: tuple[Worker, Worker]
) -> None:
    mine, its = two_workers
    async with door(receiving(mine)) as one, door(receiving(its)) as two:
        asked = callback(id="x-1")
        mine.gate.holds = True
        async with await Caller.at(one.port) as caller:
            caller.says(asked)
            confirmed = await mine.gate.held()
            assert await statuses(two.port, asked) == [503]
            confirmed()
            assert (await caller.hears()).status == 200
        assert await statuses(two.port, asked) == [200]
    assert len(await lab.events()) == 1


async def test_while_redis_is_away_callbacks_are_to_be_brought_again(lab: Lab) -> None:
    proxy, url = await redis_proxy(lab.redis_url)
    async with proxy:
        worker = await lab.worker(redis_url=url)
        async with door(receiving(worker)) as one:
            await proxy.cut()
            assert await statuses(one.port, callback(id="x-1")) == [503]
            await proxy.heal()
            await comes_through(one.port, callback(id="x-1"))
        assert len(await lab.events()) == 1


async def test_while_rabbitmq_is_away_callbacks_are_to_be_brought_again(
    rabbit: PrivateRabbit, redis_url: str, prefix: str
) -> None:
    place = urlsplit(rabbit.url)
    proxy = FaultProxy(place.hostname or "", place.port or 0)
    await proxy.heal()
    url = place._replace(netloc=place.netloc.rpartition("@")[0] + f"@127.0.0.1:{proxy.port}").geturl()
    async with proxy, Lab(url, redis_url, prefix) as lab:
        worker = await lab.worker()
        async with door(receiving(worker)) as one:
            await proxy.cut()
            assert await statuses(one.port, callback(id="x-1"), callback(id="x-1")) == [503, 503]
            await proxy.heal()
            await comes_through(one.port, callback(id="x-1"))
            assert await statuses(one.port, callback(id="x-1")) == [200]
        assert len(await lab.events()) == 1


async def test_what_genesys_posts(lab: Lab, worker: Worker) -> None:
    """Its MO under its id, its receipt by our id of the MT, with or without an id it knows."""
    dialects = {"p": GenesysHttp(login="login", password="password")}
    mo = {"type": "MO", "message_id": "g-1", "shortcode": "12345", "phone_number": "447700900123"}
    receipt = {"type": "receipt", "message_id": "m-1", "message_state": "2", "result_code": "0"}
    await worker.submitted("m-1", "m-1")
    async with door(receiving(worker), dialects=dialects) as one:

        def posted(fields: dict[str, str]) -> bytes:
            return request(urlencode(fields).encode(), BEARER, path="/callbacks/p/one")

        assert await statuses(one.port, posted(mo | {"message": "Grüße & €"})) == [200]
        assert await statuses(one.port, posted(mo | {"message": "in other words"})) == [200]
        assert await statuses(one.port, posted(receipt), posted(receipt)) == [200, 200]
        assert await statuses(one.port, posted(receipt | {"message_id": "not-yet"})) == [200]
        assert await statuses(one.port, posted(receipt | {"message_state": "9"})) == [400]
        assert await statuses(one.port, posted({"type": "other"})) == [400]
    message, delivered = await lab.events()
    assert (message.key, message.body["id"], message.body["text"]) == ("mo.p.12345", "g-1", "Grüße & €")
    assert (delivered.key, delivered.body["mt_id"]) == ("dr.p.delivered", "m-1")
    assert (delivered.body["matched"], delivered.body["via"]) == (True, "http")


async def comes_through(port: int, asked: bytes) -> None:
    """As a provider does: bring it again until it is taken."""
    async with asyncio.timeout(LIMIT_S):
        while await statuses(port, asked) != [200]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
