"""What RabbitMQ brings on a route's queue: properties, headers and a body, to PDUs, requests, events and copies.

An input is the length of a content header (four octets), that content header as AMQP writes it, and a body. What
comes of it is an MT whose next steps can all be taken, or a reason that names a field; and either can be published.
"""

import struct
from collections.abc import Mapping
from random import Random
from typing import Any

import orjson
from pamqp import encode
from pamqp.header import ContentHeader

from bridge.broker.amqp import CONTENT_HEADER
from bridge.broker.contents import properties
from bridge.broker.message import Delivery, Outgoing, forward
from bridge.broker.tolerance import read_what_comes
from bridge.broker.wire import properties_of
from bridge.dialects import SMPP_DIALECTS
from bridge.dialects.generic_answer import AnswerForm
from bridge.dialects.generic_callback import CallbackForm
from bridge.dialects.generic_http import GenericHttp
from bridge.dialects.generic_request import RequestForm
from bridge.dialects.genesys_http import GenesysHttp
from bridge.dialects.submit import LongSubmit, SubmitOptions, build_submit
from bridge.model.mt import Mt
from bridge.model.names import Names
from bridge.model.outcome import Rejected
from bridge.model.template import parse_template
from bridge.model.web import HttpRequest
from bridge.outbound.body import InvalidMt, read_mt
from bridge.outbound.flight import Flight, generation_of, key_of
from bridge.outbound.mt_schema import EXAMPLES
from bridge.outbound.record import correlation_of, dump_ended
from bridge.outbound.tell import dead_copy, invalid_messages, outcome_message, report_of
from bridge.store import correlation
from tests.fuzz.amqp import content_header
from tests.fuzz.damage import as_json, changed, damaged
from tests.fuzz.target import Target

LIMIT = 1_048_576
NAMES = Names("fuzz")
_NOW = 1_800_000_000.0
_FRAME = 131_072

_FIELDS = {
    name: parse_template(f"{{{name}}}")
    for name in ("id", "to", "from", "text", "carrier", "app_id", "expires_at")
}
_REQUESTS = {
    "form": RequestForm(fields=_FIELDS),
    "json": RequestForm(fields={"messages": [_FIELDS]}, format="json", auth="bearer", password="secret"),
    "query": RequestForm(
        fields=_FIELDS,
        format="query",
        path=parse_template("/{id}/{to}"),
        headers={"X-C": parse_template("{carrier}")},
    ),
}
PROVIDERS: Mapping[str, Any] = {
    **{f"{name}/udh8": SubmitOptions(dialect=dialect) for name, dialect in SMPP_DIALECTS.items()},
    "gsm-packed/sar": SubmitOptions(
        default_alphabet="gsm-packed", long_messages="sar", national_tables=(1, 3)
    ),
    "utf-8/udh16": SubmitOptions(default_alphabet="utf-8", long_messages="udh16", max_segments=255),
    "latin1/payload": SubmitOptions(default_alphabet="latin1", long_messages="payload", number_format="plus"),
    "genesys/http": GenesysHttp(login="me", password="secret"),
    **{
        f"{name}/http": GenericHttp(request=form, answer=AnswerForm(), callback=CallbackForm())
        for name, form in _REQUESTS.items()
    },
}

_FIELD_NAMES = tuple(sorted({name for example in EXAMPLES for name in example}))
_TELLING = (
    *rb'" { } [ ] , : \u0000 \ud83d null 1e999 "id": "media" "text":" \"'.split(),
    *(b"\n", b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"9" * 400),
)


def delivery_octets(random: Random, _provider: str) -> bytes:
    """One delivery: its body damaged or not, its properties whatever a producer may have written."""
    body = as_json(changed(random, random.choice(EXAMPLES), _FIELD_NAMES))
    if random.random() < 0.3:
        body = damaged(random, body, _TELLING)
    content = content_header(random, len(body))
    return struct.pack(">I", len(content)) + content + body


class _Settling:
    """A channel on which everything may be settled."""

    alive = True

    def is_open(self, _tag: int) -> bool:
        return True

    def ack(self, _tag: int) -> None: ...

    def requeue(self, _tag: int) -> None: ...


def run(octets: bytes, provider: str) -> int:
    """Take it as a worker does whose only provider is this; 1 if there was an MT in it."""
    read_what_comes()
    (length,) = struct.unpack(">I", octets[:4])
    about = properties(octets[4 + CONTENT_HEADER.size : 4 + length])
    delivery = Delivery(_Settling(), 1, octets[4 + length :], "fuzz.mt", "mt.r", False, about)
    mt = read_mt(delivery.body, delivery.message_id, LIMIT)
    if isinstance(mt, InvalidMt):
        assert mt.field
        assert mt.reason.isprintable()
        for message in invalid_messages(NAMES, "r", delivery, mt):
            _publishable(message)
        return 0
    _follow(mt, delivery, provider)
    return 1


def _follow(mt: Mt, delivery: Delivery, provider: str) -> None:
    """Everything that may happen to an MT without a link."""
    key = key_of(mt.id, generation_of(delivery))
    flight = Flight(mt, "r", "bulk", delivery, key, "w:1")
    prepared = _prepared(flight, PROVIDERS[provider])
    if isinstance(prepared, Rejected):
        assert prepared.reason.isprintable()
    elif isinstance(prepared, LongSubmit):
        for number in range(1, prepared.count + 1):
            assert prepared.body(number, 65_535)
    elif isinstance(prepared, HttpRequest):
        assert all(part.isascii() and part.isprintable() for pair in prepared.headers for part in pair)
        assert prepared.target.isascii()
        assert prepared.target.isprintable()
        assert " " not in prepared.target
    report = report_of(flight, "failed", None, reason="x", status=1)
    assert dump_ended(report, sealed=True).encode()
    entry = correlation_of(flight, "smsc-1", "p")
    line = correlation.dump(entry)
    assert correlation.load(b"p:smsc-1", line.digits.encode(), b"", line.body) == entry
    _publishable(outcome_message(NAMES, flight, report))
    _publishable(dead_copy(NAMES, delivery, "failed", "x"))
    _publishable(forward(delivery, NAMES.wait(1), "mt.r", flight.travel_headers()))


def _prepared(flight: Flight, provider: Any) -> Any:
    mt = flight.mt
    if isinstance(provider, SubmitOptions):
        return build_submit(mt, mt.from_ or "12345", provider, _NOW)
    if not provider.carries(mt):
        return b""
    return provider.write(mt, flight.mt_key, mt.from_ or "12345")


def _publishable(message: Outgoing) -> None:
    """RabbitMQ would take it: it has a frame's size, and its routing key and properties can be written."""
    content = ContentHeader(body_size=len(message.body), properties=properties_of(message)).marshal()
    assert len(content) < _FRAME
    assert encode.short_string(message.routing_key)
    if message.content_type == "application/json" and message.exchange == NAMES.events:
        assert orjson.loads(message.body)


MTS = Target(ways=tuple(PROVIDERS), make=delivery_octets, run=run)
