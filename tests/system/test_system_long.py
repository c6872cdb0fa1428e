"""Long MTs, whole: every text arrives in one piece, under one reference, and has one receipt."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from bridge.config.settings import Settings
from bridge.proof.servers import PrivateRabbit
from bridge.simulator.faults.answers import Slow
from bridge.simulator.faults.links import RefuseBind, Unbind
from bridge.simulator.faults.receipts import ReceiptsElsewhere, ReceiptsTwice
from bridge.simulator.faults.segments import SegmentRefused, SegmentSilent
from bridge.simulator.network import HANDSET, Network
from bridge.simulator.smsc import SimulatedSmsc
from bridge.smpp import consts
from tests.system.conftest import MakeLab
from tests.system.lab import Event, Lab, document
from tests.system.phones import long_text, mixed, mt_of, references, shown, three, times_taken

CUT_BADLY = ("x" * 152 + "€" * 9, "я" * 66 + "😀" * 9, "z" * 150 + "👍🏽👍🏽", "🇺🇦" * 40, "[" * 200)
"""Texts whose segments end within an escape, a surrogate pair or a grapheme, unless that is heeded."""


def mts(number: int, text_of: Callable[[str], str] = three, **fields: Any) -> list[dict[str, Any]]:
    """So many MTs to one phone, told apart by id, which is each word of their texts."""
    ids = [f"m-{i}" for i in range(number)]
    return [{"id": mt_id, "to": HANDSET, "text": text_of(mt_id), **fields} for mt_id in ids]


def texts(bodies: list[dict[str, Any]]) -> Counter[str | None]:
    """What phones ought to show."""
    return Counter(body["text"] for body in bodies)


async def until_ended(lab: Lab, number: int, outcome: str = "accepted") -> list[Event]:
    """Wait until so many MTs have ended so; their events."""
    await lab.until(lambda: len(lab.of("mt", outcome=outcome)) >= number)
    return lab.of("mt", outcome=outcome)


@pytest.mark.parametrize("way", ["udh8", "udh16", "sar", "payload"])
async def test_long_and_short_ones_arrive_whole_and_have_one_receipt_each(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc], way: str
) -> None:
    """Though the receipts come by the other site, some of them twice."""
    for smsc in smscs:
        smsc.behave(ReceiptsTwice(every=3), ReceiptsElsewhere("site", every=1))
    lab = await make_lab(smpp={"long_messages": way, "window": 3}, route={"accepted_events": True})
    await lab.start_worker()
    await network.until(lambda: network.binds == 4)
    bodies = mts(60, mixed)
    await lab.publish(bodies)
    accepted = await until_ended(lab, 60)
    await lab.until(lambda: len(lab.by_kind["dr"]) >= 60)
    await network.until(lambda: not network.outbox.counts.open)
    assert shown(network) == texts(bodies)
    assert not network.handsets.twice
    assert len({message.bind for message in network.messages}) == 4
    assert all(len(found) == 1 for found in references(network).values())
    taken = Counter(mt_of(message) for message in network.messages)
    assert {event["id"]: event["segments"] for event in accepted} == taken
    assert set(taken.values()) == ({1} if way == "payload" else {1, 2, 3, 4, 5})
    ids = Counter(smsc_id for event in accepted for smsc_id in event["smsc_ids"])
    assert ids == Counter(message.message_id for message in network.messages)
    drs = lab.of("dr", matched=True, joined=True, final=True, state="delivered", segment=None)
    assert Counter(event["mt_id"] for event in drs) == Counter(body["id"] for body in bodies)
    assert len(lab.by_kind["dr"]) == 60
    assert await lab.dead() == []


async def test_no_character_is_cut(make_lab: MakeLab, network: Network) -> None:
    """Phones read each segment by itself."""
    lab = await make_lab()
    await lab.publish(
        {"id": f"m-{number}", "to": HANDSET, "text": text} for number, text in enumerate(CUT_BADLY)
    )
    await lab.until(lambda: len(lab.of("dr", joined=True)) == len(CUT_BADLY))
    assert shown(network) == Counter(CUT_BADLY)
    assert all(message.segments > 1 for message in network.handsets.messages)


async def test_two_workers_never_use_one_reference_for_two_messages(
    make_lab: MakeLab, network: Network
) -> None:
    lab = await make_lab()
    await lab.start_worker()
    bodies = mts(200, lambda mt_id: long_text(mt_id, 2), receipt="none")
    await lab.publish(bodies)
    await network.until(lambda: len(network.handsets.messages) == 200)
    assert shown(network) == texts(bodies)
    assert Counter(ref for refs in references(network).values() for ref in refs).most_common(1)[0][1] == 1


@pytest.mark.parametrize("status", [consts.ESME_RMSGQFUL, consts.ESME_RTHROTTLED])
async def test_a_segment_that_is_put_off_comes_alone_and_under_the_same_reference(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc], status: int
) -> None:
    refuse = SegmentRefused(n=2, status=status, times=4)
    for smsc in smscs:
        smsc.behave(refuse)
    lab = await make_lab()
    bodies = mts(8)
    await lab.publish(bodies)
    await lab.until(lambda: len(lab.of("dr", joined=True)) == 8)
    assert shown(network) == texts(bodies)
    assert not network.handsets.twice
    assert len(network.submits) == 8 * 3 + 4
    assert all(len(found) == 1 for found in references(network).values())
    assert lab.of("mt", outcome="resent") == []


async def test_a_segment_refused_for_good_ends_the_message(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(SegmentRefused(n=2, status=consts.ESME_RINVDSTADR))
    lab = await make_lab()
    await lab.publish(mts(1))
    (event,) = await until_ended(lab, 1, "rejected")
    assert (event["status"], event["segments"]) == (consts.ESME_RINVDSTADR, 3)
    taken = {message.segment.seq: message.message_id for message in network.messages if message.segment}
    assert event["smsc_ids"] == [taken.get(number) for number in (1, 2, 3)]
    ((_, headers),) = await lab.dead_letters(1)
    assert headers["bridge-reason"] == "rejected"
    assert shown(network) == Counter()


async def test_too_many_segments_are_refused_before_the_first(make_lab: MakeLab, network: Network) -> None:
    lab = await make_lab(smpp={"max_segments": 2})
    await lab.publish(mts(1))
    (event,) = await until_ended(lab, 1, "rejected")
    assert "max_segments" in event["reason"]
    assert network.submits == []


async def test_only_the_segment_in_doubt_is_sent_again(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    silent = SegmentSilent(n=2, times=1)
    for smsc in smscs:
        smsc.behave(silent)
    lab = await make_lab(smpp={"response_timeout_seconds": 1}, route={"accepted_events": True})
    bodies = mts(4)
    await lab.publish(bodies)
    await until_ended(lab, 4)
    (resent,) = lab.of("mt", outcome="resent")
    assert resent["possible_duplicate"]
    assert [submit.segment.seq for submit in network.handsets.twice if submit.segment] == [2]
    assert shown(network) == texts(bodies)
    assert times_taken(network.messages)[resent["id"]] == 2
    assert all(len(found) == 1 for found in references(network).values())
    await lab.until(lambda: len(lab.of("dr", joined=True)) == 4)
    assert {e["mt_id"] for e in lab.of("dr", joined=True, possible_duplicate=True)} == {resent["id"]}


async def test_a_message_in_doubt_is_parked_with_what_is_known_of_it(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(SegmentSilent(n=2))
    lab = await make_lab(smpp={"response_timeout_seconds": 1}, route={"on_doubt": "park"})
    await lab.publish(mts(1))
    (event,) = await until_ended(lab, 1, "parked")
    taken = {message.segment.seq: message.message_id for message in network.messages if message.segment}
    assert event["smsc_ids"] == [taken[1], None, taken[3]]
    ((_, headers),) = await lab.dead_letters(1)
    assert headers["bridge-reason"] == "doubt"


async def test_a_bind_that_leaves_between_segments_leaves_the_rest_to_another(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(Unbind(after=2, times=1))
    lab = await make_lab(smpp={"window": 1}, route={"accepted_events": True})
    await network.until(lambda: network.binds == 2)
    bodies = mts(4, lambda mt_id: long_text(mt_id, 5))
    await lab.publish(bodies)
    await until_ended(lab, 4)
    assert shown(network) == texts(bodies)
    assert all(len(found) == 1 for found in references(network).values())
    assert not network.handsets.twice
    assert lab.of("mt", outcome="resent") == []


async def test_a_site_lost_between_segments_leaves_the_rest_to_the_other(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    for smsc in smscs:
        smsc.behave(Slow(seconds=0.1, every=1))
    lab = await make_lab(smpp={"window": 2}, route={"accepted_events": True})
    await network.until(lambda: network.binds == 2)
    bodies = mts(6, lambda mt_id: long_text(mt_id, 5))
    await lab.publish(bodies)
    await network.until(lambda: sum(message.site == "one" for message in network.messages) >= 3)
    smscs[0].kill()
    await until_ended(lab, 6)
    await lab.until(lambda: len(lab.of("dr", joined=True)) == 6)
    assert shown(network) == texts(bodies)
    assert all(len(found) == 1 for found in references(network).values())
    marked = {event["id"] for event in lab.of("mt", outcome="resent")}
    assert 0 < len(marked) <= 2, "one window"
    assert {mt_id for mt_id, times in times_taken(network.messages).items() if times > 1} <= marked


async def test_when_its_provider_is_gone_the_whole_goes_to_another_and_is_marked(
    rabbit: PrivateRabbit, redis_url: str, prefix: str, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    """And the receipts of what the first one took tell nothing of the copy that counts."""
    for smsc in smscs:
        smsc.behave(Slow(seconds=0.2, every=1))
    other = SimulatedSmsc(network=Network(receipt_delay_s=0.01), site="three", behaviours=[RefuseBind()])
    await other.start()
    file = document(
        rabbit.url, redis_url, prefix, {smsc.site: [smsc.node] for smsc in smscs}, smpp={"window": 1}
    )
    file["providers"]["q"] = {**file["providers"]["p"], "sites": {"three": {"smsc": [other.node]}}}
    file["routes"]["default"]["providers"].append("q")
    try:
        async with Lab(Settings.model_validate(file)) as lab:
            await lab.start_worker()
            await network.until(lambda: network.binds == 4)
            await lab.publish(mts(1))
            await network.until(lambda: len(network.messages) == 2)
            for smsc in smscs:
                smsc.kill()
            other.behave()
            await lab.until(lambda: bool(lab.of("dr", joined=True)))
            for smsc in smscs:
                await smsc.start()
            await network.until(lambda: not network.outbox.counts.open)
    finally:
        other.kill()
        other.network.close()
    assert shown(other.network) == Counter([three("m-0")])
    assert references(other.network)["m-0"].isdisjoint(references(network)["m-0"])
    assert "has no link up" in lab.of("mt", outcome="resent", possible_duplicate=True)[-1]["reason"]
    (dr,) = lab.of("dr", matched=True)
    assert (dr["provider"], dr["mt_id"], dr["possible_duplicate"]) == ("q", "m-0", True)
