"""Forms as they come in: a query, a body that is urlencoded, or one in parts. Fields mean nothing here."""

import base64
import binascii
import logging
import re
from collections.abc import Mapping
from io import BytesIO
from urllib.parse import parse_qsl

from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File

from bridge.simulator.http.records import Asked, Attachment

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
MAX_FIELDS = 1000

# Nobody sets up logging for a simulator: its warnings would end up on stderr, and BadForm says it all.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())

_ATTACHMENT = re.compile(r"mms_attachment(?:\[(\d{1,3})\]|(\d{1,3}))\.(content_type|content)", re.ASCII)


class BadForm(ValueError):
    """A request whose fields cannot be read."""


def read_fields(asked: Asked) -> dict[str, str]:
    """The fields of a GET's query or of a POST's body; of several of one name, the last. Raises BadForm."""
    if asked.method == "GET":
        return _urlencoded(asked.query)
    kind = asked.content_type.partition(";")[0].strip().lower()
    if kind == MULTIPART:
        return _parts(asked)
    if kind != URLENCODED:
        raise BadForm(f"Content-Type must be {URLENCODED} or {MULTIPART}")
    try:
        return _urlencoded(asked.body.decode())
    except UnicodeDecodeError:
        raise BadForm("the body is not UTF-8") from None


def _urlencoded(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS))
    except ValueError:
        raise BadForm("not urlencoded UTF-8, or too many fields") from None


def _parts(asked: Asked) -> dict[str, str]:
    octets: dict[bytes, bytes] = {}

    def on_field(field: Field) -> None:
        octets[field.field_name or b""] = field.value or b""

    def on_file(file: File) -> None:
        file.file_object.seek(0)
        octets[file.field_name or b""] = file.file_object.read()
        file.close()

    try:
        # It reads this header as Latin-1, and a header's octets are all that h11 lets through.
        headers = {"Content-Type": asked.content_type.encode("latin-1", "replace")}
        parse_form(headers, BytesIO(asked.body), on_field, on_file)
        return {name.decode(): value.decode() for name, value in octets.items()}
    except (FormParserError, ValueError):
        raise BadForm("not a form in parts of UTF-8") from None


def read_attachments(fields: Mapping[str, str]) -> tuple[Attachment, ...]:
    """The parts of an MMS, named with brackets or without, numbered from 0 without a gap. Raises BadForm."""
    found: dict[int, dict[str, str]] = {}
    for name, value in fields.items():
        match = _ATTACHMENT.fullmatch(name)
        if match:
            found.setdefault(int(match[1] or match[2]), {})[match[3]] = value
    attachments = []
    for number in range(len(found)):
        part = found.get(number)
        if part is None or set(part) != {"content_type", "content"}:
            raise BadForm(f"mms_attachment {number}: needs content_type and content")
        try:
            content = base64.b64decode(part["content"], validate=True)
        except (binascii.Error, ValueError):
            raise BadForm(f"mms_attachment {number}: content is not Base64") from None
        attachments.append(Attachment(part["content_type"], content))
    return tuple(attachments)
