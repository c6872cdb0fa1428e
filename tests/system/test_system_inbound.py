"""The way of MOs and DRs, whole: once each, answered only when safe, whichever bind brings them."""

import asyncio
from collections import Counter

from bridge.simulator.faults.receipts import (
    HexIds,
    ReceiptsElsewhere,
    ReceiptsFirst,
    ReceiptsTwice,
)
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from bridge.smpp import consts
from tests.system.conftest import MakeLab
from tests.system.test_system_outbound import mts, until_receipts


async def test_receipts_come_first_twice_and_elsewhere_and_each_mt_has_one(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(ReceiptsFirst(every=2), ReceiptsTwice(every=3), ReceiptsElsewhere("site", every=1))
    lab = await make_lab()
    await lab.start_worker()
    await lab.publish(mts(300))
    await until_receipts(lab, 300)
    await network.until(lambda: not network.outbox.counts.open)
    finals = Counter(event["mt_id"] for event in lab.by_kind["dr"])
    assert finals == Counter(f"m-{i}" for i in range(300))
    refused = {delivery.status for delivery in network.deliveries} - {0}
    assert refused <= {consts.ESME_RMSGQFUL}, "only copies that met each other at two workers"


async def test_receipts_for_messages_nobody_sent_delay_nothing_and_come_out_unmatched(
    make_lab: MakeLab, network: Network
) -> None:
    lab = await make_lab(inbound={"early_dr_wait_seconds": 4})
    strange = network.send_strange_receipts(1000)
    await lab.publish(mts(200))
    await until_receipts(lab, 200)
    assert lab.of("dr", matched=False) == [], "our own did not wait for them"
    await lab.until(lambda: len(lab.of("dr", matched=False)) == len(strange))
    assert {event["smsc_id"] for event in lab.of("dr", matched=False)} == set(strange)
    assert {event["mt_id"] for event in lab.of("dr", matched=False)} == {None}
    await network.until(lambda: not network.outbox.counts.open)
    assert {delivery.status for delivery in network.deliveries} == {0}


async def test_messages_from_phones_come_out_once_each(make_lab: MakeLab, network: Network) -> None:
    lab = await make_lab()
    texts = [f"hello {number} é€" for number in range(100)] + ["日本 😀", ""]
    for text in texts:
        network.send_mo(text, source="447700900123", destination="12345")
    await lab.until(lambda: len(lab.by_kind["mo"]) == len(texts))
    mos = lab.by_kind["mo"]
    assert Counter(event["text"] for event in mos) == Counter(texts)
    assert {(event["from"], event["to"]) for event in mos} == {("447700900123", "12345")}
    assert len({event["event_id"] for event in mos}) == len(texts)
    await network.until(lambda: not network.outbox.counts.open)
    assert {delivery.status for delivery in network.deliveries} == {0}


async def test_the_same_words_again_are_a_repeat_only_for_a_while(
    make_lab: MakeLab, network: Network
) -> None:
    lab = await make_lab(inbound={"mo_repeat_seconds": 1})
    network.send_mo("YES")
    network.send_mo("YES")
    await network.until(lambda: not network.outbox.counts.open)
    await asyncio.sleep(1.2)  # the time itself is what is tested
    network.send_mo("YES")
    await lab.until(lambda: len(lab.by_kind["mo"]) == 2)
    await network.until(lambda: not network.outbox.counts.open)
    assert len({event["event_id"] for event in lab.by_kind["mo"]}) == 2


async def test_copies_that_meet_each_other_at_two_workers_come_out_once(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    lab = await make_lab()
    await lab.start_worker()
    await network.until(lambda: len(network.outbox.receivers) == 4)
    await lab.publish(mts(20))
    await until_receipts(lab, 20)
    for message in network.messages:
        for _ in range(4):
            network.send_receipt(message.message_id or "", handset=message.destination, state="EXPIRED")
    for number in range(40):
        for _ in range(4):
            network.send_mo(f"text {number}")
    await network.until(lambda: not network.outbox.counts.open)
    await lab.until(lambda: len(lab.by_kind["mo"]) >= 40)
    assert Counter(event["text"] for event in lab.by_kind["mo"]) == Counter(f"text {i}" for i in range(40))
    assert Counter(event["mt_id"] for event in lab.by_kind["dr"]) == Counter(f"m-{i}" for i in range(20))


async def test_every_receipt_is_shown_where_the_mt_asked_for_all(make_lab: MakeLab, network: Network) -> None:
    lab = await make_lab()
    await lab.publish([*mts(1, receipt="all"), {"id": "f", "to": "447700900999", "text": "f"}])
    await until_receipts(lab, 2)
    ids = {message.octets.decode(): message.message_id or "" for message in network.messages}
    for text, number in (("m-0", "447700900000"), ("f", "447700900999")):
        network.send_receipt(ids[text], state="ACCEPTD", handset=number)
        network.send_receipt(ids[text], state="EXPIRED", handset=number)
    await network.until(lambda: not network.outbox.counts.open)
    await lab.until(lambda: len(lab.of("dr", mt_id="m-0")) == 3)
    first, *later = [(event["state"], event["stale"]) for event in lab.of("dr", mt_id="m-0")]
    assert first == ("delivered", False)
    assert set(later) == {
        ("accepted", True),
        ("expired", True),
    }
    assert [e["state"] for e in lab.of("dr", mt_id="f")] == ["delivered"]


async def test_ids_in_another_base_are_matched_also_at_their_last_chance(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(HexIds())
    lab = await make_lab(inbound={"early_dr_wait_seconds": 0})
    await lab.publish(mts(5))
    await lab.until(
        lambda: {event["mt_id"] for event in lab.of("dr", matched=True)} == {f"m-{i}" for i in range(5)}
    )
