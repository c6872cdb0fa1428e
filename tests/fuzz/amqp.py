"""Content headers as RabbitMQ hands them on: properties and headers of every kind, whatever a producer wrote.

Their lengths add up, for RabbitMQ sees to that, and nothing else need be right.
"""

import struct
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

from pamqp import encode

from bridge.model import names
from tests.fuzz.damage import damaged

_BASIC = 60
_KINDS = ("word", "word", "table", "octet", "octet", *["word"] * 8)
"""From content_type to app_id; their flags count down from 15."""
_TIMESTAMP = 6
_WORDS = (
    *b"m-1 1 guest application/json 60000 \0 \xff\xfe \xe9 \xed\xa0\x80".split(),
    b"",
    b"a\tb",
    b"x" * 255,
)
_HEADERS = (
    *(name.encode() for word, name in vars(names).items() if word.startswith("HEADER_")),
    *b"CC BCC x-death x-delivery-count x-first-death-queue \xc3\xa9 \xff a".split(),
    *(b"", b"x" * 128),
)
_AT = datetime(2026, 1, 31, tzinfo=UTC)
_TEXTS = """p,q , é [] null 7 ["p","s",1,null] ["p","s",1,1e999] ["p","s",1,0.5] [{"at":{},"link":[[]]}]
    [{"at":"x","provider":"p","site":"s","link":"l","result":"doubt"}] [{"at":"\\ud800"}]"""
_NUMBERS = (0, 1, -1, 3, 2**31, 2**63 - 1, -(2**63), 0.5, float("nan"), float("inf"), Decimal("1.5"))
_OTHERS: tuple[Any, ...] = (
    None,
    True,
    False,
    bytearray(b"\xff\x00"),
    _AT,
    [],
    [1, "a", None],
    {},
    {"a": {"b": [_AT]}},
)
_VALUES: tuple[Any, ...] = (*_TEXTS.split(), "", "\0", "a" * 40_000, "[" * 3_000, *_NUMBERS, *_OTHERS)


def nested(kind: bytes, name: bytes, levels: int) -> bytes:
    """A value that holds itself so many times, `kind` by kind, each in the one before it under `name`."""
    octets = b""
    for _ in range(levels):
        octets = name + kind + struct.pack(">I", len(octets)) + octets
    return octets[len(name) :]


_DEEP = tuple(
    nested(kind, name, levels)
    for kind, name in ((b"F", b"\x01a"), (b"A", b""))
    for levels in (100, 300, 500, 5_000)
)
"""Tables in tables, and lists in lists."""


def content_header(random: Random, size: int) -> bytes:
    """Of a body of so many octets."""
    flags, octets = 0, b""
    for bit, kind in zip(range(15, 2, -1), _KINDS, strict=True):
        if random.random() < (0.6 if kind == "table" else 0.3):
            flags |= 1 << bit
            octets += _timestamp(random) if bit == _TIMESTAMP else _property(random, kind)
    return struct.pack(">HxxQH", _BASIC, size, flags) + octets


def _property(random: Random, kind: str) -> bytes:
    if kind == "octet":
        return bytes((random.choice((0, 1, 2, 9, 255)),))
    if kind == "table":
        return _table(random)
    word = random.choice(_WORDS)
    return bytes((len(word),)) + word


def _timestamp(random: Random) -> bytes:
    seconds = random.choice((0, 1_800_000_000, 2**63, 2**64 - 1, 1_800_000_000_000_000_000))
    return struct.pack(">Q", seconds)


def _table(random: Random) -> bytes:
    chosen = [random.choice(_HEADERS) for _ in range(random.choice((0, 1, 1, 2, 5)))]
    entries = b"".join(bytes((len(name),)) + name + _value(random) for name in chosen)
    if random.random() < 0.3:
        telling = (b"\x00", b"F\x00\x00\x00\x05", b"\xff" * 8, b"S\x00\x00\x00\x01", b"T")
        entries = damaged(random, entries, telling)
    return struct.pack(">I", len(entries)) + entries


def _value(random: Random) -> bytes:
    if random.random() < 0.05:
        return random.choice(_DEEP)
    return encode.encode_table_value(random.choice(_VALUES))
