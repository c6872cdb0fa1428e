"""Requests of any HTTP API by templates: every value arrives as it is, and none of them changes the structure."""

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.generic_answer import AnswerForm
from bridge.dialects.generic_callback import CallbackForm
from bridge.dialects.generic_http import GenericHttp
from bridge.dialects.generic_request import RequestForm
from bridge.dialects.http import HttpDialect
from bridge.model.mt import Mt
from bridge.model.outcome import Rejected
from bridge.model.template import Template, Tree, parse_template
from bridge.model.web import HttpRequest

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def mt(**fields: Any) -> Mt:
    return Mt(**({"id": "m-1", "to": "+447700900123", "text": "Hi"} | fields))


def tree(value: Any) -> Tree:
    """Templates of the texts in it."""
    if isinstance(value, str):
        return parse_template(value)
    if isinstance(value, dict):
        return {name: tree(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [tree(inner) for inner in value]
    return value  # type: ignore[no-any-return]


def form(
    fields: dict[str, Any] | None = None, path: str = "", headers: Any = None, **others: Any
) -> RequestForm:
    return RequestForm(
        fields={name: tree(value) for name, value in (fields or {"to": "{to}", "text": "{text}"}).items()},
        path=parse_template(path),
        headers={name: parse_template(value) for name, value in (headers or {}).items()},
        login="me",
        password="s3cret",
        **others,
    )


def write(
    request: RequestForm, message: Mt | None = None, key: str = "m-1", from_: str = "12345"
) -> HttpRequest:
    written = request.write(message or mt(), key, from_)
    assert isinstance(written, HttpRequest), written
    return written


def refused(request: RequestForm, message: Mt | None = None, from_: str = "12345") -> str:
    written = request.write(message or mt(), "m-1", from_)
    assert isinstance(written, Rejected), written
    assert written.status is None
    return written.reason


ALL = ["id", "to", "to_plus", "to_digits", "from", "text", "priority", "receipt", "expires_at", "carrier"]
ALL += ["app_id", "conversation_id", "login", "password"]


def test_every_name_has_its_value() -> None:
    message = mt(
        carrier="c", app_id="a", conversation_id="v", expires_at=1_900_000_000.5, priority=3, receipt="none"
    )
    request = write(form({name: f"{{{name}}}" for name in ALL}), message)
    assert dict(parse_qsl(request.body.decode())) == {
        "id": "m-1",
        "to": "+447700900123",
        "to_plus": "+447700900123",
        "to_digits": "447700900123",
        "from": "12345",
        "text": "Hi",
        "priority": "3",
        "receipt": "false",
        "expires_at": "2030-03-17T17:46:40.500Z",
        "carrier": "c",
        "app_id": "a",
        "conversation_id": "v",
        "login": "me",
        "password": "s3cret",
    }


def test_what_an_mt_does_not_have_is_left_out() -> None:
    fields = {"text": "{text}", "carrier": "{carrier}", "tag": "x-{app_id}", "both": "{to_digits}{app_id}"}
    assert dict(parse_qsl(write(form(fields)).body.decode())) == {"text": "Hi", "both": "447700900123"}
    nested = write(
        form({"text": "{text}", "in": {"a": "{app_id}", "l": ["{carrier}", "{to}"]}}, format="json")
    )
    assert json.loads(nested.body) == {"text": "Hi", "in": {"l": ["+447700900123"]}}


def test_in_json_a_name_by_itself_keeps_its_type() -> None:
    fields = {
        "p": "{priority}",
        "r": "{receipt}",
        "t": "p{priority} r{receipt}",
        "n": 8,
        "f": True,
        "x": "{text}",
    }
    request = write(form(fields, format="json"))
    assert json.loads(request.body) == {"p": 1, "r": True, "t": "p1 rtrue", "n": 8, "f": True, "x": "Hi"}
    assert request.headers == (("Content-Type", "application/json"),)


def test_in_a_form_numbers_and_flags_are_words() -> None:
    request = write(form({"x": "{text}", "r": "{receipt}", "p": "{priority}", "n": 8, "f": False}))
    assert request.body == b"x=Hi&r=true&p=1&n=8&f=false"
    assert request.headers == (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),)


def test_a_query_follows_the_path() -> None:
    fields = {"text": "{text}", "to": "{to}"}
    request = write(form(fields, "/send", method="GET", format="query"), mt(text="a b&c"))
    assert (request.method, request.target) == ("GET", "/send?text=a+b%26c&to=%2B447700900123")
    assert (request.headers, request.body) == ((), b"")
    assert write(form(fields, "/send?v={priority}", format="query")).target.startswith("/send?v=1&text=Hi&")
    only_path = RequestForm(format="query", path=parse_template("/send?t={text}"))
    assert write(only_path).target == "/send?t=Hi"


def test_accounts_are_told_in_the_header_that_is_asked_for() -> None:
    basic = dict(write(form(auth="basic")).headers)["Authorization"]
    assert base64.b64decode(basic.removeprefix("Basic ")) == b"me:s3cret"
    assert dict(write(form(auth="bearer")).headers)["Authorization"] == "Bearer s3cret"
    headers = {
        "Authorization": "App {password}",
        "X-Id": "{id}",
        "X-App": "{app_id}",
        "content-type": "text/x",
    }
    assert write(form(headers=headers)).headers == (
        ("Authorization", "App s3cret"),
        ("X-Id", "m-1"),
        ("content-type", "text/x"),
    )


def test_data_is_carried_where_a_field_takes_it() -> None:
    request = form({"to": "{to}", "text": "{text}", "data": "{data}"})
    data = mt(text=None, data=b"\x00\xff")
    assert request.uncarried(data) is None
    assert dict(parse_qsl(write(request, data).body.decode())) == {"to": "+447700900123", "data": "AP8="}
    assert refused(form(), data) == "data: this provider takes none"
    assert refused(form({"to": "{to}", "data": "{data}"})) == "text: this provider takes none"


@pytest.mark.parametrize(
    ("message", "from_", "field"),
    [
        (mt(text=None, media=({"content_type": "a/b", "data": ""},)), "1", "media"),
        (mt(text=None, data=b"", udh=b"\x00"), "1", "udh"),
        (mt(tlvs=((1, b""),)), "1", "tlvs"),
        (mt(to="0123456789"), "1", "to"),
        (mt(), "\x00", "from"),
        (mt(text="\ud800"), "1", "text"),
    ],
)
@pytest.mark.parametrize("kind", ["form", "json", "query"])
def test_what_cannot_be_said_is_refused_by_name(message: Mt, from_: str, field: str, kind: Any) -> None:
    assert refused(form(format=kind), message, from_).startswith(f"{field}: ")


def test_no_value_leaves_its_place_in_a_path_or_a_header() -> None:
    assert write(form(path="/a/{text}/b?c={text}"), mt(text="../x?y=1&z#%/")).target == (
        "/a/..%2Fx%3Fy%3D1%26z%23%25%2F/b?c=..%2Fx%3Fy%3D1%26z%23%25%2F"
    )
    for dots in (".", ".."):
        assert refused(form(path="/a/{text}/b"), mt(text=dots)) == "request.path: a value in it is only dots"
    for text in ("a\r\nX-Evil: 1", "a\nb", "\x00", "é"):
        reason = refused(form(headers={"X-Text": "t={text}"}), mt(text=text))
        assert reason == "request.headers.X-Text: a value in it is not printable ASCII"


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_arrives_as_it_is_in_a_form_and_a_query(text: str, carrier: str) -> None:
    fields = {"text": "{text}", "mixed": "<{text}&{carrier}>", "to": "{to}"}
    expected = {"text": text, "mixed": f"<{text}&{carrier}>", "to": "+447700900123"}
    message = mt(text=text, carrier=carrier)
    body = write(form(fields), message).body.decode("ascii")
    assert parse_qsl(body, keep_blank_values=True, strict_parsing=True) == list(expected.items())
    query = write(form(fields, format="query"), message).target.removeprefix("?")
    assert parse_qsl(query, keep_blank_values=True, strict_parsing=True) == list(expected.items())


@given(ANY_TEXT)
def test_any_text_arrives_as_it_is_in_json(text: str) -> None:
    fields = {"messages": [{"to": [{"n": "{to}"}], "text": "{text}", "copy": "“{text}”"}]}
    body = write(form(fields, format="json"), mt(text=text)).body
    assert json.loads(body) == {
        "messages": [{"to": [{"n": "+447700900123"}], "text": text, "copy": f"“{text}”"}]
    }


@given(ANY_TEXT)
def test_any_text_is_one_segment_of_a_path(text: str) -> None:
    request = form(path="/a/{text}/b").write(mt(text=text), "m-1", "1")
    if isinstance(request, Rejected):
        assert text in {".", ".."}
        return
    empty, first, middle, last = request.target.split("/")
    assert (empty, first, unquote(middle), last) == ("", "a", text, "b")
    assert request.target.isascii()


def generic(request: RequestForm, **answer: Any) -> HttpDialect:
    return GenericHttp(request=request, answer=AnswerForm(**answer), callback=CallbackForm())


def test_the_name_is_known_before_the_answer_only_if_we_gave_it() -> None:
    named, unnamed = form({"to": "{to}", "text": "{text}", "ref": "{id}"}), form()
    assert generic(named).known_as("m-1") == "m-1"
    assert generic(named).known_as("m 1") == dict(parse_qsl(write(named, key="m 1").body.decode()))["ref"]
    assert generic(named, id="sid").known_as("m-1") is None
    assert generic(unnamed).known_as("m-1") is None
    assert (write(named).ident, write(unnamed).ident) == ("m-1", "")


def test_a_dialect_is_made_of_its_forms() -> None:
    dialect = generic(form())
    assert dialect.carries(mt())
    assert not dialect.carries(mt(text=None, data=b""))
    assert dialect.write(mt(), "m-1", "12345") == write(form())


def test_the_password_is_not_shown() -> None:
    assert "s3cret" not in repr(generic(form(headers={"X": "s3cret"})))
    assert Template(("s3cret",)).literals == ("s3cret",)
