"""A provider that sends far more than RabbitMQ or Redis take: put off, not piled up, and nothing of it lost or doubled.

A worker process, an SMSC that waits for no answer, and callers of the callbacks' listener, all at once.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import aio_pika
import orjson
import pytest
from aio_pika.abc import AbstractIncomingMessage

from bridge.model.names import Names
from bridge.proof.machine import free_ports
from bridge.proof.proxy import FaultProxy
from bridge.proof.servers import PrivateRabbit, PrivateRedis
from bridge.smpp.consts import ESME_RMSGQFUL, ESME_ROK, TLV_MESSAGE_PAYLOAD
from bridge.smpp.pdus import DeliverSm
from tests.hostile.crowds import crowd
from tests.inbound.callers import Caller
from tests.system.processes import Command, Crew
from tests.system.scripted import ScriptedSmsc

LIMIT_S = 60.0
SLOW_S = 0.1
"""What each piece of up to 64 KiB takes on its way to RabbitMQ, and each answer back."""
MOST_GROWTH_KIB = 300 * 1024
MOST_LARGE = 300
"""Of 57 kB: what `inbound.pending` lets in."""
TOKEN = "t0ken"
UNAVAILABLE = 503


class Flood:
    """The worker, its provider, and ears for every event. `port`: of the callbacks."""

    def __init__(self, worker: Command, smsc: ScriptedSmsc, port: int) -> None:
        self.worker = worker
        self.smsc = smsc
        self.port = port
        self.heard: Counter[str] = Counter()
        """MOs by their text; a repeat with the same event id, which a consumer drops, not counted."""
        self.http: dict[str, int] = {}
        """How the callbacks were answered, by their text."""
        self._texts: dict[int, str] = {}
        self._ids: set[str] = set()
        self._changed = asyncio.Condition()

    def sends(self, texts: Iterable[str], payload: bytes = b"") -> None:
        """As deliver_sm, all at once."""
        for text in texts:
            tlvs = ((TLV_MESSAGE_PAYLOAD, text.encode() + payload),) if payload else ()
            pdu = DeliverSm(source_addr="447700900123", destination_addr="12345", tlvs=tlvs)
            if not payload:
                pdu.short_message = text.encode()
            self._texts[self.smsc.send(pdu)] = text

    @property
    def smpp(self) -> dict[str, int]:
        """How the deliver_sm were answered, by their text: the last answer counts."""
        return {self._texts[number]: status for number, status in sorted(self.smsc.statuses.items())}

    async def all_answered(self) -> None:
        """Each deliver_sm, one way or the other."""
        await self.smsc.answered(len(self._texts))

    async def posts(self, texts: Iterable[str], connections: int) -> None:
        """As callbacks, over so many connections at once."""
        left = list(texts)

        async def call() -> None:
            async with await Caller.at(self.port) as caller:
                while left:
                    text = left.pop()
                    self.http[text] = (await caller.asks(_callback(text))).status

        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(call())

    async def hears(self, message: AbstractIncomingMessage) -> None:
        event = orjson.loads(message.body)
        async with self._changed:
            if event["type"] == "mo" and event["event_id"] not in self._ids:
                self._ids.add(event["event_id"])
                self.heard[event["text"].partition(" ")[0]] += 1
            self._changed.notify_all()

    async def until_heard(self, texts: set[str]) -> None:
        """Until each of these came out; and then none came twice."""
        async with asyncio.timeout(LIMIT_S), self._changed:
            await self._changed.wait_for(lambda: texts <= self.heard.keys())
        assert set(self.heard.values()) <= {1}, "once each"

    @property
    def peak_kib(self) -> int:
        """The most memory the worker has had so far."""
        status = Path(f"/proc/{self.worker.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])


def _callback(text: str) -> bytes:
    fields = {
        "type": "MO",
        "message_id": text,
        "shortcode": "12345",
        "phone_number": "447700900123",
        "message": text,
    }
    body = urlencode(fields).encode()
    head = f"POST /callbacks/h?token={TOKEN} HTTP/1.1\r\nHost: b\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _document(amqp_url: str, redis_url: str, prefix: str, smsc: ScriptedSmsc, port: int) -> dict[str, Any]:
    smpp = {"system_id": "b", "password": "x", "rebind_seconds": 1}
    http = {"login": "b", "password": "x"}
    return {
        "broker": {"url": amqp_url, "prefix": prefix},
        "redis": {"url": redis_url, "prefix": prefix},
        "providers": {
            "p": {"smpp": smpp, "sites": {"a": {"smsc": [f"127.0.0.1:{smsc.port}"]}}},
            "h": {"dialect": "genesys", "http": http, "sites": {"a": {"http": "http://127.0.0.1:9/"}}},
        },
        "routes": {"default": {"providers": ["p"], "from": "12345"}},
        "callbacks": {"listen": f"127.0.0.1:{port}", "token": TOKEN},
        "ops": {"listen": "127.0.0.1:0"},
    }


@asynccontextmanager
async def _hearing(amqp_url: str, prefix: str, flood: Flood) -> AsyncIterator[None]:
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        queue = await (await connection.channel()).declare_queue(exclusive=True)
        await queue.bind(Names(prefix).inbound, "#")
        await queue.consume(flood.hears, no_ack=True)
        yield


@pytest.fixture
async def way_to_rabbit(rabbit: PrivateRabbit) -> AsyncIterator[FaultProxy]:
    place = urlsplit(rabbit.url)
    async with FaultProxy(place.hostname or "", place.port or 0) as proxy:
        yield proxy


@pytest.fixture
async def flood(
    tmp_path: Path, rabbit: PrivateRabbit, way_to_rabbit: FaultProxy, redis_url: str, prefix: str
) -> AsyncIterator[Flood]:
    (port,) = free_ports(1)
    async with ScriptedSmsc({}) as smsc:
        document = _document(f"amqp://127.0.0.1:{way_to_rabbit.port}/", redis_url, prefix, smsc, port)
        async with Crew(tmp_path, document) as crew:
            (worker,) = await crew.workers()
            await worker.says("callbacks.listening")
            flood = Flood(worker, smsc, port)
            async with _hearing(rabbit.url, prefix, flood):
                yield flood
            await crew.dismiss()


def numbered(kind: str, number: int) -> list[str]:
    return [f"{kind}-{each}" for each in range(number)]


async def test_what_a_slow_rabbitmq_cannot_take_is_put_off(flood: Flood, way_to_rabbit: FaultProxy) -> None:
    before_kib = flood.peak_kib
    way_to_rabbit.delay(SLOW_S)
    smpp, http = numbered("smpp", 10_000), numbered("http", 1_500)
    async with crowd(flood.port, 400):
        flood.sends(smpp)
        await flood.posts(http, 300)
        await flood.all_answered()
    await way_to_rabbit.heal()
    told = flood.smpp | flood.http
    assert len(told) == len(smpp) + len(http)
    assert set(flood.smpp.values()) == {ESME_ROK, ESME_RMSGQFUL}
    assert set(flood.http.values()) <= {200, UNAVAILABLE}
    safe = {text for text, answer in told.items() if answer in (ESME_ROK, 200)}
    await flood.until_heard(safe)
    assert set(flood.heard) == safe, "what was put off is the provider's"
    assert flood.peak_kib - before_kib < MOST_GROWTH_KIB


async def test_while_rabbitmq_takes_nothing_large_messages_do_not_pile_up(
    flood: Flood, way_to_rabbit: FaultProxy
) -> None:
    before_kib = flood.peak_kib
    way_to_rabbit.stall()
    texts = numbered("large", 1_000)
    flood.sends(texts, payload=b" " + bytes(range(32, 127)) * 600)
    await flood.smsc.answered(len(texts) - MOST_LARGE)
    assert set(flood.smpp.values()) == {ESME_RMSGQFUL}, "before anything is overdue"
    await way_to_rabbit.heal()
    await flood.all_answered()
    safe = {text for text, status in flood.smpp.items() if status == ESME_ROK}
    assert 0 < len(safe) <= MOST_LARGE
    await flood.until_heard(safe)
    assert flood.peak_kib - before_kib < MOST_GROWTH_KIB


async def test_what_comes_while_redis_hangs_is_put_off_and_taken_later(
    flood: Flood, redis_server: PrivateRedis
) -> None:
    smpp, http = numbered("smpp", 4_000), numbered("http", 200)
    redis_server.pause()
    try:
        flood.sends(smpp)
        await flood.posts(http, 100)
        await flood.all_answered()
    finally:
        redis_server.resume()
    assert set(flood.smpp.values()) == {ESME_RMSGQFUL}
    assert set(flood.http.values()) == {UNAVAILABLE}
    await flood.worker.says("store.up")
    while put_off := [text for text, status in flood.smpp.items() if status != ESME_ROK]:
        flood.sends(put_off)
        await flood.all_answered()
    while put_off := [text for text, status in flood.http.items() if status != 200]:
        await flood.posts(put_off, 50)
    await flood.until_heard({*smpp, *http})
