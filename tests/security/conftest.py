"""Authorities, and real servers that show their certificates: one set each that is sound, expired, asking."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest
import uvloop

from bridge.proof.servers import PrivateRabbit
from tests.security.authority import Authority, Identity
from tests.security.parties import TlsRedis, listen_with_tls


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of workers and of `bridge check`: its TLS is its own."""
    return {"uvloop": uvloop.new_event_loop}


class Certificates(NamedTuple):
    """`sound` and `expired` are of localhost, `ours` is the bridge's; `stranger` signed none of them."""

    authority: Authority
    stranger: Authority
    sound: Identity
    expired: Identity
    ours: Identity


class Servers(NamedTuple):
    """The ports with TLS of a RabbitMQ and a Redis, and the Redis."""

    rabbit: int
    redis: TlsRedis


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """All that the tests need."""
    folder = tmp_path_factory.mktemp("certificates")
    authority, stranger = Authority(folder, "authority"), Authority(folder, "stranger")
    return Certificates(
        authority,
        stranger,
        sound=authority.issue("localhost"),
        expired=authority.issue("localhost", days=-1, as_file="expired"),
        ours=authority.issue("bridge"),
    )


def _servers(
    rabbit: PrivateRabbit, stack: ExitStack, certificates: Certificates, identity: Identity, *, asks: bool
) -> Servers:
    redis = TlsRedis(identity, certificates.authority, asks=asks)
    stack.callback(redis.close)
    asyncio.run(redis.start())
    port = asyncio.run(listen_with_tls(rabbit, identity, certificates.authority, asks=asks))
    return Servers(port, redis)


@pytest.fixture(scope="session")
def sound(rabbit: PrivateRabbit, certificates: Certificates) -> Iterator[Servers]:
    """With a good certificate."""
    with ExitStack() as stack:
        yield _servers(rabbit, stack, certificates, certificates.sound, asks=False)


@pytest.fixture(scope="session")
def expired(rabbit: PrivateRabbit, certificates: Certificates) -> Iterator[Servers]:
    """With one that was good until yesterday."""
    with ExitStack() as stack:
        yield _servers(rabbit, stack, certificates, certificates.expired, asks=False)


@pytest.fixture(scope="session")
def asking(rabbit: PrivateRabbit, certificates: Certificates) -> Iterator[Servers]:
    """With a good one, for a client that shows a good one, too."""
    with ExitStack() as stack:
        yield _servers(rabbit, stack, certificates, certificates.sound, asks=True)
