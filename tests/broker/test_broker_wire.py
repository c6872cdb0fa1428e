"""Both ways onto a channel, on a real node: the fast one is used, and the library's own does the same."""

import asyncio
from typing import Any

import pytest

from bridge.broker.message import Confirmation, Outgoing, Properties
from bridge.broker.session import Session, Urls
from bridge.broker.wire import FrameWire, LibraryWire, wire_on

pytestmark = pytest.mark.servers

Wire = FrameWire | LibraryWire


async def outcomes_of(wire: Wire, *messages: Outgoing) -> list[Confirmation]:
    loop = asyncio.get_running_loop()
    outcomes: list[asyncio.Future[Confirmation]] = [loop.create_future() for _ in messages]
    for message, outcome in zip(messages, outcomes, strict=True):
        wire.send(message, outcome.set_result)
    async with asyncio.timeout(30):
        return await asyncio.gather(*outcomes)


async def session_of(lab: Any) -> Session:
    await lab.start()  # which declares
    return await Urls([lab.rabbit.url]).connect("test")


async def wire_of(session: Session, kind: type[Wire]) -> Wire:
    if kind is FrameWire:
        return await wire_on(session)
    return LibraryWire(await session.channel(confirms=True))


async def test_the_library_is_as_we_know_it(lab: Any) -> None:
    session = await session_of(lab)
    assert isinstance(await wire_on(session), FrameWire)
    await session.close()


@pytest.mark.parametrize("lacks", ["transports", "a channel's queue"])
async def test_another_library_is_used_as_it_wants(
    lab: Any, lacks: str, monkeypatch: pytest.MonkeyPatch, inbox: Any
) -> None:
    if lacks == "transports":
        monkeypatch.setattr("bridge.broker.session.takes_transports", lambda: False)
    else:
        monkeypatch.setattr("bridge.broker.session.is_known", lambda _channel: False)
    monkeypatch.delattr(FrameWire, "__init__")  # what it would look for may be missing, too
    broker = await lab.start()
    broker.subscribe(lab.queue, 10, inbox)
    session = await session_of(lab)
    assert isinstance(await wire_on(session), LibraryWire)
    message = lab.message(message_id="m", headers={"mine": 1}, timestamp=1_800_000_000, type="mt")
    assert await lab.publish(broker, message) == [Confirmation.CONFIRMED]
    delivery = await inbox.get()
    assert (delivery.exchange, delivery.routing_key, delivery.redelivered) == (lab.names.mt, "mt.r", False)
    assert delivery.properties == Properties(
        content_type="application/json",
        message_id="m",
        headers={"mine": 1},
        timestamp=1_800_000_000,
        type="mt",
    )
    delivery.ack()
    await session.close()


@pytest.mark.parametrize("kind", [FrameWire, LibraryWire])
async def test_each_message_is_answered_once_for_itself(lab: Any, kind: type[Wire]) -> None:
    session = await session_of(lab)
    wire = await wire_of(session, kind)
    taken, lost = lab.message(message_id="a"), lab.message("nobody", exchange=lab.names.unrouted)
    unwritable, silent = lab.message(headers={"bad": object()}), lab.message("nobody", exchange="amq.topic")
    silent.mandatory = False
    messages = [taken, lost, unwritable, silent, *(lab.message(message_id=f"{n}") for n in range(700))]
    confirmed, refused = Confirmation.CONFIRMED, Confirmation.REFUSED
    expected = [confirmed, refused, refused, confirmed, *[confirmed] * 700]
    assert await outcomes_of(wire, *messages) == expected
    assert await lab.depth(lab.queue) == 701
    await session.close()


@pytest.mark.parametrize("kind", [FrameWire, LibraryWire])
async def test_what_is_in_flight_at_the_end_is_unknown(lab: Any, kind: type[Wire]) -> None:
    session = await session_of(lab)
    wire = await wire_of(session, kind)
    told: list[Confirmation] = []
    for number in range(50):
        wire.send(lab.message(message_id=f"{number}"), told.append)
    await wire.close()
    assert told == [Confirmation.UNKNOWN] * 50
    await session.close()


async def test_what_is_given_up_before_it_is_written_is_not_written(lab: Any) -> None:
    session = await session_of(lab)
    wire = await wire_on(session)
    told: list[Confirmation] = []
    wire.send(lab.message(message_id="no"), told.append)()
    assert await outcomes_of(wire, lab.message(message_id="yes")) == [Confirmation.CONFIRMED]
    assert told == [Confirmation.UNKNOWN]
    assert await lab.depth(lab.queue) == 1
    await session.close()
