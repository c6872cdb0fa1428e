"""HTTP as plain data: an MT as a request, a provider's answer to it, a provider's callback. Nothing is sent here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """An MT as one request, whichever endpoint of its provider gets it.

    `ident`: the name under which the provider is told of the message, the same in every copy of it; empty where it is
    told none. `target`: what follows the site's URL, path and query, percent-encoded. What may hold a message or a
    secret is not shown.
    """

    ident: str
    method: str = "POST"
    target: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What came back, whole. `location`: where a redirect (3xx) points, empty in every other answer."""

    status: int
    body: bytes = b""
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """What a provider told us: the fields of a form or a query (text), or a JSON object as it is."""

    fields: Mapping[str, Any]
