"""Nodes that die or stop answering with publishes and deliveries in flight: nothing lost, every answer given once."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from bridge.broker import Confirmation
from bridge.proof.servers import PrivateRabbit

pytestmark = pytest.mark.servers

SETTLED_S = 1.5
"""A quorum queue declared a moment before its node is killed may stay without leader for good (3.10)."""


async def test_a_killed_node_loses_nothing_that_was_confirmed(
    lab: Any, inbox: Any, rabbit: PrivateRabbit, eventually: Any
) -> None:
    broker = await lab.start()
    await asyncio.sleep(SETTLED_S)
    changes: list[bool] = []
    broker.on_change(changes.append)
    subscription = broker.subscribe(lab.queue, 100, inbox)
    answers: dict[str, list[Confirmation]] = {}

    def publish(message_id: str) -> None:
        told = answers.setdefault(message_id, [])
        broker.publisher.publish(lab.message(message_id=message_id), told.append)

    for n in range(100):
        publish(f"first{n}")
    held = await inbox.take(100)
    for n in range(2000):
        publish(f"second{n}")
    await eventually(lambda: sum(map(len, answers.values())) > 500)
    for delivery in held[:50]:
        delivery.ack()
    rabbit.kill()
    await broker.publisher.idle()
    publish("without a node")
    await broker.publisher.idle()
    await eventually(lambda: not broker.up)
    assert not any(delivery.alive for delivery in held)
    for delivery in held:
        delivery.ack()
        delivery.requeue()
    await rabbit.start()
    await eventually(lambda: broker.up and subscription.active)

    assert {len(told) for told in answers.values()} == {1}
    outcomes = Counter(told[0] for told in answers.values())
    assert set(outcomes) == {Confirmation.CONFIRMED, Confirmation.UNKNOWN}
    assert answers["without a node"] == [Confirmation.UNKNOWN]
    confirmed = {message_id for message_id, told in answers.items() if told == [Confirmation.CONFIRMED]}
    seen = {delivery.message_id for delivery in held}
    again = set()
    while not confirmed <= seen:
        delivery = await inbox.get()
        if delivery.redelivered:
            again.add(delivery.message_id)
        seen.add(delivery.message_id)
        delivery.ack()
    assert {delivery.message_id for delivery in held[50:]} <= again
    assert changes[0] is False
    assert changes[-1] is True
    assert await lab.publish(broker, lab.message(message_id="last")) == [Confirmation.CONFIRMED]


async def test_a_node_that_stops_answering_is_given_up_and_taken_up_again(
    lab: Any, inbox: Any, rabbit: PrivateRabbit, eventually: Any
) -> None:
    broker = await lab.start(f"{rabbit.url}?heartbeat=1", confirm_limit_s=1.0)
    broker.subscribe(lab.queue, 10, inbox)
    await lab.publish(broker, lab.message(message_id="before"))
    held = await inbox.get()
    rabbit.pause()
    try:
        while await lab.publish(broker, lab.message(message_id="m")) != [Confirmation.UNKNOWN]:
            pass  # its threads take a moment to stop
        await eventually(lambda: not broker.up and not held.alive)
    finally:
        rabbit.resume()
    await eventually(lambda: broker.up)
    held.ack()
    seen = await inbox.get()
    while seen.message_id != "before":
        seen.ack()
        seen = await inbox.get()
    assert seen.redelivered
    assert await lab.publish(broker, lab.message()) == [Confirmation.CONFIRMED]


async def test_stopping_does_not_wait_for_a_node_that_is_silent(
    lab: Any, inbox: Any, rabbit: PrivateRabbit
) -> None:
    broker = await lab.start()
    broker.subscribe(lab.queue, 10, inbox)
    await lab.publish(broker, lab.message(message_id="m"))
    held = await inbox.get()
    rabbit.pause()
    try:
        held.ack()
        broker.publisher.publish(lab.message(), lambda _: None)
        async with asyncio.timeout(15):
            await lab.stop()
        assert broker.publisher.in_flight == 0
    finally:
        rabbit.resume()


async def test_connections_closed_by_the_operator_come_back(
    lab: Any, inbox: Any, rabbit: PrivateRabbit, eventually: Any
) -> None:
    broker = await lab.start()
    broker.subscribe(lab.queue, 10, inbox)
    changes: list[bool] = []
    broker.on_change(changes.append)
    await lab.publish(broker, lab.message(message_id="m"))
    (await inbox.get()).requeue()
    await rabbit.ctl("close_all_connections", "maintenance")
    await eventually(lambda: changes[-1:] == [True])
    assert (await inbox.get()).message_id == "m"
    assert await lab.publish(broker, lab.message()) == [Confirmation.CONFIRMED]


async def test_a_broker_may_be_opened_and_closed_again(lab: Any) -> None:
    broker = await lab.start()
    await lab.stop()
    assert await lab.publish(broker, lab.message()) == [Confirmation.UNKNOWN]
    broker = lab.broker()
    await broker.open()
    await broker.close()
    await broker.close()
    await broker.open()
    await broker.close()
