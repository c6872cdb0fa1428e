"""The fault proxy: each fault breaks what it says and nothing else, and healing ends it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.proof.proxy import FaultProxy

QUIET_S = 0.1
"""How long nothing may come, to believe that nothing does."""
LIMIT_S = 10.0


class Target:
    """A server that says everything it hears back, each time after a sign of its own; and remembers it."""

    def __init__(self, sign: bytes) -> None:
        self.heard = b""
        self.port = 0
        self._sign = sign
        self._changed = asyncio.Condition()
        self._server: asyncio.Server

    async def __aenter__(self) -> "Target":
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def hears(self, octets: bytes) -> None:
        async with asyncio.timeout(LIMIT_S), self._changed:
            await self._changed.wait_for(lambda: octets in self.heard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1000):
                async with self._changed:
                    self.heard += data
                    self._changed.notify_all()
                writer.write(self._sign + data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


class Client:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, proxy: FaultProxy) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    def say(self, octets: bytes) -> None:
        self._writer.write(octets)

    async def hear(self, count: int) -> bytes:
        async with asyncio.timeout(LIMIT_S):
            return await self._reader.readexactly(count)

    async def rest(self) -> bytes:
        """All until the connection ends; an end by reset ends it too."""
        found = b""
        async with asyncio.timeout(LIMIT_S):
            try:
                while piece := await self._reader.read(1000):
                    found += piece
            except ConnectionResetError:
                pass
        return found

    async def hears_nothing(self) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(QUIET_S):
                await self._reader.readexactly(1)

    def hang_up(self) -> None:
        self._writer.close()


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    async with Target(b"<") as target:
        yield target


@pytest.fixture
async def proxy(target: Target) -> AsyncIterator[FaultProxy]:
    async with FaultProxy("127.0.0.1", target.port) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy: FaultProxy) -> AsyncIterator[Client]:
    """Connected, and heard once."""
    client = await Client.to(proxy)
    client.say(b"one")
    assert await client.hear(4) == b"<one"
    yield client
    client.hang_up()


async def test_cut_ends_connections_and_refuses_new_ones_until_healed(
    proxy: FaultProxy, client: Client
) -> None:
    await proxy.cut()
    assert await client.rest() == b""
    with pytest.raises(ConnectionRefusedError):
        await Client.to(proxy)
    await proxy.heal()
    again = await Client.to(proxy)
    again.say(b"two")
    assert await again.hear(4) == b"<two"
    again.hang_up()


async def test_severed_connections_end_and_new_ones_are_made(proxy: FaultProxy, client: Client) -> None:
    proxy.drop_replies()
    await proxy.sever()
    assert await client.rest() == b""
    again = await Client.to(proxy)
    again.say(b"two")
    assert await again.hear(4) == b"<two"
    again.hang_up()


async def test_a_proxy_is_healed_though_its_severing_is_cancelled(proxy: FaultProxy, client: Client) -> None:
    severing = asyncio.create_task(proxy.sever())
    await asyncio.sleep(0)  # it waits for the connections to end
    severing.cancel()
    await asyncio.wait([severing])
    assert severing.cancelled()
    assert await client.rest() == b""
    again = await Client.to(proxy)
    again.say(b"two")
    assert await again.hear(4) == b"<two"
    again.hang_up()


async def test_stalled_nothing_passes_and_healed_all_of_it_does(
    proxy: FaultProxy, client: Client, target: Target
) -> None:
    proxy.stall()
    client.say(b"two")
    await client.hears_nothing()
    assert target.heard == b"one"
    await proxy.heal()
    assert await client.hear(4) == b"<two"


async def test_replies_alone_may_be_stalled(proxy: FaultProxy, client: Client, target: Target) -> None:
    proxy.stall("back")
    client.say(b"two")
    await target.hears(b"two")
    await client.hears_nothing()
    await proxy.heal()
    assert await client.hear(4) == b"<two"


async def test_what_the_client_says_alone_may_be_stalled(
    proxy: FaultProxy, client: Client, target: Target
) -> None:
    proxy.stall("back")
    client.say(b"two")
    await target.hears(b"two")
    await proxy.heal()
    proxy.stall("there")
    client.say(b"three")
    assert await client.hear(4) == b"<two", "what was said before still comes back"
    await client.hears_nothing()
    assert target.heard == b"onetwo"
    await proxy.heal()
    assert await client.hear(6) == b"<three"


async def test_dropped_replies_are_lost_for_good(proxy: FaultProxy, client: Client, target: Target) -> None:
    proxy.drop_replies()
    client.say(b"two")
    await target.hears(b"two")
    await client.hears_nothing()
    await proxy.heal()
    client.say(b"three")
    assert await client.hear(6) == b"<three"


async def test_delayed_octets_arrive_later_and_in_order(proxy: FaultProxy, client: Client) -> None:
    loop = asyncio.get_running_loop()
    proxy.delay(0.1)
    began = loop.time()
    client.say(b"two")
    assert await client.hear(4) == b"<two"
    assert loop.time() - began >= 0.2, "there and back"


async def test_a_connection_is_reset_in_the_middle_of_a_reply(
    proxy: FaultProxy, client: Client, target: Target
) -> None:
    proxy.reset_after(2)
    client.say(b"two")
    assert len(await client.rest()) <= 2
    assert target.heard.endswith(b"two")
    another = await Client.to(proxy)
    another.say(b"three")
    assert len(await another.rest()) <= 2
    another.hang_up()
    await proxy.heal()
    third = await Client.to(proxy)
    third.say(b"four")
    assert await third.hear(5) == b"<four"
    third.hang_up()


async def test_a_connection_that_lived_through_it_is_not_reset_later(
    proxy: FaultProxy, client: Client
) -> None:
    proxy.reset_after(1000)
    await proxy.heal()
    client.say(b"x" * 2000)
    assert len(await client.hear(2000)) == 2000


async def test_closed_by_half_the_client_is_still_heard(
    proxy: FaultProxy, client: Client, target: Target
) -> None:
    proxy.half_close()
    assert await client.rest() == b""
    client.say(b"two")
    await target.hears(b"two")
    await proxy.heal()
    again = await Client.to(proxy)
    again.say(b"three")
    assert await again.hear(6) == b"<three"
    again.hang_up()


async def test_another_target_is_for_new_connections(proxy: FaultProxy, client: Client) -> None:
    async with Target(b">") as other:
        proxy.retarget("127.0.0.1", other.port)
        client.say(b"two")
        assert await client.hear(4) == b"<two"
        again = await Client.to(proxy)
        again.say(b"three")
        assert await again.hear(6) == b">three"
        again.hang_up()
