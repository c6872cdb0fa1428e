"""Several messages and one verdict."""

from collections.abc import Callable
from itertools import product

import pytest

from bridge.broker import Confirmation, Outgoing
from bridge.inbound.confirm import publish_all

MESSAGES = [Outgoing(exchange="e", routing_key=key, body=b"", message_id=key) for key in "abc"]


class Publisher:
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Outgoing, Callable[[Confirmation], None]]] = []

    def publish(self, message: Outgoing, done: Callable[[Confirmation], None]) -> None:
        self.asked.append((message, done))


@pytest.mark.parametrize("answers", list(product(Confirmation, repeat=3)))
@pytest.mark.parametrize("number", [1, 2, 3])
def test_only_when_all_are_confirmed_it_is_safe(number: int, answers: tuple[Confirmation, ...]) -> None:
    publisher, told = Publisher(), list[bool]()
    publish_all(publisher, MESSAGES[:number], told.append)
    assert [message for message, _ in publisher.asked] == MESSAGES[:number]
    for (_, done), answer in zip(publisher.asked, answers, strict=False):
        assert told == [], "not before the last is answered"
        done(answer)
    assert told == [set(answers[:number]) == {Confirmation.CONFIRMED}]
