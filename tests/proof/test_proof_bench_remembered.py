"""Finished MTs that Redis remembers: like those that real lives left in all but their names, and removed again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from bridge.config.settings import RedisSettings
from bridge.proof.bench_remembered import keys_of_a_life, remembered
from bridge.proof.bench_stage import RedisLost
from bridge.store.correlation import Correlation
from bridge.store.receipts import Question
from bridge.store.store import Store

LIVES, MORE = 4, 12_000
LIMIT_S = 60.0


async def ask(operation: Callable[..., None], *arguments: Any, **named: Any) -> Any:
    """What the operation tells."""
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    operation(*arguments, lambda result=None: told.set_result(result), **named)
    async with asyncio.timeout(LIMIT_S):
        return await told


@asynccontextmanager
async def store_at(url: str, prefix: str) -> AsyncIterator[Store]:
    store = Store(RedisSettings(url=SecretStr(url), prefix=prefix), worker="w")
    up = asyncio.Event()
    store.on_change(lambda _: up.set())
    task = asyncio.create_task(store.run())
    try:
        async with asyncio.timeout(LIMIT_S):
            await up.wait()
        yield store
    finally:
        task.cancel()
        await asyncio.wait([task])
        await store.close()


async def live(store: Store, number: int, segments: int) -> None:
    """All of the life of an MT, of so many segments, as the bridge has it recorded."""
    mt_id, to = f"abc123-{number:06d}", "447700900123"
    long = {"reference": 1, "state": "ww"} if segments > 1 else {}
    await ask(store.claims.claim, mt_id, "o", 60_000, **long)
    for segment in range(1, segments + 1):
        smsc_id = f"{2_000_000_000 + number * segments + segment}"
        entry = Correlation(mt_id=mt_id, provider="bench", smsc_id=smsc_id, to=to)
        if segments == 1:
            await ask(store.claims.answered, mt_id, "o", f"A|{smsc_id}", entry, overdue_ms=1000)
        else:
            entry.segment = (segment, segments)
            info = "A" if segment == segments else ""
            await ask(store.claims.part_answered, mt_id, "o", 1, "tw", info, entry, overdue_ms=1000)
    for segment in range(1, segments + 1):
        smsc_id = f"{2_000_000_000 + number * segments + segment}"
        question = Question("bench", (smsc_id,), (), (to, "12345"), "delivered", 1)
        key = smsc_id.encode().ljust(16, b"_")
        claim = await ask(store.receipts.receipt, key, "w", f"dr-{smsc_id}", question)
        assert claim.entry is not None
        await ask(store.receipts.commit, key, claim.epoch, None, due=claim.due, held=claim.held)


async def shapes(redis: Redis, prefix: str) -> Counter[tuple[Any, ...]]:
    """Of each key below the prefix that lives as long as MTs do: kind, length, value without digits, days to live."""
    found: Counter[tuple[Any, ...]] = Counter()
    for key in {key async for key in redis.scan_iter(f"{prefix}:*", count=1000)}:
        kind = key[len(prefix) + 1 :].partition(b":")[0]
        if kind in (b"turn", b"since"):
            continue
        value = await (redis.hgetall(key) if await redis.type(key) == b"hash" else redis.get(key))
        text = "".join("0" if letter.isdigit() else letter for letter in str(value))
        found[kind, len(key), text, round(await redis.ttl(key) / 86_400)] += 1
    return found


@pytest.mark.parametrize("segments", [1, 3])
async def test_copies_are_as_the_lives_they_are_copied_from_and_go_without_trace(
    redis_url: str, prefix: str, segments: int
) -> None:
    told: list[int] = []
    async with Redis.from_url(redis_url) as redis, store_at(redis_url, prefix) as store:
        for number in range(LIVES):
            await live(store, number, segments)
        own = await shapes(redis, prefix)
        kinds = {b"mt", b"id"} | ({b"join"} if segments > 1 else set())
        assert {kind for kind, *_ in own} == kinds, "what a finished life leaves"
        keys = await keys_of_a_life(redis, prefix, LIVES)
        assert len(keys) == (2 if segments == 1 else 2 + segments)
        size = await redis.dbsize()
        many = remembered(redis_url, prefix, MORE, like=LIVES, lasting=True, progress=told.append)
        async with many as memory:
            assert (memory.lives, told[-1]) == (MORE, MORE)
            assert memory.octets / MORE > 100 * len(keys)
            assert await redis.dbsize() == size + MORE * len(keys)
        assert await redis.dbsize() == size
        assert await shapes(redis, prefix) == own
        assert told[-1] == 0


async def test_a_copy_differs_from_what_it_is_of_in_name_alone(redis_url: str, prefix: str) -> None:
    async with Redis.from_url(redis_url) as redis, store_at(redis_url, prefix) as store:
        for number in range(LIVES):
            await live(store, number, 2)
        own = await shapes(redis, prefix)
        twice = remembered(redis_url, prefix, LIVES, like=LIVES, lasting=True, progress=lambda _: None)
        async with twice:
            assert await shapes(redis, prefix) == own + own


async def test_a_redis_that_is_not_there_is_told(prefix: str) -> None:
    lost = remembered("redis://127.0.0.1:1/0", prefix, 1, like=1, lasting=True, progress=lambda _: None)
    with pytest.raises(RedisLost, match="could not be filled"):
        async with lost:
            pass
