"""The AMQP frames that are sent for every message, as octets (AMQP 0-9-1: 2.3.5, 4.2.3, 4.2.6). Pure.

The library makes the same octets of an object for each frame, property and argument; here one `struct` does.
"""

import struct
from functools import lru_cache

from pamqp import encode

from bridge.broker.amqp import (
    ACK,
    APP_ID,
    BASIC,
    BODY,
    CONTENT_ENCODING,
    CONTENT_TYPE,
    CORRELATION_ID,
    DELIVERY_MODE,
    END,
    FRAME,
    HEADER,
    HEADERS,
    LONGLONG,
    MANDATORY,
    MESSAGE_ID,
    METHOD,
    MULTIPLE,
    NACK,
    PRIORITY,
    PUBLISH,
    REPLY_TO,
    REQUEUE,
    TIMESTAMP,
    TYPE,
)
from bridge.broker.message import Outgoing

PERSISTENT = 2
_PERSISTENT = bytes((PERSISTENT,))

_SETTLE = struct.Struct(">BHIHHQBc")
_SETTLE_OCTETS = 13
_CONTENT = struct.Struct(">HHQH")

UNWRITABLE = (TypeError, ValueError, ArithmeticError, struct.error)
"""What is raised for a message that AMQP has no octets for: a name over 255 of them, a header of no known type, ..."""


def publish_method(channel: int, exchange: str, routing_key: str, *, mandatory: bool) -> bytes:
    """basic.publish. Raises UNWRITABLE."""
    arguments = struct.pack(">HHH", BASIC, PUBLISH, 0) + _short(exchange) + _short(routing_key)
    return _frame(METHOD, channel, arguments + bytes((MANDATORY if mandatory else 0,)))


def content(channel: int, message: Outgoing, message_id: str, largest: int) -> bytes:
    """Header and body of a message, persistent. `largest`: octets of body in one frame. Raises UNWRITABLE."""
    body = message.body
    flags, properties = _properties(message, message_id)
    header = _CONTENT.pack(BASIC, 0, len(body), flags) + properties
    bodies = (_frame(BODY, channel, body[at : at + largest]) for at in range(0, len(body), largest))
    return b"".join((_frame(HEADER, channel, header), *bodies))


def ack(channel: int, tag: int, *, multiple: bool) -> bytes:
    """basic.ack."""
    bits = MULTIPLE if multiple else 0
    return _SETTLE.pack(METHOD, channel, _SETTLE_OCTETS, BASIC, ACK, tag, bits, END)


def requeue(channel: int, tag: int) -> bytes:
    """basic.nack of one message, which goes back into its queue."""
    return _SETTLE.pack(METHOD, channel, _SETTLE_OCTETS, BASIC, NACK, tag, REQUEUE, END)


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return FRAME.pack(kind, channel, len(payload)) + payload + END


def _properties(message: Outgoing, message_id: str) -> tuple[int, bytes]:
    """Flags and values, in the order of the flags. What is None or empty is left out."""
    flags, values = DELIVERY_MODE | MESSAGE_ID, []
    if message.content_type:
        flags |= CONTENT_TYPE
        values.append(_known(message.content_type))
    if message.content_encoding:
        flags |= CONTENT_ENCODING
        values.append(_short(message.content_encoding))
    if message.headers:
        flags |= HEADERS
        values.append(encode.field_table(message.headers))
    values.append(_PERSISTENT)
    if message.priority is not None:
        flags |= PRIORITY
        values.append(bytes((message.priority,)))
    if message.correlation_id:
        flags |= CORRELATION_ID
        values.append(_short(message.correlation_id))
    if message.reply_to:
        flags |= REPLY_TO
        values.append(_short(message.reply_to))
    values.append(_short(message_id))
    if message.timestamp is not None:
        flags |= TIMESTAMP
        values.append(LONGLONG.pack(message.timestamp))
    if message.type:
        flags |= TYPE
        values.append(_known(message.type))
    if message.app_id:
        flags |= APP_ID
        values.append(_known(message.app_id))
    return flags, b"".join(values)


def _short(text: str) -> bytes:
    octets = text.encode()
    return bytes((len(octets),)) + octets


_known = lru_cache(maxsize=256)(_short)
"""The same of what few values come again and again."""
