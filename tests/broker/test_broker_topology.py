"""The topology as data, declared on a real node, checked there, and its ways end to end."""

from typing import Any

import pytest

from bridge.broker import BrokerUnavailable, Confirmation, TopologyError, topology
from bridge.broker.declare import check_dead_lettering
from bridge.broker.session import Urls
from bridge.broker.topology import Binding, Exchange, Queue
from bridge.model.names import WAIT_RUNGS_S, Names
from bridge.proof.servers import PrivateRabbit

pytestmark = pytest.mark.servers


def test_the_arguments_are_those_of_the_contract() -> None:
    items = topology(Names("bridge"), ["default"])
    exchanges = {item.name: item for item in items if isinstance(item, Exchange)}
    queues = {item.name: dict(item.arguments) for item in items if isinstance(item, Queue)}
    bindings = [item for item in items if isinstance(item, Binding)]

    assert exchanges["bridge.mt"] == Exchange("bridge.mt", "topic", {"alternate-exchange": "bridge.dead"})
    assert exchanges["bridge.retry"] == Exchange(
        "bridge.retry", "topic", {"alternate-exchange": "bridge.dead"}
    )
    assert exchanges["bridge.inbound"].arguments == {"alternate-exchange": "bridge.unrouted"}
    for name in ("bridge.events", "bridge.tap", "bridge.dead"):
        assert exchanges[name].kind == "fanout"
    assert exchanges["bridge.unrouted"].kind == exchanges["bridge.inbound"].kind == "topic"
    worked = {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "bridge.dead",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-delivery-limit": 100_000,
    }
    for name in ("bridge.mt.default", "bridge.mt.default.interactive", "bridge.early"):
        assert queues[name] == worked
    for rung_s in WAIT_RUNGS_S:
        assert exchanges[f"bridge.wait.{rung_s}"].kind == "fanout"
        assert queues[f"bridge.wait.{rung_s}"] == {
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": "bridge.retry",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            "x-message-ttl": rung_s * 1000,
        }
    assert queues["bridge.dead"] == queues["bridge.unrouted"] == {"x-queue-type": "quorum"}
    for source in ("bridge.mt", "bridge.retry"):
        assert Binding(source, "bridge.mt.default", "mt.default") in bindings
        assert Binding(source, "bridge.mt.default.interactive", "mt.default.interactive") in bindings
    assert Binding("bridge.events", "bridge.tap", to_exchange=True) in bindings
    assert Binding("bridge.retry", "bridge.early", "early.#") in bindings


def test_each_name_is_declared_before_it_is_bound_and_once() -> None:
    seen: set[tuple[type, str]] = set()
    for item in topology(Names("p"), ["a", "b"]):
        if isinstance(item, Binding):
            assert (Exchange, item.source) in seen
            assert (Exchange if item.to_exchange else Queue, item.destination) in seen
        else:
            assert (type(item), item.name) not in seen
            seen.add((type(item), item.name))


async def test_declared_twice_then_checked(lab: Any) -> None:
    await lab.start()
    await lab.start()
    await lab.start(declare=False)


async def test_a_check_names_all_that_is_missing(lab: Any) -> None:
    broker = lab.broker(declare=False)
    with pytest.raises(TopologyError) as caught:
        await broker.open()
    assert len(caught.value.problems) == len([item for item in lab.items if not isinstance(item, Binding)])
    assert f"queue {lab.queue} is missing: run `bridge topology apply`" in caught.value.problems


async def test_a_queue_with_other_arguments_is_named_with_what_to_do(lab: Any) -> None:
    await lab.call(lambda ch: ch.queue_declare(lab.queue, durable=True, arguments={"x-queue-type": "quorum"}))
    broker = lab.broker()
    with pytest.raises(TopologyError) as caught:
        await broker.open()
    (problem,) = caught.value.problems
    assert f"queue {lab.queue} exists with other arguments" in problem
    assert "delete it" in problem
    assert "inequivalent arg" in problem


async def test_a_user_who_may_not_declare_is_told(lab: Any, rabbit: PrivateRabbit, prefix: str) -> None:
    await rabbit.ctl("add_user", prefix, "secret")
    await rabbit.ctl("set_permissions", prefix, "^$", ".*", ".*")
    url = rabbit.url.replace("guest:guest", f"{prefix}:secret")
    broker = lab.broker(url)
    with pytest.raises(TopologyError, match="this user may not declare it"):
        await broker.open()
    broker = lab.broker(rabbit.url.replace("guest:guest", f"{prefix}:wrong"))
    with pytest.raises(BrokerUnavailable, match=f"refuses the user '{prefix}' or its password"):
        await broker.open()


async def test_a_waiting_message_comes_back_with_its_key(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    broker.subscribe(lab.queue, 10, inbox)
    message = lab.message(exchange=lab.names.wait(1), message_id="m", headers={"bridge-attempt": 2})
    assert await lab.publish(broker, message) == [Confirmation.CONFIRMED]
    delivery = await inbox.get()
    assert (delivery.exchange, delivery.routing_key) == (lab.names.retry, "mt.r")
    assert (delivery.message_id, delivery.headers["bridge-attempt"]) == ("m", 2)
    assert delivery.headers["x-death"][0]["queue"] == lab.names.wait(1)
    delivery.ack()
    await lab.empties(lab.queue)


async def test_a_receipt_comes_back_into_the_early_queue(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    broker.subscribe(lab.names.early, 10, inbox)
    message = lab.message(lab.names.early_key("p"), exchange=lab.names.wait(1))
    assert await lab.publish(broker, message) == [Confirmation.CONFIRMED]
    assert (await inbox.get()).routing_key == "early.p"


@pytest.mark.parametrize("exchange", ["mt", "retry"])
async def test_an_unknown_route_ends_in_dead(lab: Any, inbox: Any, exchange: str) -> None:
    broker = await lab.start()
    broker.subscribe(lab.names.dead, 10, inbox)
    message = lab.message("mt.nowhere", b"body", exchange=getattr(lab.names, exchange))
    assert await lab.publish(broker, message) == [Confirmation.CONFIRMED]
    delivery = await inbox.get()
    assert (delivery.routing_key, delivery.body) == ("mt.nowhere", b"body")


async def test_events_nobody_bound_for_are_kept_and_bound_ones_are_not(lab: Any, inbox: Any) -> None:
    broker = await lab.start()
    broker.subscribe(lab.names.unrouted, 10, inbox)

    async def bind(channel: Any) -> None:
        await channel.queue_declare(f"{lab.names.prefix}.mine", durable=True)
        await channel.queue_bind(f"{lab.names.prefix}.mine", lab.names.inbound, "dr.#")

    await lab.call(bind)
    events = [
        lab.message(key, exchange=lab.names.events) for key in ("dr.p.delivered", "mo.p.123", "mt.r.failed")
    ]
    assert await lab.publish(broker, *events) == [Confirmation.CONFIRMED] * 3
    assert [delivery.routing_key for delivery in await inbox.take(2)] == ["mo.p.123", "mt.r.failed"]
    assert await lab.depth(f"{lab.names.prefix}.mine") == 1
    await lab.call(lambda ch: ch.queue_delete(f"{lab.names.prefix}.mine"))


async def test_a_site_event_that_nobody_hears_is_refused_only_if_it_must_be_heard(lab: Any) -> None:
    broker = await lab.start()
    heard, unheard = (
        lab.message("site.p.s.up", exchange=lab.names.events, mandatory=must) for must in (True, False)
    )
    assert await lab.publish(broker, heard, unheard) == [Confirmation.REFUSED, Confirmation.CONFIRMED]


async def test_a_node_without_safe_dead_lettering_is_refused() -> None:
    rabbit = PrivateRabbit()
    flags = "quorum_queue,implicit_default_bindings,virtual_host_metadata,maintenance_mode_status,user_limits"
    rabbit._environment["RABBITMQ_FEATURE_FLAGS"] = flags
    async with rabbit:
        session = await Urls([rabbit.url]).connect("test")
        try:
            if not session.version.startswith("3.10."):
                pytest.skip("the flag cannot be off on this version")
            with pytest.raises(TopologyError, match="rabbitmqctl enable_feature_flag stream_queue"):
                await check_dead_lettering(session, "probe")
        finally:
            await session.close()
