"""Bodies of callbacks, of every type that is read, to MOs and DRs, to the bodies of their events.

An input is a Content-Type, a line end, and a body. It is a message, or a refusal that names a field: nothing else.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any
from urllib.parse import urlencode

from bridge.dialects.generic_callback import CallbackForm, MessageForm, ReceiptForm
from bridge.dialects.genesys_callbacks import read_genesys_callback
from bridge.dialects.http import BadCallback
from bridge.inbound.callbacks.forms import reader_of
from bridge.inbound.callbacks.refusals import Refused
from bridge.inbound.early import EarlyReceipt
from bridge.inbound.matching import question_of
from bridge.inbound.relations import Relations
from bridge.model.events import Origin
from bridge.model.inbound import Dr, Mo
from bridge.model.web import Callback
from tests.fuzz.damage import as_json, changed, damaged
from tests.fuzz.smpp import check_dr, check_mo
from tests.fuzz.target import Target

_FLAT = CallbackForm(
    receipt=ReceiptForm(
        when=(("MessageStatus", None),),
        id="MessageSid",
        state="MessageStatus",
        states={"delivered": "delivered"},
        error="ErrorCode",
        from_="To",
        to="From",
        done_at="At",
    ),
    message=MessageForm(when=(("Body", None),), id="MessageSid", from_="From", to="To", text="Body"),
    final_states=frozenset({"accepted"}),
)
_NESTED = CallbackForm(
    receipt=ReceiptForm(
        when=(("results.0.status", None), ("type", "dr")),
        id="results.0.message-id",
        state="results.0.status.name",
        states={"DELIVERED": "delivered"},
        error="results.0.error.id",
        done_at="results.0.doneAt",
    ),
    message=MessageForm(
        when=(("results.0.message", None),),
        from_="results.0.from",
        to="results.0.to",
        text="results.0.message.text",
    ),
)
DIALECTS: Mapping[str, Callable[[Callback], Mo | Dr]] = {
    "genesys": lambda callback: read_genesys_callback(callback, frozenset()),
    "flat": _FLAT.read,
    "nested": _NESTED.read,
}

_ORIGIN = Origin("p", None, "http", "callback")
_SEEDS: Mapping[str, tuple[dict[str, Any], ...]] = {
    "genesys": (
        {"type": "receipt", "message_id": "m-1", "message_state": "2", "result_code": "0", "app_id": "a"},
        {
            "type": "MO",
            "message_id": "o-1",
            "shortcode": "12345",
            "phone_number": "447700900123",
            "message": "é",
        },
        {
            "type": "MO",
            "message_id": "o-2",
            "shortcode": "12345",
            "phone_number": "447700900123",
            "mms_attachment[0].content_type": "image/gif",
            "mms_attachment[0].content": "R0lGODlhAQABAAAAACw=",
        },
    ),
    "flat": (
        {
            "MessageSid": "S1",
            "MessageStatus": "delivered",
            "ErrorCode": "30001",
            "To": "+44",
            "From": "+1",
            "At": "2030",
        },
        {"MessageSid": "S2", "From": "+447700900123", "To": "12345", "Body": "日本 😀"},
    ),
    "nested": (
        {
            "type": "dr",
            "results": [
                {
                    "message-id": "i-1",
                    "status": {"name": "DELIVERED", "id": 5},
                    "error": {"id": 0},
                    "doneAt": "2026-01-31 12:00:00+00:00",
                }
            ],
        },
        {
            "results": [{"from": "447700900123", "to": "12345", "message": {"text": "hi", "type": "TEXT"}}],
            "n": 1,
        },
    ),
}
_NAMES = tuple(
    sorted(
        {name for seeds in _SEEDS.values() for seed in seeds for name in seed}
        | {"mms_attachment[1].content", "mms_attachment0.content"}
    )
)
_TYPES = (
    b"",
    b"application/json",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=b",
    b"application/json; charset=utf-16",
    b"multipart/form-data",
    b"multipart/form-data; boundary*=utf-8''b",
    b"multipart/form-data; boundary=" + b"b" * 71,
    b"text/xml",
)
_TELLING = (
    *b"& = % %00 %ff %ED%A0%80 + ; --b-- [ ] \\ud800 1e999 \xef\xbb\xbf \xff\xfe \xed\xa0\x80 name*=utf-8''%ff".split(),
    *(b'{"', b'": ', b"\r\n", b"\r\n\r\n", b"\r\n--b", b"--b--\r\n"),
    *(b'Content-Disposition: form-data; name="', b"Content-Transfer-Encoding: base64\r\n"),
)


def callback(random: Random, dialect: str) -> bytes:
    """One callback in one of the forms, its fields damaged or its octets."""
    fields = changed(random, random.choice(_SEEDS[dialect]), _NAMES)
    kind = b"application/json" if dialect == "nested" else random.choice(_TYPES[:4])
    kind = kind if random.random() < 0.95 else damaged(random, random.choice(_TYPES), _TELLING)
    body = _written(kind, fields)
    if random.random() < 0.4:
        body = damaged(random, body, _TELLING)
    return kind.replace(b"\n", b"") + b"\n" + body


def _written(kind: bytes, fields: Any) -> bytes:
    if kind.startswith(b"application/json") or not isinstance(fields, Mapping):
        return as_json(fields)
    texts = [(name, value if isinstance(value, str) else as_json(value)) for name, value in fields.items()]
    if kind.startswith(b"multipart"):
        parts = (
            b'\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (_octets(n), _octets(v))
            for n, v in texts
        )
        return b"".join(b"--b" + part for part in parts) + b"--b--\r\n"
    return urlencode([(_octets(name), _octets(value)) for name, value in texts]).encode()


def _octets(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


def run(octets: bytes, dialect: str) -> int:
    """Read it as that provider's; 1 if there is a message in it."""
    kind, _, body = octets.partition(b"\n")
    reader = reader_of(kind)
    if reader is None:
        return 0
    try:
        inbound = DIALECTS[dialect](reader(body))
    except BadCallback as bad:
        _shown(bad)
        return 0
    if isinstance(inbound, Mo):
        check_mo(inbound)
    else:
        check_dr(inbound)
        early = EarlyReceipt(inbound, _ORIGIN, inbound.identity, "dr-1", 0.0)
        assert EarlyReceipt.load(early.dump()) == early, "it can wait for its MT"
        question_of(inbound, "p", Relations({}).guesses("p", inbound.ids, last_chance=True))
    return 1


def _shown(bad: BadCallback) -> None:
    assert bad.field
    assert bad.rule
    assert Refused(400, "not a callback", field=bad.field, rule=bad.rule).body.isascii()


CALLBACKS = Target(ways=tuple(DIALECTS), make=callback, run=run)
