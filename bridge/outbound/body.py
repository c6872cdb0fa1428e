"""From the body of a delivery to an Mt, or to what is wrong with it. The door of the house: it never raises.

What is said of a bad body names the field and the rule, never the message's text or a whole number: it goes
into headers, events and logs. A field the contract does not know is refused, because a mistyped `expires_at`
that is ignored costs somebody money; an application's own data has a place, `metadata`.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import orjson
from pydantic import ValidationError

from bridge.model.mt import PRIORITIES, Mt
from bridge.outbound.body_shape import ID_PATTERN, MT_BODY, MediaPart, MtBody

MEDIA_BODY_BYTES = 6 * 1024 * 1024
MEDIA_BYTES = 4 * 1024 * 1024
METADATA_BYTES = 4096
METADATA_LEVELS = 32

_PRIORITY_FLAG = {word: flag for flag, word in enumerate(PRIORITIES)}

_VALIDATE = MT_BODY.validator.validate_python


@dataclass(frozen=True, slots=True)
class InvalidMt:
    """A body that is no MT. `field` is the one at fault, `body` if all of it; `reason` one sentence.

    `id` is the MT's id where that much could be read.
    """

    id: str | None
    field: str
    reason: str


class _BadField(Exception):
    """What a check found; never leaves this file."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(field, rule)
        self.field = field
        self.rule = rule


def read_mt(body: bytes, message_id: str | None, limit_bytes: int) -> Mt | InvalidMt:
    """Read a delivery's body. `message_id` is the AMQP property: the id of an MT that has none of its own."""
    fallback = message_id if message_id and re.fullmatch(ID_PATTERN, message_id) else None
    try:
        _check_size(body, limit_bytes)
        value = orjson.loads(body)
    except _BadField as bad:
        return InvalidMt(fallback, bad.field, bad.rule)
    except orjson.JSONDecodeError as error:
        return InvalidMt(
            fallback, "body", f"the body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        )
    if not isinstance(value, dict):
        return InvalidMt(fallback, "body", "the body must be a JSON object")
    try:
        return _mt(_VALIDATE(value), fallback)
    except ValidationError as error:
        field, rule = _first_breach(error, value)
    except _BadField as bad:
        field, rule = bad.field, bad.rule
    own = value.get("id")
    mt_id = own if isinstance(own, str) and re.fullmatch(ID_PATTERN, own) else fallback
    return InvalidMt(mt_id, field, rule)


def _check_size(body: bytes, limit_bytes: int) -> None:
    if len(body) <= limit_bytes:
        return
    if len(body) > MEDIA_BODY_BYTES or b'"media"' not in body:
        limit = MEDIA_BODY_BYTES if b'"media"' in body else limit_bytes
        raise _BadField("body", f"the body has {len(body)} octets; the limit is {limit}")


def _mt(body: MtBody, fallback: str | None) -> Mt:
    mt_id = body.get("id") or fallback
    if mt_id is None:
        raise _BadField(
            "id", "id is missing, and there is no AMQP message_id of 1 to 128 printable ASCII characters"
        )
    text, data, media = body.get("text"), body.get("data"), body.get("media")
    if (text is None) + (data is None) + (media is None) != 2:
        raise _BadField("text", "exactly one of text, data and media must be there")
    udh, expires_at, metadata, tlvs = (
        body.get("udh"),
        body.get("expires_at"),
        body.get("metadata"),
        body.get("tlvs"),
    )
    if metadata:
        _check_metadata(metadata)
    return Mt(
        id=mt_id,
        to=body["to"],
        from_=body.get("from_"),
        text=text,
        data=None if data is None else _octets("data", data),
        udh=None if udh is None else _header(udh, data),
        media=() if media is None else _media(media),
        encoding=body.get("encoding") or "auto",
        receipt=body.get("receipt") or "final",
        expires_at=None if expires_at is None else _epoch_s(expires_at),
        priority=_PRIORITY_FLAG[body.get("priority") or "bulk"],
        on_doubt=body.get("on_doubt"),
        carrier=body.get("carrier"),
        app_id=body.get("app_id"),
        conversation_id=body.get("conversation_id"),
        metadata=metadata,
        tlvs=tuple((int(tag, 16), bytes.fromhex(octets)) for tag, octets in tlvs.items()) if tlvs else (),
    )


def _octets(field: str, text: str) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True)
    except (Base64Error, ValueError):
        raise _BadField(field, f"{field} must be Base64, padded and without line breaks") from None


def _header(udh: str, data: str | None) -> bytes:
    if data is None:
        raise _BadField("udh", "udh is only for MTs with data")
    octets = bytes.fromhex(udh)
    if octets[0] != len(octets) - 1:
        raise _BadField("udh", "udh must begin with its length octet, which counts those that follow")
    return octets


def _media(parts: list[MediaPart]) -> tuple[Mapping[str, str], ...]:
    if sum(len(_octets("media", part["data"])) for part in parts) > MEDIA_BYTES:
        raise _BadField("media", f"the parts of media have more than {MEDIA_BYTES} octets in all")
    return tuple({"content_type": part["content_type"], "data": part["data"]} for part in parts)


def _epoch_s(instant: str) -> float:
    try:
        return datetime.fromisoformat(instant.upper()).timestamp()
    except ValueError:
        raise _BadField("expires_at", "expires_at is no date and time that exists") from None


def _check_metadata(metadata: dict[str, Any]) -> None:
    """Events and correlation will carry it: it must be small, and writable again."""
    try:
        size = len(orjson.dumps(metadata))
    except orjson.JSONEncodeError:
        size, too_deep = 0, True
    else:
        too_deep = _levels(metadata) > METADATA_LEVELS if size <= METADATA_BYTES else False
    if size > METADATA_BYTES:
        raise _BadField(
            "metadata", f"metadata has {size} octets as compact JSON; the limit is {METADATA_BYTES}"
        )
    if too_deep:
        raise _BadField("metadata", f"metadata has more than {METADATA_LEVELS} levels")


def _levels(value: dict[str, Any] | list[Any]) -> int:
    """How deep lists and objects are nested, counted level by level."""
    level, depth = [value], 0
    while level:
        depth += 1
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, dict | list)]
    return depth


def _inside(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


_RULES = {
    "id": "id must be 1 to 128 printable ASCII characters",
    "to": "to must be a number of 3 to 15 digits, with or without +",
    "from": "from must be a number, a short code, or up to 11 characters of printable ASCII",
    "text": "text must be a string",
    "data": "data must be a string of Base64",
    "udh": "udh must be 1 to 140 octets in hex",
    "media": "media must be a list of objects with content_type and data, both strings",
    "encoding": "encoding must be auto, gsm, latin1, ucs2, utf8, ascii or binary",
    "receipt": "receipt must be final, all or none",
    "expires_at": "expires_at must be RFC 3339 with an offset, such as 2030-01-31T12:00:00Z",
    "priority": "priority must be bulk_low, bulk, interactive_low or interactive",
    "on_doubt": "on_doubt must be resend or park",
    "carrier": "carrier must be a string of at most 256 characters",
    "app_id": "app_id must be a string of at most 256 characters",
    "conversation_id": "conversation_id must be a string of at most 256 characters",
    "metadata": "metadata must be an object",
    "tlvs": "tlvs must be an object of hex by tag, such as 0x1400, with at most 64 entries",
}


def _first_breach(error: ValidationError, value: Mapping[str, Any]) -> tuple[str, str]:
    """The first error of a known field, else the unknown field."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    names = [str(item["loc"][0]) for item in errors]
    for name in names:
        if name in _RULES:
            return name, _RULES[name] if name in value else f"{name} is missing"
    name = names[0]
    # A name is shown only where it cannot be text or a number that slipped into its place.
    shown = name if re.fullmatch(r"[A-Za-z_]{1,32}", name) else "body"
    hint = "".join(f"; did you mean {close}?" for close in get_close_matches(name[:32], _RULES, n=1))
    return shown, f"there is a field that no MT has{hint or '; data of your own belongs in metadata'}"
