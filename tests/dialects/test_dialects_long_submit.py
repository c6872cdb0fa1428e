"""An MT of several submit_sm: the octets of each segment, what all have in common, what is refused."""

from typing import Any, get_args

import pytest

from bridge.dialects.genesys import GENESYS
from bridge.dialects.submit import LongMessages, LongSubmit, SubmitOptions, build_submit
from bridge.model.mt import Mt
from bridge.model.outcome import Rejected
from bridge.smpp.consts import ESM_CLASS_UDHI
from bridge.text.national import LANGUAGES
from bridge.text.udh import read_udh
from tests.dialects.submits import PAYLOAD, PORTS, REF_NUM, SEQNUM, TOTAL, mt, read, read_all, tlvs

NOW = 1_795_356_305.0
MODES: tuple[LongMessages, ...] = get_args(LongMessages)
SEGMENTED = MODES[:3]
HINDI = LANGUAGES["hindi"]


def build(message: Mt, **options: Any) -> bytes | LongSubmit | Rejected:
    return build_submit(message, "12345", SubmitOptions(**options), NOW)


def long_submit(message: Mt, **options: Any) -> LongSubmit:
    built = build(message, **options)
    assert isinstance(built, LongSubmit), built
    return built


def refusal(message: Mt, **options: Any) -> str:
    rejected = build(message, **options)
    assert isinstance(rejected, Rejected)
    assert rejected.status is None
    return rejected.reason


def messages(long: LongSubmit, reference: int = 7) -> list[bytes]:
    return [pdu.short_message for pdu in read_all(long, reference)]


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a" * 161, [b"\5\0\3\7\2\1" + b"a" * 153, b"\5\0\3\7\2\2" + b"a" * 8]),
        ("a" * 152 + "€" + "b" * 8, [b"\5\0\3\7\2\1" + b"a" * 152, b"\5\0\3\7\2\2" + b"\x1be" + b"b" * 8]),
        ("ж" * 71, [b"\5\0\3\7\2\1" + b"\x04\x36" * 67, b"\5\0\3\7\2\2" + b"\x04\x36" * 4]),
        (
            "ж" * 66 + "😀" + "ж" * 4,
            [b"\5\0\3\7\2\1" + b"\x04\x36" * 66, b"\5\0\3\7\2\2" + b"\xd8\x3d\xde\0" + b"\x04\x36" * 4],
        ),
    ],
)
def test_segments_with_an_8_bit_reference(text: str, segments: list[bytes]) -> None:
    long = long_submit(mt(text=text))
    assert long.count == len(segments)
    assert messages(long) == segments
    assert {pdu.esm_class for pdu in read_all(long)} == {0x40}


def test_a_16_bit_reference() -> None:
    first, second = messages(long_submit(mt(text="a" * 161), long_messages="udh16"), 0x1234)
    assert first == b"\6\x08\4\x12\x34\2\1" + b"a" * 152
    assert second == b"\6\x08\4\x12\x34\2\2" + b"a" * 9


def test_sar_has_tlvs_and_no_header() -> None:
    long = long_submit(mt(text="a" * 161), long_messages="sar")
    first, second = read_all(long, 0x1234)
    assert (first.esm_class, first.short_message) == (
        0,
        b"a" * 153,
    )  # the SMSC still has to make room for one
    assert (second.esm_class, second.short_message) == (0, b"a" * 8)
    assert tlvs(first) == {REF_NUM: b"\x12\x34", TOTAL: b"\2", SEQNUM: b"\1"}
    assert tlvs(second) == {REF_NUM: b"\x12\x34", TOTAL: b"\2", SEQNUM: b"\2"}


@pytest.mark.parametrize(
    ("text", "data_coding", "payload"),
    [
        ("a" * 161, 0, b"a" * 161),
        ("ж" * 71, 8, b"\x04\x36" * 71),
    ],
)
def test_a_payload_is_one_pdu(text: str, data_coding: int, payload: bytes) -> None:
    pdu = read(build(mt(text=text, tlvs=((0x1400, b"1001"),)), long_messages="payload"))
    assert (pdu.esm_class, pdu.data_coding, pdu.short_message) == (0, data_coding, b"")
    assert tlvs(pdu) == {0x1400: b"1001", PAYLOAD: payload}


def test_a_payload_carries_what_is_too_long_for_short_message() -> None:
    text = "é" * 160  # one SMS, once the SMSC has made GSM of it
    assert tlvs(
        read(build(mt(text=text, encoding="utf8"), long_messages="payload", default_alphabet="utf-8"))
    ) == {PAYLOAD: text.encode()}


@pytest.mark.parametrize("long_messages", MODES)
def test_one_segment_is_the_same_in_every_mode(long_messages: LongMessages) -> None:
    assert build(mt(text="a" * 160), long_messages=long_messages) == build(mt(text="a" * 160))
    assert build(mt(data=b"\1" * 140), long_messages=long_messages) == build(mt(data=b"\1" * 140))


@pytest.mark.parametrize(
    ("long_messages", "reference", "written"),
    [
        ("udh8", 0, b"\5\0\3\0\2\1"),
        ("udh8", 255, b"\5\0\3\xff\2\1"),
        ("udh8", 256, b"\5\0\3\0\2\1"),
        ("udh8", 70_000, b"\5\0\3\x70\2\1"),
        ("udh16", 65_535, b"\6\x08\4\xff\xff\2\1"),
        ("udh16", 70_000, b"\6\x08\4\x11\x70\2\1"),
    ],
)
def test_a_reference_is_cut_to_its_bits(long_messages: LongMessages, reference: int, written: bytes) -> None:
    long = long_submit(mt(text="ж" * 71), long_messages=long_messages)
    assert messages(long, reference)[0].startswith(written)


def test_a_reference_of_sar_has_16_bits() -> None:
    long = long_submit(mt(text="ж" * 71), long_messages="sar")
    assert tlvs(read_all(long, 70_000)[0])[REF_NUM] == b"\x11\x70"


@pytest.mark.parametrize("long_messages", SEGMENTED)
def test_segments_differ_in_nothing_but_their_number_and_text(long_messages: LongMessages) -> None:
    message = mt(
        text="a" * 400,
        receipt="all",
        priority=3,
        expires_at=NOW + 3600,
        tlvs=((0x1400, b"1001"), (0x1401, b"2")),
    )
    pdus = read_all(long_submit(message, long_messages=long_messages, number_format="plus"))
    assert len(pdus) == 3
    for pdu in pdus:
        assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (3, 0, "12345")
        assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (1, 1, "+447700900123")
        assert (pdu.priority_flag, pdu.registered_delivery, pdu.data_coding) == (3, 1, 0)
        assert pdu.validity_period == "261122150505000+"
        assert tlvs(pdu).items() >= {(0x1400, b"1001"), (0x1401, b"2")}
    none = read_all(long_submit(mt(text="a" * 400, receipt="none"), long_messages=long_messages))
    assert [pdu.registered_delivery for pdu in none] == [0, 0, 0]


def test_the_counter_is_named_by_the_addresses_as_written() -> None:
    message = mt(text="a" * 161)
    assert long_submit(message).counter == "12345>447700900123"
    assert long_submit(message, number_format="plus").counter == "12345>+447700900123"


def test_the_fingerprint_tells_how_it_was_cut() -> None:
    plain = long_submit(mt(text="a" * 161)).fingerprint
    assert len(plain) == 8
    int(plain, 16)
    same = build_submit(mt(text="a" * 161, id="2", to="447700900124"), "54321", SubmitOptions(), NOW + 60)
    assert isinstance(same, LongSubmit)
    assert same.fingerprint == plain
    others = {
        long_submit(mt(text="a" * 160 + "b")).fingerprint,
        long_submit(mt(text="a" * 161), long_messages="udh16").fingerprint,
        long_submit(mt(text="a" * 161), long_messages="sar").fingerprint,
        long_submit(mt(text="a" * 161), default_alphabet="gsm-packed").fingerprint,
        long_submit(mt(text="a" * 161, encoding="latin1")).fingerprint,
        long_submit(mt(data=b"a" * 161)).fingerprint,
        long_submit(mt(data=b"a" * 161, udh=b"\4\5\2\0\1")).fingerprint,
    }
    assert len(others | {plain}) == 8


def test_octets_are_cut_as_they_are() -> None:
    data = bytes(range(256))
    first, second = messages(long_submit(mt(data=data)))
    assert first == b"\5\0\3\7\2\1" + data[:134]
    assert second == b"\5\0\3\7\2\2" + data[134:]
    first, second = messages(long_submit(mt(data=data), long_messages="udh16"))
    assert (len(first), len(second)) == (140, 7 + 256 - 133)


@pytest.mark.parametrize(
    ("long_messages", "header", "room"),
    [
        ("udh8", "0b 0003070201 050423f40000", 128),
        ("udh16", "0c 080400070201 050423f40000", 127),
        ("sar", "06 050423f40000", 128),
    ],
)
def test_an_application_s_own_header_stays_beside_the_number(
    long_messages: LongMessages, header: str, room: int
) -> None:
    data = bytes(200)
    first, second = read_all(long_submit(mt(data=data, udh=PORTS), long_messages=long_messages))
    own = bytes.fromhex(header)
    assert first.esm_class == second.esm_class == ESM_CLASS_UDHI
    assert first.short_message == own + data[:room]
    assert len(second.short_message) == len(own) + 200 - room
    assert second.short_message.endswith(data[room:])


def test_an_application_s_own_header_leads_a_payload() -> None:
    pdu = read(build(mt(data=bytes(200), udh=PORTS), long_messages="payload"))
    assert (pdu.esm_class, tlvs(pdu)) == (ESM_CLASS_UDHI, {PAYLOAD: PORTS + bytes(200)})


@pytest.mark.parametrize(
    ("long_messages", "header", "room"),
    [
        ("udh8", "0b 0003070201 240106 250106", 146),
        ("udh16", "0c 080400070201 240106 250106", 145),
        ("sar", "06 240106 250106", 146),
    ],
)
def test_national_tables_are_named_in_every_segment(
    long_messages: LongMessages, header: str, room: int
) -> None:
    text = "न" * 160 + "१"  # the letter is in the locking shift table, the digit in the single shift table
    pdus = read_all(long_submit(mt(text=text), national_tables=(HINDI,), long_messages=long_messages))
    own = bytes.fromhex(header)
    letter = pdus[0].short_message[-1:]
    assert [(pdu.esm_class, pdu.data_coding) for pdu in pdus] == [(ESM_CLASS_UDHI, 0)] * 2
    assert pdus[0].short_message == own + letter * room
    second = read_udh(pdus[1].short_message)
    assert second
    assert second.shifts == (HINDI, HINDI)
    assert pdus[1].short_message[second.octets :] == letter * (160 - room) + b"\x1b\x1d"


def test_packed_septets_begin_at_a_septet_after_the_header() -> None:
    options = {"default_alphabet": "gsm-packed"}
    assert read(build(mt(text="hellohello"), **options)).short_message == bytes.fromhex("e8329bfd4697d9ec37")
    first, second = messages(long_submit(mt(text="a" * 161), **options))
    assert first == b"\5\0\3\7\2\1" + bytes.fromhex("c2" + "e170381c0e87c3" * 19)
    assert second == b"\5\0\3\7\2\2" + bytes.fromhex("c2e170381c0e871b")  # the last seven bits are a CR


@pytest.mark.parametrize(
    ("fields", "options", "reason"),
    [
        (
            {"text": "ж" * 700},
            {},
            "text: needs 11 segments in ucs2, this provider takes 10 (max_segments)",
        ),
        (
            {"text": "ж" * 71},
            {"max_segments": 1},
            "text: needs 2 segments in ucs2, this provider takes 1 (max_segments)",
        ),
        (
            {"text": "ж" * 700},
            {"long_messages": "payload"},
            "text: needs 11 segments in ucs2, this provider takes 10 (max_segments)",
        ),
        (
            {"data": bytes(270)},
            {"max_segments": 2},
            "data: needs 3 segments in binary, this provider takes 2 (max_segments)",
        ),
        ({"data": bytes(141)}, {"dialect": GENESYS}, "encoding binary has no data_coding on this account"),
        (
            {"text": "a" * 161, "tlvs": ((SEQNUM, b"\1"),)},
            {},
            "tlvs: 0x020F makes this one segment of a long message, but it needs several",
        ),
        (
            {"text": "a" * 161, "tlvs": ((PAYLOAD, b"Hi"),)},
            {},
            "short_message: excludes message_payload (0x0424)",
        ),
        (
            {"text": "a" * 161, "tlvs": ((PAYLOAD, b"Hi"),)},
            {"long_messages": "payload"},
            "short_message: excludes message_payload (0x0424)",
        ),
        (
            {"data": bytes(200), "udh": b"\5\0\3\1\2\1"},
            {"long_messages": "payload"},
            "udh: makes this one segment of a long message, but 200 octets of data are more than the 134 beside it",
        ),
    ],
)
def test_refusals(fields: dict[str, Any], options: dict[str, Any], reason: str) -> None:
    assert refusal(mt(**fields), **options) == reason


def test_what_one_segment_could_not_be_sent_with_none_is_sent_with() -> None:
    """The second segment is the longer one, and too long by an octet."""
    text = "a" * 152 + "€" + "a" * 151
    first, second = messages(long_submit(mt(text=text)))
    assert len(first) + 1 == len(second)
    spare = 70_000 - 16 - len(long_submit(mt(text=text)).body(2, 0)) - 8
    fits = ((0x1400, bytes(65_535)), (0x1401, bytes(spare - 65_535)))
    assert long_submit(mt(text=text, tlvs=fits)).count == 2
    too_long = (fits[0], (0x1401, bytes(spare - 65_534)))
    assert refusal(mt(text=text, tlvs=too_long)).startswith("tlvs: the PDU would have 70001 octets")
