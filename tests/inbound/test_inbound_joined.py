"""The receipts of long MTs over two workers: one final event for each MT, whatever order, repeats and crashes."""

from itertools import permutations, product

import pytest

from bridge.model.mt import ReceiptMode
from bridge.store import receipts as store_receipts
from tests.inbound.lab import Heard, Lab, ids_of
from tests.inbound.messages import HANDSET, OTHER, dr
from tests.inbound.worker import Worker

pytestmark = pytest.mark.servers

IDS = ("s1", "s2", "s3")


@pytest.fixture
async def other(lab: Lab) -> Worker:
    return await lab.worker("w2")


def of_mt(events: list[Heard]) -> list[tuple[str, bool]]:
    return [(event.body["state"], event.body["joined"]) for event in events]


def of_segments(events: list[Heard]) -> list[tuple[str, int | None]]:
    """State and segment; None for the joined one."""
    numbers = [event.body["segment"] and event.body["segment"]["n"] for event in events]
    return [(event.body["state"], number) for event, number in zip(events, numbers, strict=True)]


@pytest.mark.parametrize("order", list(permutations(IDS)))
async def test_all_delivered_is_delivered(
    lab: Lab, worker: Worker, other: Worker, order: tuple[str, ...]
) -> None:
    await worker.submitted_long(*IDS, app_id="shop", metadata={"order": 7})
    for smsc_id, receiver in zip(order, (worker, other, worker), strict=True):
        assert await lab.events() == []
        assert await receiver.receives(dr(smsc_id), OTHER)
    (event,) = await lab.events()
    assert event.key == "dr.p.delivered"
    assert event.properties.correlation_id == event.body["mt_id"] == "m-1"
    assert event.properties.message_id == event.body["event_id"]
    told = {"joined": True, "final": True, "segment": None, "matched": True, "stale": False, "app_id": "shop"}
    assert {name: event.body[name] for name in told} == told
    assert (event.body["smsc_id"], event.body["site"]) == (order[-1], "two"), "of the one that decided"
    for smsc_id, receiver in product(IDS, (worker, other)):
        assert await receiver.receives(dr(smsc_id)), "repeats"
    assert await lab.events() == []


async def test_the_first_failure_is_the_messages(lab: Lab, worker: Worker, other: Worker) -> None:
    await worker.submitted_long(*IDS)
    assert await worker.receives(dr("s3"))
    assert await other.receives(dr("s1", state="undeliverable", error="0B"))
    assert await worker.receives(dr("s2", state="expired"))
    (event,) = await lab.events()
    told = {"state": "undeliverable", "error": "0B", "smsc_id": "s1", "joined": True, "final": True}
    assert {name: event.body[name] for name in told} == told


async def test_a_segment_that_was_only_accepted_is_the_weakest(lab: Lab, worker: Worker) -> None:
    """Where the provider's receipts end there."""
    await worker.submitted_long(*IDS)
    assert await worker.receives(dr("s1", state="accepted", final=True))
    assert await worker.receives(dr("s2"))
    assert await worker.receives(dr("s3"))
    assert of_mt(await lab.events()) == [("accepted", True)]


async def test_what_is_not_final_or_stale_ends_nothing(lab: Lab, worker: Worker) -> None:
    await worker.submitted_long("s1", "s2")
    assert await worker.receives(dr("s1"))
    assert await worker.receives(dr("s1", state="undeliverable")), "a final state is never undone"
    assert await worker.receives(dr("s2", state="enroute"))
    assert await lab.events() == []
    assert await worker.receives(dr("s2"))
    assert await worker.receives(dr("s2", state="enroute", error="7"))
    assert of_mt(await lab.events()) == [("delivered", True)]


async def test_who_asked_for_all_gets_every_one_and_the_joined_one(
    lab: Lab, worker: Worker, other: Worker
) -> None:
    await worker.submitted_long("s1", "s2", receipt="all")
    for receipt in (
        dr("s2", state="enroute"),
        dr("s2"),
        dr("s1", state="enroute"),
        dr("s1"),
        dr("s2", state="expired"),
    ):
        assert await worker.receives(receipt)
        assert await other.receives(receipt)
    events = await lab.events()
    assert of_segments(events) == [
        ("enroute", 2),
        ("delivered", 2),
        ("enroute", 1),
        ("delivered", 1),
        ("delivered", None),
        ("expired", 2),
    ]
    assert [event.body["joined"] for event in events] == [False] * 4 + [True, False]
    assert [event.body["stale"] for event in events] == [False] * 5 + [True]
    assert all(event.body["segment"]["of"] == 2 for event in events if not event.body["joined"])
    assert len(ids_of(events)) == 6


async def test_who_asked_for_none_gets_none(lab: Lab, worker: Worker) -> None:
    await worker.submitted_long("s1", "s2", receipt="none")
    for smsc_id in ("s1", "s2"):
        assert await worker.receives(dr(smsc_id))
    assert await lab.events() == []


@pytest.mark.parametrize("mode", ["final", "all"])
async def test_what_a_dead_worker_left_is_told_under_the_same_ids(
    lab: Lab,
    worker: Worker,
    other: Worker,
    mode: ReceiptMode,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It died after the events went out and before they were committed."""
    await worker.submitted_long("s1", "s2", receipt=mode)
    assert await worker.receives(dr("s1"))
    await lab.events()
    worker.gate.holds = True
    monkeypatch.setattr(store_receipts, "LEASE_MS", 0)
    worker.offer(dr("s2"))
    await worker.gate.held()  # and dies
    first = await lab.events()
    assert len(first) == (2 if mode == "all" else 1)
    assert await other.receives(dr("s2"))
    second = await lab.events()
    assert ids_of(second) == ids_of(first)
    assert of_mt(second) == of_mt(first)
    assert await lab.due() == []


@pytest.mark.parametrize("mode", ["final", "all"])
async def test_both_events_are_confirmed_before_it_is_answered(
    lab: Lab, worker: Worker, mode: ReceiptMode
) -> None:
    await worker.submitted_long("s1", "s2", receipt=mode)
    assert await worker.receives(dr("s1"))
    worker.gate.holds = True
    reply = worker.offer(dr("s2"))
    for _ in range(2 if mode == "all" else 1):
        assert reply.told == []
        (await worker.gate.held())()
    assert await reply.safe()


async def test_a_refused_receipt_has_ended_its_mt_for_it_may_have_gone_out(lab: Lab, worker: Worker) -> None:
    await worker.submitted_long("s1", "s2")
    worker.gate.loses = True
    assert not await worker.receives(dr("s1", state="expired"))
    worker.gate.loses = False
    assert of_mt(await lab.events()) == [("expired", True)]
    assert await worker.receives(dr("s2", state="rejected"))
    assert await worker.receives(dr("s1", state="expired"))
    assert of_mt(await lab.events()) == [("expired", True)], "once more, under the same id"


@pytest.mark.parametrize("lost", [(True, False), (False, True)])
async def test_one_of_two_events_lost_is_refused(lab: Lab, worker: Worker, lost: tuple[bool, bool]) -> None:
    await worker.submitted_long("s1", "s2", receipt="all")
    assert await worker.receives(dr("s1"))
    await lab.events()
    worker.gate.holds = True
    reply = worker.offer(dr("s2"))
    for one in lost:
        (await worker.gate.held())(one)
    assert not await reply.safe()
    worker.gate.holds = False
    first = await lab.events()
    assert await worker.receives(dr("s2"))
    assert ids_of(first) == ids_of(await lab.events())


async def test_two_long_mts_are_not_mixed(lab: Lab, worker: Worker) -> None:
    await worker.submitted_long("a1", "a2", mt_id="a")
    await worker.submitted_long("b1", "b2", mt_id="b")
    for smsc_id in ("a1", "b2", "b1"):
        assert await worker.receives(dr(smsc_id))
    events = await lab.events()
    assert [event.body["mt_id"] for event in events] == ["b"]
    assert await worker.receives(dr("a2"))
    assert [event.body["mt_id"] for event in await lab.events()] == ["a"]


async def test_a_receipt_of_one_segment_before_the_answers_of_the_others(lab: Lab, worker: Worker) -> None:
    await worker.submitted_long("s1", "", "")
    assert await worker.receives(dr("s1"))
    assert await lab.events() == []
    await worker.submitted_long("", "s2", "s3")
    for smsc_id in ("s2", "s3"):
        assert await worker.receives(dr(smsc_id))
    assert of_mt(await lab.events()) == [("delivered", True)]


# Extra copies


@pytest.mark.parametrize(("mode", "told"), [("final", []), ("all", [("delivered", False)]), ("none", [])])
@pytest.mark.parametrize("before", [False, True])
async def test_the_receipt_of_an_extra_copy_ends_nothing(
    lab: Lab, worker: Worker, mode: ReceiptMode, told: list[tuple[str, bool]], before: bool
) -> None:
    """An MT that was sent again in doubt, and answered twice: the first answer counts."""
    await worker.submitted("s1", receipt=mode)
    await worker.submitted("s2", receipt=mode)
    counts = [("expired", True)] if mode != "none" else []
    if not before:
        assert await worker.receives(dr("s1", state="expired"))
        assert of_mt(await lab.events()) == counts
    assert await worker.receives(dr("s2"))
    assert of_mt(await lab.events()) == told
    if before:
        assert await worker.receives(dr("s1", state="expired"))
        assert of_mt(await lab.events()) == counts


@pytest.mark.parametrize(("mode", "told"), [("final", []), ("all", [("delivered", 1), ("expired", 2)])])
async def test_the_copy_of_a_long_mt_that_was_given_up_ends_nothing(
    lab: Lab, worker: Worker, mode: ReceiptMode, told: list[tuple[str, int]]
) -> None:
    await worker.submitted_long("s1", "s2", receipt=mode)
    await worker.gave_up()
    assert await worker.receives(dr("s1"))
    assert await worker.receives(dr("s2", state="expired"))
    assert of_segments(await lab.events()) == told
    assert not any(event.body["joined"] for event in await lab.events())


# Receipts that meet their MT late


async def test_segments_whose_receipts_came_early(lab: Lab, worker: Worker, other: Worker) -> None:
    for smsc_id in IDS:
        assert await worker.receives(dr(smsc_id))
    await worker.submitted_long(*IDS)
    lab.takes(other)
    event = await lab.event()
    assert (event.body["state"], event.body["joined"], event.body["mt_id"]) == ("delivered", True, "m-1")
    await lab.settled(3)
    assert await lab.events() == []


@pytest.mark.parametrize("mode", ["final", "all"])
async def test_segments_whose_receipts_went_out_unmatched(lab: Lab, mode: ReceiptMode) -> None:
    """Each once more with its MT, under its own id, and the joined one."""
    worker = await lab.worker(early_wait_s=0)
    for smsc_id in ("s1", "s2"):
        assert await worker.receives(dr(smsc_id))
    unmatched = await lab.events()
    assert [event.body["matched"] for event in unmatched] == [False, False]
    await worker.submitted_long("s1", "s2", receipt=mode)
    events = [await lab.event() for _ in range(3)]
    assert await lab.events() == []
    assert sorted(of_segments(events), key=str) == sorted(
        [("delivered", 1), ("delivered", 2), ("delivered", None)], key=str
    )
    own = [event for event in events if not event.body["joined"]]
    assert ids_of(own) == ids_of(unmatched)
    assert all(event.body["mt_id"] == "m-1" and event.body["matched"] for event in events)


async def test_an_answer_while_the_receipt_that_ends_it_goes_out(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    await worker.submitted_long("s1", "")
    assert await worker.receives(dr("s1"))
    worker.gate.holds = True
    reply = worker.offer(dr("s2"))
    confirmed = await worker.gate.held()
    await worker.submitted_long("", "s2", overdue_ms=1)
    assert of_segments(await lab.events()) == [("delivered", None)], "unmatched"
    worker.gate.holds = False
    confirmed()
    assert await reply.safe()
    assert of_segments(await lab.events()) == [("delivered", 2), ("delivered", None)]
    assert await lab.due() == []


async def test_one_that_was_matched_late_has_ended_its_mt(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    assert await worker.receives(dr("s1", state="expired", from_=f"+{HANDSET}"))
    await lab.events()
    await worker.submitted_long("s1", "s2")
    assert of_segments([await lab.event(), await lab.event()]) == [("expired", 1), ("expired", None)]
    assert await worker.receives(dr("s2"))
    assert await lab.events() == []
