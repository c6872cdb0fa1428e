"""Bodies as fields: each way of writing them, and whatever else comes."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.http import BadCallback
from bridge.inbound.callbacks import forms
from bridge.inbound.callbacks.forms import MOST_FIELDS, read_json, read_multipart, read_urlencoded, reader_of
from bridge.inbound.callbacks.multipart import NotMultipart, parts_of

LINE = b"cut-here"


def part(name: str, value: bytes, *lines: str) -> bytes:
    head = [f'Content-Disposition: form-data; name="{name}"', *lines]
    return b"--" + LINE + b"\r\n" + "\r\n".join(head).encode() + b"\r\n\r\n" + value + b"\r\n"


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + LINE + b"--\r\n"


def fields_of(content_type: bytes, body: bytes) -> Any:
    reader = reader_of(content_type)
    assert reader is not None
    return reader(body).fields


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", {}),
        (b"type=MO&message=a+b%20c&", {"type": "MO", "message": "a b c"}),
        (b"message=", {"message": ""}),
        (b"message", {"message": ""}),
        (b"message=a%26b%3Dc;d", {"message": "a&b=c;d"}),
        (b"message=100%&rate=%zz", {"message": "100%", "rate": "%zz"}),
        (b"message=%C3%BC%E2%82%AC", {"message": "ü€"}),
        ("message=ü€".encode(), {"message": "ü€"}),
        (b"mms_attachment%5B0%5D.content=QUJD&a[0]=1", {"mms_attachment[0].content": "QUJD", "a[0]": "1"}),
        (b"id=1&text=x&id=1", {"id": "1", "text": "x"}),
    ],
)
def test_a_form_is_read(body: bytes, fields: dict[str, str]) -> None:
    assert read_urlencoded(body).fields == fields


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"{}", {}),
        (
            '{"text": "ü", "n": 1, "deep": [{"a": null}], "half": "\\ud83d\\ude00"}'.encode(),
            {"text": "ü", "n": 1, "deep": [{"a": None}], "half": "😀"},
        ),
        (b'{"id": "1", "id": "1"}', {"id": "1"}),
    ],
)
def test_json_is_read(body: bytes, fields: dict[str, Any]) -> None:
    assert read_json(body).fields == fields


@pytest.mark.parametrize(
    ("content_type", "body", "fields"),
    [
        (b"", b"a=1", {"a": "1"}),
        (b"application/x-www-form-urlencoded; charset=ISO-8859-1", "a=ü".encode(), {"a": "ü"}),
        (b" Application/JSON ; charset=utf-8", b'{"a": 1}', {"a": 1}),
        (b'multipart/form-data; boundary="cut-here"', multipart(part("a", b"1")), {"a": "1"}),
        (
            b"multipart/form-data; charset=utf-8; boundary=cut-here",
            multipart(
                part("text", "ü\r\n--cut\r\n".encode()),
                part("x", b"", "Content-Type: text/plain", "Content-Transfer-Encoding: 8bit"),
                part("file", b"octets", "Content-Type: image/png"),
            ),
            {"text": "ü\r\n--cut\r\n", "x": "", "file": "octets"},
        ),
    ],
)
def test_the_type_says_how(content_type: bytes, body: bytes, fields: dict[str, Any]) -> None:
    assert fields_of(content_type, body) == fields


@pytest.mark.parametrize(
    "content_type", [b"text/plain", b"application/xml", b"multipart/mixed; boundary=x", b"json", b"\xff"]
)
def test_other_types_are_not_read(content_type: bytes) -> None:
    assert reader_of(content_type) is None


FORM, JSON, PARTS = b"", b"application/json", b"multipart/form-data; boundary=cut-here"


@pytest.mark.parametrize(
    ("content_type", "body", "field", "rule"),
    [
        (FORM, b"id=1&id=2", "id", "is given twice, with different values"),
        (FORM, b"id=1&id=", "id", "is given twice, with different values"),
        (FORM, b"SECRET words=1&SECRET words=2", "body", "is given twice, with different values"),
        (FORM, b"a=SECRET\xff", "a", "is not UTF-8"),
        (FORM, b"a=SECRET%ff", "a", "is not UTF-8"),
        (FORM, b"a=%ed%a0%80", "a", "is not UTF-8"),
        (FORM, b"SECRET%ff=a", "body", "is not UTF-8"),
        (FORM, b"&" * MOST_FIELDS, "body", "has more than 1000 fields"),
        (JSON, b'{"id": 1, "id": 2}', "id", "is given twice, with different values"),
        (JSON, b'{"a": {"id": 1, "id": 2}}', "id", "is given twice, with different values"),
        (JSON, b"", "body", "is not JSON"),
        (JSON, b'{"SECRET"', "body", "is not JSON"),
        (JSON, b'{"a": NaN}', "body", "is not JSON: it holds NaN or Infinity"),
        (JSON, b'["SECRET"]', "body", "must be a JSON object"),
        (JSON, b'{"a": "\xff"}', "body", "is not UTF-8"),
        (JSON, b'{"a": ' + b"[" * 100_000, "body", "is not JSON"),
        (JSON, b'{"a": ' + b"9" * 5_000 + b"}", "body", "is not JSON"),
        (JSON, b'{"a": "\\ud83d"}', "body", "holds what JSON cannot carry"),
        (JSON, b'{"a": 123456789012345678901}', "body", "holds what JSON cannot carry"),
        (JSON, b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}", "body", "holds what JSON cannot carry"),
        (PARTS, multipart(part("id", b"1"), part("id", b"2")), "id", "is given twice, with different values"),
        (PARTS, multipart(part("id", b"SECRET\xff")), "id", "is not UTF-8"),
        (PARTS, multipart(part("a b", b"SECRET\xff")), "body", "is not UTF-8"),
        (PARTS, part("id", b"1"), "body", "ends before its last boundary"),
        (PARTS, multipart(part("id", b"1"))[:-20], "body", "ends before its last boundary"),
        (PARTS, b"id=1", "body", "is not multipart/form-data"),
        (PARTS, b"", "body", "ends before its last boundary"),
        (
            PARTS,
            multipart(part("i", b"MQ==", "Content-Transfer-Encoding: base64")),
            "body",
            "Transfer-Encoding",
        ),
        (PARTS, multipart(part("", b"1").replace(b'; name=""', b"")), "body", "has a part without a name"),
        (PARTS, multipart(part("a", b"1").replace(b"form-data", b"inline")), "body", "a part without a name"),
        (PARTS, multipart(*[part("a", b"1")] * 1001), "body", "has more than 1000 fields"),
        (b"multipart/form-data", multipart(part("a", b"1")), "body", "has no usable boundary"),
        (b"multipart/form-data; boundary=" + b"x" * 71, b"", "body", "has no usable boundary"),
    ],
)
def test_what_is_wrong_is_named_without_what_it_holds(
    content_type: bytes, body: bytes, field: str, rule: str
) -> None:
    with pytest.raises(BadCallback) as raised:
        fields_of(content_type, body)
    assert raised.value.field == field
    assert rule in raised.value.rule
    assert "SECRET" not in str(raised.value)


NAMES = st.from_regex(forms.NAME, fullmatch=True)


@given(st.dictionaries(NAMES, st.text(), max_size=8))
def test_any_fields_come_back_from_any_way_of_writing(fields: dict[str, str]) -> None:
    assert read_urlencoded(urlencode(fields).encode()).fields == fields
    assert read_json(orjson.dumps(fields)).fields == fields
    parts = [part(name, value.encode()) for name, value in fields.items()]
    if not any(LINE.decode() in value for value in fields.values()):
        assert read_multipart(multipart(*parts), LINE).fields == fields


@given(st.text("abB+%256FfDdü&==;\n \x00", max_size=60) | st.text())
def test_a_form_is_read_as_the_standard_library_reads_it(body: str) -> None:
    try:
        expected = parse_qsl(body, keep_blank_values=True, errors="strict")
        fields = dict(expected)
        readable = all(fields[name] == value for name, value in expected)
    except UnicodeDecodeError:
        readable = False
    if readable:
        assert read_urlencoded(body.encode()).fields == fields
    else:
        with pytest.raises(BadCallback):
            read_urlencoded(body.encode())


PIECES = st.sampled_from(
    [
        *(b"--cut-here", b"--", b"\r\n", b"\r", b"\n", b": ", b";", b'"', b"=", b"\xff", b"\x00", b"a"),
        *(b"Content-Disposition", b"form-data", b'name="a"', b"&", b"%", b"%f", b"{", b"}", b"[", b"\\ud800"),
        *(b'"a"', b":", b",", b"1", b"1e999", b"null"),
    ]
)
BODIES = st.binary() | st.lists(PIECES, max_size=40).map(b"".join)
TYPES = st.sampled_from([FORM, JSON, PARTS]) | st.binary() | st.binary().map(lambda tail: PARTS[:19] + tail)


@given(TYPES, BODIES)
def test_no_body_raises_anything_else(content_type: bytes, body: bytes) -> None:
    reader = reader_of(content_type)
    if reader is None:
        return
    try:
        fields = reader(body).fields
    except BadCallback as bad:
        fields = {bad.field: bad.rule}
    orjson.dumps(fields)


def test_a_boundary_alone_is_no_part() -> None:
    assert parts_of(b"--cut-here--\r\n", LINE, most=1) == []
    with pytest.raises(NotMultipart):
        parts_of(b"--cut-here\r\n", LINE, most=1)
