"""The AMQP frames that are sent for every message, as octets (AMQP 0-9-1: 2.3.5, 4.2.3, 4.2.6). Pure.

The library makes the same octets of an object for each frame, property and argument; here one `struct` does.
"""

import struct

from pamqp import encode

from bridge.broker.message import Outgoing

PERSISTENT = 2

_FRAME = struct.Struct(">BHI")
_METHOD, _HEADER, _BODY = 1, 2, 3
_END = b"\xce"
_BASIC = 60
_PUBLISH, _ACK, _NACK = 40, 80, 120
_SETTLE = struct.Struct(">BHIHHQBc")
_SETTLE_OCTETS = 13
_CONTENT = struct.Struct(">HHQH")
_TIMESTAMP = struct.Struct(">Q")
_MANDATORY = 1
_MULTIPLE, _REQUEUE = 1, 2

_CONTENT_TYPE, _CONTENT_ENCODING, _HEADERS, _DELIVERY_MODE = 1 << 15, 1 << 14, 1 << 13, 1 << 12
_PRIORITY, _CORRELATION_ID, _REPLY_TO = 1 << 11, 1 << 10, 1 << 9
_MESSAGE_ID, _SENT_AT, _TYPE, _APP_ID = 1 << 7, 1 << 6, 1 << 5, 1 << 3


UNWRITABLE = (TypeError, ValueError, ArithmeticError, struct.error)
"""What is raised for a message that AMQP has no octets for: a name over 255 of them, a header of no known type, ..."""


def publish_method(channel: int, exchange: str, routing_key: str, *, mandatory: bool) -> bytes:
    """basic.publish. Raises UNWRITABLE."""
    arguments = struct.pack(">HHH", _BASIC, _PUBLISH, 0) + _short(exchange) + _short(routing_key)
    return _frame(_METHOD, channel, arguments + bytes((_MANDATORY if mandatory else 0,)))


def content(channel: int, message: Outgoing, message_id: str, largest: int) -> bytes:
    """Header and body of a message, persistent. `largest`: octets of body in one frame. Raises UNWRITABLE."""
    body = message.body
    flags, properties = _properties(message, message_id)
    header = _CONTENT.pack(_BASIC, 0, len(body), flags) + properties
    bodies = (_frame(_BODY, channel, body[at : at + largest]) for at in range(0, len(body), largest))
    return b"".join((_frame(_HEADER, channel, header), *bodies))


def ack(channel: int, tag: int, *, multiple: bool) -> bytes:
    """basic.ack."""
    bits = _MULTIPLE if multiple else 0
    return _SETTLE.pack(_METHOD, channel, _SETTLE_OCTETS, _BASIC, _ACK, tag, bits, _END)


def requeue(channel: int, tag: int) -> bytes:
    """basic.nack of one message, which goes back into its queue."""
    return _SETTLE.pack(_METHOD, channel, _SETTLE_OCTETS, _BASIC, _NACK, tag, _REQUEUE, _END)


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return _FRAME.pack(kind, channel, len(payload)) + payload + _END


def _properties(message: Outgoing, message_id: str) -> tuple[int, bytes]:
    """Flags and values, in the order of the flags. What is None or empty is left out."""
    flags, values = _DELIVERY_MODE | _MESSAGE_ID, []
    if message.content_type:
        flags |= _CONTENT_TYPE
        values.append(_short(message.content_type))
    if message.content_encoding:
        flags |= _CONTENT_ENCODING
        values.append(_short(message.content_encoding))
    if message.headers:
        flags |= _HEADERS
        values.append(encode.field_table(message.headers))
    values.append(bytes((PERSISTENT,)))
    if message.priority is not None:
        flags |= _PRIORITY
        values.append(bytes((message.priority,)))
    if message.correlation_id:
        flags |= _CORRELATION_ID
        values.append(_short(message.correlation_id))
    if message.reply_to:
        flags |= _REPLY_TO
        values.append(_short(message.reply_to))
    values.append(_short(message_id))
    if message.timestamp is not None:
        flags |= _SENT_AT
        values.append(_TIMESTAMP.pack(message.timestamp))
    if message.type:
        flags |= _TYPE
        values.append(_short(message.type))
    if message.app_id:
        flags |= _APP_ID
        values.append(_short(message.app_id))
    return flags, b"".join(values)


def _short(text: str) -> bytes:
    octets = text.encode()
    return bytes((len(octets),)) + octets
