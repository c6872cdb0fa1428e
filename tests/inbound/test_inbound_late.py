"""Receipts that meet their MT late: an id used again, an answer after the receipt, several ids (contract 7.3, 7.4)."""

import asyncio

import pytest

from tests.inbound.lab import Lab
from tests.inbound.messages import dr
from tests.inbound.worker import Worker

pytestmark = pytest.mark.servers

SOMEBODY = "447700900999"


async def test_an_early_receipt_of_a_later_use_is_told_once(lab: Lab, worker: Worker) -> None:
    await worker.submitted("s1", "m-1", SOMEBODY)
    assert await worker.receives(dr("s1"))
    lab.takes(worker)
    await worker.submitted("s1", "m-2")
    assert (await lab.event()).body["mt_id"] == "m-2"
    await lab.settled()
    assert await worker.receives(dr("s1"))
    assert await lab.events() == [], "the provider's repeat comes out again, under '<id>-1'"


async def test_a_receipt_matched_late_to_a_later_use_is_told_once_more_only(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    await worker.submitted("s1", "m-1", SOMEBODY)
    assert await worker.receives(dr("s1"))
    await worker.submitted("s1", "m-2")
    assert [event.body["matched"] for event in await lab.events()] == [False, True]
    assert await worker.receives(dr("s1"))
    assert await lab.events() == []


async def test_the_event_of_a_late_answer_is_the_joined_one(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    assert await worker.receives(dr("s1"))
    await worker.submitted("s1")
    unmatched, matched = await lab.event(), await lab.event()
    assert (unmatched.body["joined"], matched.body["final"], matched.body["joined"]) == (False, True, True)


async def test_of_two_final_receipts_the_second_is_stale_after_a_late_answer(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    assert await worker.receives(dr("s1"))
    assert await worker.receives(dr("s1", state="expired"))
    await lab.events()
    await worker.submitted("s1", receipt="all")
    told = [(event.body["state"], event.body["stale"]) for event in await lab.events()]
    assert told == [("delivered", False), ("expired", True)]


async def test_a_late_answer_by_the_second_id_of_a_receipt(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    assert await worker.receives(dr("tlv-id", "text-id"))
    await lab.event()
    await worker.submitted("text-id")
    async with asyncio.timeout(3):
        assert (await lab.event()).body["matched"]
