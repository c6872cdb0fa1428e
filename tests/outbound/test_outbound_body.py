"""The door of the house: what an MT may be, and that no body whatever gets past it as an exception."""

import base64
import json
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.model.mt import PRIORITIES, Mt
from bridge.outbound.body import MEDIA_BODY_BYTES, InvalidMt, read_mt
from bridge.outbound.mt_schema import mt_schema

LIMIT = 1_048_576
PLAIN: dict[str, Any] = {"id": "a-1", "to": "447700900123", "text": "Hello"}
SCHEMA = jsonschema.Draft202012Validator(mt_schema())


def read(fields: dict[str, Any], message_id: str | None = None) -> Mt | InvalidMt:
    return read_mt(orjson.dumps(fields), message_id, LIMIT)


def octets(count: int) -> str:
    return base64.b64encode(bytes(count)).decode()


def test_a_plain_mt_has_the_defaults_of_the_contract() -> None:
    assert read(PLAIN) == Mt(
        id="a-1", to="447700900123", text="Hello", encoding="auto", receipt="final", priority=1
    )


def test_every_field_arrives() -> None:
    fields = {
        "id": "x" * 128,
        "to": "+447700900123",
        "from": "Example",
        "data": "3q2+7w==",
        "udh": "0605040B8423F0",
        "encoding": "binary",
        "receipt": "all",
        "expires_at": "2030-01-31T12:05:00.5+01:00",
        "priority": "interactive",
        "on_doubt": "park",
        "carrier": "84001",
        "app_id": "login",
        "conversation_id": "c-17",
        "metadata": {"user": [1, {"a": None}]},
        "tlvs": {"0x1400": "31323334", "0x5": ""},
    }
    assert SCHEMA.is_valid(fields)
    assert read(fields) == Mt(
        id="x" * 128,
        to="+447700900123",
        from_="Example",
        data=b"\xde\xad\xbe\xef",
        udh=bytes.fromhex("0605040B8423F0"),
        encoding="binary",
        receipt="all",
        expires_at=1896087900.5,
        priority=3,
        on_doubt="park",
        carrier="84001",
        app_id="login",
        conversation_id="c-17",
        metadata={"user": [1, {"a": None}]},
        tlvs=((0x1400, b"1234"), (5, b"")),
    )


def test_media_arrives_as_it_came() -> None:
    part = {"content_type": "image/gif", "data": "R0lGODlhAQABAAAAACw="}
    mt = read({"id": "m", "to": "447700900123", "media": [part]})
    assert isinstance(mt, Mt)
    assert mt.media == (part,)
    assert mt.text is None


def test_null_means_absent() -> None:
    everything = dict.fromkeys(mt_schema()["properties"]) | PLAIN
    assert SCHEMA.is_valid(everything)
    assert read(everything) == read(PLAIN)


def test_the_id_may_be_the_message_id() -> None:
    without = {"to": "447700900123", "text": "Hello"}
    mt = read(without, "from-amqp")
    assert isinstance(mt, Mt)
    assert mt.id == "from-amqp"
    own = read(PLAIN, "from-amqp")
    assert isinstance(own, Mt)
    assert own.id == "a-1"
    for message_id in (None, "", "x" * 129, "no\n", "n\u00f6"):
        invalid = read(without, message_id)
        assert isinstance(invalid, InvalidMt)
        assert (invalid.id, invalid.field) == (None, "id")


def test_the_id_of_a_bad_mt_is_told_where_it_can_be_read() -> None:
    assert read_mt(b"{", "amqp", LIMIT) == InvalidMt(
        "amqp", "body", "the body is not JSON: unexpected end of data (line 1, column 2)"
    )
    assert read({"id": "own"}, "amqp") == InvalidMt("own", "to", "to is missing")
    assert read({"id": 5}, "amqp") == InvalidMt(
        "amqp", "id", "id must be 1 to 128 printable ASCII characters"
    )


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"to": None}, "to", "3 to 15 digits"),
        ({"to": "12"}, "to", "3 to 15 digits"),
        ({"to": "1" * 16}, "to", "3 to 15 digits"),
        ({"to": "44 7700 900123"}, "to", "3 to 15 digits"),
        ({"to": 447700900123}, "to", "3 to 15 digits"),
        ({"to": "447700900123\n"}, "to", "3 to 15 digits"),
        ({"to": "\u0661\u0662\u0663\u0664"}, "to", "3 to 15 digits"),
        ({"id": ""}, "id", "1 to 128"),
        ({"id": "x" * 129}, "id", "1 to 128"),
        ({"id": "tab\t"}, "id", "printable"),
        ({"from": ""}, "from", "short code"),
        ({"from": "twelve chars"}, "from", "short code"),
        ({"from": "caf\u00e9"}, "from", "short code"),
        ({"from": 12345}, "from", "short code"),
        ({"text": 5}, "text", "must be a string"),
        ({"text": None}, "text", "exactly one of"),
        ({"data": "AA=="}, "text", "exactly one of"),
        ({"text": None, "data": 5}, "data", "Base64"),
        ({"text": None, "data": "AA"}, "data", "Base64"),
        ({"text": None, "data": "A A="}, "data", "Base64"),
        ({"text": None, "data": "AA==AA=="}, "data", "Base64"),
        ({"text": None, "data": "\u00e9"}, "data", "Base64"),
        ({"udh": "050003010201"}, "udh", "only for MTs with data"),
        ({"text": None, "data": "AA==", "udh": "05"}, "udh", "length octet"),
        ({"text": None, "data": "AA==", "udh": "0"}, "udh", "hex"),
        ({"text": None, "data": "AA==", "udh": ""}, "udh", "hex"),
        ({"text": None, "media": []}, "media", "list of objects"),
        ({"text": None, "media": [{"content_type": "a/b"}]}, "media", "list of objects"),
        ({"text": None, "media": [{"content_type": "a/b", "data": "!"}]}, "media", "Base64"),
        ({"encoding": "utf-8"}, "encoding", "utf8"),
        ({"receipt": True}, "receipt", "final, all or none"),
        ({"expires_at": 1896087900}, "expires_at", "RFC 3339"),
        ({"expires_at": "2030-01-31T12:05:00"}, "expires_at", "RFC 3339"),
        ({"expires_at": "2030-02-30T12:05:00Z"}, "expires_at", "exists"),
        ({"expires_at": "0000-01-01T00:00:00Z"}, "expires_at", "exists"),
        ({"priority": "high"}, "priority", "bulk_low"),
        ({"priority": 3}, "priority", "bulk_low"),
        ({"on_doubt": "retry"}, "on_doubt", "resend or park"),
        ({"app_id": "x" * 257}, "app_id", "256"),
        ({"carrier": 84001}, "carrier", "256"),
        ({"conversation_id": {}}, "conversation_id", "256"),
        ({"metadata": []}, "metadata", "object"),
        ({"metadata": {"a": "x" * 4096}}, "metadata", "limit is 4096"),
        ({"tlvs": []}, "tlvs", "hex by tag"),
        ({"tlvs": {"5120": "00"}}, "tlvs", "hex by tag"),
        ({"tlvs": {"0x12345": "00"}}, "tlvs", "hex by tag"),
        ({"tlvs": {"0x1400": "0"}}, "tlvs", "hex by tag"),
        ({"tlvs": {f"0x{tag:x}": "" for tag in range(65)}}, "tlvs", "64"),
        ({"expire_at": "2030-01-31T12:05:00Z"}, "expire_at", "did you mean expires_at?"),
        ({"campaign": "x"}, "campaign", "belongs in metadata"),
        ({"+447700900123": "x"}, "body", "belongs in metadata"),
    ],
)
def test_what_is_wrong_is_told_by_field(change: dict[str, Any], field: str, words: str) -> None:
    invalid = read(PLAIN | change)
    assert isinstance(invalid, InvalidMt)
    assert invalid.field == field
    assert words in invalid.reason
    assert "Hello" not in invalid.reason
    assert "7700900123" not in invalid.reason


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"\xff",
        b'{"to": NaN}',
        b'{"to": "\\ud800"}',
        b'\xef\xbb\xbf{"to": "1234"}',
        b"[" * 100_000,
        b'{"id":"a","to":"447700900123","text":"a"} x',
        b"x" * (LIMIT + 1),
        b"x" * (5 * 1024 * 1024),
    ],
)
def test_what_is_no_json_object_is_told_as_the_body(body: bytes) -> None:
    invalid = read_mt(body, "amqp", LIMIT)
    assert isinstance(invalid, InvalidMt)
    assert (invalid.id, invalid.field) == ("amqp", "body")


def test_the_last_of_two_equal_keys_counts() -> None:
    mt = read_mt(b'{"id":"a","to":"111111","text":"x","to":"222222"}', None, LIMIT)
    assert isinstance(mt, Mt)
    assert mt.to == "222222"


def test_the_limits_of_a_body_with_and_without_media() -> None:
    def media(*sizes: int) -> Mt | InvalidMt:
        return read(
            {
                "id": "m",
                "to": "447700900123",
                "media": [{"content_type": "a/b", "data": octets(n)} for n in sizes],
            }
        )

    assert isinstance(media(2 * 1024 * 1024, 2 * 1024 * 1024), Mt)
    assert media(2 * 1024 * 1024, 2 * 1024 * 1024 + 1) == InvalidMt(
        "m", "media", "the parts of media have more than 4194304 octets in all"
    )
    whole = media(MEDIA_BODY_BYTES)
    assert isinstance(whole, InvalidMt)
    assert whole.field == "body"
    assert whole.reason.endswith(f"octets; the limit is {MEDIA_BODY_BYTES}")
    text = read(PLAIN | {"text": "x" * LIMIT})
    assert isinstance(text, InvalidMt)
    assert text.field == "body"
    sneaky = read(PLAIN | {"text": '"media"' + "x" * LIMIT})
    assert isinstance(sneaky, InvalidMt)
    assert sneaky.field == "body"


def test_metadata_must_be_writable_again() -> None:
    def nested(levels: int) -> Mt | InvalidMt:
        inner = "{" + '"a":{' * (levels - 1) + "}" * levels
        return read_mt(
            b'{"id":"a","to":"447700900123","text":"x","metadata":' + inner.encode() + b"}", None, LIMIT
        )

    assert isinstance(nested(32), Mt)
    for levels in (33, 255, 600):
        assert nested(levels) == InvalidMt("a", "metadata", "metadata has more than 32 levels")
    exact = {"a": "x" * (4096 - len('{"a":""}'))}
    assert isinstance(read(PLAIN | {"metadata": exact}), Mt)


def test_priorities_are_those_of_the_model() -> None:
    for flag, word in enumerate(PRIORITIES):
        mt = read(PLAIN | {"priority": word})
        assert isinstance(mt, Mt)
        assert mt.priority == flag


def test_the_examples_of_the_schema_are_good() -> None:
    jsonschema.Draft202012Validator.check_schema(mt_schema())
    for fields in mt_schema()["examples"]:
        assert SCHEMA.is_valid(fields)
        assert isinstance(read(fields, "from-amqp"), Mt)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        ["447700900123", "auto", "AA==", "0x1400", "00", "2030-01-31T12:05:00Z", "all", "park"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_BODIES = st.dictionaries(st.sampled_from([*mt_schema()["properties"], "other"]), _VALUES)


@given(_BODIES.map(lambda fields: PLAIN | fields) | _BODIES)
def test_reader_and_schema_agree(fields: dict[str, Any]) -> None:
    """What the reader takes the schema takes; the schema cannot say Base64, dates and sizes."""
    result = read_mt(json.dumps(fields).encode("utf-8", "replace"), "from-amqp", LIMIT)
    if isinstance(result, Mt):
        assert SCHEMA.is_valid(fields)
        assert len(result.id) <= 128
        orjson.dumps(result.metadata)
    else:
        assert result.reason


@given(st.binary(max_size=200), st.none() | st.text(max_size=3))
@example(b'{"to": {"to": 1}}', "\ud800")
@example(b'{"\\u0000": 1}', None)
def test_no_body_whatever_raises(body: bytes, message_id: str | None) -> None:
    assert isinstance(read_mt(body, message_id, LIMIT), InvalidMt)
