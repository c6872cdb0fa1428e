"""The demo's traffic: repeatable, valid, different in every text, at the rate asked for, and in the ledger."""

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import islice
from random import Random
from typing import Any

from bridge.broker.message import Confirmation, Outgoing
from bridge.broker.publisher import Publisher
from bridge.model.mt import Mt
from bridge.model.names import Names
from bridge.outbound.body import read_mt
from bridge.proof.audit import Ledger
from bridge.proof.load import Phones, Producers, mt_named_in, samples
from bridge.simulator.writing import Keypad, Manner

SEED = 7
NAMES = Names("t")


def test_the_same_seed_gives_the_same_traffic() -> None:
    one, same, other = (list(islice(samples(Random(seed)), 200)) for seed in (SEED, SEED, SEED + 1))
    assert one == same
    assert one != other


def test_every_mt_is_valid_and_no_two_texts_are_alike() -> None:
    stream = list(islice(samples(Random(SEED)), 2000))
    assert len({sample.id for sample in stream}) == len({sample.body["text"] for sample in stream}) == 2000
    for sample in stream:
        message = sample.message(NAMES, 0.0)
        assert message.message_id == sample.id
        mt = read_mt(message.body, message.message_id, 10_000)
        assert isinstance(mt, Mt), mt


def segments_of(text: str) -> list[str]:
    """As a phone would cut it."""
    written = Keypad().write(text, source="1", destination="2", manner=Manner(), reference=1)
    if len(written) == 1:
        return [text]
    octets = [(pdu.short_message[6:], pdu.data_coding) for _, pdu in written]
    return [piece.decode("utf-16-be" if coding == 8 else "ascii") for piece, coding in octets]


def test_some_are_long_and_each_segment_names_its_mt() -> None:
    stream = list(islice(samples(Random(SEED)), 2000))
    lengths = Counter(len(segments_of(sample.body["text"])) for sample in stream)
    assert lengths.keys() == {1, 2, 3}
    assert lengths[1] > 1500
    for sample in stream:
        pieces = segments_of(sample.body["text"])
        if len(pieces) > 1:
            assert {mt_named_in(piece) for piece in pieces} == {sample.id}


def test_a_number_that_is_cut_names_nobody() -> None:
    assert mt_named_in("your order #12") is None
    assert mt_named_in("34. Thanks for order 7!") is None


def test_traffic_is_mixed() -> None:
    stream = list(islice(samples(Random(SEED)), 2000))
    lanes = Counter(sample.lane for sample in stream)
    assert lanes["bulk"] > 5 * lanes["interactive"] > 0
    assert {sample.message(NAMES, 0.0).routing_key for sample in stream} == {
        "mt.default",
        "mt.default.interactive",
    }
    assert {sample.times for sample in stream} == {1, 2}
    assert {"metadata" in sample.body for sample in stream} == {True, False}


class Broker:
    """RabbitMQ as far as a publisher sees it: answers each message with the next of these."""

    def __init__(self, *answers: Confirmation) -> None:
        self.published: list[Outgoing] = []
        self._answers = answers

    def send(self, message: Outgoing, done: Callable[[Confirmation], None]) -> Callable[[], object]:
        answer = self._answers[len(self.published) % len(self._answers)]
        self.published.append(message)
        asyncio.get_running_loop().call_soon(done, answer)
        return lambda: None


async def test_producers_publish_at_the_rate_and_note_what_was_confirmed() -> None:
    publisher, broker, ledger = Publisher(), Broker(Confirmation.CONFIRMED), Ledger()
    publisher.attach(broker)
    producers = Producers(publisher, NAMES, ledger, Random(SEED))
    await producers.run(rate=400, seconds=0.25)
    assert len(broker.published) == 100 + producers.twice
    assert producers.twice > 0
    assert len(producers.mt_by_text) == ledger.audit().published == 100
    publisher.detach()


async def test_what_was_refused_is_not_published_and_what_is_unknown_may_be() -> None:
    publisher, ledger = Publisher(), Ledger()
    publisher.attach(Broker(Confirmation.REFUSED, Confirmation.UNKNOWN))
    producers = Producers(publisher, NAMES, ledger, Random(SEED))
    await producers.run(rate=100, seconds=0.02)
    ledger.taken("demo-2", "a", "link", receipt=False)
    assert len(producers.mt_by_text) == 2
    assert ledger.audit().published == 0
    assert ledger.audit().passed, "demo-2 may have been published, so that it may be taken"
    publisher.detach()


async def test_phones_write_and_what_they_write_is_owed() -> None:
    written: list[dict[str, Any]] = []

    async def send(what: str, **details: Any) -> None:
        assert what == "mo"
        written.append(details)

    ledger = Ledger()
    await Phones(send, ledger, Random(SEED)).run(rate=400, seconds=0.1)
    texts = {one["text"] for one in written}
    assert len(texts) == len(written) == 40
    long = [one for one in written if len(one["text"]) > 160]
    assert {one["header"] for one in long} == {"udh8", "udh16", "sar"}
    assert {len(segments_of(one["text"])) for one in long} == {2}, "as many as the orders name"
    (complaint,) = ledger.audit().complaints
    assert complaint.about == texts
