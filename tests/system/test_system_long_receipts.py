"""The receipts of long MTs: joined whatever comes from where and when, told once, and missed when they do not come."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from bridge.simulator.behaviour import Behaviour, Plan
from bridge.simulator.faults.receipts import HexIds, ReceiptsElsewhere, ReceiptsFirst, ReceiptsTwice
from bridge.simulator.network import HANDSET, Network
from bridge.simulator.smsc import SimulatedSmsc
from tests.system.conftest import MakeLab
from tests.system.phones import mixed, three
from tests.system.test_system_long import mts, until_ended

SOON = {"dr_join_hours": 1 / 3600}
QUIET_S = 1.5
"""So long nothing more may come, to believe that nothing does: every worker has looked by then."""


class NoReceipts(Behaviour):
    """Receipts are the test's to send."""

    def on_submit(self, plan: Plan) -> None:
        """Owes none."""
        plan.receipt_copies = 0


async def test_where_all_are_asked_for_each_segment_tells_and_then_the_message(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    """Receipts come by any site and worker, before the answers or after, and twice."""
    for smsc in smscs:
        smsc.behave(ReceiptsFirst(every=4), ReceiptsTwice(every=2), ReceiptsElsewhere("site", every=1))
    lab = await make_lab()
    await lab.start_worker()
    await network.until(lambda: network.binds == 4)
    bodies = mts(20, receipt="all")
    await lab.publish(bodies)
    await lab.until(lambda: len({event["event_id"] for event in lab.by_kind["dr"]}) >= 80)
    await network.until(lambda: not network.outbox.counts.open)
    assert {event["matched"] for event in lab.by_kind["dr"]} == {True}
    told = {event["event_id"]: event for event in lab.by_kind["dr"]}.values()
    assert Counter(event["mt_id"] for event in told if event["joined"]) == Counter(b["id"] for b in bodies)
    single = Counter((e["mt_id"], e["segment"]["n"], e["segment"]["of"]) for e in told if not e["joined"])
    assert single == Counter((body["id"], n, 3) for body in bodies for n in (1, 2, 3))
    assert {event["state"] for event in told} == {"delivered"}


async def test_a_failed_segment_fails_the_message_and_nothing_undoes_it(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(NoReceipts())
    lab = await make_lab(route={"accepted_events": True})
    await lab.start_worker()
    await lab.publish([*mts(1), {**mts(1, receipt="all")[0], "id": "all", "text": three("all")}])
    accepted = {event["id"]: event["smsc_ids"] for event in await until_ended(lab, 2)}
    for smsc_ids in accepted.values():
        network.send_receipt(smsc_ids[0])
        network.send_receipt(smsc_ids[1], state="UNDELIV")
    await lab.until(lambda: len(lab.of("dr", joined=True)) == 2)
    for smsc_ids in accepted.values():
        for smsc_id in (*smsc_ids[1:], smsc_ids[1]):
            network.send_receipt(smsc_id)
    await lab.until(lambda: len(lab.of("dr", joined=False)) == 4)
    await network.until(lambda: not network.outbox.counts.open)
    joined = lab.of("dr", joined=True)
    assert {(event["mt_id"], event["state"], event["final"]) for event in joined} == {
        ("m-0", "undeliverable", True),
        ("all", "undeliverable", True),
    }
    assert len(joined) == 2
    assert {event["mt_id"] for event in lab.of("dr", joined=False)} == {"all"}
    assert Counter(
        (e["segment"]["n"], e["state"], e["stale"]) for e in lab.of("dr", joined=False)
    ) == Counter(
        [
            (1, "delivered", False),
            (2, "undeliverable", False),
            (3, "delivered", False),
            (2, "delivered", True),
        ]
    )


@pytest.mark.parametrize("where", ["receipt", "answer"])
async def test_ids_in_another_base_are_matched(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc], where: str
) -> None:
    for smsc in smscs:
        smsc.behave(HexIds(where, upper=False))
    lab = await make_lab()
    await lab.start_worker()
    bodies = mts(40, mixed)
    await lab.publish(bodies)
    await lab.until(lambda: len(lab.by_kind["dr"]) >= 40)
    await network.until(lambda: not network.outbox.counts.open)
    assert Counter(event["mt_id"] for event in lab.by_kind["dr"]) == Counter(body["id"] for body in bodies)
    known = {message.message_id for message in network.messages}
    assert {event["smsc_id"] for event in lab.by_kind["dr"]} <= known, "as they were in the answer"


async def test_receipts_that_never_come_are_told_once_with_what_is_known(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(NoReceipts())
    lab = await make_lab(inbound=SOON, route={"accepted_events": True})
    await lab.start_worker()
    names: dict[str, Callable[[str], str]] = {
        "long": three,
        "silent": str,
        "halfway": str,
        "done": str,
        "none": str,
    }
    await lab.publish(
        {"id": name, "to": HANDSET, "text": text_of(name), "receipt": "none" if name == "none" else "final"}
        for name, text_of in names.items()
    )
    smsc_ids = {event["id"]: event["smsc_ids"] for event in await until_ended(lab, len(names))}
    network.send_receipt(smsc_ids["long"][2])
    network.send_receipt(smsc_ids["halfway"][0], state="ACCEPTD")
    network.send_receipt(smsc_ids["done"][0])
    await lab.until(lambda: len(lab.by_kind["dr"]) == 4)
    await asyncio.sleep(QUIET_S)
    assert {(e["mt_id"], e["state"], e["final"], e["matched"], e["joined"]) for e in lab.by_kind["dr"]} == {
        ("long", "enroute", False, True, True),
        ("silent", None, False, True, True),
        ("halfway", "accepted", False, True, True),
        ("done", "delivered", True, True, True),
    }
    assert len(lab.by_kind["dr"]) == 4
