"""A laboratory for the store: stores that run against a private Redis, and raw looks into it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Self

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from bridge.config.settings import RedisSettings
from bridge.proof.servers import PrivateRedis
from bridge.store.batcher import Word
from bridge.store.correlation import Correlation
from bridge.store.receipts import Question, tag_of
from bridge.store.store import Store

HANDSET = ("447700900123", "12345")
FAIL_FAST = frozenset(
    {b"claim", b"claim_long", b"receipt", b"message", b"lookup", b"segment", b"due_receipts", b"due_sets"}
)


async def ask(operation: Callable[..., None], *args: Any, **named: Any) -> Any:
    """What `operation` tells its `done`; a second call of `done` fails the test."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    operation(*args, lambda result=None: answer.set_result(result), **named)
    assert not answer.done(), "told inside the call"
    return await answer


@asynccontextmanager
async def running(store: Store) -> AsyncIterator[Store]:
    """The store with its `run`, once it is up."""
    up = asyncio.Event()
    store.on_change(lambda is_up: up.set() if is_up else None)
    task = asyncio.create_task(store.run())
    try:
        await up.wait()
        yield store
    finally:
        task.cancel()
        await asyncio.wait([task])
        await store.close()


class Lab:
    """Stores over one prefix of one Redis."""

    def __init__(self, url: str, prefix: str, redis: Redis, stack: AsyncExitStack) -> None:
        self.url = url
        self.prefix = prefix
        self.redis = redis
        self.changed_by_again: list[Sequence[Word]] = []
        self._stack = stack

    ask = staticmethod(ask)

    @staticmethod
    def entry(smsc_id: str = "s1", **fields: Any) -> Correlation:
        """An MT to 447700900123."""
        usual = {"mt_id": "m1", "provider": "p", "smsc_id": smsc_id, "to": "447700900123"}
        return Correlation(**(usual | fields))

    @staticmethod
    def question(*ids: str, **fields: Any) -> Question:
        """A final receipt from 447700900123."""
        usual: dict[str, Any] = {
            "provider": "p",
            "guesses": (),
            "addresses": HANDSET,
            "state": "delivered",
            "grade": 1,
        }
        return Question(ids=ids, **(usual | fields))

    def due(self, smsc_id: str = "s1", epoch: int = 0) -> bytes:
        """What stands on the list of receipts to come for an MT of one segment."""
        return b"s|%d|" % epoch + self.key("id", "p", smsc_id)

    def held(self, key: bytes, smsc_id: str = "s1", epoch: int = 0) -> bytes:
        """Where the claim of a receipt stands that ends an MT."""
        return b"%d|%b|%b" % (epoch, tag_of(key), self.key("id", "p", smsc_id))

    def make(self, worker: str = "w1", url: str | None = None, retention_hours: int = 168) -> Store:
        """A store that does not run yet."""
        settings = RedisSettings(
            url=SecretStr(url or self.url), prefix=self.prefix, retention_hours=retention_hours
        )
        return Store(settings, worker=worker)

    def stutter(self, store: Store) -> Store:
        """The store, of which every call but the fail-fast ones is executed twice over: as after a lost reply.

        The second time must leave the same state and give the same reply: the end of the lab looks at that.
        """
        batcher = store._batcher
        send = batcher._send

        async def twice(words: Sequence[Word]) -> list[Any]:
            replies = await send(words)
            if words[0] not in FAIL_FAST:
                state = await self.snapshot()
                if await send(words) != replies or await self.snapshot() != state:
                    self.changed_by_again.append(words)
            return replies

        batcher._send = twice
        return store

    async def keys(self) -> list[bytes]:
        """Every key below the prefix."""
        return [key async for key in self.redis.scan_iter(match=f"{self.prefix}:*", count=1000)]

    async def snapshot(self) -> dict[bytes, Any]:
        """All that is kept; of what is due at once only that it is on the list."""
        state: dict[bytes, Any] = {}
        for key in await self.keys():
            if key.startswith(self.key("turn")):
                continue
            match await self.redis.type(key):
                case b"hash":
                    state[key] = await self.redis.hgetall(key)
                case b"zset" if key == self.key("due", "mo"):
                    state[key] = sorted(await self.redis.zrange(key, 0, -1))
                case b"zset":
                    state[key] = sorted(await self.redis.zrange(key, 0, -1, withscores=True))
                case _:
                    state[key] = await self.redis.get(key)
        return state

    async def pass_time(self, what: str) -> None:
        """Let everything on the list of that name be due, and every lease of it be over."""
        due = self.key("due", what)
        members: list[Any] = list(await self.redis.zrange(due, 0, -1))
        for member in members:
            await self.redis.zadd(due, {member: 1})
            if what == "mo":
                await self.redis.hset(member, "till", "1")

    async def lapse(self, *key: str | bytes) -> None:
        """Let the lease of a pending claim be over."""
        value = await self.value(*key)
        assert value is not None
        parts = value.split(b"|", 3)
        parts[2] = b"1"
        await self.redis.set(self.key(*key), b"|".join(parts), keepttl=True)

    async def lapse_held(self, held: bytes) -> None:
        """Let the lease of a receipt's claim that stands in a mark be over."""
        _, tag, id_key = held.split(b"|", 2)
        value = await self.redis.get(id_key)
        assert isinstance(value, bytes)
        lapsed, count = re.subn(re.escape(tag) + rb":\d+:", tag + b":1:", value)
        assert count == 1, value
        await self.redis.set(id_key, lapsed, keepttl=True)

    async def run(self, store: Store) -> Store:
        """The store, running and up until the test ends."""
        return await self._stack.enter_async_context(running(store))

    async def store(self, worker: str = "w1", url: str | None = None) -> Store:
        """A running store."""
        return await self.run(self.make(worker, url))

    async def stuttering(self, worker: str = "w1") -> Store:
        """A running store that does all that is kept twice."""
        return await self.run(self.stutter(self.make(worker)))

    def key(self, *parts: str | bytes) -> bytes:
        """A key below the prefix."""
        return b":".join([self.prefix.encode(), *(p.encode() if isinstance(p, str) else p for p in parts)])

    async def value(self, *parts: str | bytes) -> bytes | None:
        """What stands under a key."""
        value = await self.redis.get(self.key(*parts))
        assert not isinstance(value, str)
        return value

    async def command(self, *words: str) -> None:
        """Tell the server something."""
        await self.redis.execute_command(*words)  # type: ignore[no-untyped-call]

    async def mortal(self) -> None:
        """No key lives for ever, whatever the test did."""
        for key in await self.keys():
            assert await self.redis.pttl(key) != -1, f"{key!r} has no TTL"


@asynccontextmanager
async def lab_at(server: PrivateRedis, prefix: str) -> AsyncIterator[Lab]:
    """A lab; at its end every key under the prefix must have a TTL, and what was done again have changed nothing."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(Redis.from_url(server.url))
        lab = Lab(server.url, prefix, redis, stack)
        yield lab
        assert lab.changed_by_again == []
        await lab.mortal()
        await redis.unlink(*await lab.keys(), lab.key("none"))


OpenLab = Callable[[str], AbstractAsyncContextManager[Lab]]


@pytest.fixture(scope="session")
def open_lab(redis_server: PrivateRedis) -> OpenLab:
    """Labs over prefixes of the tests' Redis."""
    return partial(lab_at, redis_server)


@pytest.fixture
async def lab(open_lab: OpenLab, prefix: str) -> AsyncIterator[Lab]:
    async with open_lab(prefix) as lab:
        yield lab


@pytest.fixture(scope="module")
def own_redis() -> Iterator[PrivateRedis]:
    """A redis-server for tests that kill, pause or cripple it. Each leaves it as it was."""
    server = PrivateRedis()
    try:
        asyncio.run(server.start())
        yield server
    finally:
        server.close()


@pytest.fixture
async def own_lab(own_redis: PrivateRedis, prefix: str) -> AsyncIterator[Lab]:
    """A lab at that server."""
    async with lab_at(own_redis, prefix) as lab:
        yield lab


class Proxy:
    """A TCP proxy before Redis, for one connection at a time, that can lose a reply."""

    def __init__(self, port: int) -> None:
        self._redis_port = port
        self._server: asyncio.Server
        self.lose_replies = 0
        self.lost = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1")
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        redis, to_redis = await asyncio.open_connection("127.0.0.1", self._redis_port)
        asking = asyncio.create_task(self._copy(client, to_redis))
        try:
            while octets := await redis.read(65536):
                if self.lose_replies:
                    self.lose_replies -= 1
                    self.lost.set()
                    break
                to_client.write(octets)
        finally:
            asking.cancel()
            await asyncio.wait([asking])
            to_client.close()
            to_redis.close()

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while octets := await reader.read(65536):
            writer.write(octets)
        writer.close()


@pytest.fixture
async def proxy(redis_server: PrivateRedis) -> AsyncIterator[Proxy]:
    """A proxy before the tests' Redis."""
    async with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
async def store(lab: Lab) -> Store:
    return await lab.store()
