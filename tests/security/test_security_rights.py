"""The rights that the README gives: enough for all that a worker, a producer and a consumer do, and for little else."""

import json
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import aio_pika
import pytest
import redis.asyncio
from aiormq.exceptions import AMQPError
from pydantic import SecretStr
from redis.exceptions import NoPermissionError

from bridge.broker.broker import Broker
from bridge.broker.errors import TopologyError
from bridge.cli.tap import connected, listening
from bridge.config.settings import BrokerSettings, RedisSettings
from bridge.model.names import Names
from bridge.proof.servers import PrivateRabbit
from bridge.store.store import SCRIPT, Store
from tests.security.readme import README, rights

pytestmark = pytest.mark.servers
PASSWORD = "pw"

User = tuple[str, str]
"""Its name, and a URL to connect as it."""


@pytest.fixture
async def redis_user(redis_url: str, prefix: str) -> AsyncIterator[User]:
    """Made as the README says."""
    user = f"u{secrets.token_hex(4)}"
    async with redis.asyncio.Redis.from_url(redis_url) as raw:
        for words in rights("redis-cli", user=user, prefix=prefix, password=PASSWORD):
            await raw.execute_command(*words)  # type: ignore[no-untyped-call]
        yield user, redis_url.replace("://", f"://{user}:{PASSWORD}@")
        await raw.acl_deluser(user)


async def test_the_user_of_redis_may_do_all_that_the_scripts_do_with_its_keys(
    redis_url: str, redis_user: User, prefix: str
) -> None:
    commands = {word.decode() for word in re.findall(rb"call\('([A-Z]+)'", SCRIPT)}
    assert len(commands) > 10
    async with redis.asyncio.Redis.from_url(redis_url) as raw:
        known = await raw.command()
        for name in commands:
            arguments = [f"{prefix}:key"] * (abs(known[name.lower()]["arity"]) - 1)
            answer = await raw.acl_dryrun(redis_user[0], name, *arguments)
            assert answer in (b"OK", "OK"), (name, answer)


async def test_a_store_of_that_user_works_and_has_nothing_to_warn_of(redis_user: User, prefix: str) -> None:
    store = Store(RedisSettings(url=SecretStr(redis_user[1]), prefix=prefix), worker="w")
    await store.open()
    assert await store.check() == []
    await store.close()


@pytest.mark.parametrize(
    "command",
    [
        "GET other:key",
        "FLUSHALL",
        "KEYS *",
        "CONFIG SET appendonly no",
        "ACL LIST",
        "SHUTDOWN NOSAVE",
        "REPLICAOF NO ONE",
        "MODULE LIST",
        "EVAL return 0",
        "PUBLISH c m",
    ],
)
async def test_the_user_of_redis_may_do_nothing_else(redis_user: User, command: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_user[1]) as client:
        with pytest.raises(NoPermissionError):
            await client.execute_command(*command.split())  # type: ignore[no-untyped-call]


MakeUsers = Callable[..., Awaitable[list[str]]]


@pytest.fixture
async def rabbit_users(rabbit: PrivateRabbit, prefix: str) -> AsyncIterator[MakeUsers]:
    """Make a user as the README says, and one for each `configure, write, read`; the URLs of all."""
    names = list[str]()

    async def make(*others: tuple[str, str, str]) -> list[str]:
        names.extend(f"{prefix}-{number}" for number in range(1 + len(others)))
        for words in rights("rabbitmqctl", user=names[0], prefix=prefix, password=PASSWORD):
            await rabbit.ctl(*words)
        made = [[name, PASSWORD, *patterns] for name, patterns in zip(names[1:], others, strict=True)]
        await rabbit.ctl("eval", f"[{', '.join(_made(*user) for user in made)}].")
        return [rabbit.url.replace("guest:guest", f"{name}:{PASSWORD}") for name in names]

    yield make
    gone = [f'rabbit_auth_backend_internal:delete_user(<<"{name}">>, <<"test">>)' for name in names]
    await rabbit.ctl("eval", f"[{', '.join(gone)}].")


def _made(name: str, password: str, *patterns: str) -> str:
    """What rabbitmqctl does for add_user and set_permissions, in Erlang: many cost no more than one so."""
    room = "rabbit_auth_backend_internal"
    words = ", ".join(f"<<{json.dumps(pattern)}>>" for pattern in patterns)
    return (
        f'{room}:add_user(<<"{name}">>, <<"{password}">>, <<"test">>), '
        f'{room}:set_permissions(<<"{name}">>, <<"/">>, {words}, <<"test">>)'
    )


def shown(pattern: str, prefix: str) -> str:
    """A pattern that stands in the README's text, for this prefix."""
    assert re.search(rf"`'?{re.escape(pattern)}'?`", README.read_text())
    return pattern.replace("bridge", prefix)


def settings(url: str, prefix: str, *, declare: bool = True) -> BrokerSettings:
    return BrokerSettings(url=(SecretStr(url),), prefix=prefix, declare=declare)


async def test_rabbitmq_lets_each_do_what_it_has_to(rabbit_users: MakeUsers, prefix: str) -> None:
    names, nothing, own, mine = Names(prefix), shown("^$", prefix), rf"^{prefix}\.", f"^{prefix}-mine$"
    inbound = shown(r"^bridge\.inbound$", prefix)
    as_told, looking, listener, producer, consumer = await rabbit_users(
        (nothing, own, own),
        (shown(r"^(bridge\.|amq\.gen)", prefix),) * 3,
        (nothing, shown(r"^bridge\.mt$", prefix), nothing),
        (mine, mine, f"{inbound}|{mine}"),
    )
    for url, declare in ((as_told, True), (looking, False)):
        broker = Broker(settings(url, prefix, declare=declare), names, ["default"], worker="test")
        await broker.open()
        await broker.close()
    with pytest.raises(TopologyError, match="may not declare it; run `bridge topology apply` as one who may"):
        await Broker(settings(looking, prefix), names, ["default"], worker="test").open()

    async with connected(settings(listener, prefix), "tail") as session, listening(session, names):
        pass

    async with await aio_pika.connect(producer) as connection:
        channel = await connection.channel(on_return_raises=True)
        exchange = await channel.get_exchange(names.mt, ensure=False)
        await exchange.publish(aio_pika.Message(b"{}"), "mt.default")
        with pytest.raises(AMQPError, match="ACCESS_REFUSED"):
            await (await channel.get_exchange(names.events, ensure=False)).publish(aio_pika.Message(b""), "x")

    async with await aio_pika.connect(consumer) as connection:
        queue = await (await connection.channel()).declare_queue(f"{prefix}-mine", exclusive=True)
        await queue.bind(names.inbound, "#")
        assert await queue.get(fail=False) is None
