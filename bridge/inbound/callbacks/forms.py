"""The body of a callback as fields, in the three ways providers write it. Pure; what the fields mean is the dialect's.

Text is UTF-8, whatever `charset` is claimed: providers that claim another still write UTF-8, and octets that are not
UTF-8 are refused. A field that comes twice must say the same both times, or nobody knows which one counts. An error
names a field only where its name looks like one: a body misread as a form may have its whole text for a name.
"""

import json
import re
from binascii import a2b_qp
from collections.abc import Callable, Iterable
from typing import Any, Never

import orjson

from bridge.dialects.http import BadCallback
from bridge.inbound.callbacks.multipart import NotMultipart, boundary_of, parts_of
from bridge.model.web import Callback

MOST_FIELDS = 1_000
BODY = "body"
NAME = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")
_LONE_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")

Reader = Callable[[bytes], Callback]
"""Reads a whole body. Raises BadCallback, and nothing else."""


def reader_of(content_type: bytes) -> Reader | None:
    """How to read a body of this Content-Type, empty where none is given; None for a type that is not read."""
    match content_type.partition(b";")[0].strip().lower():
        case b"" | b"application/x-www-form-urlencoded":
            return read_urlencoded
        case b"application/json":
            return read_json
        case b"multipart/form-data":
            boundary = boundary_of(content_type)
            return lambda body: read_multipart(body, boundary)
        case _:
            return None


def read_urlencoded(body: bytes) -> Callback:
    """`name=value&name=value`, percent-encoded or not."""
    if body.count(b"&") >= MOST_FIELDS:
        raise BadCallback(BODY, f"has more than {MOST_FIELDS} fields")
    pairs = []
    for pair in filter(None, body.split(b"&")):
        written_name, _, value = pair.partition(b"=")
        name = _text(_unquoted(written_name), BODY)
        pairs.append((name, _text(_unquoted(value), _shown(name))))
    return Callback(fields=_once(pairs))


def read_json(body: bytes) -> Callback:
    """A JSON object, as it is."""
    text = _text(body, BODY)
    try:
        fields = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant)
        orjson.dumps(fields)  # what cannot be said again cannot be published
    except BadCallback:
        raise
    except orjson.JSONEncodeError:
        rule = (
            "holds what JSON cannot carry: half a surrogate pair, a number over 64 bits, or too many levels"
        )
        raise BadCallback(BODY, rule) from None
    except (ValueError, RecursionError):
        raise BadCallback(BODY, "is not JSON") from None
    if not isinstance(fields, dict):
        raise BadCallback(BODY, "must be a JSON object")
    return Callback(fields=fields)


def read_multipart(body: bytes, boundary: bytes) -> Callback:
    """`multipart/form-data`: each part a field, a file's content too."""
    try:
        parts = parts_of(body, boundary, most=MOST_FIELDS)
    except NotMultipart as error:
        raise BadCallback(BODY, str(error)) from None
    names = [_text(name, BODY) for name, _ in parts]
    values = [_text(value, _shown(name)) for name, (_, value) in zip(names, parts, strict=True)]
    return Callback(fields=_once(zip(names, values, strict=True)))


def _unquoted(octets: bytes) -> bytes:
    """As `urllib.parse.unquote_to_bytes`, which takes seconds for some megabytes, and nothing else is done meanwhile.

    What quoted-printable writes with = is written with % here, and the standard library reads that at once.
    """
    octets = octets.replace(b"+", b" ")
    if b"%" not in octets:
        return octets
    return a2b_qp(_LONE_PERCENT.sub(b"%25", octets).replace(b"=", b"%3D").replace(b"%", b"="))


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if fields.setdefault(name, value) != value:
            raise BadCallback(_shown(name), "is given twice, with different values")
    return fields


def _text(octets: bytes, field: str) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise BadCallback(field, "is not UTF-8") from None


def _shown(name: str) -> str:
    return name if NAME.fullmatch(name) else BODY


def _refuse_constant(_name: str) -> Never:
    raise BadCallback(BODY, "is not JSON: it holds NaN or Infinity")
