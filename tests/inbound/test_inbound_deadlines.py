"""What did not come in time is told by whichever worker is alive, once, whatever was away in between."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bridge.broker import Publisher
from bridge.inbound import deadlines
from bridge.model.inbound import Mo, MoSegment
from bridge.model.mt import ReceiptMode
from tests.inbound import worker as worker_module
from tests.inbound.lab import Lab, ids_of, redis_proxy
from tests.inbound.messages import HANDSET, OTHER, dr, join, segments
from tests.inbound.worker import Worker

pytestmark = pytest.mark.servers

SOON_S = 0.01


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "LOOK_S", SOON_S)


# Long MOs


async def test_what_there_is_of_a_long_mo_is_published_by_whoever_is_alive(lab: Lab) -> None:
    worker, other = [await lab.worker(name, segment_wait_s=SOON_S) for name in ("w1", "w2")]
    one, _, three = segments("a", "b", "c")
    assert await worker.receives(three)
    assert await worker.receives(one, OTHER)
    lab.looks(other)
    event = await lab.event()
    assert (event.body["text"], event.body["segments"], event.body["complete"]) == ("a…c", 3, False)
    assert event.properties.message_id == event.body["event_id"]
    assert (event.body["site"], event.body["link"]) == ("two", "smsc2:2775"), "whence the newest came"
    assert await worker.receives(one), "its repeats are still known"
    assert await worker.receives(three)
    await lab.nothing_due()
    assert await lab.events() == []
    assert other.deadlines.tally == {("overdue", "mo", "p"): 1}


async def test_many_workers_that_look_tell_it_once(lab: Lab) -> None:
    workers = [await lab.worker(f"w{number}", segment_wait_s=SOON_S) for number in range(3)]
    for ref in range(20):
        assert await workers[ref % 3].receives(segments("a", "b", ref=ref)[0])
    await workers[0].submitted("s1", overdue_ms=1)
    for worker in workers:
        lab.looks(worker)
    events = [await lab.event() for _ in range(21)]
    assert len(ids_of(events)) == 21
    await lab.nothing_due()
    assert await lab.events() == []


async def test_more_than_are_settled_at_once_are_settled_without_a_pause(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "AT_ONCE", 2)
    monkeypatch.setattr(deadlines, "LOOK_S", 3600)
    worker = await lab.worker(segment_wait_s=0)
    for ref in range(5):
        assert await worker.receives(segments("a", "b", ref=ref)[0])
    lab.looks(worker)
    assert len(ids_of([await lab.event() for _ in range(5)])) == 5


async def test_it_is_told_by_the_next_worker_when_one_dies_over_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the same event id: whether it was published is not known."""
    monkeypatch.setattr(deadlines, "LEASE_MS", 1)
    worker, other = [await lab.worker(name, segment_wait_s=SOON_S) for name in ("w1", "w2")]
    assert await worker.receives(segments("a", "b")[0])
    await worker.submitted("s1", overdue_ms=1)
    worker.outbox_gate.holds = True
    lab.looks(worker)
    for _ in range(2):
        await worker.outbox_gate.held()  # and dies
    first = [await lab.event() for _ in range(2)]
    lab.looks(other)
    second = [await lab.event() for _ in range(2)]
    assert ids_of(first) == ids_of(second)


async def test_a_complete_one_that_nobody_published_is_published(lab: Lab) -> None:
    """The provider was never answered and, in a hurry, never sends the last segment again."""
    worker, other = await lab.worker("w1"), await lab.worker("w2")
    one, two = segments("a", "b")
    assert await worker.receives(one)
    worker.gate.loses = True
    assert not await worker.receives(two)
    first = await lab.event()
    lab.looks(other)
    second = await lab.event()
    assert second.body["event_id"] == first.body["event_id"]
    assert (second.body["text"], second.body["complete"]) == ("ab", True)
    await lab.nothing_due()
    assert await other.receives(two)
    assert await lab.events() == []


async def test_what_comes_while_it_is_told_is_refused(lab: Lab, worker: Worker) -> None:
    """Also by the worker that tells it: nothing is published beside."""
    one, two = segments("a", "b")
    assert await worker.receives(one)
    worker.gate.loses = True
    assert not await worker.receives(two)
    worker.gate.loses = False
    worker.outbox_gate.holds = True
    lab.looks(worker)
    confirmed = await worker.outbox_gate.held()
    assert not await worker.receives(two)
    confirmed()
    await lab.nothing_due()
    assert await worker.receives(two)
    assert len(await lab.events()) == 2


async def test_what_nobody_can_read_of_it_stops_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = await lab.worker(segment_wait_s=SOON_S)
    with monkeypatch.context() as patched:
        patched.setattr("bridge.inbound.parts.Part.dump", lambda _: b"nobody's")
        assert await worker.receives(segments("lost", "b", ref=1)[0])
    assert await worker.receives(segments("a", "b", ref=2)[0])
    lab.looks(worker)
    assert (await lab.event()).body["text"] == "a…"
    await lab.nothing_due()


async def test_what_cannot_be_joined_stops_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(parts: Sequence[MoSegment]) -> Mo:
        if parts[0].concat.ref == 1:
            raise LookupError("a mistake")
        return join(parts)

    monkeypatch.setattr(worker_module, "join", fails)
    worker = await lab.worker(segment_wait_s=SOON_S)
    for ref in (1, 2):
        assert await worker.receives(segments("a", "b", ref=ref)[0])
    lab.looks(worker)
    assert (await lab.event()).body["text"] == "a…"
    assert await worker.receives(segments("c", "d", ref=3)[0])
    assert (await lab.event()).body["text"] == "c…"


async def test_of_a_provider_that_this_worker_does_not_have_it_is_left_to_others(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "LEASE_MS", 1)
    stranger = await lab.worker("w1", segment_wait_s=SOON_S, providers=("q",))
    worker = await lab.worker("w2", segment_wait_s=SOON_S)
    assert await worker.receives(segments("a", "b")[0])
    await worker.submitted("s1", overdue_ms=1)
    lab.looks(stranger)
    assert (await lab.event()).body["mt_id"] == "m-1", "its receipts need nothing of the provider"
    assert await lab.events() == []
    lab.looks(worker)
    assert (await lab.event()).body["text"] == "a…"


# Receipts


@pytest.mark.parametrize(
    ("states", "known"), [([], None), (["enroute"], "enroute"), (["enroute", "accepted"], "accepted")]
)
async def test_the_receipt_of_an_mt_that_never_came(
    lab: Lab, worker: Worker, states: list[str], known: str | None
) -> None:
    """And who comes after all ends it: another event, not stale."""
    other = await lab.worker("w2")
    fields: dict[str, Any] = {"app_id": "shop", "metadata": {"order": 7}, "possible_duplicate": True}
    await worker.submitted("s1", to=f"+{HANDSET}", overdue_ms=1, **fields)
    for state in states:
        assert await worker.receives(dr("s1", state=state, final=False))
    lab.looks(other)
    event = await lab.event()
    assert event.key == f"dr.p.{known or 'unknown'}"
    told = {"mt_id": "m-1", "smsc_id": "s1", "state": known, "final": False, "joined": True, "matched": True}
    assert {name: event.body[name] for name in told} == told
    assert {name: event.body[name] for name in fields} == fields
    assert (event.body["from"], event.body["provider"]) == (f"+{HANDSET}", "p")
    assert event.properties.message_id == event.body["event_id"]
    await lab.nothing_due()
    assert await worker.receives(dr("s1"))
    (late,) = await lab.events()
    assert (late.body["state"], late.body["stale"], late.body["joined"]) == ("delivered", False, True)
    assert late.body["event_id"] != event.body["event_id"]


@pytest.mark.parametrize("mode", ["final", "all"])
@pytest.mark.parametrize(("came", "known"), [(0, None), (1, "enroute"), (2, "enroute")])
async def test_the_receipts_of_a_long_mt_that_did_not_all_come(
    lab: Lab, worker: Worker, mode: ReceiptMode, came: int, known: str | None
) -> None:
    other = await lab.worker("w2")
    ids = ("s1", "s2", "s3")
    await worker.submitted_long(*ids, overdue_ms=1, receipt=mode)
    for smsc_id in ids[:came]:
        assert await worker.receives(dr(smsc_id))
    before = await lab.events()
    assert len(before) == (came if mode == "all" else 0)
    lab.looks(other)
    event = await lab.event()
    told = {"mt_id": "m-1", "state": known, "final": False, "joined": True, "segment": None}
    assert {name: event.body[name] for name in told} == told
    await lab.nothing_due()
    for smsc_id in ids[came:]:
        assert await worker.receives(dr(smsc_id))
    joined = [event for event in await lab.events() if event.body["joined"]]
    assert [(event.body["state"], event.body["final"]) for event in joined] == [("delivered", True)]
    assert joined[0].body["event_id"] != event.body["event_id"]


async def test_an_mt_that_ended_in_time_is_not_overdue(lab: Lab, worker: Worker) -> None:
    await worker.submitted("s1", overdue_ms=1)
    await worker.submitted_long("s2", "s3", mt_id="m-2", overdue_ms=1)
    await worker.submitted_long("s4", "s5", mt_id="m-3", overdue_ms=1)
    await worker.submitted("s6", "m-4", overdue_ms=0)
    for receipt in (dr("s1"), dr("s2"), dr("s3"), dr("s5", state="expired")):
        assert await worker.receives(receipt)
    assert len(await lab.events()) == 3
    assert await lab.due() == []


async def test_an_mt_whose_receipt_went_out_unmatched_is_not_overdue(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    assert await worker.receives(dr("s1"))
    await worker.submitted("s1", overdue_ms=1)
    assert [event.body["matched"] for event in [await lab.event() for _ in range(2)]] == [False, True]
    assert await lab.due() == []


async def test_an_mt_whose_receipt_came_back_from_its_wait_is_not_overdue(lab: Lab, worker: Worker) -> None:
    assert await worker.receives(dr("s1"))
    await worker.submitted("s1", overdue_ms=1)
    lab.takes(worker)
    assert (await lab.event()).body["joined"]
    await lab.settled()
    assert await lab.due() == []


# Outages


async def test_it_goes_on_when_redis_is_back(lab: Lab) -> None:
    proxy, url = await redis_proxy(lab.redis_url)
    async with proxy:
        worker = await lab.worker(segment_wait_s=SOON_S, redis_url=url)
        assert await worker.receives(segments("a", "b")[0])
        await worker.submitted("s1", overdue_ms=1)
        await proxy.cut()
        lab.looks(worker)
        assert not await worker.receives(dr("s1"))
        assert await lab.events() == []
        await proxy.heal()
        kinds = {(await lab.event()).properties.type for _ in range(2)}
        assert kinds == {"mo", "dr"}


async def test_it_goes_on_when_rabbitmq_is_back(lab: Lab) -> None:
    worker = await lab.worker(segment_wait_s=SOON_S)
    connected, worker.outbox_gate.publisher = worker.outbox_gate.publisher, Publisher()
    assert await worker.receives(segments("a", "b")[0])
    await worker.submitted("s1", overdue_ms=1)
    lab.looks(worker)
    async with asyncio.timeout(10):
        while worker.deadlines.tally.total() < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    worker.outbox_gate.publisher = connected
    kinds = {(await lab.event()).properties.type for _ in range(2)}
    assert kinds == {"mo", "dr"}
    assert await lab.events() == [], "once"
