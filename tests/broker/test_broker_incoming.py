"""The short way for frames: what is told, in which order, and what is left to the library, however reads cut them."""

import asyncio
import math
from dataclasses import dataclass, field

import pytest
from aiormq import spec
from hypothesis import given
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.frame import marshal
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from bridge.broker.contents import delivered, properties
from bridge.broker.incoming import FRAMES_AT_ONCE, Incoming

HEARD, DEAF = 1, 2
NEVER_S = math.inf


@dataclass
class Told:
    contents: list[tuple[int, str | None, bytes]] = field(default_factory=list)
    confirms: list[tuple[int, bool, bool]] = field(default_factory=list)

    def content(self, arguments: bytes, octets: bytes, body: bytes) -> None:
        self.contents.append((delivered(arguments).tag, properties(octets).message_id, body))

    def confirm(self, tag: int, multiple: bool, took: bool) -> None:
        self.confirms.append((tag, multiple, took))


def content(channel: int, tag: int, parts: list[bytes]) -> list[bytes]:
    """The frames of a delivery."""
    named = spec.Basic.Properties(message_id=f"m{tag}")
    return [
        marshal(spec.Basic.Deliver("c", tag, False, "e", "k"), channel),
        marshal(ContentHeader(body_size=sum(map(len, parts)), properties=named), channel),
        *(marshal(ContentBody(part), channel) for part in parts),
    ]


def others(channel: int) -> list[bytes]:
    """Frames that are the library's, one after another."""
    return [
        marshal(spec.Basic.ConsumeOk("c"), channel),
        marshal(spec.Channel.CloseOk(), channel),
        marshal(ContentHeader(body_size=3), channel),
        marshal(Heartbeat(), 0),
    ]


async def left(stream: Incoming) -> bytes:
    """What the library reads until the end."""
    stream.feed_eof()
    return await stream.read()


@given(
    st.lists(
        st.tuples(st.sampled_from((HEARD, DEAF)), st.lists(st.binary(min_size=1, max_size=20), max_size=3)),
        max_size=FRAMES_AT_ONCE,
    ),
    st.lists(st.integers(1, 60), min_size=1, max_size=20),
    st.booleans(),
)
async def test_each_frame_reaches_one_reader_whole_and_in_order(
    pieces: list[tuple[int, list[bytes]]], cuts: list[int], turns: bool
) -> None:
    told, stream = Told(), Incoming(NEVER_S)
    stream.hear(HEARD, told.content, told.confirm)
    octets, contents, confirms, rest = b"", [], [], b""
    for tag, (channel, parts) in enumerate(pieces, 1):
        mine = content(channel, tag, parts)
        acks = [marshal(spec.Basic.Ack(tag, multiple=True), channel), marshal(spec.Basic.Nack(tag), channel)]
        strange = others(channel)
        octets += b"".join((*mine, *acks, *strange))
        if channel == HEARD:
            contents.append((tag, f"m{tag}", b"".join(parts)))
            confirms += [(tag, True, True), (tag, False, False)]
            rest += b"".join(strange)
        else:
            rest += b"".join((*mine, *acks, *strange))
    at = turn = 0
    while at < len(octets):
        stream.feed_data(octets[at : at + cuts[turn % len(cuts)]])
        at += cuts[turn % len(cuts)]
        turn += 1
        if turns:
            await asyncio.sleep(0)
    assert await left(stream) == rest
    assert (told.contents, told.confirms) == (contents, confirms)


async def test_confirmations_are_told_only_where_somebody_waits_for_them() -> None:
    told, stream = Told(), Incoming(NEVER_S)
    stream.hear(HEARD, told.content)
    ack = marshal(spec.Basic.Ack(3), HEARD)
    stream.feed_data(ack)
    assert await left(stream) == ack


async def test_a_channel_that_is_forgotten_is_the_librarys_again() -> None:
    told, stream = Told(), Incoming(NEVER_S)
    stream.hear(HEARD, told.content)
    stream.forget(HEARD)
    stream.forget(DEAF)
    octets = b"".join(content(HEARD, 1, [b"x"]))
    stream.feed_data(octets)
    assert await left(stream) == octets
    assert not told.contents


@pytest.mark.parametrize(
    "octets",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"AMQP\x00\x00\x09\x01", b"\x01\x00\x01\x00\x00\x00\x01abcdef"],
)
async def test_what_is_no_frame_is_left_to_the_library_with_all_that_follows(octets: bytes) -> None:
    told, stream = Told(), Incoming(NEVER_S)
    stream.hear(HEARD, told.content)
    frames = b"".join(content(HEARD, 1, [b"x"]))
    stream.feed_data(frames)
    stream.feed_data(octets)
    stream.feed_data(frames)
    assert await left(stream) == octets + frames
    assert len(told.contents) == 1


async def test_a_frame_that_breaks_off_is_left_to_the_library() -> None:
    told, stream = Told(), Incoming(NEVER_S)
    stream.hear(HEARD, told.content)
    octets = marshal(spec.Basic.ConsumeOk("c"), DEAF)
    stream.feed_data(octets[:-1])
    assert await left(stream) == octets[:-1]
    stream.feed_eof()  # as a transport says it: once for the other side, and once for both


async def test_who_fails_costs_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    stream, told = Incoming(NEVER_S), Told()

    def fail(arguments: bytes, octets: bytes, body: bytes) -> None:
        told.content(arguments, octets, body)
        raise RuntimeError("on purpose")

    stream.hear(HEARD, fail)
    stream.feed_data(b"".join(content(HEARD, 1, []) + content(HEARD, 2, [b"x"])))
    assert len(told.contents) == 2
    assert "frame.handover_failed" in capsys.readouterr().out
    assert await left(stream) == b""


async def test_many_frames_at_once_leave_the_loop_its_turns() -> None:
    told, stream = Told(), Incoming(NEVER_S)
    stream.hear(HEARD, told.content, told.confirm)
    stream.feed_data(marshal(spec.Basic.Ack(1), HEARD) * 10 * FRAMES_AT_ONCE)
    for turn in range(1, 11):
        assert len(told.confirms) == turn * FRAMES_AT_ONCE
        await asyncio.sleep(0)
    assert await left(stream) == b""


async def test_the_library_hears_that_the_connection_lives() -> None:
    told, stream = Told(), Incoming(alive_every_s=0)
    stream.hear(HEARD, told.content, told.confirm)
    stream.feed_data(marshal(spec.Basic.Ack(1), HEARD))
    assert await left(stream) == marshal(Heartbeat(), 0)
