"""Events as a command hears them: read without trust, and told in one line.

Numbers are masked and texts hidden unless all of it is asked for. What an event says is made printable: a message
from a phone must not steer somebody's terminal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click
import orjson

from bridge.broker.message import Delivery
from bridge.model.addresses import mask
from bridge.smpp.consts import describe_status

UNREADABLE = "unreadable"

GOOD_WORDS = frozenset({"accepted", "delivered", "resolved", "up"})
DOUBTFUL_WORDS = frozenset({"resent", "degraded", "enroute", "unknown", "expired"})
"""Neither good nor a failure yet, or nobody's fault; all other words are bad news."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One event. `kind` is mo, dr, mt or site, or `unreadable` with an empty body."""

    kind: str
    event_id: str | None
    routing_key: str
    body: Mapping[str, Any]

    @property
    def message_id(self) -> str | None:
        """The id of the MT or MO it speaks of, where it names one."""
        named = self.body.get("mt_id" if self.kind == "dr" else "id")
        return named if isinstance(named, str) else None

    @property
    def word(self) -> str:
        """What happened, as one word: accepted, delivered, up, ...; empty for an MO."""
        match self.kind:
            case "dr":
                return _printable(self.body.get("state") or "unknown")
            case "mt":
                return _printable(self.body.get("outcome"))
            case "site":
                return _printable(self.body.get("state"))
            case _:
                return ""


def hear(delivery: Delivery) -> Heard:
    """Read an event; whatever is no JSON object with a type is `unreadable`."""
    try:
        body = orjson.loads(delivery.body)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        return Heard(UNREADABLE, delivery.message_id, delivery.routing_key, {})
    return Heard(body["type"], delivery.message_id, delivery.routing_key, body)


def line(heard: Heard, *, full: bool = False) -> str:
    """The event as one line without its time, coloured for a terminal. `full`: with numbers and texts."""
    if heard.kind == UNREADABLE:
        return f"{click.style(UNREADABLE, fg='red')} event {_printable(heard.routing_key)}"
    tell = {"mt": _mt, "dr": _dr, "mo": _mo, "site": _site}.get(heard.kind, _other)
    parts = [part for part in tell(heard, full) if part]
    word = click.style(f"{heard.word:<13}", fg=_colour(heard.word))
    return f"{_printable(heard.kind):<4} {word} {'  '.join(parts)}".rstrip()


def raw_line(heard: Heard) -> str | None:
    """The PDU as it came, of an MO or DR."""
    raw = heard.body.get("raw")
    return orjson.dumps(raw).decode() if raw else None


def _colour(word: str) -> str:
    if word in GOOD_WORDS:
        return "green"
    return "yellow" if word in DOUBTFUL_WORDS else "red"


def _mt(heard: Heard, full: bool) -> Iterator[str]:
    body = heard.body
    yield _printable(body.get("id") or "(no id)")
    yield f"route {_printable(heard.routing_key.removeprefix('mt.').rpartition('.')[0] or '?')}"
    yield _link(body)
    yield _named("smsc_id", ",".join(_printable(one) for one in _list(body.get("smsc_ids")) if one))
    status = body.get("status")
    if isinstance(status, int):
        yield f"status {status}" if body.get("via") == "http" else f"status {describe_status(status)}"
    yield _named("reason", body.get("reason"))
    if len(_list(body.get("attempts"))) > 1:
        yield f"after {len(_list(body.get('attempts')))} attempts"
    yield from _ending(body, full)


def _dr(heard: Heard, full: bool) -> Iterator[str]:
    body = heard.body
    yield _printable(body.get("mt_id")) if body.get("mt_id") else "of no MT known here"
    yield _named("smsc_id", body.get("smsc_id"))
    yield _link(body)
    yield _from_to(body, full)
    yield _named("error", body.get("error"))
    segment = body.get("segment")
    if isinstance(segment, dict):
        yield f"segment {_printable(segment.get('n'))} of {_printable(segment.get('of'))}"
    yield "" if body.get("final") else "not final"
    yield "stale" if body.get("stale") else ""
    if full:
        yield _quoted(body.get("text"))
    yield from _ending(body, full)


def _mo(heard: Heard, full: bool) -> Iterator[str]:
    body = heard.body
    yield _from_to(body, full)
    text, data = body.get("text"), body.get("data")
    if isinstance(text, str):
        yield _quoted(text) if full else f"{len(text)} characters"
    elif isinstance(data, str):
        yield f"Base64 {_printable(data)}" if full else f"{len(data) * 3 // 4} octets"
    yield _named("id", body.get("id"))
    yield _link(body)
    yield "incomplete" if body.get("complete") is False else ""
    yield from _ending(body, full)


def _site(heard: Heard, full: bool) -> Iterator[str]:  # noqa: ARG001 - nothing to hide in it
    body = heard.body
    yield _link(body)
    links = body.get("links")
    if isinstance(links, dict):
        yield f"{_printable(links.get('up'))} of {_printable(links.get('total'))} links up"
    yield _named("reason", body.get("reason"))
    yield _named("worker", body.get("worker"))


def _other(heard: Heard, full: bool) -> Iterator[str]:  # noqa: ARG001 - shows no part of it
    yield _printable(heard.routing_key)


def _ending(body: Mapping[str, Any], full: bool) -> Iterator[str]:
    yield "possible duplicate" if body.get("possible_duplicate") else ""
    if full and body.get("metadata"):
        yield _named("metadata", orjson.dumps(body["metadata"]).decode())


def _link(body: Mapping[str, Any]) -> str:
    place = "/".join(_printable(body[key]) for key in ("provider", "site") if body.get(key))
    return f"{place} {_printable(body['link'])}" if body.get("link") else place


def _from_to(body: Mapping[str, Any], full: bool) -> str:
    ends = [str(body.get(key) or "unknown") for key in ("from", "to")]
    return " -> ".join(_printable(end if full or end == "unknown" else mask(end)) for end in ends)


def _named(name: str, value: object) -> str:
    return f"{name} {_printable(value)}" if value not in (None, "") else ""


def _quoted(text: object) -> str:
    return f'"{_printable(text)}"' if isinstance(text, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _printable(value: object) -> str:
    """As text, with control characters and the like written as escapes."""
    text = "" if value is None else str(value)
    return "".join(ch if ch.isprintable() else ch.encode("unicode_escape").decode() for ch in text)
