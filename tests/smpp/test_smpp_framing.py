"""Streams become PDUs whatever way they are cut, and broken ones say so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.smpp.consts import MAX_PDU_OCTETS
from bridge.smpp.framing import Frame, Framer, build_pdu

WORDS = st.integers(0, 0xFFFFFFFF)
FRAMES = st.lists(st.builds(Frame, WORDS, WORDS, WORDS, st.binary(max_size=40)), max_size=5)


def as_octets(frames: list[Frame]) -> bytes:
    return b"".join(build_pdu(*frame) for frame in frames)


def test_the_header_is_four_big_endian_words() -> None:
    assert build_pdu(4, 0x58, 7, b"ab") == bytes.fromhex("00000012 00000004 00000058 00000007 6162")


@given(frames=FRAMES, tail=st.binary(max_size=3), data=st.data())
def test_any_cutting_gives_the_same_frames(frames: list[Frame], tail: bytes, data: st.DataObject) -> None:
    stream = as_octets(frames) + tail
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    framer = Framer()
    found: list[Frame] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += framer.feed(stream[start:end])
    assert found == frames
    assert framer.broken is None


def test_octet_by_octet() -> None:
    frames = [Frame(5, 0, 1, b"x" * 30), Frame(0x15, 0, 2, b"")]
    framer = Framer()
    found = [frame for octet in as_octets(frames) for frame in framer.feed(bytes((octet,)))]
    assert found == frames


@pytest.mark.parametrize("length", [0, 15, MAX_PDU_OCTETS + 1, 0xFFFFFFFF])
def test_an_impossible_length_breaks_the_stream(length: int) -> None:
    framer = Framer()
    before = Frame(0x15, 0, 1, b"")
    assert framer.feed(build_pdu(*before) + length.to_bytes(4, "big")) == [before]
    assert framer.broken == f"command_length {length}"
    assert framer.feed(build_pdu(*before)) == []


@pytest.mark.parametrize("length", [16, MAX_PDU_OCTETS])
def test_the_extremes_of_length_are_taken(length: int) -> None:
    (frame,) = Framer().feed(build_pdu(0x99, 0, 1, bytes(length - 16)))
    assert len(frame.body) == length - 16


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n", b"\r\n\r\n"])
def test_another_protocol_is_noticed(greeting: bytes) -> None:
    framer = Framer()
    framer.feed(greeting)
    assert framer.broken is not None
