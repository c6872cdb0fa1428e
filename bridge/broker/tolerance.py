"""Makes the AMQP decoder survive what other producers write.

RabbitMQ does not look into properties. A timestamp in nanoseconds, a routing key in Latin-1 or a header table with an
unknown type makes pamqp raise, aiormq then drops the connection, RabbitMQ redelivers the message, and so one bad
message stops a worker for ever. pamqp looks its decoders up in tables by type; here the three that can fail on a
well-formed frame are replaced by ones that read what they can: an impossible timestamp is absent, octets that are
not UTF-8 become question marks, an unreadable header table is empty. All others decode as before.
"""

import struct
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pamqp import decode

_strict_timestamp = decode.timestamp
_strict_table = decode.field_table


def _timestamp(value: bytes) -> tuple[int, datetime | None]:
    try:
        return _strict_timestamp(value)
    except (ValueError, OverflowError, OSError):
        return 8, None


def text(octets: bytes) -> str:
    """A short string."""
    try:
        return octets.decode()
    except UnicodeDecodeError:  # "?" takes one octet too, so that what was read can be written again
        return octets.decode("ascii", "replace").replace("\ufffd", "?")


def _short_str(value: bytes) -> tuple[int, str]:
    length = value[0]
    return length + 1, text(value[1 : length + 1])


def headers(value: bytes) -> tuple[int, dict[str, Any]]:
    """The table of headers itself, and before it how many octets it took.

    What is nested too deep to be read is deep enough to be no header of anybody's.
    """
    try:
        return _table(value)
    except RecursionError:
        return _empty(value)


def _table(value: bytes) -> tuple[int, dict[str, Any]]:
    try:
        return _strict_table(value)
    except (ValueError, OverflowError, ArithmeticError, IndexError):
        return _empty(value)


def _empty(value: bytes) -> tuple[int, dict[str, Any]]:
    (length,) = struct.unpack_from(">I", value)
    return length + 4, {}


def read_what_comes() -> None:
    """Install the tolerant decoders, once and for the whole process. May be called again."""
    by_name: dict[str, Callable[..., Any]] = decode.METHODS
    by_name.update(timestamp=_timestamp, shortstr=_short_str, table=headers)
    by_octet: dict[bytes, Callable[..., Any]] = decode.TABLE_MAPPING
    by_octet.update({b"T": _timestamp, b"F": _table})
