"""Octets and values, damaged in the ways that streams, peers and people damage them."""

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any


def damaged(random: Random, octets: bytes, telling: Sequence[bytes], *, spare: int = 0) -> bytes:
    """These octets with some changed, none as often as not. `telling`: octets that mean something to the reader.

    The first `spare` octets stay.
    """
    changed = bytearray(octets)
    for _ in range(random.choice((0, 1, 1, 2, 4, 16))):
        _damage(random, changed, telling, spare)
    return bytes(changed)


def _damage(random: Random, octets: bytearray, telling: Sequence[bytes], spare: int) -> None:
    at = random.randrange(min(spare, len(octets)), len(octets) + 1)
    match random.randrange(5):
        case 0 if at < len(octets):
            octets[at] = random.randrange(256)
        case 1:
            octets[at:at] = random.choice(telling)
        case 2:
            del octets[at : at + random.randint(1, 8)]
        case 3:
            octets[at:at] = octets[at : at + random.randint(1, 20)]
        case _ if at < len(octets):
            octets[at] ^= 1 << random.randrange(8)


class Raw(bytes):
    """A JSON value as it is written, where no value of ours would be written so."""


class Again(str):
    """A name that may stand twice in one object."""

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__


_TEXTS = "0 -1 1e9 null = % %00 + ../.. | {to} ${HOME} é€日本😀 \u202e\ufeff \x7f \ud7ff\ue000\ufffe ﬀ ١٢٣ ²"
_NUMBERS = (0, -1, 7, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**40, 0.5, -0.0, 1e308)
_WRITTEN = (
    *rb'1e999 -1e999 NaN Infinity "\ud800" "\udc00\ud800" "\u0000" "\x41" 0x10 010 1. - \'a\''.split(),
    *(
        b"",
        b"\x00",
        b'"\xff\xfe"',
        b"1" * 400,
        b"7" * 5_000,
        b"[" * 50 + b"]" * 50,
        b"[" * 3_000 + b"]" * 3_000,
    ),
    b'{"a":' * 300 + b"1" + b"}" * 300,
)
_NESTED: tuple[Any, ...] = ([], {}, [[]], [{}], {"": ""}, ["a", "b"], {"a": {"b": {"c": []}}})
_LONG = ("", " ", "\0", "\t1", "a\r\nb: c", "a" * 300, "9" * 5_000)
STRANGE: tuple[Any, ...] = (
    None,
    True,
    False,
    *_NUMBERS,
    *_TEXTS.split(),
    *_LONG,
    *_NESTED,
    *map(Raw, _WRITTEN),
)
"""What readers trip over."""


def changed(random: Random, value: Any, names: Sequence[str]) -> Any:
    """A copy with a few places changed: another value, gone, twice, or one more. `names`: of fields that are known."""
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        value = _changed(random, value, names)
    return value


def _changed(random: Random, value: Any, names: Sequence[str]) -> Any:
    inner = isinstance(value, Mapping | list) and len(value) > 0
    if not inner or random.random() < 0.1:
        return random.choice(STRANGE) if random.random() < 0.8 else [value]
    if isinstance(value, list):
        at = random.randrange(len(value))
        return [*value[:at], _changed(random, value[at], names), *value[at + 1 :]]
    fields = dict(value)
    name = random.choice(list(fields))
    match random.randrange(6):
        case 0:
            del fields[name]
        case 1:
            fields[Again(name)] = random.choice((fields[name], random.choice(STRANGE)))
        case 2:
            fields[random.choice((*names, "", "\0", "__proto__", "é" * 40, "x" * 500))] = random.choice(
                STRANGE
            )
        case _:
            fields[name] = _changed(random, fields[name], names)
    return fields


def as_json(value: Any) -> bytes:
    """The value as it is sent, one place a line, so that it is YAML too."""
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, Mapping):
        return (
            b"{" + b",\n".join(as_json(name) + b": " + as_json(inner) for name, inner in value.items()) + b"}"
        )
    if isinstance(value, list):
        return b"[" + b",\n".join(map(as_json, value)) + b"]"
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
