"""What is pure about connecting: the waits between attempts, and words for people without a password in them."""

import asyncio
import socket
import threading
import time

import aiormq.exceptions as amqp
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from bridge.broker.backoff import FIRST_S, LONGEST_S, STEADY_S, Backoff
from bridge.broker.errors import BrokerUnavailable
from bridge.broker.session import Urls, explain, place_of


@given(st.integers(0, 50))
def test_a_wait_is_never_longer_than_its_ceiling(failures: int) -> None:
    backoff = Backoff()
    for _ in range(failures):
        backoff.next_s()
    assert 0 <= backoff.next_s() <= min(LONGEST_S, FIRST_S * 2**failures)


def test_waits_grow_and_begin_anew_after_a_steady_time() -> None:
    backoff = Backoff()
    assert max(backoff.next_s() for _ in range(100)) > FIRST_S
    backoff.lasted(STEADY_S / 2)
    assert max(backoff.next_s() for _ in range(100)) > FIRST_S
    backoff.lasted(STEADY_S)
    assert backoff.next_s() <= FIRST_S


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("amqp://u:secret@mq/", "mq:5672"),
        ("amqps://u:secret@mq", "mq:5671"),
        ("amqp://mq:1234/vhost", "mq:1234"),
        ("amqp://[::1]/", "[::1]:5672"),
        ("amqp://u:secret@mq:port/", "(unreadable URL)"),
    ],
)
def test_a_place_is_named_without_its_credentials(url: str, place: str) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    "error",
    [
        amqp.ProbableAuthenticationError("ACCESS_REFUSED"),
        amqp.InvalidFrameError("Expected one of ['Connection.OpenOk'], got something"),
        amqp.AMQPConnectionError(111, "Connect call failed"),
        TimeoutError(),
        ValueError("Invalid URL"),
    ],
)
def test_each_failure_is_told_in_one_line_without_the_password(error: Exception) -> None:
    line = explain("amqp://user:secret@mq/some%2Fvhost", error)
    assert line.startswith("RabbitMQ at mq:5672 ")
    assert "secret" not in line
    assert "\n" not in line


async def _busy() -> None:
    """Keeps the loop from hearing of a connection until it has ended."""
    while True:
        time.sleep(0.01)  # noqa: ASYNC251
        await asyncio.sleep(0)


def test_one_who_hangs_up_at_once_is_not_there() -> None:
    """As a balancer does whose RabbitMQ is away. The library says that in a way of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def hang_up() -> None:
        for _ in range(5):
            listener.accept()[0].close()

    async def connect() -> None:
        busy = asyncio.create_task(_busy())
        for _ in range(5):
            with pytest.raises(BrokerUnavailable, match=f"127.0.0.1:{port} cannot be reached"):
                await Urls([f"amqp://guest:guest@127.0.0.1:{port}/"]).connect("x")
        busy.cancel()

    hanging_up = threading.Thread(target=hang_up)
    hanging_up.start()
    try:
        uvloop.run(connect())
    finally:
        listener.close()
        hanging_up.join()
