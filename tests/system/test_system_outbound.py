"""The MT's road, whole: every settlement of the contract against a simulated provider with faults."""

import asyncio
import base64
import time
from collections import Counter

import aio_pika
import orjson

from bridge.model.times import rfc3339
from bridge.simulator.faults.answers import Late, QueueFull, Reject, SilentOnSubmit, Throttle
from bridge.simulator.faults.links import BlackHole, Drop
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from bridge.smpp import consts
from tests.system.conftest import MakeLab
from tests.system.lab import Lab


def mts(number: int, **fields: object) -> list[dict[str, object]]:
    """So many MTs, told apart by id and text."""
    return [{"id": f"m-{i}", "to": f"4477009{i:05d}", "text": f"m-{i}", **fields} for i in range(number)]


def taken(network: Network) -> Counter[str]:
    """How often each text was accepted by the provider."""
    return Counter(message.octets.decode() for message in network.messages)


async def until_receipts(lab: Lab, number: int, limit_s: float = 60) -> None:
    """Until so many MTs have a matched DR event."""
    await lab.until(lambda: len({event["mt_id"] for event in lab.of("dr", matched=True)}) >= number, limit_s)


async def test_each_mt_goes_once_and_has_one_receipt_with_its_metadata(
    make_lab: MakeLab, network: Network
) -> None:
    lab = await make_lab()
    bodies = mts(200, metadata={"k": [1, "é"]}, app_id="a", conversation_id="c")
    await lab.publish(bodies)
    await until_receipts(lab, 200)
    assert taken(network) == Counter(f"m-{i}" for i in range(200))
    drs = lab.by_kind["dr"]
    assert Counter(event["mt_id"] for event in drs) == Counter(f"m-{i}" for i in range(200))
    assert all(
        (dr["metadata"], dr["app_id"], dr["conversation_id"]) == ({"k": [1, "é"]}, "a", "c") for dr in drs
    )
    assert {dr["joined"] for dr in drs} == {True}
    assert await lab.dead() == []


async def test_events_carry_the_properties_that_consumers_rely_on(make_lab: MakeLab) -> None:
    lab = await make_lab(route={"accepted_events": True})
    await lab.publish(mts(1))
    await until_receipts(lab, 1)
    for message, event in zip(lab.messages, lab.events, strict=True):
        assert (message.type, message.message_id) == (event["type"], event["event_id"])
        assert (message.app_id, message.content_type) == ("bridge", "application/json")
        assert message.delivery_mode is aio_pika.DeliveryMode.PERSISTENT
        assert message.timestamp is not None
    mine = [
        message for message, event in zip(lab.messages, lab.events, strict=True) if event["type"] != "site"
    ]
    assert {message.correlation_id for message in mine} == {"m-0"}
    assert {message.routing_key for message in mine} == {"mt.default.accepted", "dr.p.delivered"}


async def test_the_same_id_twice_is_submitted_once(make_lab: MakeLab, network: Network) -> None:
    lab = await make_lab(route={"accepted_events": True})
    await lab.publish(mts(20) + mts(20))
    await until_receipts(lab, 20)
    await lab.publish(mts(20))
    await lab.until(lambda: len(lab.of("mt", outcome="accepted")) >= 40)
    assert set(taken(network).values()) == {1}
    ids = Counter(event["event_id"] for event in lab.of("mt", outcome="accepted"))
    assert len(ids) == 20, "a repeated id repeats its outcome event, under the same event id"


async def test_bad_bodies_end_in_dead_with_reason_and_field(make_lab: MakeLab) -> None:
    lab = await make_lab()
    bad = {
        b"not json": "body:",
        orjson.dumps({"id": "x1", "text": "no to"}): "to:",
        orjson.dumps({"id": "x2", "to": 447700900123, "text": "number"}): "to:",
        orjson.dumps({"id": "x3", "to": "447700900123"}): "text:",
        b'{"id": "x4", "to": "447700900123", "text": "' + b"x" * 5_000_000 + b'"}': "body:",
    }
    await lab.publish(bad)
    await lab.publish(mts(1))
    await lab.until(lambda: len(lab.of("mt", outcome="invalid")) == len(bad) and bool(lab.by_kind["dr"]))
    dead = dict(await lab.dead())
    assert set(dead) == set(bad)
    for body, field in bad.items():
        assert dead[body]["bridge-reason"] == "invalid"
        assert str(dead[body]["bridge-detail"]).startswith(field)


async def test_an_unknown_route_ends_in_dead(make_lab: MakeLab) -> None:
    lab = await make_lab()
    await lab.publish(mts(1), key="mt.nobody")
    dead = await lab.dead_letters(1)
    assert orjson.loads(dead[0][0])["id"] == "m-0"


async def test_a_black_holed_node_delays_nobody(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    smscs[0].behave(BlackHole())
    lab = await make_lab()
    await lab.publish(mts(100))
    await until_receipts(lab, 100, 20)
    assert {message.site for message in network.messages} == {"two"}
    assert lab.of("mt", outcome="resent") == []


async def test_with_all_nodes_down_nothing_is_consumed_and_all_goes_after_a_rebind(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    lab = await make_lab()
    await network.until(lambda: len(network.outbox.receivers) == 2)
    for smsc in smscs:
        smsc.kill()
    await lab.until(lambda: len(lab.of("site", state="down")) == 2)
    await lab.publish(mts(300))
    assert await lab.depth(lab.names.route_queue("default", "bulk")) == 300
    await smscs[1].start()
    await until_receipts(lab, 300, 20)
    assert set(taken(network).values()) == {1}


async def test_interactive_overtakes_a_backlog_of_bulk(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.kill()
    lab = await make_lab()
    backlog = 20_000
    await lab.publish(mts(backlog))
    await smscs[0].start()
    await network.until(lambda: len(network.messages) >= 500)
    before = len(network.messages)
    await lab.publish(
        [{"id": f"i-{i}", "to": "447700900123", "text": f"i-{i}"} for i in range(50)],
        key="mt.default.interactive",
    )
    await network.until(lambda: sum(text.startswith("i-") for text in taken(network)) == 50)
    order = [message.octets.decode() for message in network.messages]
    last = max(index for index, text in enumerate(order) if text.startswith("i-"))
    assert last < backlog, "the last interactive one was sent while most of the backlog still waited"
    overtaken = last - before
    assert overtaken < 5_000


async def test_a_refusal_for_good_is_told_and_kept(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(Reject(every=1, status=consts.ESME_RINVDSTADR))
    lab = await make_lab()
    await lab.publish(mts(3))
    await lab.until(lambda: len(lab.of("mt", outcome="rejected")) == 3)
    event = lab.of("mt", outcome="rejected", id="m-0")[0]
    assert event["status"] == consts.ESME_RINVDSTADR
    assert [attempt["result"] for attempt in event["attempts"]] == ["rejected 0xB"]
    dead = await lab.dead_letters(3)
    assert {headers["bridge-reason"] for _, headers in dead} == {"rejected"}
    await lab.publish(mts(1))
    await lab.until(lambda: len(lab.of("mt", outcome="rejected", id="m-0")) == 2)
    ids = {event["event_id"] for event in lab.of("mt", outcome="rejected", id="m-0")}
    assert len(ids) == 1, "a repeat tells the same end again"
    assert await lab.dead() == []
    assert len(network.submits) == 3


async def test_what_cannot_be_encoded_is_rejected(make_lab: MakeLab, network: Network) -> None:
    lab = await make_lab()
    await lab.publish([{"id": "x", "to": "447700900123", "text": "日本", "encoding": "gsm"}])
    await lab.until(lambda: bool(lab.of("mt", outcome="rejected")))
    assert "日" in lab.of("mt", outcome="rejected")[0]["reason"]
    assert network.submits == []


async def test_a_full_queue_is_tried_again_over_the_other_link(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    smscs[0].behave(QueueFull(every=1))
    lab = await make_lab()
    await lab.publish(mts(40))
    await until_receipts(lab, 40)
    assert {message.site for message in network.messages} == {"two"}
    refused = [submit for submit in network.submits if not submit.taken]
    assert refused
    assert Counter(submit.octets for submit in refused).most_common(1)[0][1] == 1, (
        "the next try avoids the link"
    )
    assert lab.of("mt", outcome="failed") == []


async def test_attempts_run_out(make_lab: MakeLab, smscs: list[SimulatedSmsc]) -> None:
    for smsc in smscs:
        smsc.behave(QueueFull(every=1))
    lab = await make_lab(route={"max_attempts": 2})
    await lab.publish(mts(2))
    await lab.until(lambda: len(lab.of("mt", outcome="failed")) == 2)
    event = lab.of("mt", outcome="failed")[0]
    assert [attempt["result"] for attempt in event["attempts"]] == ["retry 0x14", "retry 0x14"]
    assert {attempt["site"] for attempt in event["attempts"]} == {"one", "two"}
    dead = await lab.dead_letters(2)
    assert {headers["bridge-reason"] for _, headers in dead} == {"failed"}


async def test_throttling_costs_no_attempt(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(Throttle(every=20))
    lab = await make_lab(route={"max_attempts": 1})
    await lab.publish(mts(150))
    await until_receipts(lab, 150)
    assert any(submit.status == consts.ESME_RTHROTTLED for submit in network.submits)
    assert set(taken(network).values()) == {1}
    assert lab.of("mt", outcome="failed") == []


async def test_a_cut_link_leaves_doubt_that_is_marked_and_sent_again(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    smscs[0].behave(Drop(after=30, times=1))
    lab = await make_lab()
    await lab.publish(mts(200))
    await until_receipts(lab, 200)
    marked = {event["id"] for event in lab.of("mt", outcome="resent")}
    doubled = {text for text, times in taken(network).items() if times > 1}
    assert doubled
    assert doubled <= marked
    assert len(marked) <= 10, "one window"
    for event in lab.by_kind["dr"]:
        assert event["possible_duplicate"] == (event["mt_id"] in marked) or not event["possible_duplicate"]


async def test_doubt_is_parked_where_the_mt_says_so(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    smscs[0].behave(Drop(after=1, times=1))
    smscs[1].kill()
    lab = await make_lab()
    await lab.publish(mts(1, on_doubt="park"))
    await lab.until(lambda: bool(lab.of("mt", outcome="parked")))
    dead = await lab.dead_letters(1)
    assert dead[0][1]["bridge-reason"] == "doubt"
    assert len(network.messages) == 1


async def test_a_late_answer_resolves_a_parked_mt_and_its_receipt_is_matched(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    smscs[0].behave(Late(seconds=1.5, every=1))
    smscs[1].kill()
    lab = await make_lab(
        smpp={"response_timeout_seconds": 1}, route={"on_doubt": "park"}, inbound={"early_dr_wait_seconds": 0}
    )
    await lab.publish(mts(1))
    await lab.until(lambda: bool(lab.of("mt", outcome="resolved")))
    assert [event["outcome"] for event in lab.by_kind["mt"]] == ["parked", "resolved"]
    await lab.until(lambda: bool(lab.of("dr", matched=True)))
    drs = lab.by_kind["dr"]
    assert len({event["event_id"] for event in drs}) == 1, "published once more under its own event id"
    assert drs[-1]["mt_id"] == "m-0"


async def test_a_peer_that_answers_no_submit_is_left_and_its_messages_go_elsewhere(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    smscs[0].behave(SilentOnSubmit(every=1, taken=False))
    lab = await make_lab(smpp={"response_timeout_seconds": 1})
    await lab.publish(mts(100))
    await until_receipts(lab, 100)
    assert set(taken(network).values()) == {1}
    marked = {event["id"] for event in lab.of("mt", outcome="resent")}
    assert 0 < len(marked) <= 30


async def test_what_has_expired_is_not_sent(make_lab: MakeLab, network: Network) -> None:
    lab = await make_lab()
    await lab.publish(mts(2, expires_at=rfc3339(time.time() - 1)))
    await lab.until(lambda: len(lab.of("mt", outcome="expired")) == 2)
    assert network.submits == []
    assert await lab.dead() == []


async def test_octets_go_as_they_are(make_lab: MakeLab, network: Network) -> None:
    lab = await make_lab()
    data = base64.b64encode(bytes(range(100))).decode()
    await lab.publish([{"id": "b", "to": "447700900123", "data": data, "receipt": "none"}])
    await network.until(lambda: bool(network.messages))
    assert (network.messages[0].octets, network.messages[0].data_coding) == (bytes(range(100)), 4)
    assert network.messages[0].registered_delivery == 0
    assert lab.by_kind["dr"] == []


async def test_two_workers_share_the_work(make_lab: MakeLab, network: Network) -> None:
    lab = await make_lab()
    await lab.start_worker()
    await lab.publish(mts(500))
    await until_receipts(lab, 500)
    assert set(taken(network).values()) == {1}
    assert len({message.bind for message in network.messages}) == 4


async def test_a_soft_stop_finishes_what_is_in_flight_and_the_rest_stays_in_rabbitmq(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    lab = await make_lab()
    publishing = asyncio.create_task(lab.publish(mts(2000)))
    await network.until(lambda: len(network.messages) >= 100)
    await lab.stop_worker(lab.workers[0][0])
    sent = len(network.messages)
    await publishing
    assert all(submit.status == 0 for submit in network.submits), "each submit was waited for"
    await lab.start_worker()
    await until_receipts(lab, 2000)
    assert sent < 2000
    assert set(taken(network).values()) == {1}
    assert lab.of("mt", outcome="resent") == []
