"""`multipart/form-data` (RFC 7578) as names and values, both octets. Pure; python-multipart does the cutting."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

LONGEST_BOUNDARY = 70  # RFC 2046, 5.1.1


class NotMultipart(ValueError):
    """Why it cannot be read, without what it holds."""


def boundary_of(content_type: bytes) -> bytes:
    """What separates the parts; empty where the header does not say."""
    return parse_options_header(content_type)[1].get(b"boundary", b"")


def parts_of(body: bytes, boundary: bytes, *, most: int) -> list[tuple[bytes, bytes]]:
    """Every part's name and content, in order. Raises NotMultipart, and nothing else."""
    if not 0 < len(boundary) <= LONGEST_BOUNDARY:
        raise NotMultipart("has no usable boundary in its Content-Type")
    cutter = _Cutter(most)
    try:
        parser = MultipartParser(boundary, cutter.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise NotMultipart("is not multipart/form-data") from None
    if not cutter.ended:
        raise NotMultipart("ends before its last boundary")
    return cutter.parts


class _Cutter:
    """Gathers what the parser finds."""

    def __init__(self, most: int) -> None:
        self.parts: list[tuple[bytes, bytes]] = []
        self.ended = False
        self._most = most
        self._header, self._value = bytearray(), bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._content = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": _into(self._header),
            "on_header_value": _into(self._value),
            "on_header_end": self._header_ends,
            "on_part_data": _into(self._content),
            "on_part_end": self._part_ends,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) >= self._most:
            raise NotMultipart(f"has more than {self._most} fields")
        self._headers.clear()
        self._content.clear()

    def _header_ends(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _part_ends(self) -> None:
        disposition, options = parse_options_header(self._headers.get(b"content-disposition"))
        if disposition != b"form-data" or b"name" not in options:
            raise NotMultipart("has a part without a name")
        encoding = self._headers.get(b"content-transfer-encoding", b"binary").strip().lower()
        if encoding not in (b"7bit", b"8bit", b"binary"):  # forbidden by RFC 7578, 4.7
            raise NotMultipart("has a part with a Content-Transfer-Encoding")
        self.parts.append((options[b"name"], bytes(self._content)))

    def _end(self) -> None:
        self.ended = True


def _into(octets: bytearray) -> Callable[[bytes, int, int], None]:
    def add(data: bytes, start: int, end: int) -> None:
        octets.extend(data[start:end])

    return add
