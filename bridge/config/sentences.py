"""pydantic's errors as our sentences, each at its place in the file. No value of the file is repeated."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import ValidationError

from bridge.config.document import Document, Value
from bridge.config.problems import Place, Problem
from bridge.config.provider import C_OCTETS
from bridge.config.settings import Settings
from bridge.config.shapes import NAME_PATTERN, PREFIX_PATTERN
from bridge.model.addresses import SENDER_PATTERN

_PATTERNS = {
    NAME_PATTERN: "must be 1 to 64 letters, digits, - or _",
    PREFIX_PATTERN: "must be 1 to 64 letters, digits, or . : - _, and begin with a letter, digit or _",
    SENDER_PATTERN: "must be a number, a short code, or up to 11 characters of printable ASCII",
    C_OCTETS: "must be printable ASCII",
}

_SENTENCES = {
    "missing": "is missing",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "string_type": "must be a single value",
    "path_type": "must be the path of a file",
    "tuple_type": "must be a list",
    "dict_type": "must be a section, with keys below it",
    "model_type": "must be a section, with keys below it",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le}",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} characters",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "literal_error": "must be {expected}",
    "bridge": "{error}",
}


def problems_of(error: ValidationError, document: Document) -> Iterator[Problem]:
    """Every error as a problem; one that only follows from another, deeper one is left out."""
    errors = error.errors(include_url=False, include_input=False)
    places = [item["loc"] for item in errors]
    for item in errors:
        loc = item["loc"]
        if item["type"] == "too_short" and any(len(at) > len(loc) and at[: len(loc)] == loc for at in places):
            continue
        place = _place_of(loc, document.data, item["type"])
        yield document.problem(place, _sentence(item, place))


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """A hint to append where one of `words` is close, else nothing."""
    close = get_close_matches(word, list(words), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _sentence(item: Any, place: Place) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return "is not a key that belongs here" + did_you_mean(str(place[-1]), _keys_at(place[:-1]))
    if kind == "string_pattern_mismatch":
        sentence = _PATTERNS[context["pattern"]]
    elif kind == "bridge":
        sentence = item["msg"]
    else:
        expected = str(context.get("expected", "")).replace("'", "")
        template = _SENTENCES.get(kind, "is not right: " + item["msg"].replace("{", "").replace("}", ""))
        sentence = template.format(**{**context, "expected": expected})
    return f"the key {sentence}" if item["loc"][-1:] == ("[key]",) else sentence


def _place_of(loc: Place, data: Value, kind: str) -> Place:
    """pydantic's location without what the file does not have: tags of unions, "[key]"."""
    place: Place = ()
    for part in loc:
        if isinstance(data, dict) and part in data:
            data = data[str(part)]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif not (kind == "missing" and part == loc[-1]):
            continue
        place = (*place, part)
    return place


def _keys_at(place: Place) -> list[str]:
    """The keys the schema knows in the section at this place."""
    schema = _schema()
    nodes = [schema]
    for part in place:
        nodes = [child for node in nodes for child in _children(schema, node, part)]
    return [
        key for node in nodes for plain in _alternatives(schema, node) for key in plain.get("properties", {})
    ]


@cache
def _schema() -> dict[str, Any]:
    return Settings.model_json_schema()


def _alternatives(schema: dict[str, Any], node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    yield node
    for choice in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from _alternatives(schema, choice)


def _children(schema: dict[str, Any], node: dict[str, Any], part: str | int) -> Iterator[dict[str, Any]]:
    for plain in _alternatives(schema, node):
        if part in plain.get("properties", {}):
            yield plain["properties"][part]
        else:
            yield from plain.get("patternProperties", {}).values()
