"""The codec byte by byte: what it writes, what it refuses to write, what it reads and what it cannot."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.smpp import codec, consts
from bridge.smpp.codec import BadField, BadPdu
from bridge.smpp.framing import Frame, Framer
from bridge.smpp.pdus import DataSm, DeliverSm, SubmitSm
from tests.smpp.strategies import OCTET, short_message_fields

ASCII = st.characters(min_codepoint=0x01, max_codepoint=0x7F)
TIME = st.just("") | st.text(ASCII, min_size=16, max_size=16)
FIELDS = short_message_fields(ASCII, TIME, st.integers(0, 0xFFFF))
DATA_FIELDS = (
    *("service_type", "source_addr_ton", "source_addr_npi", "source_addr", "dest_addr_ton", "dest_addr_npi"),
    *("destination_addr", "esm_class", "registered_delivery", "data_coding", "tlvs"),
)

# A deliver_sm up to sm_length, and its five octets of text.
MANDATORY = bytes.fromhex("00 0101 343437373030393030303031 00 0101 3132333435 00 04 00 00 00 00 00 00 00 00")
HELLO = MANDATORY + bytes.fromhex("05 68656c6c6f")

MESSAGE_CODECS = [
    (SubmitSm, codec.encode_submit_sm, codec.decode_submit_sm),
    (DeliverSm, codec.encode_deliver_sm, codec.decode_deliver_sm),
]


@given(deliver=st.builds(DeliverSm, **FIELDS))
def test_deliver_sm_survives_the_way(deliver: DeliverSm) -> None:
    assert codec.decode_deliver_sm(codec.encode_deliver_sm(deliver)) == deliver


@given(submit=st.builds(SubmitSm, **FIELDS).filter(lambda pdu: pdu.tlv(0x0424) is None))
def test_submit_sm_survives_the_way(submit: SubmitSm) -> None:
    assert codec.decode_submit_sm(codec.encode_submit_sm(submit)) == submit


@given(data=st.builds(DataSm, **{name: FIELDS[name] for name in DATA_FIELDS}))
def test_data_sm_survives_the_way(data: DataSm) -> None:
    assert codec.decode_data_sm(codec.encode_data_sm(data)) == data


def test_submit_sm_byte_by_byte() -> None:
    pdu = SubmitSm(
        service_type="CMT",
        source_addr_ton=5,
        source_addr_npi=0,
        source_addr="Acme",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="447700900123",
        esm_class=0x40,
        protocol_id=0x7F,
        priority_flag=3,
        schedule_delivery_time="261122160000000+",
        validity_period="000001000000000R",
        registered_delivery=1,
        replace_if_present_flag=0,
        data_coding=8,
        sm_default_msg_id=0,
        short_message=b"\x00h\x00i",
        tlvs=((0x1400, b"dlt"), (0x0204, b"\x00\x07")),
    )
    assert codec.encode_submit_sm(pdu) == bytes.fromhex("""
        434d5400 05 00 41636d6500 01 01 34343737303039303031323300 40 7f 03
        3236313132323136303030303030302b00 3030303030313030303030303030305200
        01 00 08 00 04 00680069 14000003646c74 020400020007
    """)


def test_data_sm_byte_by_byte() -> None:
    pdu = DataSm(source_addr="12345", destination_addr="2", esm_class=4, tlvs=((0x0424, b"hi"),))
    assert codec.encode_data_sm(pdu) == bytes.fromhex(
        "00 00 00 313233343500 00 00 3200 04 00 00 0424 0002 6869"
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"service_type": "WAPPSH"}, "at most 5"),
        ({"source_addr": "4" * 21}, "at most 20"),
        ({"destination_addr": "4" * 21}, "at most 20"),
        ({"source_addr": "Société"}, "ASCII"),
        ({"destination_addr": "44\0"}, "NUL"),
        ({"schedule_delivery_time": "2611221600"}, "16"),
        ({"validity_period": "26112216000000000"}, "16"),
        ({"validity_period": "26112216000000é+"}, "ASCII"),
        ({"short_message": b"x" * 255}, "at most 254"),
        ({"tlvs": ((0x10000, b""),)}, "tag"),
        ({"tlvs": ((-1, b""),)}, "tag"),
        ({"tlvs": ((0x0424, bytes(65536)),)}, "65535"),
        ({"tlvs": ((0x0424, bytes(65535)), (0x1400, bytes(9999)))}, "70000"),
        ({"source_addr_ton": 256}, "256 does not fit"),
        ({"source_addr_npi": -1}, "-1 does not fit"),
        ({"dest_addr_ton": 256}, "256"),
        ({"dest_addr_npi": 256}, "256"),
        ({"esm_class": 256}, "256"),
        ({"protocol_id": 256}, "256"),
        ({"priority_flag": 256}, "256"),
        ({"registered_delivery": 256}, "256"),
        ({"replace_if_present_flag": 256}, "256"),
        ({"data_coding": 256}, "256"),
        ({"sm_default_msg_id": 256}, "256"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_may_not_be_sent_is_named(change: dict[str, Any], problem: str) -> None:
    for kind, encode, _ in MESSAGE_CODECS:
        with pytest.raises(BadField, match=problem) as caught:
            encode(kind(**change))  # type: ignore[operator]
        assert caught.value.field == next(iter(change))
        assert problem in caught.value.problem


@pytest.mark.parametrize(
    "change",
    [{"short_message": b"text"}, {"esm_class": 256}, {"source_addr": "4" * 65}, {"tlvs": ((0x10000, b""),)}],
    ids=lambda change: next(iter(change)),
)
def test_what_may_not_be_sent_as_data_sm_is_named(change: dict[str, Any]) -> None:
    with pytest.raises(BadField) as caught:
        codec.encode_data_sm(DataSm(**change))
    assert caught.value.field == next(iter(change))


def test_text_and_payload_exclude_each_other_only_when_we_submit() -> None:
    both: dict[str, Any] = {"short_message": b"text", "tlvs": ((0x0424, b"payload"),)}
    with pytest.raises(BadField, match="short_message"):
        codec.encode_submit_sm(SubmitSm(**both))
    assert codec.decode_deliver_sm(codec.encode_deliver_sm(DeliverSm(**both))) == DeliverSm(**both)


@pytest.mark.parametrize(
    ("tail", "tlvs"),
    [
        ("", ()),
        ("1401 0006 363230303100", ((0x1401, b"62001\0"),)),
        ("0210 0001 34 0501 0001 01 130c 0000", ((0x0210, b"\x34"), (0x0501, b"\x01"), (0x130C, b""))),
        ("0427 0000 001e 0004 61626300", ((0x0427, b""), (0x001E, b"abc\0"))),
        ("0427 0004 00000002", ((0x0427, b"\0\0\0\x02"),)),
        ("0204 0001 01 0427 0001 02", ((0x0204, b"\x01"), (0x0427, b"\x02"))),
        ("001e 0006 616263313233", ((0x001E, b"abc123"),)),
        ("001e 0009 616263313233000000", ((0x001E, b"abc123\0\0\0"),)),
        ("001e 0001 61 001e 0001 62", ((0x001E, b"a"), (0x001E, b"b"))),
        ("0427 0001 02 001e 0032 61626300", ((0x0427, b"\x02"),)),
        ("0424 1388 616263", ()),
        ("00", ()),
        ("0427 0001 02 0427", ((0x0427, b"\x02"),)),
        ("042700", ()),
    ],
)
def test_tlvs_as_peers_send_them(tail: str, tlvs: tuple[tuple[int, bytes], ...]) -> None:
    pdu = codec.decode_deliver_sm(HELLO + bytes.fromhex(tail))
    assert (pdu.short_message, pdu.source_addr, pdu.tlvs) == (b"hello", "447700900001", tlvs)


def test_values_beyond_the_limits_are_read() -> None:
    body = (
        b"SERVICE\0\1\1" + b"4" * 40 + b"\0\1\1caf\xe9\0" + bytes(3) + b"soon\0later\0" + bytes(4) + b"\xff"
    )
    pdu = codec.decode_deliver_sm(body + b"x" * 255)
    assert pdu.service_type == "SERVICE"
    assert pdu.source_addr == "4" * 40
    assert pdu.destination_addr == "café"
    assert (pdu.schedule_delivery_time, pdu.validity_period) == ("soon", "later")
    assert len(pdu.short_message) == 255


def test_a_text_that_is_longer_than_its_length_is_read_as_far_as_told() -> None:
    assert codec.decode_deliver_sm(MANDATORY + b"\x02hello").short_message == b"he"


def test_a_text_shorter_than_its_length_is_a_bad_pdu() -> None:
    with pytest.raises(BadPdu, match="sm_length is 255, 5 octets"):
        codec.decode_deliver_sm(MANDATORY + b"\xffhello")


@pytest.mark.parametrize("decode", [codec.decode_submit_sm, codec.decode_deliver_sm])
def test_every_cut_is_a_bad_pdu(decode: Callable[[bytes], object]) -> None:
    for end in range(len(HELLO)):
        with pytest.raises(BadPdu):
            decode(HELLO[:end])


def test_every_cut_of_the_fields_of_data_sm_is_a_bad_pdu() -> None:
    body = codec.encode_data_sm(DataSm(source_addr="447700900001", destination_addr="12345", esm_class=4))
    assert codec.decode_data_sm(body).destination_addr == "12345"
    for end in range(len(body)):
        with pytest.raises(BadPdu):
            codec.decode_data_sm(body[:end])


def test_an_address_without_its_nul_never_yields_a_message() -> None:
    with pytest.raises(BadPdu):
        codec.decode_deliver_sm(bytes.fromhex("00 0101 343437373030393030303031 0101 3132333435 00"))


@given(body=st.binary(max_size=300))
@example(body=b"")
def test_any_octets_are_a_pdu_or_a_bad_pdu(body: bytes) -> None:
    decoders: list[Callable[[bytes], object]] = [
        codec.decode_submit_sm,
        codec.decode_deliver_sm,
        codec.decode_data_sm,
    ]
    for decode in decoders:
        with suppress(BadPdu):
            decode(body)
    codec.read_message_id(body)


@given(data=st.data(), deliver=st.builds(DeliverSm, **FIELDS))
def test_a_damaged_pdu_is_a_pdu_or_a_bad_pdu(data: st.DataObject, deliver: DeliverSm) -> None:
    body = bytearray(codec.encode_deliver_sm(deliver))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        match data.draw(st.sampled_from(["change", "remove", "insert", "cut"])):
            case "change":
                body[at] = data.draw(OCTET)
            case "remove" if len(body) > 1:
                del body[at]
            case "insert":
                body.insert(at, data.draw(OCTET))
            case _:
                del body[at + 1 :]
    try:
        read = codec.decode_deliver_sm(bytes(body))
    except BadPdu:
        return
    # Nothing was made up: what was read is never more than what was there.
    assert len(read.short_message) + sum(4 + len(value) for _, value in read.tlvs) <= len(body)


@pytest.mark.parametrize(
    ("body", "message_id"),
    [
        (b"", ""),
        (b"\0", ""),
        (b"abc\0", "abc"),
        (b"abc", "abc"),
        (b"abcdef123", "abcdef123"),
        (b" 00B8BE19 \0", "00B8BE19"),
        (b"abc\0\x04\x28\x00\x01\x05", "abc"),
        (b"\xe9\0", "é"),
    ],
)
def test_a_message_id_ends_where_it_ends(body: bytes, message_id: str) -> None:
    assert codec.read_message_id(body) == message_id


def test_the_answers() -> None:
    answers = (
        codec.build_submit_sm_resp(1, message_id="abc")
        + codec.build_submit_sm_resp(2, consts.ESME_RTHROTTLED, "abc")
        + codec.build_deliver_sm_resp(3)
        + codec.build_deliver_sm_resp(4, consts.ESME_RMSGQFUL)
        + codec.build_data_sm_resp(5)
    )
    assert Framer().feed(answers) == [
        Frame(consts.SUBMIT_SM_RESP, 0, 1, b"abc\0"),
        Frame(consts.SUBMIT_SM_RESP, 0x58, 2, b""),
        Frame(consts.DELIVER_SM_RESP, 0, 3, b"\0"),
        Frame(consts.DELIVER_SM_RESP, 0x14, 4, b"\0"),
        Frame(consts.DATA_SM_RESP, 0, 5, b"\0"),
    ]
    with pytest.raises(BadField, match="message_id"):
        codec.build_submit_sm_resp(1, message_id="x" * 65)
