"""A Redis that was emptied: what RabbitMQ delivers again may have been sent before."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
import redis.asyncio

from bridge.store.store import Store

if TYPE_CHECKING:
    from tests.store.conftest import Lab

LEASE_MS = 60_000


@pytest.fixture
async def raw(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        yield client


async def claim(lab: "Lab", store: Store, mt_key: str = "m1", owner: str = "w1:1", **of: Any) -> str:
    found = await lab.ask(store.claims.claim, mt_key, owner, LEASE_MS, **of)
    return str(found.verdict)


async def test_a_new_redis_has_lost_nothing(lab: "Lab", store: Store) -> None:
    await store.begin(used_before=False)
    assert await claim(lab, store, redelivered=True) == "new"


async def test_one_that_should_know_something_has(lab: "Lab", store: Store) -> None:
    await store.begin(used_before=True)
    assert await claim(lab, store, redelivered=True) == "lost"
    assert await claim(lab, store, "m2") == "new", "it was never delivered before"


@pytest.mark.parametrize("state", ["", '["p","p1","f",0,[0,1]]'])
async def test_one_that_is_emptied_meanwhile_has(
    lab: "Lab", store: Store, raw: redis.asyncio.Redis, state: str
) -> None:
    await store.begin(used_before=False)
    assert await claim(lab, store, redelivered=True, state=state) == "new"
    await raw.flushall()
    for _ in range(2):  # asked twice, it says the same
        assert await claim(lab, store, owner="w2:1", redelivered=True, state=state) == "lost"
    assert await claim(lab, store, owner="w2:1", redelivered=True, takeover=True, state=state) == "new"
    assert await claim(lab, store, owner="w3:1", redelivered=True, state=state) == "busy", "it is known again"


async def test_after_an_hour_what_comes_again_was_not_known_then(
    lab: "Lab", store: Store, raw: redis.asyncio.Redis, prefix: str
) -> None:
    await store.begin(used_before=True)
    seconds, _ = await raw.time()
    await raw.set(f"{prefix}:since", seconds * 1000 - 3_599_000, keepttl=True)
    assert await claim(lab, store, redelivered=True) == "lost"
    await raw.set(f"{prefix}:since", seconds * 1000 - 3_600_001, keepttl=True)
    assert await claim(lab, store, redelivered=True) == "new"
    assert await raw.ttl(f"{prefix}:since") > 0
