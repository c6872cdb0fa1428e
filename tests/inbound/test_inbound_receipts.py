"""Receipts: which MT they mean, who is told, and what becomes of those whose MT is not known, or known later."""

import time
from typing import Any

import pytest

from bridge.inbound.early import EarlyReceipt
from bridge.model.mt import ReceiptMode
from tests.inbound.lab import Lab, ids_of
from tests.inbound.messages import HANDSET, OTHER, dr
from tests.inbound.worker import Worker

pytestmark = pytest.mark.servers

SOMEBODY = "447700900999"


async def test_a_receipt_is_published_with_its_mt(lab: Lab, worker: Worker) -> None:
    """Through whichever bind it comes."""
    fields: dict[str, Any] = {"app_id": "shop", "conversation_id": "c-9", "metadata": {"order": [7]}}
    await worker.submitted("s1", possible_duplicate=True, **fields)
    assert await worker.receives(dr("s1"), OTHER)
    (event,) = await lab.events()
    assert event.key == "dr.p.delivered"
    assert event.properties.correlation_id == event.body["mt_id"] == "m-1"
    assert event.properties.message_id == event.body["event_id"]
    assert {name: event.body[name] for name in fields} == fields
    flags = ("matched", "joined", "stale", "final", "possible_duplicate")
    assert [event.body[name] for name in flags] == [True, True, False, True, True]
    assert (event.body["site"], event.body["link"]) == ("two", "smsc2:2775")
    assert (event.body["from"], event.body["to"]) == (HANDSET, "12345")


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("none", []),
        ("final", [("delivered", False, True)]),
        (
            "all",
            [
                ("enroute", False, False),
                ("delivered", False, True),
                ("expired", True, False),
                ("enroute", True, False),
            ],
        ),
    ],
)
async def test_who_asked_for_which_receipts(
    lab: Lab, worker: Worker, mode: ReceiptMode, told: list[tuple[str, bool, bool]]
) -> None:
    """All are answered OK, and their repeats too; no repeat is told."""
    other = await lab.worker("w2")
    await worker.submitted("s1", receipt=mode)
    receipts = [
        dr("s1", state="enroute"),
        dr("s1"),
        dr("s1", state="expired"),
        dr("s1", state="enroute", error="9"),
    ]
    for receipt in receipts:
        assert await worker.receives(receipt)
    for receipt in receipts:
        assert await other.receives(receipt)
    events = await lab.events()
    assert [(e.body["state"], e.body["stale"], e.body["joined"]) for e in events] == told


async def test_repeats_join_while_the_first_is_worked_on(lab: Lab, worker: Worker) -> None:
    await worker.submitted("s1")
    worker.gate.holds = True
    replies = [worker.offer(dr("s1")), worker.offer(dr("s1"), OTHER)]
    (await worker.gate.held())()
    assert [await reply.safe() for reply in replies] == [True, True]
    assert len(await lab.events()) == 1


async def test_an_id_used_again_means_the_newest_mt_whose_address_fits(lab: Lab, worker: Worker) -> None:
    await worker.submitted("s1", "m-1")
    await worker.submitted("s1", "m-2", SOMEBODY)
    assert await worker.receives(dr("s1"))
    assert await worker.receives(dr("s1", from_=f"+{SOMEBODY}"))
    await worker.submitted("s1", "m-3")
    assert await worker.receives(dr("s1")), "the same receipt, word for word, of the next MT"
    assert await worker.receives(dr("s1")), "which has its own repeats"
    events = await lab.events()
    assert [event.body["mt_id"] for event in events] == ["m-1", "m-2", "m-3"]
    assert len(ids_of(events)) == 3
    assert not any(event.body["stale"] for event in events)


async def test_a_refused_receipt_of_a_later_use_comes_under_the_same_id(lab: Lab, worker: Worker) -> None:
    other = await lab.worker("w2")
    await worker.submitted("s1", "m-1")
    await worker.submitted("s1", "m-2")
    worker.gate.loses = True
    assert not await worker.receives(dr("s1"))
    assert await other.receives(dr("s1"))
    first, second = await lab.events()
    assert first.body["event_id"] == second.body["event_id"]
    assert first.body["mt_id"] == second.body["mt_id"] == "m-2"


async def test_a_refused_final_receipt_has_ended_its_mt_for_it_may_have_gone_out(
    lab: Lab, worker: Worker
) -> None:
    await worker.submitted("s1")
    worker.gate.loses = True
    assert not await worker.receives(dr("s1"))
    worker.gate.loses = False
    assert await worker.receives(dr("s1", state="expired"))
    assert await worker.receives(dr("s1"))
    assert [event.body["state"] for event in await lab.events()] == ["delivered", "delivered"]


async def test_a_receipt_without_an_id_goes_out_at_once(lab: Lab, worker: Worker) -> None:
    assert await worker.receives(dr())
    assert await worker.receives(dr())
    (event,) = await lab.events()
    assert (event.body["matched"], event.body["smsc_id"], event.body["mt_id"]) == (False, None, None)
    assert event.properties.correlation_id is None
    assert worker.receiver.tally["unmatched", "dr", "p"] == 1


# Receipts whose MT is not known yet


async def test_a_receipt_that_came_early_is_safe_while_it_waits(lab: Lab, worker: Worker) -> None:
    other = await lab.worker("w2")
    wait_queue = await lab.watch(lab.names.wait(1))
    before = time.time()
    assert await worker.receives(dr("s1"))
    await worker.submitted("s1")
    for one in (worker, other):
        assert await one.receives(dr("s1")), "its repeats are safe, too"
    assert await lab.events() == []
    letter = await wait_queue.get()
    waiting = EarlyReceipt.load(letter.body)
    assert letter.message_id == waiting.event_id
    assert letter.routing_key == "early.p"
    assert waiting.dr == dr("s1")
    assert before <= waiting.since <= time.time()
    assert worker.receiver.tally["early", "dr", "p"] == 1


async def test_a_receipt_that_came_early_is_matched_when_it_comes_back(lab: Lab, worker: Worker) -> None:
    """All the way: through the wait queue, to another worker, by another bind than the answer's."""
    other = await lab.worker("w2")
    assert await worker.receives(dr("s1"), OTHER)
    lab.takes(other)
    await worker.submitted("s1")
    event = await lab.event()
    assert (event.body["mt_id"], event.body["matched"], event.body["joined"]) == ("m-1", True, True)
    assert (event.body["link"], event.body["site"]) == (OTHER.name, OTHER.site)
    await lab.settled()
    assert await worker.receives(dr("s1"))
    assert await lab.events() == []
    assert other.early.tally["matched_early", "dr", "p"] == 1


async def test_a_receipt_of_nobody_goes_out_unmatched_when_its_time_is_over(lab: Lab) -> None:
    """All the way; and when the answer comes at last, once more with its MT."""
    worker = await lab.worker(early_wait_s=0.9)
    lab.takes(worker)
    assert await worker.receives(dr("s1"))
    unmatched = await lab.event()
    assert (unmatched.body["matched"], unmatched.body["smsc_id"]) == (False, "s1")
    await lab.settled()
    await worker.submitted("s1", "m-7", metadata={"k": "é"})
    matched = await lab.event()
    assert (matched.body["matched"], matched.body["mt_id"]) == (True, "m-7")
    assert matched.body["metadata"] == {"k": "é"}
    assert matched.body["event_id"] == unmatched.body["event_id"] == matched.properties.message_id
    assert worker.early.tally["unmatched", "dr", "p"] == 1
    assert worker.receiver.tally["matched_late", "dr", "p"] == 1


async def test_what_the_wait_queue_refused_is_refused_and_comes_under_the_same_id(
    lab: Lab, worker: Worker
) -> None:
    wait = lab.names.wait(1)
    await lab.amqp(lambda channel: channel.queue_unbind(wait, wait))
    assert not await worker.receives(dr("s1"))
    (refused,) = (await lab.claims()).values()
    await lab.amqp(lambda channel: channel.queue_bind(wait, wait))
    wait_queue = await lab.watch(wait)
    other = await lab.worker("w2")
    assert await other.receives(dr("s1"))
    letter = await wait_queue.get()
    assert refused.split(b"|")[3].decode() == letter.message_id == EarlyReceipt.load(letter.body).event_id


async def test_what_may_wait_already_comes_out_once_however_often_it_was_put_there(
    lab: Lab, worker: Worker
) -> None:
    wait_queue = await lab.watch(lab.names.wait(1))
    worker.gate.loses = True
    assert not await worker.receives(dr("s1"))
    worker.gate.loses = False
    assert await worker.receives(dr("s1"))
    letters = [await wait_queue.get() for _ in range(2)]
    assert letters[0].message_id == letters[1].message_id
    await worker.submitted("s1")
    lab.takes(worker)
    for letter in letters:
        await lab.comes_back(EarlyReceipt.load(letter.body))
    await lab.settled(2)
    assert len(ids_of(await lab.events())) == 1


# Without any wait: late answers in both orders


async def test_an_answer_after_its_receipt_went_out(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    for receipt in (dr("s1"), dr("s1", from_=SOMEBODY)):
        assert await worker.receives(receipt)
    unmatched = await lab.events()
    assert [event.body["matched"] for event in unmatched] == [False, False]
    await worker.submitted("s1")
    event = await lab.event()
    assert (event.body["event_id"], event.body["matched"]) == (unmatched[0].body["event_id"], True)
    await worker.submitted("s1", "m-2", SOMEBODY)
    event = await lab.event()
    assert (event.body["event_id"], event.body["mt_id"]) == (unmatched[1].body["event_id"], "m-2")
    assert await lab.events() == [], "each once, each to its own"


@pytest.mark.parametrize(("state", "stale"), [("delivered", True), ("enroute", False)])
async def test_what_went_out_has_ended_its_mt_if_it_was_final(lab: Lab, state: str, stale: bool) -> None:
    worker = await lab.worker(early_wait_s=0)
    assert await worker.receives(dr("s1", state=state))
    await worker.submitted("s1", receipt="all")
    assert await worker.receives(dr("s1", state="expired"))
    *_, event = await lab.events()
    assert (event.body["state"], event.body["stale"]) == ("expired", stale)


async def test_an_answer_while_its_receipt_goes_out(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    worker.gate.holds = True
    reply = worker.offer(dr("s1"))
    confirmed = await worker.gate.held()
    await worker.submitted("s1")
    assert len(first := await lab.events()) == 1
    confirmed()
    assert await reply.safe()
    second = await lab.event()
    assert [first[0].body["matched"], second.body["matched"]] == [False, True]
    assert first[0].body["event_id"] == second.body["event_id"]
    assert (second.body["mt_id"], second.properties.correlation_id) == ("m-1", "m-1")
    assert await worker.receives(dr("s1"))
    assert await lab.events() == []


async def test_what_is_told_again_is_told_until_rabbitmq_has_it(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    assert await worker.receives(dr("s1"))
    await lab.events()
    worker.outbox_gate.holds = worker.outbox_gate.loses = True
    await worker.submitted("s1")
    lost = await worker.outbox_gate.held()
    worker.outbox_gate.holds = worker.outbox_gate.loses = False
    lost()
    first, again = await lab.event(), await lab.event()
    assert first.body["event_id"] == again.body["event_id"]
    assert again.body["mt_id"] == "m-1"
