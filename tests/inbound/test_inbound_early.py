"""Receipts back from their wait: matched, waiting again, given up; and what is no receipt at all."""

import time
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inbound import early
from bridge.inbound.early import EarlyReceipt, early_message
from bridge.model.events import Origin
from bridge.model.inbound import Dr, DrState
from bridge.model.mt import ReceiptMode
from bridge.model.names import Names
from tests.inbound.lab import Lab, redis_proxy
from tests.inbound.messages import dr, early_receipt
from tests.inbound.worker import Worker

pytestmark = pytest.mark.servers

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
RAW = st.dictionaries(
    TEXT,
    st.integers(0, 255) | TEXT | st.dictionaries(TEXT, TEXT, max_size=2),
    max_size=3,
)
DR = st.builds(
    Dr,
    ids=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
    state=st.none() | st.sampled_from(get_args(DrState)),
    final=st.booleans(),
    error=st.none() | TEXT,
    network_error=st.none() | TEXT,
    submitted_at=st.none() | TEXT,
    done_at=st.none() | TEXT,
    to=TEXT,
    from_=TEXT,
    text=st.none() | TEXT,
    identity=st.binary(max_size=40),
    raw=RAW,
)
ORIGIN = st.builds(Origin, TEXT, TEXT, st.sampled_from(["smpp", "http"]), TEXT)
RECEIPT = st.builds(EarlyReceipt, DR, ORIGIN, st.binary(max_size=16), TEXT, st.floats(0, 4e9))


@given(RECEIPT)
def test_a_receipt_is_the_same_after_its_wait(receipt: EarlyReceipt) -> None:
    assert EarlyReceipt.load(receipt.dump()) == receipt


@given(RECEIPT)
def test_how_it_is_published(receipt: EarlyReceipt) -> None:
    message = early_message(receipt, Names("b"), 5)
    assert (message.exchange, message.routing_key) == ("b.wait.5", f"early.{receipt.origin.provider}")
    assert (message.message_id, message.type, message.mandatory) == (receipt.event_id, "early", True)
    assert message.body == receipt.dump()


GOOD: dict[str, Any] = orjson.loads(early_receipt(dr("s1"), 1.0).dump())
UNREADABLE = [
    b"",
    b"{",
    b"\xff",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"{}",
    *(orjson.dumps({name: value for name, value in GOOD.items() if name != missing}) for missing in GOOD),
    *(orjson.dumps(GOOD | {name: None}) for name in GOOD if name != "event_id"),
    orjson.dumps(GOOD | {"key": "xyz"}),
    orjson.dumps(GOOD | {"since": "today"}),
    orjson.dumps(GOOD | {"origin": {"elsewhere": 1}}),
    orjson.dumps(GOOD | {"dr": {"identity": "00", "ids": []}}),
    orjson.dumps(GOOD | {"dr": GOOD["dr"] | {"identity": "0"}}),
    orjson.dumps(GOOD | {"dr": GOOD["dr"] | {"ids": None}}),
    orjson.dumps(GOOD | {"dr": GOOD["dr"] | {"more": 1}}),
    orjson.dumps(GOOD | {"dr": [1]}),
]


@pytest.mark.parametrize("octets", UNREADABLE)
def test_a_body_that_is_no_waiting_receipt(octets: bytes) -> None:
    with pytest.raises(ValueError):
        EarlyReceipt.load(octets)


@given(st.binary() | st.recursive(st.none() | st.integers(0, 9) | TEXT, st.lists).map(orjson.dumps))
def test_any_other_body_is_said_to_be_none(octets: bytes) -> None:
    with pytest.raises(ValueError):
        EarlyReceipt.load(octets)


async def test_what_is_no_waiting_receipt_goes_to_the_dead(lab: Lab, worker: Worker) -> None:
    """And does not stop the next."""
    lab.takes(worker)
    dead = await lab.watch(lab.names.dead)
    await lab.publish(lab.names.retry, "early.p", b'{"dr": 1}', "strange")
    await worker.submitted("s1")
    await lab.comes_back(early_receipt(dr("s1"), time.time()))
    assert (await lab.event()).body["mt_id"] == "m-1"
    letter = await dead.get()
    assert (letter.body, letter.message_id, letter.routing_key) == (b'{"dr": 1}', "strange", "early.p")
    assert letter.headers["bridge-reason"] == "invalid"
    assert "not a waiting receipt" in letter.headers["bridge-detail"]
    assert letter.headers["bridge-at"].endswith("Z")
    await lab.settled(2)


async def test_it_is_matched_when_its_mt_is_known_by_now(lab: Lab, worker: Worker) -> None:
    lab.takes(worker)
    await worker.submitted("s1", app_id="shop")
    receipt = early_receipt(dr("s1"), time.time())
    await lab.comes_back(receipt)
    event = await lab.event()
    assert (event.body["event_id"], event.properties.message_id) == (receipt.event_id, receipt.event_id)
    assert (event.body["mt_id"], event.body["app_id"], event.body["matched"]) == ("m-1", "shop", True)
    await lab.settled()
    assert await worker.receives(dr("s1")), "it is committed"
    await lab.comes_back(receipt)
    await lab.settled(2)
    assert await lab.events() == [], "and a second copy of it is nothing"
    assert worker.early.tally == {("matched_early", "dr", "p"): 1}


@pytest.mark.parametrize(("mode", "told"), [("none", []), ("final", []), ("all", ["enroute"])])
async def test_it_is_told_only_to_who_asked(
    lab: Lab, worker: Worker, mode: ReceiptMode, told: list[str]
) -> None:
    lab.takes(worker)
    await worker.submitted("s1", receipt=mode)
    await lab.comes_back(early_receipt(dr("s1", state="enroute"), time.time()))
    await lab.settled()
    assert [event.body["state"] for event in await lab.events()] == told
    assert await worker.receives(dr("s1", state="enroute"))
    assert await lab.events() == []


async def test_it_is_stale_when_another_has_ended_its_mt(lab: Lab, worker: Worker) -> None:
    await worker.submitted("s1", receipt="all")
    assert await worker.receives(dr("s1"))
    lab.takes(worker)
    await lab.comes_back(early_receipt(dr("s1", state="expired"), time.time()))
    await lab.settled()
    assert [(e.body["state"], e.body["stale"]) for e in await lab.events()] == [
        ("delivered", False),
        ("expired", True),
    ]


@pytest.mark.parametrize(("waited_s", "rung_s"), [(0, 1), (10, 5), (60, 30)])
async def test_it_waits_again_while_there_is_time(
    lab: Lab, worker: Worker, waited_s: float, rung_s: int
) -> None:
    lab.takes(worker)
    wait_queue = await lab.watch(lab.names.wait(rung_s))
    receipt = early_receipt(dr("s1"), time.time() - waited_s)
    await lab.comes_back(receipt)
    letter = await wait_queue.get()
    assert EarlyReceipt.load(letter.body) == receipt, "since the same instant"
    assert letter.message_id == receipt.event_id
    await lab.settled()
    assert await lab.events() == []


async def test_its_mt_appears_while_it_goes_out_unmatched(lab: Lab, worker: Worker) -> None:
    lab.takes(worker)
    worker.outbox_gate.holds = True
    receipt = early_receipt(dr("s1"), time.time() - 3600)
    await lab.comes_back(receipt)
    confirmed = await worker.outbox_gate.held()
    await worker.submitted("s1")
    worker.outbox_gate.holds = False
    confirmed()
    first, second = await lab.event(), await lab.event()
    assert [first.body["matched"], second.body["matched"]] == [False, True]
    assert first.body["event_id"] == second.body["event_id"] == receipt.event_id
    assert second.body["mt_id"] == "m-1"
    await lab.settled()


async def test_its_mt_appears_after_it_went_out_unmatched(lab: Lab, worker: Worker) -> None:
    lab.takes(worker)
    receipt = early_receipt(dr("s1"), time.time() - 3600)
    await lab.comes_back(receipt)
    assert (await lab.event()).body["matched"] is False
    await lab.settled()
    await worker.submitted("s1", "m-2", "447700900999")
    assert await lab.events() == [], "it does not speak of another phone"
    await worker.submitted("s1", receipt="all")
    event = await lab.event()
    assert (event.body["matched"], event.body["event_id"]) == (True, receipt.event_id)
    assert await worker.receives(dr("s1", state="expired"))
    assert (await lab.event()).body["stale"], "it has ended its MT"


async def test_without_redis_it_is_asked_for_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early, "ASK_AGAIN_S", 0.02)
    proxy, url = await redis_proxy(lab.redis_url)
    async with proxy:
        worker = await lab.worker(redis_url=url)
        await worker.submitted("s1")
        await proxy.cut()
        assert not await worker.receives(dr("s1"))
        lab.takes(worker)
        await lab.comes_back(early_receipt(dr("s1"), time.time()))
        assert await lab.events() == []
        await proxy.heal()
        assert (await lab.event()).body["mt_id"] == "m-1"
        await lab.settled()
