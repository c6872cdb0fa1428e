"""What is read of the frames that come with every message: arguments and properties (AMQP 0-9-1: 1.8.3, 4.2.5). Pure.

RabbitMQ saw to their form when the message was published, not to what is in them: see `tolerance`.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from aiormq import spec

from bridge.broker.amqp import (
    APP_ID,
    CONTENT_ENCODING,
    CONTENT_TYPE,
    CORRELATION_ID,
    DELIVERY_MODE,
    EXPIRATION,
    HEADERS,
    LONG,
    LONGLONG,
    MESSAGE_ID,
    PRIORITY,
    REPLY_TO,
    TIMESTAMP,
    TYPE,
    USER_ID,
)
from bridge.broker.message import Properties
from bridge.broker.tolerance import headers, text

_YEAR_10000 = 253_402_300_800


class Delivered(NamedTuple):
    """The arguments of basic.deliver that are of use."""

    tag: int
    redelivered: bool
    exchange: str
    routing_key: str


def delivered(arguments: bytes) -> Delivered:
    """Read basic.deliver."""
    at = 1 + arguments[0]  # the consumer's tag
    (tag,) = LONGLONG.unpack_from(arguments, at)
    exchange, after = _short(arguments, at + 9)
    routing_key, _ = _short(arguments, after)
    return Delivered(tag, bool(arguments[at + 8] & 1), exchange, routing_key)


def properties(octets: bytes) -> Properties:
    """Read the flags and values of a content header. What is empty counts as not there."""
    values, at = {}, 2
    for name, read in _present(octets[0] << 8 | octets[1]):
        values[name], at = read(octets, at)
    values.pop(_NO_MATTER, None)
    return Properties(**values)


def plain(raw: spec.Basic.Properties) -> Properties:
    """The properties as the library reads them."""
    return Properties(
        content_type=raw.content_type or None,
        content_encoding=raw.content_encoding or None,
        headers=raw.headers or {},
        priority=raw.priority,
        correlation_id=raw.correlation_id or None,
        reply_to=raw.reply_to or None,
        expiration=raw.expiration or None,
        message_id=raw.message_id or None,
        timestamp=int(raw.timestamp.timestamp()) if raw.timestamp is not None else None,
        type=raw.message_type or None,
        user_id=raw.user_id or None,
        app_id=raw.app_id or None,
    )


Read = Callable[[bytes, int], tuple[Any, int]]
"""The value that begins here, and where the next begins."""


def _short(octets: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + octets[at]
    return text(octets[at + 1 : end]), end


def _filled(octets: bytes, at: int) -> tuple[str | None, int]:
    found, after = _short(octets, at)
    return found or None, after


def _octet(octets: bytes, at: int) -> tuple[int, int]:
    return octets[at], at + 1


def _time(octets: bytes, at: int) -> tuple[int | None, int]:
    (seconds,) = LONGLONG.unpack_from(octets, at)
    return seconds if seconds < _YEAR_10000 else None, at + LONGLONG.size


def _table(octets: bytes, at: int) -> tuple[dict[str, Any], int]:
    after = at + LONG.size + LONG.unpack_from(octets, at)[0]
    return headers(octets[at:after])[1], after


_NO_MATTER = "delivery_mode"
_IN_ORDER: tuple[tuple[int, str, Read], ...] = (
    (CONTENT_TYPE, "content_type", _filled),
    (CONTENT_ENCODING, "content_encoding", _filled),
    (HEADERS, "headers", _table),
    (DELIVERY_MODE, _NO_MATTER, _octet),
    (PRIORITY, "priority", _octet),
    (CORRELATION_ID, "correlation_id", _filled),
    (REPLY_TO, "reply_to", _filled),
    (EXPIRATION, "expiration", _filled),
    (MESSAGE_ID, "message_id", _filled),
    (TIMESTAMP, "timestamp", _time),
    (TYPE, "type", _filled),
    (USER_ID, "user_id", _filled),
    (APP_ID, "app_id", _filled),
)


@lru_cache(maxsize=256)
def _present(flags: int) -> tuple[tuple[str, Read], ...]:
    """The properties with these flags, in the order of their values."""
    return tuple((name, read) for flag, name, read in _IN_ORDER if flags & flag)
