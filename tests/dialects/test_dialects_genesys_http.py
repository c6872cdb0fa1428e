"""Genesys over HTTP: the form that an MT makes, and what the answers mean."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.genesys_http import GenesysHttp
from bridge.dialects.http import Effect, HttpDialect
from bridge.model.mt import Mt
from bridge.model.outcome import Accepted, Doubt, Duplicate, NotSent, Outcome, Rejected, RetryLater, Throttled
from bridge.model.web import HttpAnswer, HttpRequest

PASSWORD = "p&=ä %"
GENESYS: HttpDialect = GenesysHttp(login="me", password=PASSWORD)
PART = {"content_type": "image/png", "data": "iVBO+/=="}


def mt(**fields: Any) -> Mt:
    return Mt(**({"id": "m-1", "to": "+447700900123", "text": "Hi"} | fields))


def written(
    message: Mt, dialect: HttpDialect = GENESYS, key: str = "m-1", from_: str = "12345"
) -> dict[str, str]:
    request = dialect.write(message, key, from_)
    assert isinstance(request, HttpRequest), request
    assert (request.method, request.target) == ("POST", "")
    assert request.headers == (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),)
    pairs = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert request.ident == dict(pairs)["message_id"]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_a_plain_mt() -> None:
    assert written(mt()) == {
        "login": "me",
        "password": PASSWORD,
        "phone_number": "447700900123",
        "sender": "12345",
        "message": "Hi",
        "message_id": "m-1",
        "receipt": "TRUE",
        "priority": "BULK",
    }


def test_all_that_an_mt_can_say() -> None:
    message = mt(carrier="84001", app_id="a", conversation_id="c", receipt="none", priority=3)
    assert written(message, from_="+447700900000") == written(mt()) | {
        "sender": "447700900000",
        "carrier": "84001",
        "receipt": "FALSE",
        "app_id": "a",
        "conversation_id": "c",
        "priority": "INTERACTIVE",
    }


@pytest.mark.parametrize(
    ("priority", "word"), list(enumerate(["BULK_LOW", "BULK", "INTERACTIVE_LOW", "INTERACTIVE"]))
)
def test_priorities_have_words(priority: int, word: str) -> None:
    assert written(mt(priority=priority))["priority"] == word


def test_a_name_is_sent_as_it_is() -> None:
    assert written(mt(), from_="My Shop+")["sender"] == "My Shop+"


@pytest.mark.parametrize(
    ("names", "attachment"), [("brackets", "mms_attachment[{}]"), ("plain", "mms_attachment{}")]
)
def test_mms_parts_are_numbered_from_0(names: Any, attachment: str) -> None:
    dialect = GenesysHttp(login="me", password="x", mms_names=names)
    fields = written(mt(text=None, media=(PART, PART | {"content_type": "text/plain"})), dialect)
    assert fields["message"] == ""
    assert fields[f"{attachment.format(0)}.content_type"] == "image/png"
    assert fields[f"{attachment.format(0)}.content"] == PART["data"]
    assert fields[f"{attachment.format(1)}.content_type"] == "text/plain"


def test_the_message_id_is_the_key_or_stands_for_it() -> None:
    assert GENESYS.known_as("m-1") == "m-1"
    replayed = GENESYS.known_as("m-1\t2")
    assert replayed is not None
    assert len(replayed) == 32
    assert written(mt(), key="m-1\t2")["message_id"] == replayed
    assert GENESYS.write(mt(), "m-1\t2", "1") == GENESYS.write(mt(), "m-1\t2", "1")


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (mt(text=None, data=b"x"), "data"),
        (mt(text=None, data=b"x", udh=b"\x05"), "udh"),
        (mt(tlvs=((0x1400, b"x"),)), "tlvs"),
    ],
)
def test_what_the_form_has_no_place_for_is_refused_by_name(message: Mt, field: str) -> None:
    assert not GENESYS.carries(message)
    outcome = GENESYS.write(message, "m-1", "12345")
    assert isinstance(outcome, Rejected)
    assert outcome.reason.startswith(f"{field}: ")
    assert outcome.status is None


def test_text_and_media_are_carried() -> None:
    assert GENESYS.carries(mt())
    assert GENESYS.carries(mt(text=None, media=(PART,)))


@pytest.mark.parametrize(
    ("message", "from_", "field"),
    [(mt(to="0123456789"), "1", "to"), (mt(), "\x00", "from"), (mt(text="\ud800"), "1", "text")],
)
def test_what_nobody_could_send_is_refused_by_name(message: Mt, from_: str, field: str) -> None:
    outcome = GENESYS.write(message, "m-1", from_)
    assert isinstance(outcome, Rejected)
    assert outcome.reason.startswith(f"{field}: ")


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_arrives_as_it_is(text: str, carrier: str) -> None:
    fields = written(mt(text=text, carrier=carrier))
    assert (fields["message"], fields["carrier"]) == (text, carrier)
    assert len(fields) == 9


def test_the_password_is_not_shown() -> None:
    assert PASSWORD not in repr(GENESYS)


@pytest.mark.parametrize(
    ("code", "outcome", "effect"),
    [
        (0, Accepted("m-1"), Effect.NONE),
        (1, Rejected(1, "1: a parameter is missing or not valid"), Effect.NONE),
        (2, NotSent("2: the account was not let in", 2), Effect.STOP),
        (3, Rejected(3, "3: the carrier is not known"), Effect.NONE),
        (4, Rejected(4, "4: the sender is no number"), Effect.NONE),
        (5, Rejected(5, "5: the sender is not approved for this account"), Effect.NONE),
        (6, Throttled(6, "6: throttled"), Effect.NONE),
        (7, Duplicate("m-1", 7, "7: the service has had a message of this id"), Effect.NONE),
        (8, Rejected(8, "8: the message is too long"), Effect.NONE),
        (98, RetryLater(98, "98: an error inside the service"), Effect.NONE),
        (99, Doubt("99: an error that the service does not tell more of"), Effect.NONE),
        (42, Doubt("42: an error that the service does not tell more of"), Effect.NONE),
    ],
)
def test_each_code(code: int, outcome: Outcome, effect: Effect) -> None:
    assert GENESYS.read_answer(HttpAnswer(status=200, body=b"status=%d" % code), "m-1") == (outcome, effect)


@pytest.mark.parametrize("body", [b"=0", b"a=b=0", b" code = 0 \r\n", b"\xef\xbb\xbfresult=0\n", b"\xff=00"])
def test_the_number_is_found_by_its_place(body: bytes) -> None:
    assert GENESYS.read_answer(HttpAnswer(status=202, body=body), "m-1").outcome == Accepted("m-1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"0",
        b"=",
        b"code=",
        b"code=zero",
        b"code=-1",
        b"code=0 ok",
        b"<html a='0'>",
        b"=1234567890",
        "=٠".encode(),
    ],
)
def test_an_answer_without_a_number_is_doubt(body: bytes) -> None:
    outcome, effect = GENESYS.read_answer(HttpAnswer(status=200, body=body), "m-1")
    assert outcome == Doubt("HTTP 200: the answer has no number behind a =")
    assert effect is Effect.NONE


def test_another_status_speaks_for_itself_whatever_the_body() -> None:
    assert GENESYS.read_answer(HttpAnswer(status=500, body=b"code=0"), "m-1").effect is Effect.FAILED
    moved = HttpAnswer(status=302, location="https://me:x@new.example.com/receiver?password=x")
    outcome = GENESYS.read_answer(moved, "m-1").outcome
    assert outcome == NotSent(
        "HTTP 302: redirects to https://new.example.com/receiver; configure that URL", 302, link_failed=True
    )


@given(st.integers(100, 599), st.binary(max_size=40))
def test_no_answer_is_too_strange(status: int, body: bytes) -> None:
    assert isinstance(GENESYS.read_answer(HttpAnswer(status=status, body=body), "m-1").outcome, Outcome)
