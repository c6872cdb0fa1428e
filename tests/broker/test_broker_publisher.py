"""The publisher's window, order, namesakes and limits, on a wire that answers when it is told to."""

import asyncio
from collections.abc import Callable

import pytest

from bridge.broker.message import Confirmation, Outgoing
from bridge.broker.publisher import Publisher


class Wire:
    """Takes messages and lets the test answer them."""

    def __init__(self) -> None:
        self.sent: list[str | None] = []
        self.given_up: list[str | None] = []
        self._open: dict[str | None, Callable[[Confirmation], None]] = {}

    def send(self, message: Outgoing, done: Callable[[Confirmation], None]) -> Callable[[], object]:
        self.sent.append(message.message_id)
        assert message.message_id is None or message.message_id not in self._open, "two of one id in flight"
        self._open[message.message_id] = done

        def give_up() -> None:
            self.given_up.append(message.message_id)
            asyncio.get_running_loop().call_soon(self.answer, message.message_id, Confirmation.UNKNOWN)

        return give_up

    def answer(self, message_id: str | None, confirmation: Confirmation = Confirmation.CONFIRMED) -> None:
        self._open.pop(message_id)(confirmation)


class Ledger:
    """Publishes, and notes every answer."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.answers: list[tuple[str | None, Confirmation]] = []

    def publish(self, *ids: str | None) -> None:
        for message_id in ids:
            message = Outgoing(exchange="x", routing_key="k", body=b"", message_id=message_id)
            self._publisher.publish(message, lambda c, m=message_id: self.answers.append((m, c)))  # type: ignore[misc]


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_the_window_is_bounded_and_the_rest_keeps_its_order() -> None:
    publisher, wire = Publisher(window=2), Wire()
    publisher.attach(wire)
    ledger = Ledger(publisher)
    ledger.publish("a", "b", "c", "d")
    await turn()
    assert wire.sent == ["a", "b"]
    assert publisher.in_flight == 4
    wire.answer("b")
    await turn()
    assert wire.sent == ["a", "b", "c"]
    wire.answer("a", Confirmation.REFUSED)
    wire.answer("c")
    await turn()
    wire.answer("d")
    assert ledger.answers == [
        ("b", Confirmation.CONFIRMED),
        ("a", Confirmation.REFUSED),
        ("c", Confirmation.CONFIRMED),
        ("d", Confirmation.CONFIRMED),
    ]
    assert publisher.in_flight == 0


async def test_of_two_with_one_id_the_second_waits() -> None:
    publisher, wire = Publisher(), Wire()
    publisher.attach(wire)
    ledger = Ledger(publisher)
    ledger.publish("a", "a", "b", "a")
    await turn()
    assert wire.sent == ["a", "b"]
    wire.answer("a", Confirmation.REFUSED)
    await turn()
    assert wire.sent == ["a", "b", "a"]
    wire.answer("a")
    await turn()
    wire.answer("a")
    wire.answer("b")
    assert [answer for answer in ledger.answers if answer[0] == "a"] == [
        ("a", Confirmation.REFUSED),
        ("a", Confirmation.CONFIRMED),
        ("a", Confirmation.CONFIRMED),
    ]


async def test_without_a_connection_the_answer_is_unknown_and_comes_later() -> None:
    publisher = Publisher()
    ledger = Ledger(publisher)
    ledger.publish("a")
    assert ledger.answers == []
    await publisher.idle()
    assert ledger.answers == [("a", Confirmation.UNKNOWN)]


async def test_a_limit_that_passes_frees_the_window_for_the_next() -> None:
    publisher, wire = Publisher(window=1, confirm_limit_s=0.05), Wire()
    publisher.attach(wire)
    ledger = Ledger(publisher)
    ledger.publish("a", "a", "b")
    await publisher.idle()
    assert ledger.answers == [
        ("a", Confirmation.UNKNOWN),
        ("a", Confirmation.UNKNOWN),
        ("b", Confirmation.UNKNOWN),
    ]
    await turn()
    ledger.publish("c")
    await turn()
    assert wire.sent == ["a", "c"]
    wire.answer("c")
    assert ledger.answers[-1] == ("c", Confirmation.CONFIRMED)


async def test_what_is_not_written_survives_a_new_channel_but_not_a_lost_connection() -> None:
    publisher, wire = Publisher(), Wire()
    publisher.attach(wire)
    publisher.pause()
    ledger = Ledger(publisher)
    ledger.publish("a")
    await turn()
    assert not publisher.ready
    assert wire.sent == []
    publisher.attach(wire)
    await turn()
    assert wire.sent == ["a"]
    publisher.block(True)
    ledger.publish("b")
    await turn()
    publisher.detach()
    await turn()
    assert wire.given_up == ["a"]
    assert wire.sent == ["a"]
    assert ledger.answers == [("a", Confirmation.UNKNOWN), ("b", Confirmation.UNKNOWN)]


async def test_a_caller_that_fails_harms_nobody_else(capsys: pytest.CaptureFixture[str]) -> None:
    publisher, wire = Publisher(), Wire()
    publisher.attach(wire)

    def fail(confirmation: Confirmation) -> None:
        raise ValueError(confirmation)

    publisher.publish(Outgoing(exchange="x", routing_key="k", body=b"", message_id="a"), fail)
    ledger = Ledger(publisher)
    ledger.publish("b")
    publisher.detach()
    assert ledger.answers == [("b", Confirmation.UNKNOWN)]
    assert "publish.callback_failed" in capsys.readouterr().out
