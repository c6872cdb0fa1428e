"""Receipts as providers write them: which PDUs are receipts, and what is read out of them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text import gsm
from bridge.text.receipt import (
    _ORDINARY,
    Receipt,
    ReceiptPdu,
    _fields,
    _fields_by_key,
    is_receipt,
    read_receipt,
)

NOTHING = Receipt(
    ids=(),
    state=None,
    intermediate=False,
    error=None,
    network_error=None,
    submitted_at=None,
    done_at=None,
    sub=None,
    dlvrd=None,
    text=None,
)
WHOLE = Receipt(
    ids=("0f7a",),
    state="delivered",
    intermediate=False,
    error="000",
    network_error=None,
    submitted_at="2026-11-22T14:05",
    done_at="2026-11-22T14:06",
    sub=1,
    dlvrd=1,
    text="Your code",
)


def pdu(
    body: bytes | str = b"",
    *,
    esm_class: int = 4,
    message_id: bytes | None = None,
    message_state: bytes | None = None,
    network_error: bytes | None = None,
) -> ReceiptPdu:
    """A receipt's parts; a body given as text is ASCII."""
    return ReceiptPdu(
        esm_class=esm_class,
        body=body.encode() if isinstance(body, str) else body,
        message_id=message_id,
        message_state=message_state,
        network_error=network_error,
    )


def read(parts: ReceiptPdu) -> Receipt:
    return read_receipt(parts, gsm.decode)


@pytest.mark.parametrize(
    "body",
    [
        "id:0f7a sub:001 dlvrd:001 submit date:2611221405 done date:2611221406 stat:DELIVRD err:000 text:Your code",
        "ID:0f7a SUB:001 DELIVRD:001 SUBMITDATE:2611221405 DONEDATE:2611221406 STAT:delivrd ERR:000 TEXT:Your code",
        "err:000 stat:DELIVRD done_date:2611221406 submit_date:2611221405 dlvrd:1 sub:1 id: 0f7a text: Your code \0",
        (
            "447700900123^id:0f7a sub:1 dlvrd:1 submit date:2611221405 done date:2611221406 stat:DELIVRD "
            "IMSI:234150000000000 err:000 MCCMNC:23415 text:Your code\r\n"
        ),
        (
            "sub:001 dlvrd:001 submit  date : 2611221405 done date :2611221406 id:0f7a id:other stat:DELIVRD "
            "stat:UNDELIV err:000 text:Your code"
        ),
        (
            "id:0f7a,sub:001,dlvrd:001,submit date:2611221405,done date:2611221406,stat:DELIVRD,err:000,"
            "text:Your code"
        ),
        (
            "id:0f7a;sub:001;dlvrd:001;submit_date:2611221405;done_date:2611221406;MSC:44;stat:DELIVRD;err:000;"
            "Text:Your code"
        ),
        (
            "id:0f7a|sub:1|dlvrd:1|submitdate:2611221405|donedate:2611221406|stat:DELIVRD|NACK-CODE:7|err:000|"
            "text:Your code"
        ),
        (
            "\0id:0f7a\0sub:001\0dlvrd:001\0submit date:2611221405\0done date:2611221406\0stat:DELIVRD\0err:000\0"
            "text:Your code\0\0"
        ),
        (
            "id\t:\t0f7a\r\nsub :001\tdlvrd: 001\tsubmit\tdate :2611221405\vdone-date\t:2611221406\nstat : DELIVRD"
            "\nerr :000\ntext :Your code"
        ),
        (
            "msg_id:77 id:0f7a sub:1\ndlvrd:1\nsubmit date:2611221405\ndone date:2611221406\nstat:DELIVRD\nerr:000\n"
            "text:Your code"
        ),
    ],
)
def test_reads_one_receipt_in_many_spellings(body: str) -> None:
    assert read(pdu(body)) == WHOLE


def test_a_body_of_two_octets_a_character() -> None:
    body = (
        "id:0f7a sub:001 dlvrd:001 submit date:2611221405 done date:2611221406 stat:DELIVRD err:000 text:Кот"
    )
    expected = replace(WHOLE, text="Кот")
    assert read(pdu(body.encode("utf-16-be"))) == expected
    assert read(pdu(body.encode("utf-16-le"))) == expected
    assert read(pdu(b"\xfe\xff" + body.encode("utf-16-be"))) == expected
    assert read(pdu(b"\xff\xfe" + body.encode("utf-16-le") + b"\x04")) == replace(expected, text="Кот\ufffd")
    assert read(pdu("text:Кот".encode("utf-16-be"))) == replace(NOTHING, text="Кот")
    assert read(pdu("id:7".encode("utf-16-le"))) == replace(NOTHING, ids=("7",))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", {}),
        ("foo", {}),
        ("4471,0,2611221405,DELIVRD", {}),
        ("stat:EXPIRED", {"state": "expired"}),
        ("id:5", {"ids": ("5",)}),
        ("id:0118-A@gw_7.x stat:DELIVRD", {"ids": ("0118-A@gw_7.x",), "state": "delivered"}),
        ("id:[4F/9+a=] stat:DELIVRD", {"ids": ("[4F/9+a=]",), "state": "delivered"}),
        ("id:a:b,c stat:ACKED", {"ids": ("a:b,c",), "state": "accepted"}),
        ("447700900123id:7 stat:DELIVRD", {"ids": ("7",), "state": "delivered"}),
        (
            "From 4477 to 12345 #?^id:7 sub:001 stat:ACKED",
            {"ids": ("7",), "sub": 1, "state": "accepted"},
        ),
        ("msg_id:7 msgid:7 Msg-Id:7", {}),
        ("id: sub:001 stat:EXPIRED", {"sub": 1, "state": "expired"}),
        ("id:7\0\0 8 sub:001", {"ids": ("7",), "sub": 1}),
        ("id:000 err:-1", {"ids": ("000",), "error": "-1"}),
        ('err:"00B" stat:REJECTD', {"error": '"00B"', "state": "rejected"}),
        ("err:0x0000000B stat:UNDELIVRD", {"error": "0x0000000B", "state": "undeliverable"}),
        ("err:Absent Subscriber text:", {"error": "Absent Subscriber", "text": ""}),
        ("stat:DELIVRD MSISDN:447700900123 Status-Text:fine err:000", {"state": "delivered", "error": "000"}),
        ("stat:DELIVRD.", {"state": "unknown"}),
        ("done date:2026-11-22 14:05 submit date:1795356305", {}),
        ("done date:1795356305123 submit date:26/11/22", {}),
        (
            "submit date:2611221405 UTC done date:2611221406 DELIVRD err:000",
            {"submitted_at": "2026-11-22T14:05", "done_at": "2026-11-22T14:06", "error": "000"},
        ),
        (
            "id:0f7 sub:1dlvrd:1submit date:2611221405done date:2611221406stat:DELIVRD err:00text:Hi",
            {
                "ids": ("0f7",),
                "sub": 1,
                "dlvrd": 1,
                "submitted_at": "2026-11-22T14:05",
                "done_at": "2026-11-22T14:06",
                "state": "delivered",
                "error": "00",
                "text": "Hi",
            },
        ),
        ("id:00B8 sub:000 dlvrd:13", {"ids": ("00B8",), "sub": 0, "dlvrd": 13}),
        ("id:null sub:(null) dlvrd:... err:NULL stat:null", {}),
        ("sub:-1 dlvrd:1234567890", {}),
        ("err: text:", {"text": ""}),
        ("err:00B text:NULL", {"error": "00B", "text": "NULL"}),  # text is taken as it is
        ("stat:0 err:0", {"state": "delivered", "error": "0"}),
        ("stat:DELIVERED TO CARRIER err:003", {"state": "accepted", "error": "003"}),
        ("done date:0000000000 submit date:2600221405", {}),
        ("submit date:20261122140501", {"submitted_at": "2026-11-22T14:05:01"}),
        ("done date:261122140501012+", {"done_at": "2026-11-22T14:05:01.0+03:00"}),
        (
            "id:7 stat:UNDELIV text:id:99 stat:DELIVRD",
            {"ids": ("7",), "state": "undeliverable", "text": "id:99 stat:DELIVRD"},
        ),
        ("id:7 text:a\nb: c", {"ids": ("7",), "text": "a\nb: c"}),
        (
            "text:late stat:DELIVRD id:7",
            {"ids": ("7",), "state": "delivered", "text": "late stat:DELIVRD id:7"},
        ),
    ],
)
def test_every_key_is_optional(body: str, expected: dict[str, Any]) -> None:
    assert read(pdu(body)) == replace(NOTHING, **expected)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"H\x1bello", "H€llo"),
        (b"\xc4\x89 x", "\ufffd\ufffd x"),
        (b"DONE\0", "DONE"),  # not @
    ],
)
def test_only_the_text_is_read_by_the_alphabet(octets: bytes, text: str) -> None:
    assert read(pdu(b"id:a@b_c text:" + octets)) == replace(NOTHING, ids=("a@b_c",), text=text)


@pytest.mark.parametrize(
    ("message_id", "body", "ids"),
    [
        (b"6aad5\0", "id:0000436949", ("6aad5", "0000436949")),
        (b"6aad5", "id:6aad5", ("6aad5",)),
        (b" 6aad5 \0\0", "", ("6aad5",)),
        (b"6aad5\0\xff\xff", "", ("6aad5",)),
        (b"6aad5\xff", "", ("6aad5",)),
        (b"6aad5\0junk", "", ("6aad5",)),
        (b"6aad5,", "", ("6aad5,",)),
        (b"null", "id:7", ("7",)),
        (b"\r\n", "id:(null)", ()),
        (b"\0", "id:7", ("7",)),
        (b"", "id:7", ("7",)),
        (b"6AAD5\0", "id:6aad5", ("6AAD5", "6aad5")),  # as written
    ],
)
def test_both_ids_are_kept_the_tlv_first(message_id: bytes, body: str, ids: tuple[str, ...]) -> None:
    assert read(pdu(body, message_id=message_id)).ids == ids


def test_ids_from_the_text_can_be_left_alone() -> None:
    parts = pdu("id:77 stat:DELIVRD", message_id=b"5\0")
    assert read_receipt(parts, gsm.decode, ids_from_text=False).ids == ("5",)
    parts = pdu("id:77 stat:DELIVRD")
    assert read_receipt(parts, gsm.decode, ids_from_text=False) == replace(NOTHING, state="delivered")


@pytest.mark.parametrize(
    ("message_state", "state"),
    [
        (b"\x05", "undeliverable"),
        (b"\x00", "enroute"),
        (b"\x00\x00\x00\x05", "undeliverable"),
        (b"\x05\x00", "undeliverable"),
        (b"\x0c", "delivered"),
        (b"\x05\x02", "delivered"),
        (b"", "delivered"),
    ],
)
def test_the_state_of_the_tlv_counts_if_it_is_one(message_state: bytes, state: str) -> None:
    assert read(pdu("stat:DELIVRD", message_state=message_state)).state == state


@pytest.mark.parametrize(
    ("network_error", "body", "error", "network"),
    [
        (b"\x03\x00\x01", "", "1", "1"),
        (b"\x03\x01\x00", "err:012", "012", "256"),
        (b"014", "", "014", "014"),
        (b"014\0", "", "014", "014"),
        (b"0012", "", "0012", "0012"),
        (b"\x03\x00\x22\x00", "", "34", "34"),
        (b"", "", None, None),
        (b"\x03\x00", "err:012", "012", None),
        (b"\x03\x00\x00", "err:null", "0", "0"),
    ],
)
def test_two_error_codes(network_error: bytes, body: str, error: str | None, network: str | None) -> None:
    receipt = read(pdu(body, network_error=network_error))
    assert (receipt.error, receipt.network_error) == (error, network)


@pytest.mark.parametrize(
    ("esm_class", "receipt", "intermediate"),
    [
        (0x04, True, False),
        (0x08, True, False),
        (0x10, True, False),
        (0x18, True, False),
        (0x20, True, True),
        (0x24, True, False),
        (0x44, True, False),
        (0x00, False, False),
        (0x03, False, False),
        (0x40, False, False),
        (0x80, False, False),
    ],
)
def test_the_type_bits_make_a_receipt(esm_class: int, receipt: bool, intermediate: bool) -> None:
    parts = pdu("anything", esm_class=esm_class)
    assert is_receipt(parts) == receipt
    assert read(parts).intermediate == intermediate


@pytest.mark.parametrize(
    ("body", "receipt"),
    [
        (b"id:7 sub:001 stat:DELIVRD", True),
        (b"ID:7\nSTAT:DELIVRD", True),
        (b" id: 7 stat : DELIVRD", True),
        (b"\0id:7\0stat:DELIVRD", True),
        (b"id:7,stat:DELIVRD", True),
        ("id:7 stat:DELIVRD".encode("utf-16-le"), True),
        (b"#id:7 stat:DELIVRD", False),
        (b"id:7 is my substat: no", False),
        ("id:7 stat:DELIVRD".encode("utf-16-be"), True),
        (b"id:7 is what I need", False),
        (b"My id:7 stat:DELIVRD", False),
        (b"stat:DELIVRD id:7", False),
        (b"id:7 mystat:DELIVRD", False),
        (b"", False),
    ],
)
def test_without_type_bits_the_text_must_be_a_whole_receipt(body: bytes, receipt: bool) -> None:
    assert is_receipt(pdu(body, esm_class=0)) == receipt


def test_without_type_bits_the_tlv_makes_a_receipt() -> None:
    assert is_receipt(pdu(esm_class=0, message_id=b"7\0"))
    assert is_receipt(pdu(esm_class=0, message_id=b""))
    assert not is_receipt(pdu(esm_class=0, message_state=b"\x02"))


KEYS = st.sampled_from(
    [
        b"\0",
        b",",
        b"id:",
        b" sub:",
        b" dlvrd:",
        b" submit date:",
        b" done date:",
        b" stat:",
        b" err:",
        b" text:",
        b" X1:",
    ]
)
BODIES = st.binary(max_size=200) | st.lists(KEYS | st.binary(max_size=8)).map(b"".join)
TLVS = st.none() | st.binary(max_size=6)


@given(BODIES, st.integers(0, 255), TLVS, TLVS, TLVS)
def test_reading_never_raises(
    body: bytes,
    esm_class: int,
    message_id: bytes | None,
    message_state: bytes | None,
    network_error: bytes | None,
) -> None:
    parts = pdu(
        body,
        esm_class=esm_class,
        message_id=message_id,
        message_state=message_state,
        network_error=network_error,
    )
    assert is_receipt(parts) in (True, False)
    receipt = read(parts)
    assert "" not in receipt.ids


FIELDS: dict[str, tuple[str, dict[str, Any]]] = {
    "id": ("id:0f7a", {"ids": ("0f7a",)}),
    "sub": ("sub:001", {"sub": 1}),
    "dlvrd": ("dlvrd:001", {"dlvrd": 1}),
    "submit": ("submit date:2611221405", {"submitted_at": "2026-11-22T14:05"}),
    "done": ("done date:2611221406", {"done_at": "2026-11-22T14:06"}),
    "stat": ("stat:DELIVRD", {"state": "delivered"}),
    "err": ("err:000", {"error": "000"}),
}


@given(st.lists(st.sampled_from(sorted(FIELDS)), unique=True))
def test_any_keys_in_any_order(names: list[str]) -> None:
    body = " ".join(FIELDS[name][0] for name in names)
    expected: dict[str, Any] = {}
    for name in names:
        expected |= FIELDS[name][1]
    assert read(pdu(body)) == replace(NOTHING, **expected)


blank = st.sampled_from([" ", "", "  ", "\n", "_"])
word = st.sampled_from(
    ["x", "id", "text", "001", "stat:", "Id:7", "-", "", "err:1", "ä", "sub:", "2611221405"]
)


@st.composite
def nearly_ordinary(draw: st.DrawFn) -> str:
    """A receipt as Appendix B has it, or one that is not quite that."""
    keys = ["id:", "sub:", "dlvrd:", "submit date:", "done date:", "stat:", "err:", "text:"]
    usual = ["0f7a", "001", "001", "2611221405", "2611221406", "DELIVRD", "000", "Your id:1 code"]
    values = [draw(st.sampled_from(["%", "%", "%", "%"]) | word).replace("%", one) for one in usual]
    pairs = [key + value for key, value in zip(keys, values, strict=True)]
    if draw(st.booleans()):
        pairs = draw(st.permutations(pairs))
    return draw(blank).join(pairs) if draw(st.booleans()) else " ".join(pairs)


@given(nearly_ordinary())
def test_an_ordinary_receipt_is_read_as_by_its_keys_one_by_one(body: str) -> None:
    assert _fields(body) == _fields_by_key(body)


def test_what_most_write_is_ordinary() -> None:
    body = (
        "id:0f7a sub:001 dlvrd:001 submit date:2611221405 done date:2611221406 stat:DELIVRD err:000 text:Hi"
    )
    assert _ORDINARY.fullmatch(body)
    assert _ORDINARY.fullmatch(body.replace("text", "Text").replace("Hi", ""))
