"""What Genesys posts: receipts, messages, and what is neither."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.genesys_http import GenesysHttp
from bridge.dialects.http import BadCallback
from bridge.model.inbound import Dr, Mo
from bridge.model.web import Callback

GENESYS = GenesysHttp(login="me", password="x")
RECEIPT = {"type": "receipt", "message_id": "m-1", "message_state": "2", "result_code": "0"}
MESSAGE = {
    "type": "MO",
    "message_id": "mo-1",
    "shortcode": "12345",
    "phone_number": "447700900123",
    "carrier": "84001",
    "message": "Hi",
}
IMAGE = base64.b64encode(bytes(range(256))).decode()


def read(fields: dict[str, Any], dialect: GenesysHttp = GENESYS) -> Mo | Dr:
    return dialect.read_callback(Callback(fields=fields))


def read_dr(fields: dict[str, Any], dialect: GenesysHttp = GENESYS) -> Dr:
    dr = read(fields, dialect)
    assert isinstance(dr, Dr)
    return dr


def read_mo(fields: dict[str, Any]) -> Mo:
    mo = read(fields)
    assert isinstance(mo, Mo)
    return mo


def without(fields: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in fields.items() if key != name}


def test_a_receipt_in_full() -> None:
    fields = RECEIPT | {"app_id": "a", "conversation_id": "c", "new_field": "x"}
    dr = read_dr(fields)
    assert dr == Dr(
        ids=("m-1",),
        state="delivered",
        final=True,
        error="0",
        network_error=None,
        submitted_at=None,
        done_at=None,
        to=None,
        from_=None,
        text=None,
        identity=dr.identity,
        raw={"fields": fields},
    )


@pytest.mark.parametrize(
    ("number", "state", "final"),
    [
        ("1", "enroute", False),
        ("2", "delivered", True),
        ("3", "expired", True),
        ("4", "deleted", True),
        ("5", "undeliverable", True),
        ("6", "accepted", False),
        ("7", "unknown", False),
        ("8", "rejected", True),
    ],
)
def test_each_state(number: str, state: str, final: bool) -> None:
    dr = read_dr(RECEIPT | {"message_state": number})
    assert (dr.state, dr.final) == (state, final)


def test_the_configuration_may_call_more_states_final() -> None:
    dialect = GenesysHttp(login="me", password="x", final_states=frozenset({"accepted"}))
    assert read_dr(RECEIPT | {"message_state": "6"}, dialect).final


@pytest.mark.parametrize("code", ["0", "000", "98", ""])
def test_the_result_is_as_it_was_written(code: str) -> None:
    assert read_dr(RECEIPT | {"result_code": code}).error == code


def test_a_receipt_may_have_no_result() -> None:
    assert read_dr(without(RECEIPT, "result_code")).error is None


def test_a_repeat_is_known_by_id_state_and_result_alone() -> None:
    identity = read_dr(RECEIPT).identity
    assert read_dr(RECEIPT | {"app_id": "other", "type": "RECEIPT"}).identity == identity
    for name, value in {"message_id": "m-2", "message_state": "5", "result_code": "1"}.items():
        assert read_dr(RECEIPT | {name: value}).identity != identity


def test_a_message_in_full() -> None:
    fields = MESSAGE | {"new_field": "x"}
    mo = read_mo(fields)
    assert mo == Mo(
        id="mo-1",
        from_="447700900123",
        to="12345",
        text="Hi",
        data=None,
        encoding="utf-8",
        identity=mo.identity,
        carrier="84001",
        raw={"fields": fields},
    )


@pytest.mark.parametrize("kind", ["mo", "MO", " Mo "])
def test_the_type_is_read_in_any_case(kind: str) -> None:
    assert read_mo(MESSAGE | {"type": kind}).id == "mo-1"


def test_a_message_may_be_empty_and_name_no_carrier() -> None:
    mo = read_mo(without(MESSAGE, "carrier") | {"message": ""})
    assert (mo.text, mo.carrier) == ("", None)


@pytest.mark.parametrize("attachment", ["mms_attachment[{}]", "mms_attachment{}"])
def test_attachments_come_in_order_in_both_spellings(attachment: str) -> None:
    parts = {}
    for number in (10, 1, 0, 2, 9, 8, 3, 4, 5, 6, 7):
        parts[f"{attachment.format(number)}.content"] = IMAGE
        parts[f"{attachment.format(number)}.content_type"] = f"image/{number}"
    mo = read_mo(without(MESSAGE, "message") | parts)
    assert mo.text == ""
    assert list(mo.media) == [{"content_type": f"image/{number}", "data": IMAGE} for number in range(11)]
    assert set(mo.raw["fields"]) == set(without(MESSAGE, "message")) | {
        name for name in parts if name.endswith(".content_type")
    }


def test_line_breaks_in_an_attachment_are_left_out() -> None:
    broken = "\r\n".join(IMAGE[at : at + 76] for at in range(0, len(IMAGE), 76))
    parts = {"mms_attachment[0].content": broken, "mms_attachment[0].content_type": "image/png"}
    assert read_mo(MESSAGE | parts).media == ({"content_type": "image/png", "data": IMAGE},)


def attached(**parts: str) -> dict[str, str]:
    """A message with attachments: n0="x" is the content of the first, t0 its type."""
    names = {
        "n": "mms_attachment[{}].content",
        "t": "mms_attachment[{}].content_type",
        "p": "mms_attachment{}.content",
    }
    return MESSAGE | {names[short[0]].format(short[1:]): value for short, value in parts.items()}


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({}, "type", "is missing"),
        (RECEIPT | {"type": ""}, "type", "is missing"),
        (RECEIPT | {"type": "MT"}, "type", "must be receipt or MO"),
        (without(RECEIPT, "message_id"), "message_id", "is missing"),
        (RECEIPT | {"message_id": " "}, "message_id", "is missing"),
        (without(RECEIPT, "message_state"), "message_state", "is missing"),
        (RECEIPT | {"message_state": "0"}, "message_state", "must be a number from 1 to 8"),
        (RECEIPT | {"message_state": "9"}, "message_state", "must be a number from 1 to 8"),
        (RECEIPT | {"message_state": "٢"}, "message_state", "must be a number from 1 to 8"),
        (RECEIPT | {"message_state": 2}, "message_state", "must be text"),
        (RECEIPT | {"app_id": ["a"]}, "app_id", "must be text"),
        (RECEIPT | {"a message's own text": None}, "body", "must be text"),
        (RECEIPT | {"app_id": "\ud800"}, "app_id", "is no text that UTF-8 could carry"),
        (RECEIPT | {"\ud800": ""}, "body", "is no text that UTF-8 could carry"),
        (without(MESSAGE, "message_id"), "message_id", "is missing"),
        (without(MESSAGE, "shortcode"), "shortcode", "is missing"),
        (without(MESSAGE, "phone_number"), "phone_number", "is missing"),
        (without(MESSAGE, "message"), "message", "is missing"),
        (attached(n0=IMAGE), "mms_attachment[0].content_type", "is missing"),
        (attached(t0="image/png"), "mms_attachment[0].content", "is missing"),
        (attached(n1=IMAGE, t1="image/png"), "mms_attachment[0].content_type", "is missing"),
        (attached(n0="no Base64!", t0="a/b"), "mms_attachment[0].content", "must be Base64"),
        (attached(n0="ä", t0="a/b"), "mms_attachment[0].content", "must be Base64"),
        (attached(n0="AAAA", p0="AAAA", t0="a/b"), "mms_attachment0.content", "is given in two spellings"),
    ],
)
def test_what_is_none_is_refused_by_field_and_rule(fields: dict[str, Any], field: str, rule: str) -> None:
    with pytest.raises(BadCallback) as caught:
        read(fields)
    assert (caught.value.field, caught.value.rule) == (field, rule)
    assert str(caught.value) == f"{field}: {rule}"


_NAMES = st.sampled_from(
    [
        *RECEIPT,
        *MESSAGE,
        "mms_attachment[0].content",
        "mms_attachment0.content_type",
        "mms_attachment[99999].content",
    ]
)
_TEXTS = st.sampled_from(["receipt", "MO", "2", "", IMAGE, "\ud800", "١"])


@given(
    st.dictionaries(
        _NAMES | st.text(max_size=5),
        _TEXTS
        | st.text(max_size=5)
        | st.none()
        | st.integers()
        | st.lists(st.none())
        | st.binary(max_size=3),
    )
)
def test_any_callback_is_read_or_refused(fields: dict[str, Any]) -> None:
    try:
        inbound = read(fields)
    except BadCallback:
        return
    assert inbound.raw["fields"].items() <= fields.items()
