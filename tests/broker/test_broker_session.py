"""What is pure about connecting: the waits between attempts, and words for people without a password in them."""

import aiormq.exceptions as amqp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.broker.backoff import FIRST_S, LONGEST_S, STEADY_S, Backoff
from bridge.broker.session import explain, place_of


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
