"""What a provider's HTTP site answers: octets on a connection, the answer, the outcome, and all that is kept of that.

Every exchange ends in an answer or is lost, and every answer means something; what it names can be kept in Redis,
found again, and told in events.
"""

import asyncio
from collections.abc import Mapping
from functools import cache
from random import Random
from typing import Any, cast

import h11
import orjson

from bridge.dialects.generic_answer import AnswerForm
from bridge.dialects.genesys_http import GenesysHttp
from bridge.dialects.http import Reading
from bridge.links.http.connection import Connection
from bridge.links.http.errors import AnswerLost
from bridge.model.attempt import Attempt
from bridge.model.events import MtReport, Origin, mt_event
from bridge.model.outcome import Accepted, Duplicate
from bridge.model.web import HttpAnswer
from bridge.outbound.record import dump_accepted, dump_ended, load
from bridge.outbound.settle import result_word
from bridge.store import correlation
from bridge.store.correlation import Correlation
from bridge.text.message_ids import canonical
from tests.fuzz.damage import as_json, changed, damaged
from tests.fuzz.target import Target

IDENT = "m-1"
_WORDS: Mapping[str, Any] = {
    "0": "accepted",
    "7": "duplicate",
    "429": "throttled",
    "x": "account",
    "r": "rejected",
}
DIALECTS: Mapping[str, Any] = {
    "genesys": GenesysHttp(login="me", password="secret"),
    "json": AnswerForm(id="messages.0.id", result="status", results=_WORDS, error="message"),
    "form": AnswerForm(format="form", id="id", result="code", results=_WORDS, error="error"),
    "text": AnswerForm(format="text", result="body", results=_WORDS, statuses={418: "retry"}),
    "status": AnswerForm(accepted=frozenset({202}), id="id"),
}

_BODIES: tuple[Any, ...] = (
    {"messages": [{"id": "i-1"}], "status": 0, "message": "to +447700900123"},
    {"sid": "SM1", "id": 12345678901234567890, "status": "7", "code": 20429, "message": "x"},
    {"messages": {"0": {"id": "a|b"}}, "status": "x"},
)
_TEXTS = (b"result=0", b"result=98\r\n", b"id=i-1&code=0", b"code=7&id=%00%ff", b"0", b"OK", b"", b"=" * 40)
_HEADS = (
    b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n",
    b"HTTP/1.1 %d \r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
    b"HTTP/1.0 %d Never mind\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 %d X\r\nContent-Length: %d\r\nLocation: https://u:p@h/?t=1\r\n\r\n",
)
_STATUSES = (200, 200, 200, 201, 202, 204, 302, 304, 400, 401, 404, 408, 418, 429, 500, 503, 599, 999)
_TELLING = (
    *rb'0 = | : 1;x=y "\ud800" HTTP/1.1 HTTP/9.9 ffffffffffffffff'.split(),
    *(b"\r\n", b"\n", b"\r\n\r\n", b"0\r\n\r\n", b"\x00", b"\x1e", b"HTTP/1.1 101 Switch\r\n\r\n"),
    *(
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 99999999999999999999\r\n",
    ),
    *(b"Connection: close\r\n", b"Location: //x\r\n"),
)


def answer(random: Random, _dialect: str) -> bytes:
    """One answer, its fields, its body or all of it damaged."""
    if random.random() < 0.6:
        body = as_json(changed(random, random.choice(_BODIES), ("id", "status", "messages")))
    else:
        body = damaged(random, random.choice(_TEXTS), _TELLING)
    head = random.choice(_HEADS)
    octets = head % (random.choice(_STATUSES), len(body))[: head.count(b"%")] + body
    if b"chunked" in head:
        octets += b"\r\n0\r\n\r\n"
    return octets if random.random() < 0.5 else damaged(random, octets, _TELLING)


def run(octets: bytes, dialect: str) -> int:
    """Answer a request with it; 1 if that gave an answer."""
    try:
        found = _loop().run_until_complete(_exchange(octets))
    except AnswerLost as lost:
        _shown(str(lost))
        return 0
    return _read(found, dialect)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(_harmed)
    return loop


def _harmed(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    raise context.get("exception") or AssertionError(context["message"])


class _Wire(asyncio.Transport):
    """A socket that takes everything, and is closed when told so."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def write(self, _data: Any) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        self.aborted = True


async def _exchange(octets: bytes) -> HttpAnswer:
    """The answer that these octets are, in two reads and an end. Raises AnswerLost."""
    connection, wire = Connection(), _Wire()
    connection.connection_made(wire)
    head = h11.Request(method="POST", target="/", headers=[("Host", "h"), ("Content-Length", "0")])
    asked = asyncio.ensure_future(connection.exchange(head, b"", 60.0))
    await asyncio.sleep(0)
    half = len(octets) // 2
    for read in (octets[:half], octets[half:]):
        if read and not wire.aborted:
            connection.data_received(read)
    if not wire.aborted:
        connection.eof_received()
    connection.connection_lost(None)
    assert not connection.idle
    assert connection.gone.done()
    return await asked


def _read(found: HttpAnswer, dialect: str) -> int:
    reading = cast("Reading", _reader(dialect)(found, IDENT))
    outcome = reading.outcome
    origin = Origin("p", "s", "http", "s")
    smsc_id = outcome.smsc_id if isinstance(outcome, Accepted | Duplicate) else None
    reason, status = getattr(outcome, "reason", None), getattr(outcome, "status", None)
    _shown(reason or "")
    report = MtReport(
        outcome="rejected",
        reason=reason,
        status=status,
        smsc_ids=(smsc_id,),
        attempts=[Attempt("now", "p", "s", "s", result_word(outcome))],
        origin=origin,
    )
    assert orjson.dumps(mt_event("m-1", None, "r", report, "mt-1", 0.0).body)
    assert load(dump_ended(report, sealed=False)).report.reason == reason
    if smsc_id is not None:
        kept = load(dump_accepted(smsc_id, origin, possible_duplicate=False))
        assert kept.report.smsc_ids == (smsc_id,)
        assert dump_accepted(smsc_id, origin, possible_duplicate=False).encode()
        entry = Correlation(mt_id="m-1", provider="p", smsc_id=smsc_id, to="447700900123")
        line = correlation.dump(entry)
        name = f"p:{canonical(smsc_id)}".encode()
        assert correlation.load(name, line.digits.encode(), b"", line.body) == entry
    return 1


def _shown(reason: str) -> None:
    assert reason.isprintable(), "a reason is one line"
    assert len(reason) < 1000
    assert "secret" not in reason


def _reader(dialect: str) -> Any:
    speaker = DIALECTS[dialect]
    return speaker.read if isinstance(speaker, AnswerForm) else speaker.read_answer


ANSWERS = Target(ways=tuple(DIALECTS), make=answer, run=run)
