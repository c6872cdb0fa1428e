"""Long MOs, joined: whichever bind, site and worker brings which segment, in any order, once."""

from collections import Counter
from random import Random

import pytest

from bridge.proof.servers import PrivateRedis
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from bridge.simulator.writing import HEADERS, Header, Manner
from bridge.smpp.consts import ESME_RMSGQFUL
from tests.system.conftest import MakeCrew, MakeLab
from tests.system.phones import long_text

SMILES = "я" * 66 + "😀" + "я" * 65 + "😀" + "ещё"
"""A naive phone that puts 67 characters into a segment cuts through both surrogate pairs."""
EUROS = "x" * 152 + "€" + "x" * 151 + "[" + "y" * 40
"""And one that puts 153 septets into it through both escapes."""


def phone(number: int) -> str:
    """A number of its own."""
    return f"4477009{number:05}"


@pytest.mark.parametrize("header", HEADERS)
async def test_segments_come_by_all_binds_in_any_order_some_twice_and_make_whole_texts(
    make_lab: MakeLab, network: Network, header: Header
) -> None:
    """All phones use the same reference."""
    lab = await make_lab()
    await lab.start_worker()
    await network.until(lambda: network.binds == 4)
    texts = {phone(i): f"{i} {long_text(f'mo-{i}', 2 + i % 4, ucs2=i % 3 == 0)}" for i in range(40)}
    texts |= {phone(50): SMILES, phone(51): EUROS, phone(52): "short"}
    chance = Random(header)
    segments = [
        (source, number) for source, text in texts.items() for number in range(1, count(text, header) + 1)
    ]
    segments += chance.sample(segments, len(segments) // 3)
    chance.shuffle(segments)
    for source, number in segments:
        order = (number,) if count(texts[source], header) > 1 else ()
        network.send_mo(
            texts[source],
            source=source,
            manner=Manner(header=header, naive=True, order=order, reference=7),
        )
    await lab.until(lambda: len(lab.by_kind["mo"]) >= len(texts))
    await network.until(lambda: not network.outbox.counts.open)
    events = lab.by_kind["mo"]
    assert {event["from"]: event["text"] for event in events} == texts
    assert len(events) == len({event["event_id"] for event in events}) == len(texts)
    assert {event["from"]: event["segments"] for event in events} == {
        source: count(text, header) for source, text in texts.items()
    }
    assert {event["complete"] for event in events} == {True}
    refused = {delivery.status for delivery in network.deliveries} - {0}
    assert refused <= {ESME_RMSGQFUL}, "only what met its whole at another worker"
    assert len({delivery.bind for delivery in network.deliveries}) == 4


def count(text: str, header: Header) -> int:
    """How many segments a phone makes of it."""
    gsm = not set(text) & set("я😀")
    units = len(text) + text.count("€") + text.count("[") if gsm else len(text.encode("utf-16-be")) // 2
    whole, room = (160, 153) if gsm else (70, 67)
    return 1 if units <= whole else -(-units // (room - (header == "udh16")))


async def test_what_never_becomes_whole_comes_out_at_the_deadline_though_its_worker_is_dead(
    make_crew: MakeCrew, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    crew, app = await make_crew(1, inbound={"segment_wait_seconds": 2})
    text = long_text("mo-1", 4)
    sent = network.send_mo(text, manner=Manner(order=(4, 1, 2)))
    await network.until(lambda: all(parcel.done == 0 for parcel in sent))
    await crew.commands[0].kill()
    await crew.workers(2)
    await app.until(lambda: bool(app.of("mo")))
    (event,) = app.of("mo")
    assert (event["complete"], event["segments"]) == (False, 4)
    assert event["text"] == text[: 2 * 153] + text[3 * 153 :]
    late = network.send_mo("a whole one", source=phone(1))
    await network.until(lambda: late[0].done == 0)
    await app.until(lambda: len(app.of("mo")) == 2)
    assert Counter(event["complete"] for event in app.of("mo")) == {True: 1, False: 1}
    await crew.dismiss()


async def test_no_segment_is_answered_while_redis_is_away(
    make_crew: MakeCrew, network: Network, redis_server: PrivateRedis
) -> None:
    crew, app = await make_crew(2)
    text = long_text("mo-1", 2)
    (first,) = network.send_mo(text, manner=Manner(order=(1,), reference=1))
    await network.until(lambda: first.done == 0)
    redis_server.kill()
    try:
        for worker in crew.commands:
            await worker.says("store.down")
        (last,) = network.send_mo(text, manner=Manner(order=(2,), reference=1))
        await network.until(lambda: last.times_sent >= 3)
        assert last.done is None
    finally:
        await redis_server.start()
    await app.until(lambda: bool(app.of("mo")))
    assert [(event["text"], event["complete"]) for event in app.of("mo")] == [(text, True)]
    await network.until(lambda: last.done == 0)
    await crew.dismiss()
