"""The example of any HTTP API that is shipped, Twilio's: it loads, and reads what that provider documents."""

from base64 import b64decode
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from bridge.config.load import Loaded, load_config
from bridge.dialects.http import Effect, HttpDialect
from bridge.links.http_dialects import http_dialect
from bridge.model.inbound import Dr, Mo
from bridge.model.mt import Mt
from bridge.model.outcome import Accepted, Doubt, NotSent, Outcome, Rejected, Throttled
from bridge.model.web import Callback, HttpAnswer, HttpRequest

EXAMPLE = Path(__file__).parents[2] / "schemas" / "generic-http.example.yaml"
ACCOUNT = "AC" + 32 * "a"
MESSAGE = "SM" + 32 * "b"


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    environ = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "t", "CALLBACK_TOKEN": "c"}
    return load_config(EXAMPLE, environ)


@pytest.fixture(scope="module")
def twilio(loaded: Loaded) -> HttpDialect:
    return http_dialect(loaded.settings.providers["twilio"])


def test_it_loads_without_a_warning(loaded: Loaded) -> None:
    assert loaded.warnings == []


def test_a_message(twilio: HttpDialect) -> None:
    mt = Mt(id="m-1", to="447700900123", text="Hi & bye")
    request = twilio.write(mt, "m-1", "+12025550100")
    assert isinstance(request, HttpRequest)
    assert (request.method, request.target) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
    assert dict(parse_qsl(request.body.decode())) == {
        "To": "+447700900123",
        "From": "+12025550100",
        "Body": "Hi & bye",
        "StatusCallback": "https://bridge.example.com/callbacks/twilio?token=c",
    }
    authorization = dict(request.headers)["Authorization"].removeprefix("Basic ")
    assert b64decode(authorization).decode() == f"{ACCOUNT}:t"
    assert request.ident == ""
    assert twilio.known_as("m-1") is None
    assert not twilio.carries(Mt(id="m-1", to="447700900123", data=b"x"))


CREATED = b'{"sid": "%s", "status": "queued", "error_code": null, "error_message": null}' % MESSAGE.encode()


@pytest.mark.parametrize(
    ("status", "body", "outcome", "effect"),
    [
        (201, CREATED, Accepted(MESSAGE), Effect.NONE),
        (201, b"", Doubt("HTTP 201: has no sid"), Effect.NONE),
        (200, CREATED, Doubt("HTTP 200: neither yes nor no"), Effect.NONE),
        (
            400,
            b'{"code": 21211, "message": "The \'To\' number +1555 is not valid.", "status": 400}',
            Rejected(21211, "HTTP 400: 21211: The 'To' number +1555 is not valid."),
            Effect.NONE,
        ),
        (400, b'{"code": 21610}', Rejected(21610, "HTTP 400: 21610"), Effect.NONE),
        (
            400,
            b'{"code": 21617, "message": "too long"}',
            Rejected(400, "HTTP 400: refuses the request: 21617: too long"),
            Effect.NONE,
        ),
        (401, b'{"code": 20003}', NotSent("HTTP 401: 20003", 20003), Effect.STOP),
        (401, b"", NotSent("HTTP 401: wants other credentials", 401), Effect.STOP),
        (404, b'{"code": 20404}', NotSent("HTTP 404: 20404", 20404), Effect.STOP),
        (429, b'{"code": 20429}', Throttled(20429, "HTTP 429: 20429"), Effect.NONE),
        (429, b"Too Many Requests", Throttled(429, "HTTP 429: too many requests"), Effect.NONE),
        (
            500,
            b"<html>",
            Doubt("HTTP 500: broke, and may have the message", link_failed=True),
            Effect.FAILED,
        ),
        (503, b"", NotSent("HTTP 503: not available just now", 503, link_failed=True), Effect.FAILED),
    ],
)
def test_answers(status: int, body: bytes, outcome: Outcome, effect: Effect, twilio: HttpDialect) -> None:
    assert twilio.read_answer(HttpAnswer(status=status, body=body), "") == (outcome, effect)


@pytest.mark.parametrize(
    ("status", "state", "final", "error"),
    [
        ("queued", "enroute", False, None),
        ("sent", "accepted", False, None),
        ("delivered", "delivered", True, None),
        ("undelivered", "undeliverable", True, "30005"),
        ("failed", "undeliverable", True, "30008"),
        ("partially_delivered", None, False, None),
    ],
)
def test_status_callbacks(
    status: str, state: str | None, final: bool, error: str | None, twilio: HttpDialect
) -> None:
    fields = {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "From": "+12025550100",
        "MessageSid": MESSAGE,
        "MessageStatus": status,
        "SmsSid": MESSAGE,
        "SmsStatus": status,
        "To": "+447700900123",
    } | ({"ErrorCode": error} if error else {})
    dr = twilio.read_callback(Callback(fields=fields))
    assert isinstance(dr, Dr)
    assert (dr.ids, dr.state, dr.final, dr.error) == ((MESSAGE,), state, final, error)
    assert (dr.from_, dr.to, dr.raw) == ("+447700900123", "+12025550100", {"fields": fields})


def test_a_message_from_a_phone(twilio: HttpDialect) -> None:
    fields = {
        "AccountSid": ACCOUNT,
        "Body": "Yes",
        "From": "+447700900123",
        "MessageSid": MESSAGE,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "To": "+12025550100",
    }
    mo = twilio.read_callback(Callback(fields=fields))
    assert isinstance(mo, Mo)
    assert (mo.id, mo.from_, mo.to, mo.text) == (MESSAGE, "+447700900123", "+12025550100", "Yes")
