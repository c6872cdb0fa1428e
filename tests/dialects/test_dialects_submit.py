"""An Mt as a submit_sm, or the reason why not: each field, each limit, each refusal. Long messages are not here."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.genesys import GENESYS
from bridge.dialects.submit import LongSubmit, SubmitOptions, build_submit
from bridge.model.mt import Mt
from bridge.model.outcome import Rejected
from bridge.smpp.codec import decode_submit_sm
from bridge.smpp.pdus import SubmitSm

NOW = 1_795_356_305.0
PLAIN = SubmitOptions()
GENESYS_ACCOUNT = SubmitOptions(dialect=GENESYS, default_alphabet="utf-8")


def mt(**fields: Any) -> Mt:
    """An MT with the text "Hello", unless it has other content."""
    content = {} if fields.keys() & {"text", "data", "media"} else {"text": "Hello"}
    return Mt(**({"id": "1", "to": "+447700900123"} | content | fields))


def submit(message: Mt, from_: str = "12345", options: SubmitOptions = PLAIN) -> SubmitSm:
    """What the SMSC reads."""
    body = build_submit(message, from_, options, NOW)
    assert isinstance(body, bytes), body
    return decode_submit_sm(body)


def refusal(message: Mt, from_: str = "12345", options: SubmitOptions = PLAIN) -> str:
    """Why it cannot be sent. Such a refusal has no status: no SMSC was asked."""
    rejected = build_submit(message, from_, options, NOW)
    assert isinstance(rejected, Rejected)
    assert rejected.status is None
    return rejected.reason


def test_a_plain_message() -> None:
    assert submit(mt(), "+447700900999") == SubmitSm(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr="447700900999",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="447700900123",
        priority_flag=1,
        registered_delivery=1,
        short_message=b"Hello",
    )


@pytest.mark.parametrize(
    ("from_", "number_format", "ton", "npi", "written"),
    [
        ("12345", "digits", 3, 0, "12345"),
        ("12345", "plus", 3, 0, "12345"),
        ("Bridge", "plus", 5, 0, "Bridge"),
        ("07700900123", "plus", 2, 1, "07700900123"),
        ("447700900999", "plus", 1, 1, "+447700900999"),
        ("+447700900999", "digits", 1, 1, "447700900999"),
    ],
)
def test_senders(from_: str, number_format: Any, ton: int, npi: int, written: str) -> None:
    pdu = submit(mt(), from_, SubmitOptions(number_format=number_format))
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (ton, npi, written)


def test_destinations() -> None:
    pdu = submit(mt(to="+447700900123"), options=SubmitOptions(number_format="plus"))
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (1, 1, "+447700900123")
    pdu = submit(mt(to="447700900123"))
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (1, 1, "447700900123")
    pdu = submit(mt(to="80800"))
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (3, 0, "80800")


def test_configured_numbering_beats_the_shape() -> None:
    options = SubmitOptions(source_ton=0, source_npi=8, dest_ton=2, dest_npi=0)
    pdu = submit(mt(), "Bridge", options)
    assert (pdu.source_addr_ton, pdu.source_addr_npi) == (0, 8)
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi) == (2, 0)


def test_a_sender_is_remembered_for_its_own_account_only() -> None:
    plus = SubmitOptions(number_format="plus")
    for options, written in ((PLAIN, "447700900999"), (plus, "+447700900999")) * 2:
        assert submit(mt(), "447700900999", options).source_addr == written


@pytest.mark.parametrize(
    ("fields", "data_coding", "short_message"),
    [
        ({"text": ""}, 0, b""),
        ({"text": "5 €"}, 0, b"5 \x1be"),
        ({"text": "Привет"}, 8, "Привет".encode("utf-16-be")),
        ({"text": "Zoë", "encoding": "latin1"}, 3, b"Zo\xeb"),
        ({"text": "Hi", "encoding": "ucs2"}, 8, b"\0H\0i"),
        ({"text": "Hi", "encoding": "ascii"}, 1, b"Hi"),
        ({"text": "Hi", "encoding": "gsm"}, 0, b"Hi"),
        ({"data": b"\0\1\2"}, 4, b"\0\1\2"),
        ({"data": b"\0\1\2", "encoding": "binary"}, 4, b"\0\1\2"),
        ({"data": b""}, 4, b""),
        ({"text": "a" * 160}, 0, b"a" * 160),
        ({"text": "a" * 158 + "€"}, 0, b"a" * 158 + b"\x1be"),
        ({"text": "ж" * 70}, 8, ("ж" * 70).encode("utf-16-be")),
        ({"data": b"\1" * 140}, 4, b"\1" * 140),
    ],
)
def test_content(fields: dict[str, Any], data_coding: int, short_message: bytes) -> None:
    pdu = submit(mt(**fields))
    assert (pdu.data_coding, pdu.short_message, pdu.esm_class) == (data_coding, short_message, 0)


def test_a_header_goes_before_the_data_and_is_announced() -> None:
    header = bytes.fromhex("06050423f40000")
    pdu = submit(mt(data=b"BEGIN:VCARD", udh=header))
    assert (pdu.esm_class, pdu.data_coding, pdu.short_message) == (0x40, 4, header + b"BEGIN:VCARD")
    assert len(submit(mt(data=b"\1" * 133, udh=header)).short_message) == 140


@pytest.mark.parametrize(("receipt", "flag"), [("final", 1), ("all", 1), ("none", 0)])
def test_receipts_are_asked_for(receipt: str, flag: int) -> None:
    assert submit(mt(receipt=receipt)).registered_delivery == flag


@pytest.mark.parametrize("priority", range(4))
def test_priority_is_told(priority: int) -> None:
    assert submit(mt(priority=priority)).priority_flag == priority


@pytest.mark.parametrize(
    ("expires_at", "validity_period"),
    [
        (None, ""),
        (NOW + 3600.9, "261122150505000+"),
        (NOW + 0.5, "261122140506000+"),  # never behind us by the time it is read
        (NOW - 3600, "261122140506000+"),
    ],
)
def test_validity_ends_when_the_message_expires(expires_at: float | None, validity_period: str) -> None:
    assert submit(mt(expires_at=expires_at)).validity_period == validity_period


def test_extra_tlvs_go_with_it() -> None:
    tlvs = ((0x1400, b"1001\0"), (0x1401, b"2002\0"))
    assert submit(mt(tlvs=tlvs)).tlvs == tlvs


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"to": "0044 7700"}, "to: '0044**700' is not a number in E.164"),
        ({"to": "00447700900123"}, "that begins with a country code"),
        (
            {"text": "a" * 1531},
            "text: needs 11 segments in gsm, this provider takes 10 (max_segments)",
        ),
        ({"data": b"1" * 1341}, "data: needs 11 segments in binary, this provider takes 10 (max_segments)"),
        (
            {"data": b"1" * 135, "udh": b"\5\0\3\1\2\1"},
            "udh: makes this one segment of a long message, but 135 octets of data are more than the 134 beside it",
        ),
        (
            {"data": b"1", "udh": bytes((139, 0x70, 137)) + bytes(137)},
            "udh: its 140 octets leave no room for data",
        ),
        (
            {"data": b"", "udh": bytes((140, 0x70, 138)) + bytes(138)},
            "udh: its 141 octets leave no room for data",
        ),
        ({"text": "\ud83d"}, r"the character '\ud83d' (U+D83D) cannot be written in ucs2"),
        ({"text": "Ж", "encoding": "gsm"}, "the character 'Ж' (U+0416) cannot be written in gsm"),
        ({"text": "é", "encoding": "ascii"}, "the character 'é' (U+00E9) cannot be written in ascii"),
        ({"text": "Hi", "encoding": "utf8"}, "encoding utf8 has no data_coding on this account"),
        ({"text": "Hi", "encoding": "binary"}, "encoding: binary is for data, not for text"),
        ({"text": "Hi", "udh": b"\5\0\3\1\2\1"}, "udh: goes with data, never with text"),
        ({"data": b"Hi", "encoding": "ucs2"}, "encoding: data is sent as it is, ucs2 is for text"),
        ({"data": b"Hi", "udh": b"\5\0\3\1\2"}, "udh: not a user data header"),
        ({"data": b"Hi", "udh": b"\5\0\3\1\2\1\0"}, "udh: not a user data header"),
        (
            {"media": ({"content_type": "image/png", "data": "AA=="},)},
            "media: SMPP carries only text and data",
        ),
        ({"tlvs": ((0x0424, b"Hi"),)}, "short_message: excludes message_payload (0x0424)"),
    ],
)
def test_refusals(fields: dict[str, Any], reason: str) -> None:
    assert reason in refusal(mt(**fields))


@pytest.mark.parametrize("from_", ["", "Café", "A name too long"])
def test_refused_senders(from_: str) -> None:
    assert refusal(mt(), from_).startswith("from: ")
    assert refusal(mt(), from_).startswith("from: ")  # from memory too


@pytest.mark.parametrize(
    ("text", "encoding", "data_coding", "short_message"),
    [
        ("Zoë 5 €", "auto", 0, "Zoë 5 €".encode()),
        ("Zoë 5 €", "utf8", 0, "Zoë 5 €".encode()),
        ("a" * 160, "auto", 0, b"a" * 160),  # as GSM on the air
        ("é" * 128, "auto", 2, b"\5" * 128),  # 256 octets in UTF-8
        ("語" * 60, "auto", 8, ("語" * 60).encode("utf-16-be")),
        ("5 €", "gsm", 2, b"5 \x1be"),
        ("Zoë", "latin1", 3, b"Zo\xeb"),
        ("Zoë", "ucs2", 8, b"\0Z\0o\0\xeb"),
    ],
)
def test_genesys_has_its_own_codings(
    text: str, encoding: str, data_coding: int, short_message: bytes
) -> None:
    pdu = submit(mt(text=text, encoding=encoding), options=GENESYS_ACCOUNT)
    assert (pdu.data_coding, pdu.short_message) == (data_coding, short_message)


def test_genesys_has_none_for_octets() -> None:
    reason = refusal(mt(data=b"\0\1"), options=GENESYS_ACCOUNT)
    assert reason == "encoding binary has no data_coding on this account"


def test_genesys_with_another_default() -> None:
    options = SubmitOptions(dialect=GENESYS, default_alphabet="gsm")
    assert submit(mt(text="5 €"), options=options).data_coding == 0
    assert refusal(mt(text="Hi", encoding="utf8"), options=options)


@given(
    st.text(max_size=12),
    st.text(max_size=20),
    st.text(max_size=170),
    st.sampled_from(["auto", "gsm", "latin1", "ucs2", "utf8", "ascii", "binary"]),
    st.sampled_from([PLAIN, GENESYS_ACCOUNT]),
)
def test_anything_is_sent_or_refused(
    from_: str, to: str, text: str, encoding: Any, options: SubmitOptions
) -> None:
    result = build_submit(mt(to=to, text=text, encoding=encoding), from_, options, NOW)
    if isinstance(result, Rejected):
        assert result.reason.encode()
    else:
        body = result.body(1, 0) if isinstance(result, LongSubmit) else result
        assert decode_submit_sm(body).destination_addr.isdigit()
