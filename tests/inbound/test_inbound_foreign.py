"""Receipts back from their wait that anybody may have put there, and a Redis that is silent."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.broker.message import Delivery, Outgoing, Properties
from bridge.inbound.early import EarlyReceipt, EarlyReceipts
from bridge.inbound.relations import Relations
from bridge.model.events import Origin
from bridge.model.inbound import Dr
from bridge.model.names import Names
from bridge.store.receipts import ReceiptClaim

NAMES = Names("b")
DR = Dr(
    ids=("17", "23"),
    state="delivered",
    final=True,
    error="000",
    network_error=None,
    submitted_at="2026-01-01",
    done_at=None,
    to="12345",
    from_="447700900123",
    text="hello",
    identity=b"\x00\xff",
    raw={"esm_class": 4},
)
RECEIPT = EarlyReceipt(DR, Origin("p", "s", "smpp", "l"), b"k" * 16, "dr-1", 1.0)


class Channel:
    """Where a delivery is settled."""

    def __init__(self) -> None:
        self.alive = True
        self.settled: list[str] = []

    def is_open(self, tag: int) -> bool:
        return tag == 1 and not self.settled

    def ack(self, tag: int) -> None:
        self.settled.append(f"ack {tag}")

    def requeue(self, tag: int) -> None:
        self.settled.append(f"requeue {tag}")

    def deliver(self, body: bytes) -> Delivery:
        return Delivery(self, 1, body, "b.retry", "early.p", False, Properties())


class Receipts:
    """Redis that knows no MT, or does not answer."""

    def __init__(self, *, silent: bool = False) -> None:
        self.asked = 0
        self._silent = silent

    def lookup(self, *asked: Any) -> None:
        _key, question, done = asked
        self.asked += 1
        words = (question.provider, *question.ids, *question.guesses, *question.addresses)
        assert all(isinstance(word, str) for word in words)
        done(None if self._silent else ReceiptClaim("waiting", ""))

    def unmatched(self, *told: Any) -> None:
        told[-1](None)


class Outbox:
    """Confirms at once."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    def send(self, message: Outgoing, then: Callable[[], None]) -> None:
        self.sent.append(message)
        then()


def early(receipts: Receipts, outbox: Outbox) -> EarlyReceipts:
    relations = Relations({})
    return EarlyReceipts(
        NAMES,
        receipts,  # type: ignore[arg-type]
        outbox,  # type: ignore[arg-type]
        relations=relations,
        resolve=lambda _found, _origin, then: then(),
        early_wait_s=120,
    )


def test_what_is_written_can_be_read() -> None:
    assert EarlyReceipt.load(RECEIPT.dump()) == RECEIPT


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.text(max_size=3),
    st.lists(st.one_of(st.integers(0, 3), st.text(max_size=2)), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(0, 3), max_size=2),
)


def _places(body: Mapping[str, Any]) -> list[tuple[str, ...]]:
    inner = [(part, name) for part in ("dr", "origin") for name in body[part]]
    return [*[(name,) for name in body], *inner]


@given(st.sampled_from(_places(orjson.loads(RECEIPT.dump()))), VALUES)
async def test_a_foreign_body_ends_in_the_dead_queue_and_raises_nothing(
    place: tuple[str, ...], value: object
) -> None:
    body = orjson.loads(RECEIPT.dump())
    part = body if len(place) == 1 else body[place[0]]
    part[place[-1]] = value
    channel, outbox = Channel(), Outbox()
    early(Receipts(), outbox).take(channel.deliver(orjson.dumps(body)))
    assert channel.settled == ["ack 1"]
    assert len(outbox.sent) == 1


@pytest.mark.parametrize("alive", [True, False])
async def test_redis_is_asked_again_only_for_a_delivery_that_can_still_be_settled(
    alive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.inbound.early.ASK_AGAIN_S", 0.0)
    channel, receipts = Channel(), Receipts(silent=True)
    channel.alive = alive
    waiting = early(receipts, Outbox())
    waiting.take(channel.deliver(RECEIPT.dump()))
    channel.alive = False
    for _ in range(10):
        await asyncio.sleep(0)
    assert receipts.asked == 1 + alive
