"""Receipts of MTs in doubt: matched by a name no answer has told, they show that the provider has it (contract 7.3)."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.broker.outbox import Outbox
from bridge.model.events import Origin
from bridge.model.ids import digest
from bridge.model.inbound import Dr
from bridge.model.mt import Mt, ReceiptMode
from bridge.outbound.expectations import Expectations
from bridge.outbound.flight import Flight
from bridge.outbound.record import load
from bridge.outbound.recorder import Recorder
from bridge.outbound.tell import outcome_id
from bridge.store.correlation import Correlation
from tests.inbound.lab import Heard, Lab, ids_of
from tests.inbound.messages import HANDSET, Link, dr, early_receipt
from tests.inbound.worker import LIMIT_S, Worker, asked
from tests.outbound.papers import paper

pytestmark = pytest.mark.servers

SITE = Link("h.example/receiver", site="bos", via="http")


def told(*ids: str, **fields: Any) -> Dr:
    """A receipt over HTTP: it names no number."""
    receipt = dr(*ids, **fields)
    said = (receipt.state or "", receipt.error or "")
    return replace(receipt, from_=None, to=None, submitted_at=None, identity=digest(*ids, *said), raw={})


async def in_doubt(worker: Worker, unanswered: str = "r", **fields: Any) -> Correlation:
    """An MT without an answer, which its provider would call n1."""
    entry = Correlation(mt_id="m-1", provider="p", smsc_id="n1", to=HANDSET, unanswered=unanswered, **fields)
    await asked(worker.store.claims.expected, "m-1", entry)
    return entry


class Resolver:
    """Who is told of such receipts; it says when all is safe only when told to."""

    def __init__(self, worker: Worker) -> None:
        self.calls: list[tuple[Correlation, Origin]] = []
        self._then: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        worker.receiver._resolve = worker.early._resolve = self

    def __call__(self, found: Correlation, origin: Origin, then: Callable[[], None]) -> None:
        self.calls.append((found, origin))
        self._then.put_nowait(then)

    async def called(self) -> Callable[[], None]:
        """What it was given to call, as soon as it was."""
        async with asyncio.timeout(LIMIT_S):
            return await self._then.get()


def outbound(lab: Lab, worker: Worker) -> Expectations:
    """The worker with the half that sends, as far as it looks after such MTs."""
    outbox = Outbox(worker.outbox_gate)
    recorder = Recorder(worker.store.claims, worker.receiver.matched_late, 3600.0)
    made = Expectations(lab.names, outbox, recorder)
    worker.receiver._resolve = worker.early._resolve = made.resolve
    return made


def flight(*, doubt: bool = False, receipt: ReceiptMode = "all") -> Flight:
    mt = Mt(id="m-1", to=HANDSET, text="t", receipt=receipt, metadata={"order": 7})
    made = Flight(mt, "r", "bulk", paper(), "m-1", "w:1")
    made.names = (("p", "n1"),)
    made.doubt = doubt
    return made


async def claimed(worker: Worker) -> str:
    """What whoever would send it is told."""
    claim = await asked(worker.store.claims.claim, "m-1", "w9:9", 60_000, takeover=True)
    return f"{claim.verdict} {claim.info}"


def outcomes(events: list[Heard]) -> list[str]:
    """The outcomes and states of these, as they came."""
    return [event.body.get("outcome") or event.body["state"] for event in events]


# A receipt that speaks of an MT in doubt


async def test_its_event_goes_out_matched_and_it_is_answered_when_all_is_safe(
    lab: Lab, worker: Worker
) -> None:
    resolver = Resolver(worker)
    entry = await in_doubt(worker, app_id="shop")
    reply = worker.offer(told("n1"), SITE)
    then = await resolver.called()
    event = await lab.event()
    assert (event.body["mt_id"], event.body["matched"], event.body["joined"]) == ("m-1", True, True)
    assert (event.body["from"], event.body["to"], event.body["app_id"]) == (HANDSET, None, "shop")
    assert (event.body["via"], event.body["site"], event.body["smsc_id"]) == ("http", "bos", "n1")
    assert resolver.calls == [(entry, Origin("p", "bos", "http", SITE.name))]
    assert not reply.told, "not before it is resolved"
    then()
    assert await reply.safe()


@pytest.mark.parametrize("mode", ["none", "final", "all"])
async def test_whatever_receipts_were_asked_for_it_shows_that_the_provider_has_it(
    lab: Lab, worker: Worker, mode: ReceiptMode
) -> None:
    await in_doubt(worker, receipt=mode)
    assert await worker.receives(told("n1", state="enroute"), SITE)
    assert worker.resolved == [("m-1", "r")]
    assert outcomes(await lab.events()) == (["enroute"] if mode == "all" else [])


async def test_its_repeat_resolves_nothing_again(lab: Lab, worker: Worker) -> None:
    await in_doubt(worker)
    for _ in range(2):
        assert await worker.receives(told("n1"), SITE)
    assert len(worker.resolved) == 1
    assert len(await lab.events()) == 1


async def test_one_that_cannot_be_published_resolves_nothing_yet(lab: Lab, worker: Worker) -> None:
    await in_doubt(worker)
    worker.gate.loses = True
    assert not await worker.receives(told("n1"), SITE)
    assert not worker.resolved
    worker.gate.loses = False
    assert await worker.receives(told("n1"), SITE)
    assert worker.resolved == [("m-1", "r")]


async def test_a_worker_that_died_before_it_was_safe_is_followed_by_another(lab: Lab, worker: Worker) -> None:
    resolver = Resolver(worker)
    await in_doubt(worker)
    worker.offer(told("n1"), SITE)
    await resolver.called()
    other = await lab.worker("w2")
    assert not await other.receives(told("n1"), SITE), "the first may be at it yet"
    await lab.lapse()
    assert await other.receives(told("n1"), SITE)
    assert other.resolved == [("m-1", "r")]
    events = await lab.events()
    assert len(events) == 2
    assert len(ids_of(events)) == 1


async def test_one_that_came_too_early_resolves_when_it_comes_back(lab: Lab, worker: Worker) -> None:
    receipt = told("n1")
    assert await worker.receives(receipt, SITE)
    resolver = Resolver(worker)
    await in_doubt(worker)
    lab.takes(worker)
    then = await resolver.called()
    assert (await lab.event()).body["matched"]
    (delivery,) = lab.taken
    assert delivery.alive, "not settled before it is resolved"
    then()
    await lab.settled()
    assert await worker.receives(receipt, SITE)
    assert len(resolver.calls) == 1


async def test_so_does_one_whose_mt_appears_while_it_goes_out_unmatched(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    worker.gate.holds = True
    reply = worker.offer(told("n1"), SITE)
    confirm = await worker.gate.held()
    await in_doubt(worker)
    confirm()
    assert await reply.safe()
    assert worker.resolved == [("m-1", "r")]
    assert [event.body["matched"] for event in await lab.events()] == [False, True]


async def test_and_one_whose_wait_is_over_just_then(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=1)
    worker.outbox_gate.holds = True
    lab.takes(worker)
    receipt = early_receipt(told("n1"), time.time() - 10)
    await lab.comes_back(receipt)
    confirm = await worker.outbox_gate.held()
    await in_doubt(worker)
    worker.outbox_gate.holds = False
    confirm()
    await lab.settled()
    assert worker.resolved == [("m-1", "r")]
    assert [event.body["matched"] for event in await lab.events()] == [False, True]


# With the half that sends


async def expect(lab: Lab, worker: Worker, *, parked: bool, **of: Any) -> None:
    """Its attempt ended in doubt; all that follows from this is done."""
    made = outbound(lab, worker)
    made.expect(flight(**of), parked=parked)
    await settled(worker)


async def settled(worker: Worker) -> None:
    """What was asked of Redis until now is done."""
    await asked(worker.store.claims.amend, "nobody", "", "")


async def test_a_parked_mt_is_resolved_once_and_its_claim_finished(lab: Lab, worker: Worker) -> None:
    await asked(worker.store.claims.finish, "m-1", "w:1", "S|{}")
    await expect(lab, worker, parked=True)
    assert await worker.receives(told("n1", state="accepted", final=False), SITE)
    assert await worker.receives(told("n1"), SITE)
    events = await lab.events()
    assert outcomes(events) == ["accepted", "resolved", "delivered"]
    resolved = events[1]
    assert resolved.key == "mt.r.resolved"
    assert resolved.body["event_id"] == resolved.properties.message_id == outcome_id("m-1", "resolved")
    assert (resolved.body["id"], resolved.body["smsc_ids"], resolved.body["metadata"]) == (
        "m-1",
        ["n1"],
        {"order": 7},
    )
    assert (resolved.body["via"], resolved.body["site"]) == ("http", "bos")
    assert not any(event.body["possible_duplicate"] for event in events)
    verdict, info = (await claimed(worker)).split(" ", 1)
    assert verdict == "done"
    report = load(info).report
    assert (report.outcome, report.smsc_ids, report.origin.via) == ("accepted", ("n1",), "http")


async def test_an_mt_that_was_sent_again_is_not_sent_once_more(lab: Lab, worker: Worker) -> None:
    await asked(worker.store.claims.claim, "m-1", "w:1", 60_000)
    await expect(lab, worker, parked=False, doubt=True)
    assert await worker.receives(told("n1"), SITE)
    (event,) = await lab.events()
    assert (event.body["state"], event.body["possible_duplicate"]) == ("delivered", True)
    assert (await claimed(worker)).startswith("done H|1|n1|p|bos|")


async def test_two_receipts_at_two_workers_at_once_tell_one_event(lab: Lab) -> None:
    one, two = await lab.worker("w1"), await lab.worker("w2")
    await expect(lab, one, parked=True)
    outbound(lab, two)
    one.outbox_gate.holds = two.outbox_gate.holds = True
    replies = [
        one.offer(told("n1", state="accepted", final=False), SITE),
        two.offer(told("n1"), SITE),
    ]
    for worker in (one, two):
        (await worker.outbox_gate.held())()
    assert [await reply.safe() for reply in replies] == [True, True]
    resolved = [event for event in await lab.events() if event.key == "mt.r.resolved"]
    assert len(resolved) == 2
    assert ids_of(resolved) == {outcome_id("m-1", "resolved")}


@pytest.mark.parametrize("parked", [False, True])
async def test_receipts_that_went_out_unmatched_come_again_matched_and_resolve_it(
    lab: Lab, parked: bool
) -> None:
    worker = await lab.worker(early_wait_s=0)
    assert await worker.receives(told("n1", state="accepted", final=False), SITE)
    assert await worker.receives(told("n1"), SITE)
    before = await lab.events()
    assert [event.body["matched"] for event in before] == [False, False]
    await expect(lab, worker, parked=parked, doubt=not parked)
    after = [await lab.event() for _ in range(3 if parked else 2)]
    assert outcomes(after) == ["accepted", "delivered", *(["resolved"] if parked else [])]
    assert ids_of(after[:2]) == ids_of(before)
    assert all(event.body["matched"] and event.body["from"] == HANDSET for event in after[:2])
    assert {event.body["possible_duplicate"] for event in after} == {not parked}
    await until_done(worker)
    assert await lab.events() == [], "each once more, and not twice"
    assert await worker.receives(told("n1"), SITE), "the provider's repeat"
    assert await worker.receives(told("n1", state="expired"), SITE)
    assert outcomes(await lab.events()) == ["expired"], "and no second `resolved`"


async def until_done(worker: Worker) -> None:
    """Its claim is finished."""
    async with asyncio.timeout(LIMIT_S):
        while not (await claimed(worker)).startswith("done "):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
