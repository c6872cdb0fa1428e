"""A deliver_sm as an MO or a receipt: content and identity. Segments have their own tests."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.deliver import ReadOptions, read_inbound
from bridge.dialects.genesys import GENESYS
from bridge.model.inbound import Dr, Mo, MoSegment, Ports
from bridge.smpp.consts import (
    TLV_DESTINATION_PORT,
    TLV_MESSAGE_PAYLOAD,
    TLV_MESSAGE_STATE,
    TLV_NETWORK_ERROR_CODE,
    TLV_RECEIPTED_MESSAGE_ID,
    TLV_SOURCE_PORT,
)
from bridge.smpp.pdus import DataSm, DeliverSm

PLAIN = ReadOptions()
RECEIPT_TEXT = (
    b"id:0f7a sub:001 dlvrd:001 submit date:2611221405 done date:2611221406 stat:DELIVRD err:000 text:Hi"
)


def pdu(short_message: bytes = b"", **fields: Any) -> DeliverSm:
    """From a phone to our short code."""
    return DeliverSm(
        **(
            {"source_addr": "447700900123", "destination_addr": "12345", "short_message": short_message}
            | fields
        )
    )


def ports(dst: bytes, src: bytes) -> Any:
    """The two TLVs that name ports."""
    return ((TLV_DESTINATION_PORT, dst), (TLV_SOURCE_PORT, src))


def read_mo(message: DeliverSm, options: ReadOptions = PLAIN) -> Mo:
    """Reads what must be an MO."""
    mo = read_inbound(message, options)
    assert isinstance(mo, Mo)
    return mo


def read_dr(message: DeliverSm, options: ReadOptions = PLAIN) -> Dr:
    """Reads what must be a receipt."""
    dr = read_inbound(message, options)
    assert isinstance(dr, Dr)
    return dr


def test_a_plain_mo() -> None:
    message = pdu(b"Hi \x00", tlvs=((0x1502, b"x"),))
    mo = read_mo(message)
    assert mo == Mo(
        id=None,
        from_="447700900123",
        to="12345",
        text="Hi @",
        data=None,
        encoding="gsm",
        identity=mo.identity,
        raw=message.raw,
    )


def test_a_receipt_in_full() -> None:
    tlvs = (
        (TLV_NETWORK_ERROR_CODE, b"\3\0\1"),
        (TLV_MESSAGE_STATE, b"\5"),
        (TLV_RECEIPTED_MESSAGE_ID, b"6aad5\0"),
    )
    message = pdu(RECEIPT_TEXT, esm_class=4, tlvs=tlvs)
    dr = read_dr(message)
    assert dr == Dr(
        ids=("6aad5", "0f7a"),
        state="undeliverable",
        final=True,
        error="000",
        network_error="1",
        submitted_at="2026-11-22T14:05",
        done_at="2026-11-22T14:06",
        to="12345",
        from_="447700900123",
        text="Hi",
        identity=dr.identity,
        raw=message.raw,
    )


@pytest.mark.parametrize(
    "message",
    [
        pdu(RECEIPT_TEXT, esm_class=4),
        pdu(RECEIPT_TEXT),
        pdu(RECEIPT_TEXT, esm_class=4, data_coding=8),
        pdu(b"\5\0\3\1\1\1" + RECEIPT_TEXT, esm_class=0x44),
        pdu(RECEIPT_TEXT, esm_class=0x44),  # announces a header and has none
        pdu(esm_class=4, tlvs=((TLV_MESSAGE_PAYLOAD, RECEIPT_TEXT),)),
        DataSm(esm_class=4, tlvs=((TLV_MESSAGE_PAYLOAD, RECEIPT_TEXT),)),
    ],
)
def test_a_receipt_may_travel_in_many_ways(message: DeliverSm) -> None:
    dr = read_dr(message)
    assert (dr.ids, dr.state, dr.text) == (("0f7a",), "delivered", "Hi")


@pytest.mark.parametrize(
    ("data_coding", "text"), [(0, "H€llo §"), (3, "H\x1bello _"), (8, "H€llo §"), (0xF1, "H€llo §")]
)
def test_a_receipt_quotes_the_text_in_its_own_data_coding(data_coding: int, text: str) -> None:
    dr = read_dr(pdu(b"id:7 text:H\x1bello _", esm_class=4, data_coding=data_coding))
    assert (dr.ids, dr.text) == (("7",), text)


@pytest.mark.parametrize("body", [b"", b"foo", b"\0\1\2\3\4\5"])
def test_a_flagged_receipt_that_cannot_be_read_stays_one(body: bytes) -> None:
    dr = read_dr(pdu(body, esm_class=4))
    assert (dr.ids, dr.state, dr.final) == ((), None, False)


@pytest.mark.parametrize(
    ("esm_class", "stat", "final_states", "final"),
    [
        (4, "DELIVRD", (), True),
        (4, "ENROUTE", (), False),
        (4, "ACCEPTD", (), False),
        (4, "ACCEPTD", ("accepted",), True),
        (4, "UNKNOWN", (), False),
        (4, "UNKNOWN", ("accepted", "unknown"), True),
        (0x20, "ENROUTE", (), False),
        (0x20, "UNDELIV", (), False),  # another will follow
        (4, "", ("accepted",), False),
    ],
)
def test_which_states_are_final(esm_class: int, stat: str, final_states: Any, final: bool) -> None:
    message = pdu(f"id:7 stat:{stat}".encode(), esm_class=esm_class)
    assert read_dr(message, ReadOptions(final_states=frozenset(final_states))).final == final


def test_genesys_names_the_message_in_the_tlv_alone() -> None:
    options = ReadOptions(dialect=GENESYS, default_alphabet="utf-8")
    tlv = (TLV_RECEIPTED_MESSAGE_ID, b"g-1\0")
    text = "id:77 stat:REJECTD text:Zoë".encode()
    dr = read_dr(pdu(text, esm_class=4, tlvs=(tlv, (TLV_MESSAGE_STATE, b"\2"))), options)
    assert (dr.ids, dr.state, dr.text) == (("g-1",), "delivered", "Zoë")
    assert read_dr(pdu(text, esm_class=4), options).ids == ()


@pytest.mark.parametrize(
    ("data_coding", "octets", "text", "encoding"),
    [
        (0, b"Zo\xc3\xab", "Zoë", "utf8"),
        (2, b"\x00\x1be", "@€", "gsm"),
        (3, b"Zo\xeb", "Zoë", "latin1"),
        (4, b"abc", None, "unknown"),
        (5, b"\xb6\xc5", "ｶﾅ", "shift_jis"),
        (14, b"\xc7\xd1", "한", "euc-kr"),
    ],
)
def test_genesys_has_its_own_codings(
    data_coding: int, octets: bytes, text: str | None, encoding: str
) -> None:
    options = ReadOptions(dialect=GENESYS, default_alphabet="utf-8")
    mo = read_mo(pdu(octets, data_coding=data_coding), options)
    assert (mo.text, mo.data, mo.encoding) == (text, octets if text is None else None, encoding)


@pytest.mark.parametrize(
    ("message", "text", "data", "encoding"),
    [
        (pdu(b""), "", None, "gsm"),
        (pdu(b"\x04\x1f", data_coding=8), "П", None, "ucs2"),
        (pdu(b"\0\1", data_coding=4), None, b"\0\1", "binary"),
        (pdu(tlvs=((TLV_MESSAGE_PAYLOAD, b"long"),)), "long", None, "gsm"),
        (pdu(b"short", tlvs=((TLV_MESSAGE_PAYLOAD, b"long"),)), "short", None, "gsm"),
        (pdu(b"id:7 please"), "id:7 please", None, "gsm"),
        (pdu(b"no header", esm_class=0x40), "no header", None, "gsm"),
        (pdu(b"Hi\0"), "Hi@", None, "gsm"),
        (pdu(b"Hi\0", data_coding=1), "Hi", None, "ascii"),
        (pdu(b"\0", data_coding=1), "", None, "ascii"),
        (pdu(b"\x03\x24\x01\x01g\x1bg", esm_class=0x40), "gğ", None, "gsm"),
        (pdu(b"\x03\x25\x01\x01\x04", esm_class=0x40), "€", None, "gsm"),
        (pdu(b"\x03\x25\x01\x63\x04", esm_class=0x40), "è", None, "gsm"),
        (pdu(b"\x03\x25\x01\x01\x04\x1f", esm_class=0x40, data_coding=8), "П", None, "ucs2"),
    ],
)
def test_what_an_mo_says(message: DeliverSm, text: str | None, data: bytes | None, encoding: str) -> None:
    mo = read_mo(message)
    assert (mo.text, mo.data, mo.encoding) == (text, data, encoding)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (pdu(b"\6\5\4\x0b\x84\x23\xf0Hi", esm_class=0x40), Ports(dst=2948, src=9200)),
        (pdu(b"\4\4\2\x22\x11Hi", esm_class=0x40), Ports(dst=0x22, src=0x11)),
        (pdu(b"\6\5\4\x0b\x84\x23\xf0Hi"), None),
        (pdu(b"Hi", tlvs=ports(b"\x0b\x84", b"\x23\xf0")), Ports(dst=2948, src=9200)),
        (pdu(b"Hi", tlvs=ports(b"\0\0", b"\1")), Ports(dst=0, src=1)),
        (pdu(b"Hi", tlvs=ports(b"\x0b\x84", b"")[:1]), Ports(dst=2948, src=0)),
        (pdu(b"Hi", tlvs=ports(b"", b"\1")), None),
        (pdu(b"Hi", tlvs=ports(b"\1\2\3", b"\1")), None),
        (pdu(b"\4\4\2\x22\x11Hi", esm_class=0x40, tlvs=ports(b"\1", b"\2")), Ports(dst=0x22, src=0x11)),
    ],
)
def test_ports_are_those_of_a_header_or_of_tlvs(message: DeliverSm, expected: Ports | None) -> None:
    assert read_mo(message).ports == expected


@pytest.mark.parametrize(
    ("message", "text", "encoding"),
    [
        (pdu(bytes.fromhex("e8329bfd4697d9ec37")), "hellohello", "gsm"),
        (pdu(bytes.fromhex("03240101 d89c1b"), esm_class=0x40), "ğ", "gsm"),  # three bits to fill
        (pdu(bytes.fromhex("e8329bfd4697d9ec37"), data_coding=0xF1), "hellohello", "gsm"),
        (pdu(b"hello", data_coding=1), "hello", "ascii"),
        (pdu(b""), "", "gsm"),
    ],
)
def test_packed_septets(message: DeliverSm, text: str, encoding: str) -> None:
    mo = read_mo(message, ReadOptions(default_alphabet="gsm-packed"))
    assert (mo.text, mo.encoding) == (text, encoding)


def test_receipts_are_not_packed_where_messages_are() -> None:
    dr = read_dr(pdu(RECEIPT_TEXT, esm_class=4), ReadOptions(default_alphabet="gsm-packed"))
    assert (dr.ids, dr.state, dr.text) == (("0f7a",), "delivered", "Hi")


BASE = pdu(b"YES", tlvs=((0x1401, b"a"), (0x1402, b"b")))


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, source_addr="447700900124"),
        replace(BASE, destination_addr="12346"),
        replace(BASE, short_message=b"YES "),
        replace(BASE, data_coding=3),
        replace(BASE, esm_class=1),
        replace(BASE, tlvs=BASE.tlvs[:1]),
        replace(BASE, tlvs=((0x1401, b"ab"), (0x1402, b""))),
        replace(BASE, source_addr="44770090012", destination_addr="312345"),
    ],
)
def test_an_mo_is_its_whole_content(other: DeliverSm) -> None:
    assert read_mo(BASE).identity == read_mo(replace(BASE)).identity != read_mo(other).identity


NAMED = pdu(b"id:7 sub:1 stat:DELIVRD err:0 text:a", esm_class=4)


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (replace(NAMED, short_message=b"id:7 sub:2 stat:DELIVRD err:0 text:b"), True),
        (replace(NAMED, data_coding=3, tlvs=((0x1401, b"x"),)), True),
        (replace(NAMED, tlvs=((TLV_RECEIPTED_MESSAGE_ID, b"7\0"), (TLV_MESSAGE_STATE, b"\2"))), True),
        (replace(NAMED, tlvs=((TLV_RECEIPTED_MESSAGE_ID, b"8\0"),)), False),
        (replace(NAMED, short_message=b"id:8 sub:1 stat:DELIVRD err:0 text:a"), False),
        (replace(NAMED, short_message=b"id:7 sub:1 stat:EXPIRED err:0 text:a"), False),
        (replace(NAMED, short_message=b"id:7 sub:1 stat:DELIVRD err:1 text:a"), False),
        (replace(NAMED, short_message=b"id:7 sub:1 stat:DELIVRD text:a"), False),
        (replace(NAMED, source_addr="447700900124"), False),
        (replace(NAMED, destination_addr="12346"), False),
    ],
)
def test_receipts_are_equal_by_what_they_say_of_which_message(other: DeliverSm, equal: bool) -> None:
    assert (read_dr(NAMED).identity == read_dr(other).identity) == equal


def test_receipts_without_id_are_equal_only_if_all_of_them_is() -> None:
    nameless = pdu(b"stat:DELIVRD err:0", esm_class=4)
    other = replace(nameless, short_message=b"stat:DELIVRD err:0 text:")
    assert read_dr(nameless).identity == read_dr(replace(nameless)).identity != read_dr(other).identity


@given(
    st.binary(max_size=254),
    st.integers(0, 255),
    st.integers(0, 255),
    st.lists(
        st.tuples(st.sampled_from([0x1E, 0x423, 0x424, 0x427, 0x20C, 0x20E, 0x20F]), st.binary(max_size=9))
    ),
    st.sampled_from(
        [
            PLAIN,
            ReadOptions(dialect=GENESYS, default_alphabet="utf-8"),
            ReadOptions(default_alphabet="gsm-packed"),
        ]
    ),
)
def test_reading_never_raises(
    short_message: bytes, esm_class: int, data_coding: int, tlvs: Any, options: ReadOptions
) -> None:
    message = pdu(short_message, esm_class=esm_class, data_coding=data_coding, tlvs=tuple(tlvs))
    inbound = read_inbound(message, options)
    if esm_class & 0x3C:
        assert isinstance(inbound, Dr)
    if isinstance(inbound, MoSegment):
        assert inbound.concat.total > 1
    if isinstance(inbound, Mo):
        assert (inbound.text is None) != (inbound.data is None)
