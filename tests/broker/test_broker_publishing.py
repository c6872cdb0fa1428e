"""Publishing to a real node: what is confirmed, refused and unknown, and what survives."""

from typing import Any

import pytest

from bridge.broker import BrokerUnavailable, Confirmation
from bridge.proof.machine import free_ports
from bridge.proof.servers import PrivateRabbit

pytestmark = pytest.mark.servers


async def test_many_at_once_are_all_confirmed(lab: Any) -> None:
    broker = await lab.start()
    outcomes = await lab.publish(broker, *(lab.message(message_id=f"m{n}") for n in range(1500)))
    assert outcomes == [Confirmation.CONFIRMED] * 1500
    assert broker.publisher.in_flight == 0
    await lab.stop()
    assert await lab.depth(lab.queue) == 1500


async def test_a_returned_message_is_refused_alone_even_with_an_id_in_flight(lab: Any) -> None:
    broker = await lab.start()
    lost = lab.message("nobody", exchange=lab.names.unrouted, message_id="same")
    good = lab.message(message_id="same")
    other = lab.message(message_id="other")
    assert await lab.publish(broker, lost, good, other, lost) == [
        Confirmation.REFUSED,
        Confirmation.CONFIRMED,
        Confirmation.CONFIRMED,
        Confirmation.REFUSED,
    ]


async def test_a_full_queue_refuses(lab: Any) -> None:
    full = f"{lab.names.prefix}.full"
    arguments = {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"}
    await lab.call(lambda ch: ch.queue_declare(full, durable=True, arguments=arguments))
    broker = await lab.start()
    outcomes = [(await lab.publish(broker, lab.message(full, exchange="")))[0] for _ in range(20)]
    assert outcomes[0] is Confirmation.CONFIRMED
    assert outcomes[-1] is Confirmation.REFUSED
    await lab.call(lambda ch: ch.queue_delete(full))


async def test_an_unknown_exchange_costs_the_channel_but_nothing_that_comes_after(
    lab: Any, inbox: Any
) -> None:
    broker = await lab.start()
    subscription = broker.subscribe(lab.queue, 10, inbox)
    assert await lab.publish(broker, lab.message(exchange=f"{lab.names.prefix}.nope")) == [
        Confirmation.UNKNOWN
    ]
    assert await lab.publish(broker, lab.message(), lab.message()) == [Confirmation.CONFIRMED] * 2
    await inbox.take(2)
    assert subscription.active
    assert broker.up


async def test_a_deleted_exchange_is_declared_again(lab: Any) -> None:
    broker = await lab.start()
    await lab.call(lambda ch: ch.exchange_delete(lab.names.mt))
    assert await lab.publish(broker, lab.message()) == [Confirmation.UNKNOWN]
    assert await lab.publish(broker, lab.message()) == [Confirmation.CONFIRMED]


async def test_what_cannot_be_encoded_is_refused_alone(lab: Any) -> None:
    broker = await lab.start()
    messages = [
        lab.message(headers={"bad": object()}),
        lab.message(message_id="x" * 300),
        lab.message("k" * 300),
        lab.message(message_id="good"),
    ]
    assert await lab.publish(broker, *messages) == [Confirmation.REFUSED] * 3 + [Confirmation.CONFIRMED]


async def test_large_bodies_go_both_ways(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    broker.subscribe(lab.queue, 2, inbox)
    bodies = [bytes([n]) * 5_000_000 for n in range(3)]
    assert (
        await lab.publish(broker, *(lab.message(body=body) for body in bodies))
        == [Confirmation.CONFIRMED] * 3
    )
    for body in bodies:
        delivery = await inbox.get()
        assert delivery.body == body
        delivery.ack()


async def test_all_properties_arrive(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    broker.subscribe(lab.queue, 2, inbox)
    await lab.publish(
        broker,
        lab.message(
            message_id="m-1",
            type="mt",
            correlation_id="c",
            headers={"a": 1, "b": [True, None, "x"], "c": {"d": 2**40}},
            timestamp=1_700_000_000,
            content_type="text/plain",
            content_encoding="gzip",
            reply_to="r",
            priority=3,
            app_id="bridge",
        ),
        lab.message(message_id="m-2"),
    )
    rich, plain = await inbox.take(2)
    properties = rich.properties
    assert properties.headers == {"a": 1, "b": [True, None, "x"], "c": {"d": 2**40}}
    assert (properties.message_id, properties.type, properties.correlation_id) == ("m-1", "mt", "c")
    assert (properties.timestamp, properties.priority, properties.app_id) == (1_700_000_000, 3, "bridge")
    assert (properties.content_type, properties.content_encoding, properties.reply_to) == (
        "text/plain",
        "gzip",
        "r",
    )
    assert (plain.properties.priority, plain.headers) == (None, {})


async def test_an_alarm_of_the_broker_blocks_publishing_but_not_consuming(
    lab: Any, inbox: Any, rabbit: PrivateRabbit, eventually: Any
) -> None:
    broker = await lab.start(confirm_limit_s=1.0)
    broker.subscribe(lab.queue, 10, inbox)
    await lab.publish(broker, *(lab.message() for _ in range(20)))
    try:
        await rabbit.ctl("set_vm_memory_high_watermark", "0.0001")
        assert await lab.publish(broker, lab.message()) == [Confirmation.UNKNOWN]
        await eventually(lambda: not broker.publisher.ready)
        assert await lab.publish(broker, lab.message(message_id="held")) == [Confirmation.UNKNOWN]
        for _ in range(20):
            (await inbox.get()).ack()
    finally:
        await rabbit.ctl("set_vm_memory_high_watermark", "0.4")
    await eventually(lambda: broker.publisher.ready)
    assert await lab.publish(broker, lab.message(message_id="last")) == [Confirmation.CONFIRMED]
    # What was written under the alarm is stored when it ends; what was held back is not.
    assert "held" not in [delivery.message_id for delivery in await inbox.take(2)]


async def test_without_a_node_or_with_a_wrong_virtual_host_open_says_so(
    lab: Any, rabbit: PrivateRabbit
) -> None:
    (port,) = free_ports(1)
    with pytest.raises(BrokerUnavailable, match=rf"RabbitMQ at 127.0.0.1:{port} cannot be reached") as caught:
        await lab.broker(f"amqp://u:secret@127.0.0.1:{port}/").open()
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(BrokerUnavailable, match="has no virtual host 'nope', or the user may not use it"):
        await lab.broker(rabbit.url + "nope").open()
    with pytest.raises(BrokerUnavailable, match="cannot be reached"):
        await lab.broker(rabbit.url.replace("amqp:", "amqps:")).open()


async def test_several_urls_are_tried_in_turn(lab: Any, rabbit: PrivateRabbit) -> None:
    (port,) = free_ports(1)
    broker = await lab.start(f"amqp://guest:guest@127.0.0.1:{port}/", rabbit.url)
    assert await lab.publish(broker, lab.message()) == [Confirmation.CONFIRMED]
