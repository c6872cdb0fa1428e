"""What every test may ask for: private servers, names of its own, and Hypothesis with readable failures.

The servers are started once per test run and belong to it alone. A test that stops, kills or pauses one
leaves it running again. Tests of one run share them, so each takes its names from `prefix`.
"""

import asyncio
import logging
import os
import secrets
import signal
from collections.abc import Iterator

import pytest
import redis
import structlog
from hypothesis import HealthCheck, settings

from bridge.proof.servers import PrivateRabbit, PrivateRedis

settings.register_profile(
    "here", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow], max_examples=100
)
settings.register_profile("ci", settings.get_profile("here"), derandomize=False, max_examples=200)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command that a test runs in this process sets up logging for the whole of it: only until the test ends."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if type(handler) is logging.StreamHandler:
            root.removeHandler(handler)


@pytest.fixture(autouse=True)
def signals_as_they_were() -> Iterator[None]:
    """The same for the signals that a command handles: uvloop does not give them back when its loop is closed."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[PrivateRedis]:
    """A private redis-server with an append-only file, for the whole run."""
    server = PrivateRedis()
    try:
        asyncio.run(server.start())
        yield server
    finally:
        server.close()


@pytest.fixture
def redis_url(redis_server: PrivateRedis) -> str:
    """The URL of the private redis-server, emptied."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture(scope="session")
def rabbit() -> Iterator[PrivateRabbit]:
    """A private RabbitMQ node, for the whole run."""
    server = PrivateRabbit()
    try:
        asyncio.run(server.start())
        yield server
    finally:
        server.close()


@pytest.fixture
def prefix() -> str:
    """A name that no other test has, for queues, exchanges and keys."""
    return f"t{secrets.token_hex(4)}"
