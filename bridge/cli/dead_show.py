"""Messages of `bridge.dead` in words: a line each, a page of one, or JSON. Pure.

Numbers are masked, and what a producer wrote for the phone or for itself is hidden, unless all of it is asked for.
What is shown is made printable: it must not steer somebody's terminal.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import click
import orjson

from bridge.broker.message import Delivery
from bridge.cli.dead_letter import Letter
from bridge.model.addresses import mask
from bridge.model.times import rfc3339

_HARMLESS = frozenset(
    (
        "id",
        "encoding",
        "receipt",
        "expires_at",
        "priority",
        "on_doubt",
        "carrier",
        "app_id",
        "conversation_id",
    )
)
"""Fields of a body that say nothing of the phone and nothing to it."""
_NUMBERS = frozenset(("to", "from"))
_OPEN_HEADERS = (
    "bridge-",
    "x-death",
    "x-first-death-",
    "x-last-death-",
    "x-delivery-count",
    "x-acquired-count",
)
"""Headers that the bridge or RabbitMQ wrote; others are the producer's own."""
HIDDEN = "(hidden)"


def line(letter: Letter) -> str:
    """The message as one line, coloured for a terminal."""
    word = click.style(f"{word_of(letter):<24}", fg=_colour(letter))
    return f"{_at(letter) or '(no time)':<24} {word} {'  '.join(part for part in _parts(letter) if part)}"


def word_of(letter: Letter) -> str:
    """Why it is here, and whether that is over."""
    return f"{letter.reason}, resolved" if letter.resolved else letter.reason


def counts(letters: Counter[str]) -> str:
    """So many of each reason: 3 messages: rejected 2, doubt 1."""
    total = letters.total()
    each = ", ".join(f"{word} {number}" for word, number in letters.most_common())
    return f"{total} message{'' if total == 1 else 's'}{': ' if each else ''}{each}"


def facts(letter: Letter) -> dict[str, Any]:
    """The message as a script gets it in a list."""
    return {
        "id": letter.id,
        "handle": letter.handle,
        "reason": letter.reason,
        "detail": letter.detail,
        "resolved": letter.resolved,
        "at": _at(letter),
        "route": letter.route,
        "routing_key": letter.routing_key,
        "to": mask(letter.to) if letter.to is not None else None,
        "attempts": len(letter.attempts),
        "generation": letter.generation,
        "octets": letter.octets,
    }


def page(letter: Letter, delivery: Delivery, *, full: bool) -> str:
    """Everything of one message, as lines."""
    told: dict[str, Any] = {
        "reason": word_of(letter),
        "detail": letter.detail,
        "at": _at(letter),
        "routing key": letter.routing_key,
        "generation": letter.generation,
        "handle": letter.handle,
    }
    lines = [printable(letter.name)]
    lines += [f"  {name:<12} {printable(value)}" for name, value in told.items() if value not in (None, "")]
    for attempt in letter.attempts:
        said = f"{attempt.at} {attempt.provider}/{attempt.site} {attempt.link} {attempt.result}"
        lines.append(f"  {'attempt':<12} {printable(said)}")
    for kind, values in (("property", _properties(delivery)), ("header", _headers(delivery, full=full))):
        lines += [f"  {kind:<12} {printable(name)}: {_spelt(value)}" for name, value in values.items()]
    lines.append(f"  {'body':<12} {_spelt(_body(delivery.body, full=full))}")
    return "\n".join(lines)


def everything(letter: Letter, delivery: Delivery, *, full: bool) -> dict[str, Any]:
    """Everything of one message, as a script gets it. `full`: the body, if it is no JSON, as Base64."""
    body = _body(delivery.body, full=full)
    found: dict[str, Any] = {
        **facts(letter),
        "attempts": [attempt.as_body() for attempt in letter.attempts],
        "properties": _properties(delivery),
        "headers": {name: _jsonable(value) for name, value in _headers(delivery, full=full).items()},
        "body": body,
    }
    if full:
        found["to"] = letter.to
        if not isinstance(body, Mapping):
            found["body"] = base64.b64encode(delivery.body).decode()
    return found


def printable(value: object) -> str:
    """As text, with control characters and the like written as escapes."""
    text = "" if value is None else str(value)
    return "".join(ch if ch.isprintable() else ch.encode("unicode_escape").decode() for ch in text)


def _parts(letter: Letter) -> Iterator[str]:
    yield printable(letter.name)
    yield f"route {letter.route}" if letter.route else f"key {printable(letter.routing_key) or '(none)'}"
    yield f"to {mask(letter.to)}" if letter.to else ""
    attempts = len(letter.attempts)
    yield f"after {attempts} attempt{'' if attempts == 1 else 's'}" if attempts else ""
    yield f"generation {letter.generation}" if letter.generation else ""
    yield printable(letter.detail)


def _colour(letter: Letter) -> str:
    if letter.resolved:
        return "green"
    return "yellow" if letter.reason == "doubt" else "red"


def _at(letter: Letter) -> str | None:
    return None if letter.at is None else rfc3339(letter.at.timestamp())


def _properties(delivery: Delivery) -> dict[str, Any]:
    properties = delivery.properties
    told = {
        name: getattr(properties, name)
        for name in (
            "message_id",
            "correlation_id",
            "type",
            "app_id",
            "user_id",
            "content_type",
            "content_encoding",
            "priority",
            "reply_to",
            "expiration",
        )
    }
    if properties.timestamp is not None:
        told["timestamp"] = properties.timestamp
    return {name: value for name, value in told.items() if value is not None}


def _headers(delivery: Delivery, *, full: bool) -> dict[str, Any]:
    return {
        name: value if full or name.startswith(_OPEN_HEADERS) else HIDDEN
        for name, value in delivery.headers.items()
    }


def _body(octets: bytes, *, full: bool) -> object:
    """The body if it is a JSON object, with what is hidden in it; else what may be said of it."""
    try:
        body = orjson.loads(octets)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict):
        return body if full else {name: _shown(name, value) for name, value in body.items()}
    return octets.decode(errors="replace") if full else f"({len(octets)} octets that are no JSON object)"


def _shown(name: str, value: object) -> object:
    if name in _NUMBERS and isinstance(value, str | int):
        return mask(str(value))
    if value is None or (name in _HARMLESS and isinstance(value, str)):
        return value
    return f"({len(value)} characters)" if isinstance(value, str) else HIDDEN


def _spelt(value: object) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False))


def _jsonable(value: object) -> Any:
    """Through JSON once, so that what a header can hold and JSON cannot is text."""
    return json.loads(json.dumps(value, default=str))
