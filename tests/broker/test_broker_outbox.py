"""The outbox: a message is sent until RabbitMQ has it; then, once, what waits for it goes on. Events as messages."""

import asyncio
from functools import partial
from typing import Any, cast

import orjson
import pytest

from bridge.broker import Confirmation, Outgoing, Publisher
from bridge.broker import outbox as outbox_room
from bridge.broker.outbox import FIRST_PAUSE_S, LONGEST_PAUSE_S, Outbox, event_message
from bridge.model.events import Event
from bridge.model.names import Names
from bridge.proof.proxy import FaultProxy
from bridge.proof.servers import PrivateRabbit

NOW = 1795363200.7


class Refusing:
    """A publisher that gets through only after so many tries."""

    def __init__(self, tries: int, then: Confirmation) -> None:
        self.left = tries
        self.then = then
        self.messages: list[Outgoing] = []
        self._loop = asyncio.get_running_loop()

    def publish(self, message: Outgoing, done: Any) -> None:
        self.messages.append(message)
        self.left -= 1
        outcome = self.then if self.left >= 0 else Confirmation.CONFIRMED
        self._loop.call_soon(done, outcome)


@pytest.mark.servers
async def test_what_is_confirmed_goes_on_once(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    broker.subscribe(lab.queue, 10, inbox)
    outbox, went_on = Outbox(broker.publisher), asyncio.Queue[str]()
    for name in ("a", "b"):
        outbox.send(lab.message(message_id=name), partial(went_on.put_nowait, name))
    assert outbox.unconfirmed == 2
    assert went_on.empty(), "never inside the call"
    assert {await went_on.get(), await went_on.get()} == {"a", "b"}
    assert outbox.unconfirmed == 0
    assert {delivery.message_id for delivery in await inbox.take(2)} == {"a", "b"}
    assert (inbox.waiting, went_on.empty()) == (0, True)


@pytest.mark.servers
async def test_what_nobody_takes_is_sent_again_until_somebody_does(
    lab: Any, inbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dead queue takes what no route takes; here it is not bound at first."""
    monkeypatch.setattr(outbox_room, "FIRST_PAUSE_S", 0.01)
    broker = await lab.start()
    dead = lab.names.dead
    await lab.call(lambda channel: channel.queue_unbind(dead, dead))
    broker.subscribe(dead, 10, inbox)
    outbox, confirmed = Outbox(broker.publisher), asyncio.Event()
    message = lab.message("mt.nowhere", body=b"body", message_id="m-1")
    assert await lab.publish(broker, message) == [Confirmation.REFUSED]
    outbox.send(message, confirmed.set)
    assert await lab.publish(broker, message) == [Confirmation.REFUSED], "so the outbox's was, too"
    assert not confirmed.is_set()
    assert outbox.unconfirmed == 1
    await lab.call(lambda channel: channel.queue_bind(dead, dead))
    async with asyncio.timeout(30):
        await confirmed.wait()
    delivery = await inbox.get()
    assert (delivery.body, delivery.message_id) == (b"body", "m-1")
    assert outbox.unconfirmed == 0


@pytest.mark.servers
async def test_what_is_sent_while_rabbitmq_is_away_is_there_when_it_is_back(
    lab: Any, inbox: Any, rabbit: PrivateRabbit, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_room, "FIRST_PAUSE_S", 0.01)
    async with FaultProxy("127.0.0.1", rabbit.port) as proxy:
        broker = await lab.start(f"amqp://guest:guest@127.0.0.1:{proxy.port}/")
        outbox, confirmed = Outbox(broker.publisher), asyncio.Event()
        await proxy.cut()
        await eventually(lambda: not broker.publisher.connected)
        outbox.send(lab.message(message_id="m-1"), confirmed.set)
        assert await lab.publish(broker, lab.message(message_id="m-2")) == [Confirmation.UNKNOWN]
        assert not confirmed.is_set()
        await proxy.heal()
        async with asyncio.timeout(30):
            await confirmed.wait()
        broker.subscribe(lab.queue, 10, inbox)
        assert (await inbox.get()).message_id == "m-1"
        await lab.stop()


@pytest.mark.parametrize("outcome", [Confirmation.REFUSED, Confirmation.UNKNOWN])
async def test_pauses_grow_up_to_a_limit(outcome: Confirmation, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the message stays the same: consumers drop a second one by its id."""
    loop = asyncio.get_running_loop()
    pauses: list[float] = []

    def call_later(pause_s: float, *call: Any) -> Any:
        pauses.append(pause_s)
        return loop.call_soon(*call)

    publisher = Refusing(9, outcome)
    outbox, confirmed = Outbox(cast("Publisher", publisher)), asyncio.Event()
    message = Outgoing(exchange="e", routing_key="k", body=b"b", message_id="m-1")
    with monkeypatch.context() as patch:
        patch.setattr(loop, "call_later", call_later)
        outbox.send(message, confirmed.set)
        while not confirmed.is_set():  # noqa: ASYNC110 - the clock stands still
            await asyncio.sleep(0)
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses == sorted(pauses)
    assert pauses[-2:] == [LONGEST_PAUSE_S] * 2
    assert publisher.messages == [message] * 10
    assert outbox.unconfirmed == 0


@pytest.mark.parametrize(("kind", "mandatory"), [("mo", True), ("dr", True), ("mt", True), ("site", False)])
def test_an_event_as_a_message(kind: Any, mandatory: bool) -> None:
    body = {"type": kind, "text": "é😀\n", "metadata": {"k": [1, None]}}
    message = event_message(Event(kind, "id-1", "a.b.c", "m-1", body), Names("b"), NOW)
    assert (message.exchange, message.routing_key, message.mandatory) == ("b.events", "a.b.c", mandatory)
    assert message.app_id == "bridge"
    assert orjson.loads(message.body) == body
    assert (message.message_id, message.type, message.correlation_id) == ("id-1", kind, "m-1")
    assert (message.timestamp, message.content_type, message.headers) == (
        1795363200,
        "application/json",
        None,
    )


def test_an_event_that_belongs_to_no_mt() -> None:
    assert event_message(Event("mo", "id-1", "k", None, {}), Names("b"), NOW).correlation_id is None
