"""Requests and answers in their ordinary form, which nearly all have, written and read at a tenth of h11's cost. Pure.

What is not ordinary is none of this file's business: it says so, and h11 looks at it (`connection.py`). What it
writes and reads is what h11 would have written and read; a test holds the two beside each other.

    a request   without a header that says something of the connection or the body's length
    an answer   all in one piece, HTTP/1.1, of a length it names, no redirect
"""

import re

from bridge.links.http.origin import Origin
from bridge.model.web import HttpAnswer, HttpRequest

HAVE_A_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Of these methods a request names the length of its body, though it be empty."""

_MOST_HEADS = 64
"""Headers of requests that are remembered, written: most providers want the same each time."""

_METHODS = HAVE_A_BODY | {"GET"}
_TARGET = re.compile(r"[!-~]+")
_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"(?:[!-~](?:[ -~]*[!-~])?)?")
_OF_CONNECTIONS = frozenset({"connection", "expect", "host", "keep-alive", "proxy-connection", "upgrade"})
_OF_BODIES = frozenset({"content-length", "te", "trailer", "transfer-encoding"})

_HEAD = re.compile(
    rb"HTTP/1\.1 ([245][0-9]{2})(?: [\t -~]*+)?+\r\n(?:[-!#$%&'*+.^_`|~0-9A-Za-z]++:[\t -~]*+\r\n)*+\r\n"
)
_NO_BODY = 204
_KNOWN_CONNECTIONS = (b"", b"keep-alive", b"close")
_MOST_DIGITS = 6


class Writer:
    """The requests to one site, in octets."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._heads: dict[tuple[tuple[str, str], ...], bytes | None] = {}

    def write(self, request: HttpRequest) -> bytes | None:
        """All of it; None where it is not ordinary."""
        method = request.method
        target = self._origin.target_of(request)
        head = self._head(request.headers)
        if head is None or method not in _METHODS or not _TARGET.fullmatch(target):
            return None
        body = request.body
        length = b"Content-Length: %d\r\n" % len(body) if body or method in HAVE_A_BODY else b""
        return b"%b %b HTTP/1.1\r\n%b%b\r\n%b" % (method.encode(), target.encode(), head, length, body)

    def _head(self, headers: tuple[tuple[str, str], ...]) -> bytes | None:
        if headers in self._heads:
            return self._heads[headers]
        if len(self._heads) >= _MOST_HEADS:
            self._heads.clear()
        lines = (*self._origin.headers, *headers)
        plain = all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in lines)
        ordinary = plain and (_OF_CONNECTIONS | _OF_BODIES).isdisjoint(name.lower() for name, _ in headers)
        head = "".join(f"{name}: {value}\r\n" for name, value in lines).encode() if ordinary else None
        self._heads[headers] = head
        return head


def read_answer(octets: bytes) -> tuple[HttpAnswer, bool] | None:
    """A whole answer, and whether its connection may carry another; None where these are not ordinary."""
    match = _HEAD.match(octets)
    if match is None:
        return None
    end = match.end()
    head = octets[:end].lower()
    length, connection = _value(head, b"\r\ncontent-length:"), _value(head, b"\r\nconnection:")
    if not length.isdigit() or len(length) > _MOST_DIGITS or len(octets) != end + int(length):
        return None
    if connection not in _KNOWN_CONNECTIONS or b"\r\ntransfer-encoding:" in head:
        return None
    status = int(match[1])
    if status == _NO_BODY:
        return None
    return HttpAnswer(status=status, body=octets[end:]), connection != b"close"


def _value(head: bytes, name: bytes) -> bytes:
    """Of a header; empty where it is not there, and nothing that anybody knows where it is there twice."""
    at = head.find(name)
    if at < 0:
        return b""
    if head.find(name, at + 1) >= 0:
        return b"?"
    at += len(name)
    return head[at : head.index(b"\r\n", at)].strip(b" \t")
