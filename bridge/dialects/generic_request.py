"""An MT as a request to any HTTP API, by the templates of the configuration.

The structure is made first and the values are put into it, escaped for their place: no value of an MT can change it.
Whether the templates make sense is checked when the configuration is read.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlencode

from bridge.dialects.http import ident_of
from bridge.model.mt import Mt
from bridge.model.outcome import Rejected
from bridge.model.template import NOTHING, Template, Tree, templates_in
from bridge.model.times import rfc3339
from bridge.model.web import HttpRequest
from bridge.text.addresses import BadAddress, read_number, read_sender

Method = Literal["POST", "GET", "PUT"]
Auth = Literal["none", "basic", "bearer"]
Format = Literal["form", "json", "query"]
Value = str | int | bool | None

_CONTENT_TYPES: Mapping[Format, str] = {
    "form": "application/x-www-form-urlencoded; charset=utf-8",
    "json": "application/json",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RequestForm:
    """How a request looks. Fields are named as in the configuration; `fields` of a form or a query is flat."""

    method: Method = "POST"
    path: Template = NOTHING
    headers: Mapping[str, Template] = field(default_factory=dict)
    auth: Auth = "none"
    format: Format = "form"
    fields: Mapping[str, Tree] = field(default_factory=dict)
    login: str = ""
    password: str = field(default="", repr=False)
    names: frozenset[str] = field(init=False)
    """What of an MT it says."""

    def __post_init__(self) -> None:
        templates = (self.path, *self.headers.values(), *templates_in(self.fields))
        names = frozenset(name for template in templates for name in template.names)
        object.__setattr__(self, "names", names)

    def uncarried(self, mt: Mt) -> str | None:
        """What of this MT it has no place for."""
        if mt.media:
            return "media: this provider takes none"
        if mt.udh is not None:
            return "udh: this provider takes none"
        if mt.tlvs:
            return "tlvs: are for SMPP, and this provider has HTTP"
        kind = "text" if mt.data is None else "data"
        return None if kind in self.names else f"{kind}: this provider takes none"

    def write(self, mt: Mt, mt_key: str, from_: str) -> HttpRequest | Rejected:
        """The MT as a request, or what about it cannot be said."""
        uncarried = self.uncarried(mt)
        if uncarried is not None:
            return Rejected(None, uncarried)
        ident = ident_of(mt_key)
        try:
            values = self._values(mt, ident, from_)
            return HttpRequest(
                ident=ident if "id" in self.names else "",
                method=self.method,
                target=self._target(values),
                headers=tuple(self._headers(values).items()),
                body=self._body(values),
            )
        except (BadAddress, _Unsayable) as error:
            return Rejected(None, str(error))
        except UnicodeEncodeError:
            return Rejected(None, "text: is no text that UTF-8 could carry")

    def _values(self, mt: Mt, ident: str, from_: str) -> Mapping[str, Value]:
        """Raises BadAddress."""
        digits = read_number(mt.to).text
        read_sender(from_)
        return {
            "id": ident,
            "to": mt.to,
            "to_plus": f"+{digits}",
            "to_digits": digits,
            "from": from_,
            "text": mt.text,
            "data": None if mt.data is None else b64encode(mt.data).decode("ascii"),
            "priority": mt.priority,
            "receipt": mt.receipt != "none",
            "expires_at": None if mt.expires_at is None else rfc3339(mt.expires_at),
            "carrier": mt.carrier,
            "app_id": mt.app_id,
            "conversation_id": mt.conversation_id,
            "login": self.login,
            "password": self.password,
        }

    def _target(self, values: Mapping[str, Value]) -> str:
        """Raises _Unsayable, UnicodeEncodeError."""
        target = self.path.fill(_as_texts(values), lambda value: quote(value, safe="")) or ""
        if {".", ".."} & set(target.partition("?")[0].split("/")):
            raise _Unsayable("request.path: a value in it is only dots")
        if self.format != "query":
            return target
        query = self._urlencoded(values)
        return f"{target}{'&' if '?' in target else '?'}{query}" if query else target

    def _headers(self, values: Mapping[str, Value]) -> dict[str, str]:
        """Raises _Unsayable."""
        headers: dict[str, str] = {}
        own = {name.lower() for name in self.headers}
        if self.format in _CONTENT_TYPES and "content-type" not in own:
            headers["Content-Type"] = _CONTENT_TYPES[self.format]
        if self.auth == "basic":
            account = b64encode(f"{self.login}:{self.password}".encode()).decode("ascii")
            headers["Authorization"] = f"Basic {account}"
        elif self.auth == "bearer":
            headers["Authorization"] = f"Bearer {self.password}"
        for name, template in self.headers.items():
            value = template.fill(_as_texts(values))
            if value is None:
                continue
            if not (value.isascii() and value.isprintable()):
                raise _Unsayable(f"request.headers.{name}: a value in it is not printable ASCII")
            headers[name] = value.strip()
        return headers

    def _body(self, values: Mapping[str, Value]) -> bytes:
        """Raises UnicodeEncodeError."""
        if self.format == "query":
            return b""
        if self.format == "form":
            return self._urlencoded(values).encode("ascii")
        structure = _filled(self.fields, values, _as_texts(values))
        return json.dumps(structure, ensure_ascii=False, separators=(",", ":")).encode()

    def _urlencoded(self, values: Mapping[str, Value]) -> str:
        texts = _as_texts(values)
        pairs = ((name, _filled(leaf, texts, texts)) for name, leaf in self.fields.items())
        return urlencode([(name, _as_text(value)) for name, value in pairs if value is not None])


class _Unsayable(ValueError):
    """A value that its place in the request cannot hold; the text says which place."""


def _as_text(value: Value) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _as_texts(values: Mapping[str, Value]) -> Mapping[str, str | None]:
    return {name: _as_text(value) for name, value in values.items()}


def _filled(tree: Tree, values: Mapping[str, Value], texts: Mapping[str, str | None]) -> Any:
    """The tree with its values; a leaf that is a name and nothing else keeps a number a number. None: leave it out."""
    if isinstance(tree, Template):
        return values[tree.only] if tree.only else tree.fill(texts)
    if isinstance(tree, Mapping):
        inner = {name: _filled(leaf, values, texts) for name, leaf in tree.items()}
        return {name: value for name, value in inner.items() if value is not None}
    if isinstance(tree, Sequence):
        return [value for value in (_filled(leaf, values, texts) for leaf in tree) if value is not None]
    return tree
