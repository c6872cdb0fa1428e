"""What a Redis is warned of that does not keep what it is told: real ones, crippled one setting at a time."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from bridge.proof.machine import free_ports
from bridge.proof.servers import PrivateRedis
from bridge.store.fitness import LOST, warnings_of
from bridge.store.store import StoreUnavailable

if TYPE_CHECKING:
    from tests.store.conftest import Lab

pytestmark = pytest.mark.servers


@asynccontextmanager
async def configured(lab: "Lab", settings: Mapping[str, str]) -> AsyncIterator[None]:
    """The server with these settings, and then with its own again."""
    before = {name: (await lab.redis.config_get(name))[name] for name in settings}
    for name, value in settings.items():
        await lab.redis.config_set(name, value)
    try:
        yield
    finally:
        for name, usual in before.items():
            await lab.redis.config_set(name, str(usual))


async def test_a_safe_redis_gets_no_warning(own_lab: "Lab") -> None:
    store = await own_lab.store()
    assert await store.check() == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"appendonly": "no"}, "appendonly no"),
        ({"appendfsync": "no"}, "appendfsync no"),
        ({"maxmemory-policy": "allkeys-lru"}, "maxmemory-policy allkeys-lru"),
        ({"maxmemory-policy": "volatile-ttl"}, "maxmemory-policy volatile-ttl"),
    ],
)
async def test_each_unsafe_setting_is_named_with_what_would_be_lost(
    own_lab: "Lab", settings: dict[str, str], words: str
) -> None:
    store = await own_lab.store()
    async with configured(own_lab, settings):
        (warning,) = await store.check()
    assert words in warning
    assert LOST in warning


async def test_always_to_disk_is_safe_too(own_lab: "Lab") -> None:
    store = await own_lab.store()
    async with configured(own_lab, {"appendfsync": "always"}):
        assert await store.check() == []


@pytest.fixture
async def replica(own_redis: PrivateRedis, own_lab: "Lab") -> AsyncIterator[Redis]:
    """A replica of the server of `own_lab`, in step with it."""
    at_once = configured(own_lab, {"repl-diskless-sync-delay": "0"})
    async with PrivateRedis() as server, at_once, Redis.from_url(server.url) as redis:
        await redis.replicaof("127.0.0.1", own_redis.port)
        async with asyncio.timeout(30):
            while (await redis.info("replication"))["master_link_status"] != "up":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        yield redis


async def test_a_primary_that_goes_on_without_its_replica(own_lab: "Lab", replica: Redis) -> None:
    store = await own_lab.store()
    (warning,) = await store.check()
    assert "min-replicas-to-write 0" in warning
    assert LOST in warning
    async with configured(own_lab, {"min-replicas-to-write": "1"}):
        assert await store.check() == []


async def test_a_replica_is_refused_or_where_it_takes_writes_warned_of(
    own_lab: "Lab", replica: Redis
) -> None:
    port = replica.connection_pool.connection_kwargs["port"]
    store = own_lab.make(url=f"redis://127.0.0.1:{port}/0")
    with pytest.raises(StoreUnavailable, match=r"read only replica: name the primary in redis\.url"):
        await store.open()
    await replica.config_set("replica-read-only", "no")
    await store.open()
    (warning,) = await store.check()
    assert "is a replica that takes writes" in warning
    assert LOST in warning
    await store.close()


class OneNodeOfACluster(PrivateRedis):
    """A redis-server that believes to be one of several."""

    async def _launch(self) -> subprocess.Popen[bytes]:
        place = ["--port", str(self.port), "--dir", str(self.directory), "--save", "", "--appendonly", "yes"]
        return self._spawn([*self._programs, *place, "--cluster-enabled", "yes"], {})


async def test_a_cluster_is_named_as_what_it_is(own_lab: "Lab") -> None:
    async with OneNodeOfACluster() as server:
        store = own_lab.make(url=server.url)
        with pytest.raises(StoreUnavailable, match="it is a node of a Redis Cluster"):
            await store.open()
        (warning,) = await store.check()
        assert "is a node of a cluster" in warning
        await store.close()


@pytest.mark.parametrize(
    ("denied", "words"),
    [("-info", "cannot tell whether Redis keeps its data"), ("-config", "does not tell when it writes")],
)
async def test_what_the_user_may_not_ask_is_said(own_lab: "Lab", denied: str, words: str) -> None:
    await own_lab.command("ACL", "SETUSER", "narrow", "reset", "on", ">pw", "~*", "+@all", denied)
    store = await own_lab.store(url=own_lab.url.replace("//", "//narrow:pw@"))
    (warning,) = await store.check()
    assert words in warning
    assert LOST in warning


async def test_check_needs_redis(lab: "Lab") -> None:
    (port,) = free_ports(1)
    store = lab.make(url=f"redis://127.0.0.1:{port}/0")
    with pytest.raises(StoreUnavailable):
        await store.check()
    await store.close()


def test_facts_that_a_managed_redis_hides_are_taken_as_unsafe_or_usual() -> None:
    (warning,) = warnings_of({}, None)
    assert "appendonly no" in warning
