"""Values of the configuration with {names} in them, checked where they stand. Nothing of them is ever shown.

A header or a path may hold a secret from the environment, so that even a mistaken name is not repeated.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from bridge.config.document import Bare
from bridge.config.shapes import ProblemAt, problem, raise_problems
from bridge.model.template import EVERY_MT_HAS, BadTemplate, Template, Tree, parse_template

_PATH = re.compile(r"[!-~]*", re.ASCII)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}", re.ASCII)
_HEADERS_OF_THE_LINK = {"host", "content-length", "transfer-encoding", "connection"}
_DEEPEST = 16

_UNSHOWN = PlainSerializer(lambda _: "**********")


def _read_template(value: object) -> Template:
    if isinstance(value, Template):
        return value
    if not isinstance(value, str):
        raise problem("must be text")
    try:
        return parse_template(value)
    except BadTemplate as error:
        raise problem(str(error)) from None


def _check_path(path: Template) -> Template:
    first, *others = path.literals
    if not all(_PATH.fullmatch(literal) and "#" not in literal for literal in path.literals):
        raise problem("must be printable ASCII without spaces and #; write anything else as %20")
    if first[:1] not in ("/", "?") and (first or others):
        raise problem("must begin with / or ?: it follows the URL of the site")
    if not set(path.names) <= EVERY_MT_HAS:
        raise problem(f"may name only what every MT has: {', '.join(sorted(EVERY_MT_HAS))}")
    return path


def _check_header(header: Template) -> Template:
    if not all(literal.isascii() and literal.isprintable() for literal in header.literals):
        raise problem("must be printable ASCII")
    return header


def _check_header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise problem("must be the name of an HTTP header")
    if name.lower() in _HEADERS_OF_THE_LINK:
        raise problem("is a header that the connection sets itself")
    return name


def _read_fields(value: object, info: ValidationInfo) -> Mapping[str, Tree]:
    if not isinstance(value, dict):
        raise problem("must be a section, with keys below it")
    problems: list[ProblemAt] = []
    nested = info.data.get("format", "json") == "json"
    fields = {str(name): _read_leaf(leaf, (name,), nested, problems) for name, leaf in value.items()}
    raise_problems(fields, problems)
    return fields


def _read_leaf(value: Any, place: tuple[str | int, ...], nested: bool, problems: list[ProblemAt]) -> Tree:
    """A leaf, or a branch with its leaves; what is wrong goes to `problems`."""
    if isinstance(value, dict | list):
        if not nested or len(place) > _DEEPEST:
            problems.append(
                (place, "is nested too deeply" if nested else "must be a single value; only json nests")
            )
        elif isinstance(value, list):
            return [_read_leaf(leaf, (*place, at), nested, problems) for at, leaf in enumerate(value)]
        else:
            return {
                str(name): _read_leaf(leaf, (*place, name), nested, problems) for name, leaf in value.items()
            }
        return Template()
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Bare) and nested:
        return _number_or_flag(value)
    try:
        return _read_template(value)
    except ValueError as error:
        problems.append((place, str(error)))
        return Template()


def _number_or_flag(text: str) -> Tree:
    """As JSON reads it. What YAML alone takes for a number (0123, yes) stays the text that it looks like."""
    try:
        value = json.loads(text)
    except ValueError:
        return Template((text,))
    return value if isinstance(value, bool | int) or math.isfinite(value) else Template((text,))


PathTemplate = Annotated[
    Template,
    PlainValidator(_read_template),
    AfterValidator(_check_path),
    _UNSHOWN,
    WithJsonSchema({"type": "string"}),
]
HeaderTemplate = Annotated[
    Template,
    PlainValidator(_read_template),
    AfterValidator(_check_header),
    _UNSHOWN,
    WithJsonSchema({"type": "string"}),
]
HeaderName = Annotated[str, AfterValidator(_check_header_name)]
FieldTemplates = Annotated[
    Mapping[str, Any], PlainValidator(_read_fields), _UNSHOWN, WithJsonSchema({"type": "object"})
]
"""A Tree by name. Needs a field `format` before it: only json may nest, and has numbers and flags."""
