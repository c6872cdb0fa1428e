"""Sees to a RabbitMQ and a Redis: those that run at the URLs, else private ones, installed first if need be.

The demo runs inside `ensure_servers`. Run as a program (`python -m bridge.proof.ensure`) it only makes sure
that the servers' programs are installed, which is what the tests need: they start servers of their own.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import redis.asyncio
import redis.exceptions

from bridge.proof.machine import MissingProgram
from bridge.proof.packages import NotInstalled, install
from bridge.proof.process import PrivateServer
from bridge.proof.servers import PrivateRabbit, PrivateRedis

Say = Callable[[str], None]

_LOGIN_LIMIT_S = 5.0
_AMQP_PORTS = {"amqp": 5672, "amqps": 5671}


@dataclass(frozen=True, slots=True)
class Servers:
    """Where RabbitMQ and Redis are, and the private ones among them (None: it ran already)."""

    amqp_url: str
    redis_url: str
    rabbit: PrivateRabbit | None
    redis: PrivateRedis | None


@asynccontextmanager
async def ensure_servers(amqp_url: str, redis_url: str, directory: Path, say: Say) -> AsyncIterator[Servers]:
    """A RabbitMQ and a Redis to work with, for as long as the context lasts.

    Those that answer a login at the URLs are used as they are. In place of one that does not, a private one
    is started in `directory` on a free port, from installed programs, which are installed with apt first
    where that may be done. `say` gets a line of progress at a time. Raises NotInstalled (the message says
    what to do) and ServerError (the message quotes the server's log).
    """
    async with AsyncExitStack() as stack:
        rabbit: PrivateRabbit | None = None
        own_redis: PrivateRedis | None = None
        if not _usable("RabbitMQ", amqp_url, await _login_to_rabbit(amqp_url), say):
            _installed(PrivateRabbit, say, _with_docker("rabbitmq:4", 5672))
            rabbit = await stack.enter_async_context(PrivateRabbit(directory))
            say(f"a private RabbitMQ runs at 127.0.0.1:{rabbit.port}")
        if not _usable("Redis", redis_url, await _login_to_redis(redis_url), say):
            _installed(PrivateRedis, say, _with_docker("redis:7", 6379))
            own_redis = await stack.enter_async_context(PrivateRedis(directory))
            say(f"a private Redis runs at 127.0.0.1:{own_redis.port}")
        yield Servers(
            amqp_url=rabbit.url if rabbit else amqp_url,
            redis_url=own_redis.url if own_redis else redis_url,
            rabbit=rabbit,
            redis=own_redis,
        )


def _usable(name: str, url: str, problem: str | None, say: Say) -> bool:
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    if problem is None:
        say(f"using the {name} at {place}")
    else:
        say(f"no {name} to use at {place} ({problem}): starting a private one")
    return problem is None


async def _login_to_rabbit(url: str) -> str | None:
    """None when a connection can be made, else why not, in a few words."""
    parts = urlsplit(url)
    connection = aio_pika.Connection(aio_pika.connection.make_url(url))
    try:
        # Tried by hand first: aiormq logs an error when nothing listens, and here that is no error.
        async with asyncio.timeout(_LOGIN_LIMIT_S):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or _AMQP_PORTS[parts.scheme])
        writer.close()
        await connection.connect(timeout=_LOGIN_LIMIT_S)
    except (OSError, TimeoutError, aio_pika.exceptions.AMQPError) as problem:
        return _in_words(problem)
    finally:
        await connection.close()  # also what never opened: the library would close it when it is collected
    return None


async def _login_to_redis(url: str) -> str | None:
    """None when commands are answered, else why not, in a few words."""
    try:
        client = redis.asyncio.Redis.from_url(url, socket_timeout=_LOGIN_LIMIT_S, retry=None)
    except ValueError as problem:
        return _in_words(problem)
    try:
        await client.ping()
    except (OSError, TimeoutError, redis.exceptions.RedisError) as problem:
        return _in_words(problem)
    finally:
        await client.aclose()
    return None


def _in_words(problem: Exception) -> str:
    if isinstance(problem, TimeoutError | redis.exceptions.TimeoutError):
        return "no answer"
    if "refused" in str(problem).lower() or "Connect call failed" in str(problem):
        return "nothing listens there"
    return " ".join(str(problem).split())[:100] or type(problem).__name__


def _with_docker(image: str, port: int) -> str:
    return f"Or with Docker: docker run --detach --publish 127.0.0.1:{port}:{port} {image}"


def _installed(kind: type[PrivateServer], say: Say, otherwise: str = "") -> None:
    """See to the programs of a private server, by installing them if need be. Raises NotInstalled."""
    try:
        kind.find_programs()
    except MissingProgram:
        install([kind.package], f"The program {kind.package}", say, otherwise)


def main() -> int:
    """Make sure that private servers can be started; 0, or 1 with what to do on standard error."""

    def say(line: str) -> None:
        sys.stderr.write(f"bridge: {line}\n")

    try:
        for kind in (PrivateRabbit, PrivateRedis):
            _installed(kind, say)
    except NotInstalled as problem:
        say(str(problem))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
