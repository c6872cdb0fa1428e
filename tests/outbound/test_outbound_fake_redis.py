"""The claims that the other tests are held against do what the store does, whatever is asked in whatever order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import redis
from pydantic import SecretStr

from bridge.config.settings import RedisSettings
from bridge.store.claims import Claim, Recorded
from bridge.store.correlation import Correlation
from bridge.store.store import Store
from tests.outbound.fake_rabbit import Clock
from tests.outbound.fake_redis import Claims, Redis

pytestmark = pytest.mark.servers

OWNERS = ("w1:1", "w2:1", "w1:1+")
STATES = ("", '["p","p1","f",0,[0,1]]', '["p","p1","f",0,["a|b",1]]')
INFOS = ("A||a|p|s|l", 'L||1|p|s|l|["a","b"]', "O|{}")
PROVIDERS = ("p", "q")
LEASES_MS = (0, 60_000)


@asynccontextmanager
async def running(url: str, prefix: str) -> AsyncIterator[Store]:
    store = Store(RedisSettings(url=SecretStr(url), prefix=prefix), worker="w")
    up = asyncio.Event()
    store.on_change(lambda _: up.set())
    task = asyncio.create_task(store.run())
    await up.wait()
    try:
        yield store
    finally:
        task.cancel()
        await asyncio.wait([task])
        await store.close()


class Pair:
    """The same question to both. References are told apart by when they were drawn."""

    def __init__(self, store: Store, fake: Redis) -> None:
        self._real = store.claims
        self._fake = Claims(fake)
        self.drawn = [(70_000, 70_000)]  # as if one had been drawn before

    async def ask(self, name: str, *args: Any, **named: Any) -> tuple[Any, Any]:
        """Both answers; an argument that is a pair is the reference of the one and of the other."""
        real: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        fake: list[Any] = []
        self._call(self._real, name, 0, args, named, lambda answer=None: real.set_result(answer))
        self._call(self._fake, name, 1, args, named, lambda answer=None: fake.append(answer))
        self._fake.flow(1)
        return await real, fake[0]

    @staticmethod
    def _call(
        claims: object,
        name: str,
        side: int,
        args: tuple[Any, ...],
        named: dict[str, Any],
        done: Callable[..., None],
    ) -> None:
        given = [arg[side] if isinstance(arg, tuple) else arg for arg in args]
        told = {key: arg[side] if isinstance(arg, tuple) else arg for key, arg in named.items()}
        getattr(claims, name)(*given, done, **told)


async def step(pair: Pair, random: Random) -> tuple[Any, Any]:
    """One question, drawn, and what both say; references as their numbers."""
    owner, state, info = random.choice(OWNERS), random.choice(STATES), random.choice(INFOS)
    reference, number = random.choice(pair.drawn), random.randint(1, 2)
    entry = Correlation(
        mt_id="m",
        provider=random.choice(PROVIDERS),
        smsc_id=random.choice("abc"),
        to="447700900123",
        segment=(number, 2),
    )
    match random.choice(["claim", "claim", "claim", "leave", "part", "part", "part", "retire", "rare"]):
        case "claim":
            real, fake = await pair.ask(
                "claim",
                "m",
                owner,
                random.choice(LEASES_MS),
                takeover=random.random() < 0.7,
                seen=random.choice(STATES),
                counter=random.choice(["", "c"]) if state else "",
                reference=reference if state else 0,
                state=state,
            )
            assert isinstance(real, Claim)
            return _told(pair, real, fake)
        case "leave":
            return await pair.ask("leave", "m", owner, reference, random.choice(STATES[1:]))
        case "part":
            complete = random.choice(["", "", INFOS[1]])
            return await pair.ask("part_answered", "m", owner, reference, STATES[2], complete, entry)
        case "retire":
            return await pair.ask("retire", "m")
    single = Correlation(mt_id="m", provider="p", smsc_id=random.choice("st"), to="447700900123")
    match random.choice(["finish", "amend", "release", "expected", "shown", "answered"]):
        case "finish":
            return await pair.ask("finish", "m", owner, info)
        case "amend":
            return await pair.ask("amend", "m", info, random.choice(INFOS))
        case "release":
            return await pair.ask("release", "m", owner)
        case "expected":
            return await pair.ask("expected", "m", replace(single, unanswered=random.choice(["", "r"])))
        case "shown":
            return await pair.ask("answered", "m", "", "H||s|p||", single)
    return await pair.ask("answered", "m", owner, info, single)


def _told(pair: Pair, real: Claim, fake: Claim) -> tuple[object, object]:
    both = (real.reference, fake.reference)
    if both not in [(0, 0), *pair.drawn]:
        pair.drawn.append(both)
    waits = (real.wait_ms > 0, fake.wait_ms > 0)
    return (real.verdict, waits[0], real.info, real.state), (fake.verdict, waits[1], fake.info, fake.state)


@pytest.mark.parametrize("seed", range(40))
async def test_both_say_the_same(redis_url: str, prefix: str, seed: int) -> None:
    random, clock = Random(seed), Clock()
    fake = Redis(clock)
    raw = redis.Redis.from_url(redis_url)
    try:
        async with running(redis_url, prefix) as store:
            pair = Pair(store, fake)
            for _ in range(40):
                real, told = await step(pair, random)
                assert _plain(real) == _plain(told)
                assert len({one for one, _ in pair.drawn}) == len({other for _, other in pair.drawn})
                joined = {int(key[1:]) for key in raw.hkeys(f"{prefix}:join:m") if key[:1] == b"s"}
                assert joined == set(fake.joins["m"].ids)
    finally:
        raw.close()
        clock.close()


def _plain(answer: object) -> object:
    return answer.fenced if isinstance(answer, Recorded) else answer
