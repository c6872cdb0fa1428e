"""Consuming from a real node: prefetch, settlement, resizing, cancelling, and queues that go away."""

import asyncio
import struct
from typing import Any

import pytest
from aiormq import spec

from bridge.broker import Confirmation, Delivery, forward
from bridge.broker.intake import Intake
from bridge.broker.session import Urls

pytestmark = pytest.mark.servers


async def fill(lab: Any, broker: Any, count: int) -> None:
    outcomes = await lab.publish(broker, *(lab.message(message_id=f"m{n}") for n in range(count)))
    assert outcomes == [Confirmation.CONFIRMED] * count


async def unsettled(lab: Any, *, of: int) -> int:
    """How many of the queue's messages a consumer has. Its broker is taken away: then all are ready again, soon."""
    ready: int = await lab.depth(lab.queue)
    await lab.stop()
    await lab.reaches(lab.queue, of)
    return of - ready


async def test_the_prefetch_is_respected(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    await fill(lab, broker, 30)
    broker.subscribe(lab.queue, 7, inbox)
    await inbox.take(7)
    assert await unsettled(lab, of=30) == 7
    assert inbox.waiting == 0


async def test_one_old_delivery_does_not_hold_back_the_others(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    await fill(lab, broker, 50)
    broker.subscribe(lab.queue, 5, inbox)
    old = await inbox.get()
    for _ in range(49):
        (await inbox.get()).ack()
    await lab.empties(lab.queue)
    assert old.alive
    old.ack()
    old.ack()
    old.requeue()
    assert not old.alive
    assert await unsettled(lab, of=0) == 0


@pytest.mark.parametrize("turns", range(5))
async def test_settling_while_the_last_acks_are_written_is_told_too(lab: Any, inbox: Any, turns: int) -> None:
    broker = await lab.start()
    broker.subscribe(lab.queue, 2, inbox)
    await fill(lab, broker, 4)
    first, second = await inbox.take(2)
    first.ack()
    for _ in range(turns):
        await asyncio.sleep(0)
    second.ack()
    await inbox.take(2)


async def test_a_requeued_delivery_comes_again(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    await fill(lab, broker, 3)
    broker.subscribe(lab.queue, 1, inbox)
    (await inbox.get()).requeue()
    again = [await inbox.get()]
    while not again[-1].redelivered:
        again[-1].ack()
        again.append(await inbox.get())
    assert again[-1].message_id == "m0"
    again[-1].ack()


async def test_a_callback_that_fails_gives_the_delivery_back(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    await fill(lab, broker, 1)

    def fail_once(delivery: Delivery) -> None:
        inbox(delivery)
        if len(inbox.seen) == 1:
            raise ValueError("once")

    broker.subscribe(lab.queue, 1, fail_once)
    _, again = await inbox.take(2)
    assert again.redelivered


async def test_a_larger_prefetch_takes_effect_and_open_deliveries_stay_ours(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    await fill(lab, broker, 30)
    subscription = broker.subscribe(lab.queue, 2, inbox)
    first = await inbox.take(2)
    subscription.resize(10)
    await inbox.take(10)
    assert all(delivery.alive for delivery in first)
    for delivery in inbox.seen:
        delivery.ack()
    await inbox.take(10)
    assert len({delivery.message_id for delivery in inbox.seen}) == 22
    assert await unsettled(lab, of=18) == 10


async def test_after_cancelling_nothing_comes_and_what_came_can_be_settled(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    await fill(lab, broker, 30)
    subscription = broker.subscribe(lab.queue, 10, inbox)
    await inbox.take(10)
    await subscription.cancel()
    assert not subscription.active
    for delivery in inbox.seen[:9]:
        delivery.ack()
    inbox.seen[9].requeue()
    other = type(inbox)()
    broker.subscribe(lab.queue, 30, other)
    await other.take(21)
    assert inbox.waiting == 0
    assert await unsettled(lab, of=21) == 21


async def test_a_subscription_may_be_cancelled_at_any_time(lab: Any, inbox: Any) -> None:
    broker = lab.broker()
    never = broker.subscribe(lab.queue, 1, inbox)
    await never.cancel()
    broker = await lab.start()
    await fill(lab, broker, 1)
    at_once = broker.subscribe(lab.queue, 1, inbox)
    await at_once.cancel()
    await at_once.cancel()
    missing = broker.subscribe(f"{lab.names.prefix}.nowhere", 1, inbox)
    await asyncio.sleep(0)
    await missing.cancel()
    assert (never.active, at_once.active, missing.active) == (False, False, False)
    assert inbox.seen == []


async def test_a_deleted_queue_is_declared_and_consumed_again(lab: Any, inbox: Any, eventually: Any) -> None:
    broker = await lab.start()
    await fill(lab, broker, 1)
    subscription = broker.subscribe(lab.queue, 10, inbox)
    lost = await inbox.get()
    await lab.call(lambda ch: ch.queue_delete(lab.queue))
    await eventually(lambda: not subscription.active)
    await eventually(lambda: subscription.active)
    lost.ack()
    await fill(lab, broker, 1)
    (await inbox.get()).ack()


async def test_a_deleted_queue_that_is_not_ours_to_declare_is_waited_for(
    lab: Any, inbox: Any, eventually: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    await lab.start()
    broker = await lab.start(declare=False)
    subscription = broker.subscribe(lab.queue, 10, inbox)
    await eventually(lambda: subscription.active)
    await lab.call(lambda ch: ch.queue_delete(lab.queue))
    await eventually(lambda: not subscription.active)
    seen: list[str] = []

    def told() -> bool:
        seen.append(capsys.readouterr().out)
        return "topology.missing" in "".join(seen)

    await eventually(told)
    other = await lab.start()
    await eventually(lambda: subscription.active)
    await fill(lab, other, 1)
    (await inbox.get()).ack()


class Foreign(spec.Basic.Properties):
    """Properties as other clients may write them: octets are sent as they are."""

    def __init__(self, **properties: Any) -> None:
        super().__init__(**properties)

    def encode_property(self, name: str, value: Any) -> bytes:
        return value if isinstance(value, bytes) else super().encode_property(name, value)


async def test_strange_properties_of_other_producers_stop_nothing(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    broker.subscribe(lab.queue, 10, inbox)
    nanoseconds = struct.pack(">Q", 1_700_000_000_000_000_000)
    latin_key = b"\x01\xfc" + b"t" + b"\x01"
    latin = "Zürich".encode("latin-1")
    strange = [
        Foreign(message_id="time", timestamp=nanoseconds),
        Foreign(message_id="time in a table", headers=struct.pack(">I", 11) + b"\x01a" + b"T" + nanoseconds),
        Foreign(message_id="table", headers=struct.pack(">I", len(latin_key)) + latin_key),
        Foreign(message_id=bytes([len(latin)]) + latin, correlation_id="latin"),
    ]

    async def publish(channel: Any) -> None:
        for properties in strange:
            await channel.basic_publish(
                b"{}", exchange=lab.names.mt, routing_key="mt.r", properties=properties
            )

    await lab.call(publish)
    got = {delivery.message_id: delivery for delivery in await inbox.take(4)}
    assert set(got) == {"time", "time in a table", "table", "Z?rich"}
    assert got["time"].properties.timestamp is None
    assert got["time in a table"].headers == {"a": None}
    assert got["table"].headers == {}
    assert broker.up
    copies = [forward(delivery, lab.names.dead, "k") for delivery in got.values()]
    assert await lab.publish(broker, *copies) == [Confirmation.CONFIRMED] * 4


async def test_a_forwarded_message_keeps_what_is_its_own(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    broker.subscribe(lab.queue, 10, inbox)
    headers: dict[str, Any] = {
        "mine": "é",
        "octets": bytearray(b"\xff\xfe"),
        "CC": ["elsewhere"],
        "x-death": [{"queue": "old"}],
        "x-delivery-count": 3,
    }
    properties = spec.Basic.Properties(
        message_id="m",
        content_type="text/x",
        expiration="60000",
        user_id="guest",
        headers=headers,
        reply_to="answers",
        message_type="kind",
    )
    await lab.call(
        lambda ch: ch.basic_publish(b"body", exchange=lab.names.mt, routing_key="mt.r", properties=properties)
    )
    message = forward(await inbox.get(), lab.names.dead, "key", {"bridge-reason": "failed"})
    broker.subscribe(lab.names.dead, 10, inbox)
    assert await lab.publish(broker, message) == [Confirmation.CONFIRMED]
    copy = await inbox.get()
    assert copy.properties.headers == {
        "mine": "é",
        "octets": bytearray(b"\xff\xfe"),
        "bridge-original-CC": ["elsewhere"],
        "bridge-original-expiration": "60000",
        "bridge-original-user_id": "guest",
        "bridge-reason": "failed",
    }
    assert (copy.body, copy.routing_key) == (b"body", "key")
    assert (copy.message_id, copy.properties.type, copy.properties.reply_to) == ("m", "kind", "answers")
    assert (copy.properties.expiration, copy.properties.user_id) == (None, None)


async def test_headers_that_fill_a_frame_leave_room_for_ours(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    broker.subscribe(lab.queue, 10, inbox)
    headers: dict[str, Any] = {"small": 1, "huge": "x" * 100_000, "large": "y" * 30_900}
    properties = spec.Basic.Properties(message_id="m", headers=headers)
    await lab.call(
        lambda ch: ch.basic_publish(b"body", exchange=lab.names.mt, routing_key="mt.r", properties=properties)
    )
    message = forward(await inbox.get(), lab.names.dead, "key", {"bridge-detail": "z" * 1000})
    broker.subscribe(lab.names.dead, 10, inbox)
    assert await lab.publish(broker, message) == [Confirmation.CONFIRMED]
    copy = await inbox.get()
    assert set(copy.headers) == {"small", "large", "bridge-detail"}


async def test_closing_that_is_cancelled_half_way_costs_one_channel_and_no_connection(
    lab: Any, inbox: Any
) -> None:
    await lab.start()
    session = await Urls([lab.rabbit.url]).connect("test")
    for turns in range(0, 60, 2):
        intake = Intake(session, await session.channel(), inbox, lambda: None)
        await intake.consume(lab.queue, 5)
        closing = asyncio.create_task(intake.close())
        for _ in range(turns):
            await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
    await session.channel()
    assert session.alive
    await session.close()


@pytest.mark.parametrize("turns", range(5))
async def test_what_is_settled_just_before_closing_is_told_before_the_channel_closes(
    lab: Any, inbox: Any, turns: int
) -> None:
    """Told after it, RabbitMQ would close the connection: there is no such channel any more."""
    broker = await lab.start()
    await fill(lab, broker, 3)
    session = await Urls([lab.rabbit.url]).connect("test")
    try:
        intake = Intake(session, await session.channel(), inbox, lambda: None)
        await intake.consume(lab.queue, 3)
        first, second, third = await inbox.take(3)
        first.ack()  # written at once, so the next ones wait a moment for their turn
        for _ in range(turns):
            await asyncio.sleep(0)
        second.ack()
        closing = asyncio.create_task(intake.close())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        third.ack()
        await closing
        await session.channel()
        assert session.alive
    finally:
        await session.close()
    assert await lab.depth(lab.queue) <= 1
