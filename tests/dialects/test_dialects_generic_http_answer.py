"""What any HTTP API answers: results in the body, statuses, and what neither of them names."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.generic_answer import AnswerForm
from bridge.dialects.http import Effect, Reading
from bridge.model.outcome import Accepted, Doubt, Duplicate, NotSent, Outcome, Rejected, RetryLater, Throttled
from bridge.model.web import HttpAnswer

NESTED = AnswerForm(
    id="messages.0.message-id",
    result="messages.0.status",
    results={
        "0": "accepted",
        "1": "throttled",
        "2": "rejected",
        "5": "retry",
        "8": "duplicate",
        "4": "account",
    },
    error="messages.0.error-text",
)


def read(form: AnswerForm, body: bytes = b"", status: int = 200, location: str = "") -> Reading:
    return form.read(HttpAnswer(status=status, body=body, location=location), "m-1")


@pytest.mark.parametrize(
    ("message", "outcome", "effect"),
    [
        (b'"status":"0","message-id":"p1"', Accepted("p1"), Effect.NONE),
        (b'"status":0,"message-id":12', Accepted("12"), Effect.NONE),
        (b'"status":"0"', Doubt("HTTP 200: 0: has no messages.0.message-id"), Effect.NONE),
        (b'"status":"0","message-id":""', Doubt("HTTP 200: 0: has no messages.0.message-id"), Effect.NONE),
        (b'"status":"1","error-text":"slow"', Throttled(1, "HTTP 200: 1: slow"), Effect.NONE),
        (
            b'"status":"2","error-text":"no +447700900123"',
            Rejected(2, "HTTP 200: 2: no +4477*****123"),
            Effect.NONE,
        ),
        (b'"status":"4"', NotSent("HTTP 200: 4", 4), Effect.STOP),
        (b'"status":"5"', RetryLater(5, "HTTP 200: 5"), Effect.NONE),
        (b'"status":"8"', Duplicate("m-1", 8, "HTTP 200: 8"), Effect.NONE),
        (b'"status":"8","message-id":"p1"', Duplicate("p1", 8, "HTTP 200: 8"), Effect.NONE),
        (b'"status":"29"', Doubt("HTTP 200: 29"), Effect.NONE),
        (b'"message-id":"p1"', Accepted("p1"), Effect.NONE),
    ],
)
def test_results_in_the_body(message: bytes, outcome: Outcome, effect: Effect) -> None:
    assert read(NESTED, b'{"messages":[{' + message + b"}]}") == (outcome, effect)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"3", b'{"messages":[]}', b'{"messages":{"0":1}}', b"\xff", b"[" * 99_999]
)
def test_a_success_without_what_it_should_say_is_doubt(body: bytes) -> None:
    assert read(NESTED, body) == (Doubt("HTTP 200: has no messages.0.message-id"), Effect.NONE)


def test_a_success_that_is_not_readable_is_doubt_where_it_should_have_a_result() -> None:
    form = AnswerForm(result="status", results={"ok": "accepted"})
    assert read(form, b"<html>").outcome == Doubt("HTTP 200: has no status")
    assert read(form, b"{}").outcome == Accepted("m-1")
    assert read(AnswerForm(), b"<html>").outcome == Accepted("m-1")


def test_the_result_says_more_than_the_status() -> None:
    form = AnswerForm(result="code", results={"7": "duplicate"}, statuses={409: "retry", 500: "rejected"})
    assert read(form, b'{"code":7}', 409).outcome == Duplicate("m-1", 7, "HTTP 409: 7")
    assert read(form, b'{"code":8}', 409).outcome == RetryLater(8, "HTTP 409: 8")
    assert read(form, b"", 409).outcome == RetryLater(409, "HTTP 409")
    assert read(form, b"", 500) == (Rejected(500, "HTTP 500"), Effect.NONE)


def test_a_status_that_nobody_named_means_the_usual_in_the_providers_words() -> None:
    form = AnswerForm(result="code", results={"7": "duplicate"}, error="message", accepted=frozenset({202}))
    assert read(form, b'{"code":21211,"message":"bad\\nnumber"}', 400).outcome == Rejected(
        400, "HTTP 400: refuses the request: 21211: bad number"
    )
    assert read(form, b"", 503).effect is Effect.FAILED
    assert read(form, b"", 200).outcome == Doubt("HTTP 200: neither yes nor no")
    assert read(form, b"{}", 202).outcome == Accepted("m-1")
    assert read(form, b"", 307, "https://new.example.com/secret?x").outcome == NotSent(
        "HTTP 307: redirects to https://new.example.com; configure that URL", 307, link_failed=True
    )


@pytest.mark.parametrize(
    ("word", "outcome", "effect"),
    [
        ("accepted", Accepted("m-1"), Effect.NONE),
        ("rejected", Rejected(418, "HTTP 418"), Effect.NONE),
        ("retry", RetryLater(418, "HTTP 418"), Effect.NONE),
        ("throttled", Throttled(418, "HTTP 418"), Effect.NONE),
        ("account", NotSent("HTTP 418", 418), Effect.STOP),
        ("duplicate", Duplicate("m-1", 418, "HTTP 418"), Effect.NONE),
        ("doubt", Doubt("HTTP 418"), Effect.NONE),
    ],
)
def test_each_word(word: Any, outcome: Outcome, effect: Effect) -> None:
    assert read(AnswerForm(statuses={418: word}), b"", 418) == (outcome, effect)


def test_a_form_and_a_text_are_read_too() -> None:
    form = AnswerForm(format="form", id="id", result="status", results={"OK": "accepted", "NO": "rejected"})
    assert read(form, b"status=OK&id=a%2Bb\n").outcome == Accepted("a+b")
    assert read(form, b"status=NO").outcome == Rejected(200, "HTTP 200: NO")
    assert read(form, b"<html>").outcome == Doubt("HTTP 200: has no id")
    text = AnswerForm(format="text", result="body", results={"OK": "accepted", "NO": "rejected"})
    assert read(text, b" OK\r\n").outcome == Accepted("m-1")
    assert read(text, b"NO").outcome == Rejected(200, "HTTP 200: NO")
    assert read(text, b"maybe").outcome == Doubt("HTTP 200: maybe")
    assert read(text, b"\xff").outcome == Doubt("HTTP 200: has no body")


@pytest.mark.parametrize("result", ["-1", "1234567890", "¹", "1.5"])
def test_only_a_plain_number_is_a_status(result: str) -> None:
    form = AnswerForm(format="text", result="body", results={result: "rejected"})
    outcome = read(form, result.encode()).outcome
    assert isinstance(outcome, Rejected)
    assert outcome.status == 200


_PATHS = st.sampled_from([None, "a", "a.b", "a.0", "0", "body", "a.0.b", ".", "a."])
_WORDS = st.sampled_from(["accepted", "rejected", "retry", "throttled", "account", "duplicate", "doubt"])


@given(
    st.builds(
        AnswerForm,
        id=_PATHS,
        result=_PATHS,
        error=_PATHS,
        format=st.sampled_from(["json", "form", "text"]),
        results=st.dictionaries(st.sampled_from(["0", "1", "true", "x"]), _WORDS, max_size=2),
    ),
    st.integers(100, 599),
    st.binary(max_size=20)
    | st.sampled_from(
        [b'{"a":{"b":1}}', b'{"a":[true,{"b":null}]}', b"[1]", b"a=1&b", b'{"a":"\\ud800"}', b"NaN"]
    ),
)
def test_no_answer_is_too_strange(form: AnswerForm, status: int, body: bytes) -> None:
    assert isinstance(read(form, body, status).outcome, Outcome)
