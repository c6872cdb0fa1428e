"""Segments of a long MO: told apart, and joined before they are decoded."""

from dataclasses import replace
from itertools import pairwise, permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.deliver import ReadOptions, join_segments, read_inbound
from bridge.model.inbound import NO_SHIFTS, Concat, Mo, MoSegment, Ports, Shifts
from bridge.smpp.consts import (
    TLV_DESTINATION_PORT,
    TLV_MESSAGE_PAYLOAD,
    TLV_SAR_MSG_REF_NUM,
    TLV_SAR_SEGMENT_SEQNUM,
    TLV_SAR_TOTAL_SEGMENTS,
)
from bridge.smpp.pdus import DeliverSm
from bridge.text import gsm
from bridge.text.packing import pack
from bridge.text.udh import write_udh

PLAIN = ReadOptions()
PACKED = ReadOptions(default_alphabet="gsm-packed")


def pdu(short_message: bytes = b"", **fields: Any) -> DeliverSm:
    """From a phone to our short code."""
    known = {"source_addr": "447700900123", "destination_addr": "12345", "short_message": short_message}
    return DeliverSm(**(known | fields))


def sar(ref: bytes, total: bytes, seq: bytes) -> Any:
    """The three TLVs that name a segment."""
    return ((TLV_SAR_MSG_REF_NUM, ref), (TLV_SAR_TOTAL_SEGMENTS, total), (TLV_SAR_SEGMENT_SEQNUM, seq))


def read(message: DeliverSm, options: ReadOptions = PLAIN) -> MoSegment:
    """Reads what must be a segment."""
    segment = read_inbound(message, options)
    assert isinstance(segment, MoSegment)
    return segment


def segment(seq: int, octets: bytes, total: int = 2, **fields: Any) -> MoSegment:
    """One of the segments of a message from a phone."""
    known: dict[str, Any] = {
        "from_": "447700900123",
        "to": "12345",
        "concat": Concat(ref=1, total=total, seq=seq),
        "octets": octets,
        "data_coding": 0,
        "identity": bytes((seq,)),
        "raw": {"data_coding": 0, "esm_class": 0x40, "short_message": f"0500030102{seq:02}", "tlvs": {}},
    }
    return MoSegment(**(known | fields))


def test_a_segment_in_full() -> None:
    header = b"\x0e\5\4\x0b\x84\x23\xf0\0\3\7\3\2\x24\1\1"
    message = pdu(header + b"Hi", esm_class=0x40, data_coding=0xF1, tlvs=((0x1502, b"x"),))
    found = read(message)
    assert found == MoSegment(
        from_="447700900123",
        to="12345",
        concat=Concat(ref=7, total=3, seq=2),
        octets=b"Hi",
        data_coding=0xF1,
        identity=found.identity,
        shifts=Shifts(single=1),
        ports=Ports(dst=2948, src=9200),
        raw=message.raw,
    )


@pytest.mark.parametrize(
    ("message", "concat", "ports"),
    [
        (pdu(b"\5\0\3\1\2\1Hi", esm_class=0x40), Concat(ref=1, total=2, seq=1), None),
        (pdu(b"\6\x08\4\1\2\2\1Hi", esm_class=0x40), Concat(ref=0x102, total=2, seq=1), None),
        (pdu(b"Hi", tlvs=sar(b"\0\0", b"\3", b"\2")), Concat(ref=0, total=3, seq=2), None),
        (pdu(b"Hi", tlvs=sar(b"\0", b"\0\3", b"\0\2")), Concat(ref=0, total=3, seq=2), None),
        (
            pdu(b"\5\0\3\1\2\1Hi", esm_class=0x40, tlvs=sar(b"\0\7", b"\3", b"\2")),
            Concat(ref=1, total=2, seq=1),
            None,
        ),
        (
            pdu(b"\6\5\4\x0b\x84\x23\xf0Hi", esm_class=0x40, tlvs=sar(b"\0\7", b"\3", b"\2")),
            Concat(ref=7, total=3, seq=2),
            Ports(dst=2948, src=9200),
        ),
        (
            pdu(b"Hi", tlvs=(*sar(b"\0\7", b"\3", b"\2"), (TLV_DESTINATION_PORT, b"\x0b\x84"))),
            Concat(ref=7, total=3, seq=2),
            Ports(dst=2948, src=0),
        ),
        (
            pdu(esm_class=0x40, tlvs=((TLV_MESSAGE_PAYLOAD, b"\5\0\3\1\2\1Hi"),)),
            Concat(ref=1, total=2, seq=1),
            None,
        ),
    ],
)
def test_a_header_or_three_tlvs_make_a_segment(
    message: DeliverSm, concat: Concat, ports: Ports | None
) -> None:
    found = read(message)
    assert (found.octets, found.concat, found.ports) == (b"Hi", concat, ports)


@pytest.mark.parametrize(
    "message",
    [
        pdu(b"\5\0\3\1\1\1Hi", esm_class=0x40),  # the only one of its message
        pdu(b"Hi", tlvs=sar(b"\0\7", b"\1", b"\1")),
        pdu(b"\5\0\3\1\2\0Hi", esm_class=0x40),  # no such segment
        pdu(b"\5\0\3\1\2\3Hi", esm_class=0x40),
        pdu(b"\5\0\3\1\0\1Hi", esm_class=0x40),
        pdu(b"Hi", tlvs=sar(b"\0\0", b"\3", b"\2")[:2]),
        pdu(b"Hi", tlvs=sar(b"\0\0", b"\3", b"\4")),
        pdu(b"Hi", tlvs=sar(b"\0\0", b"", b"\1")),
    ],
)
def test_everything_else_is_whole(message: DeliverSm) -> None:
    mo = read_inbound(message, PLAIN)
    assert isinstance(mo, Mo)
    assert (mo.text, mo.segments, mo.complete) == ("Hi", 1, True)


def test_a_segment_is_its_whole_content() -> None:
    first = pdu(b"\5\0\3\1\2\1Hi", esm_class=0x40)
    others = [
        replace(first, short_message=b"\5\0\3\1\2\2Hi"),
        replace(first, short_message=b"\5\0\3\2\2\1Hi"),
        replace(first, short_message=b"\5\0\3\1\2\1Ho"),
        replace(first, source_addr="447700900124"),
    ]
    assert read(replace(first)).identity == read(first).identity
    assert len({read(other).identity for other in (first, *others)}) == 5


def test_joins_in_any_order_and_counts_no_segment_twice() -> None:
    three = [segment(1, b"one ", 3), segment(2, b"two ", 3), segment(3, b"three", 3)]
    joined = join_segments(three, PLAIN)
    assert joined == Mo(
        id=None,
        from_="447700900123",
        to="12345",
        text="one two three",
        data=None,
        encoding="gsm",
        identity=joined.identity,
        segments=3,
        complete=True,
        raw={**three[0].raw, "short_message": b"one two three".hex()},
    )
    for order in permutations(three):
        assert join_segments([*order, segment(2, b"again", 3)], PLAIN) == joined


@pytest.mark.parametrize(
    ("segments", "text", "encoding"),
    [
        ([segment(1, b"price 5\x1b"), segment(2, b"e only")], "price 5€ only", "gsm"),
        (
            [segment(1, b"\x04\x4f\xd8\x3d", data_coding=8), segment(2, b"\xde\x00\x04\x4f", data_coding=8)],
            "я😀я",
            "ucs2",
        ),
        ([segment(1, b"\x04\x4f\x04", data_coding=8), segment(2, b"\x4f", data_coding=8)], "яя", "ucs2"),
        (
            [segment(1, b"\x1b$BF", data_coding=10), segment(2, b"|K\\\x1b(B.", data_coding=10)],
            "日本.",
            "iso-2022-jp",
        ),
        (
            [segment(1, b"\xff\xfe\x4f", data_coding=8), segment(2, b"\x04\x4f\x04", data_coding=8)],
            "яя",
            "ucs2",
        ),
        # each written in its own way
        (
            [
                segment(1, b"\xff\xfe\x4f\x04", data_coding=8),
                segment(2, b"\xff\xfe\x50\x04", data_coding=8),
            ],
            "яѐ",
            "ucs2",
        ),
        (
            [segment(1, b"\x04\x4f", data_coding=8), segment(2, b"\xff\xfe\x50\x04", data_coding=8)],
            "яѐ",
            "ucs2",
        ),
        ([segment(1, b"5 \x1be "), segment(2, b"\x04\x4f", data_coding=8)], "5 € я", "gsm"),
        ([segment(1, b"\x1bc", shifts=Shifts(single=1)), segment(2, b"\x1be")], "ç€", "gsm"),
        ([segment(1, b""), segment(2, b"")], "", "gsm"),
        ([segment(1, b"a", data_coding=0), segment(2, b"b", data_coding=0xF1)], "ab", "gsm"),
    ],
)
def test_characters_cut_in_two_come_together(segments: list[MoSegment], text: str, encoding: str) -> None:
    mo = join_segments(segments, PLAIN)
    assert (mo.text, mo.data, mo.encoding, mo.complete) == (text, None, encoding, True)


@pytest.mark.parametrize(
    ("segments", "text", "complete"),
    [
        ([segment(1, b"one ", 3), segment(3, b"three", 3)], "one three", False),
        ([segment(2, b"two", 3)], "two", False),
        # halves that do not belong together make no character
        ([segment(1, b"5\x1b", 3), segment(3, b"e", 3)], "5e", False),
        (
            [segment(1, b"\xd8\x3d", 3, data_coding=8), segment(3, b"\xde\x00", 3, data_coding=8)],
            "\ufffd\ufffd",
            False,
        ),
        (
            [segment(1, b"\x04\x4f\x04", 3, data_coding=8), segment(3, b"\x04\x4f", 3, data_coding=8)],
            "яя",
            False,
        ),
    ],
)
def test_a_gap_is_closed_without_a_trace_but_not_complete(
    segments: list[MoSegment], text: str, complete: bool
) -> None:
    mo = join_segments(segments, PLAIN)
    assert (mo.text, mo.segments, mo.complete) == (text, 3, complete)


@pytest.mark.parametrize(
    ("segments", "data", "encoding"),
    [
        ([segment(1, b"\0\1", data_coding=4), segment(2, b"\2", data_coding=4)], b"\0\1\2", "binary"),
        ([segment(1, b"a"), segment(2, b"\2", data_coding=4)], b"a\2", "binary"),
        ([segment(1, b"\2", data_coding=9), segment(2, b"a")], b"\2a", "pictogram"),
    ],
)
def test_data_stays_data(segments: list[MoSegment], data: bytes, encoding: str) -> None:
    mo = join_segments(segments, PLAIN)
    assert (mo.text, mo.data, mo.encoding) == (None, data, encoding)


def test_what_is_joined_is_the_first_segment_s() -> None:
    ports = Ports(dst=5514, src=0)
    first = segment(
        2, b"b", 3, ports=ports, raw={"data_coding": 0, "short_message": "62", "tlvs": {"0x1502": "01"}}
    )
    mo = join_segments([segment(3, b"c", 3), first], PLAIN)
    assert mo.ports == ports
    assert mo.raw == {"data_coding": 0, "short_message": "6263", "tlvs": {"0x1502": "01"}}


def test_a_joined_mo_is_other_than_the_same_with_a_segment_less() -> None:
    both = [segment(1, b"a"), segment(2, b"b")]
    assert join_segments(both, PLAIN).identity == join_segments(both[::-1], PLAIN).identity
    assert join_segments(both, PLAIN).identity != join_segments(both[:1], PLAIN).identity


SEPTETS = st.binary(min_size=1, max_size=150).map(lambda octets: bytes(octet & 0x7F for octet in octets))
SHIFTS = st.sampled_from([NO_SHIFTS, Shifts(1, 1), Shifts(0, 2), Shifts(6, 0)])


def received(
    pieces: list[bytes], shifts: Shifts, options: ReadOptions = PLAIN, *, wide: bool = False
) -> list[MoSegment]:
    """The segments with these septets, as they are read, packed or not."""
    segments = []
    for seq, piece in enumerate(pieces, start=1):
        concat = Concat(ref=7, total=len(pieces), seq=seq)
        header = write_udh(concat=concat, wide_reference=wide, shifts=shifts)
        octets = pack(piece, len(header)) if options is PACKED else piece
        segments.append(read(pdu(header + octets, esm_class=0x40), options))
    return segments


@given(
    SEPTETS, st.lists(st.integers(0, 150), min_size=1, max_size=9), SHIFTS, st.randoms(use_true_random=False)
)
def test_joining_undoes_cutting_at_any_octet(
    septets: bytes, cuts: list[int], shifts: Shifts, random: Random
) -> None:
    ends = sorted({*(cut % len(septets) for cut in cuts), 0, len(septets)})
    pieces = [b"", *(septets[start:end] for start, end in pairwise(ends))]
    segments = received(pieces, shifts)
    random.shuffle(segments)
    mo = join_segments(segments, PLAIN)
    assert (mo.text, mo.complete) == (gsm.decode(septets, shifts), True)


@given(st.lists(SEPTETS, min_size=2, max_size=5), SHIFTS, st.booleans())
def test_packed_segments_are_unpacked_behind_their_own_headers(
    texts: list[bytes], shifts: Shifts, wide: bool
) -> None:
    pieces = [text + b"." for text in texts]  # nothing that could be padding
    segments = received(pieces, shifts, PACKED, wide=wide)
    assert [found.octets for found in segments] == pieces
    assert join_segments(segments, PACKED).text == gsm.decode(b"".join(pieces), shifts)
