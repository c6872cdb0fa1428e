"""The bench's own frames: octet for octet what pamqp writes, and RabbitMQ confirms and keeps what they say."""

import asyncio

import pytest
from aiormq import spec
from hypothesis import given
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.frame import marshal
from pamqp.header import ContentHeader

from bridge.broker.errors import library_errors
from bridge.broker.session import Urls
from bridge.proof.bench_frames import FrameWriter, content_frames, publish_frame
from bridge.proof.servers import PrivateRabbit

channels = st.integers(1, 65_535)
names = st.text(st.characters(codec="ascii"), min_size=1, max_size=100)
exchanges = st.from_regex(r"[a-zA-Z0-9_.:-]{1,100}", fullmatch=True)


@given(channels, exchanges, names)
def test_the_method_is_as_the_library_writes_it(channel: int, exchange: str, key: str) -> None:
    octets = exchange.encode()
    method = spec.Basic.Publish(exchange=exchange, routing_key=key, mandatory=True)
    assert publish_frame(channel, bytes((len(octets),)) + octets, key) == marshal(method, channel)


@given(channels, names, st.binary(min_size=1, max_size=1000))
def test_the_content_is_as_the_library_writes_it(channel: int, message_id: str, body: bytes) -> None:
    properties = spec.Basic.Properties(
        content_type="application/json", delivery_mode=2, message_id=message_id
    )
    header = ContentHeader(body_size=len(body), properties=properties)
    expected = marshal(header, channel) + marshal(ContentBody(body), channel)
    assert content_frames(channel, message_id.encode(), body) == expected


@pytest.mark.servers
async def test_what_is_put_is_confirmed_one_by_one_and_kept(rabbit: PrivateRabbit, prefix: str) -> None:
    session = await Urls([rabbit.url]).connect("test")
    try:
        with library_errors():
            channel = await session.channel(confirms=True)
            await channel.exchange_declare(prefix, exchange_type="topic", auto_delete=True)
            await channel.queue_declare(prefix, exclusive=True)
            await channel.queue_bind(prefix, prefix, "a.*")
        writer = FrameWriter(await session.channel(confirms=True), prefix)
        answered = asyncio.Queue[asyncio.Future[object]]()
        for number in range(300):
            writer.put("a.b", b"id-%d" % number, b'{"n":%d}' % number, answered.put_nowait)
            if number % 100 == 0:
                await asyncio.sleep(0)
        async with asyncio.timeout(30):
            for _ in range(300):
                assert isinstance((await answered.get()).result(), spec.Basic.Ack)
        found = await channel.basic_get(prefix, no_ack=True)
        assert (found.body, found.header.properties.message_id) == (b'{"n":0}', "id-0")
        assert found.header.properties.delivery_mode == 2
        declared = await channel.queue_declare(prefix, exclusive=True, passive=True)
        assert declared.message_count == 299
    finally:
        await session.close()
