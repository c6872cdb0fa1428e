"""Where a value is in what a provider sent: `sid`, `messages.0.message-id`. A form has one level."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def find(data: Any, path: str) -> Any:
    """The value at this path, or None. A field whose name has dots is found by the whole of it."""
    if isinstance(data, Mapping) and path in data:
        return data[path]
    for value in _along(data, path):
        data = value
    return data


def find_text(data: Any, path: str | None) -> str | None:
    """The value at this path as text, a number or flag as JSON writes it; None where there is none, or a list.

    Half a surrogate pair, which JSON can write, is no text: nothing could keep it, or say it again.
    """
    value = None if path is None else find(data, path)
    if isinstance(value, str):
        return None if _HALF_A_PAIR.search(value) else value
    return json.dumps(value) if isinstance(value, bool | int | float) else None


def one_of_several(data: Any, path: str) -> bool:
    """Whether the path leads through a list that has more than the one entry it names."""
    if isinstance(data, Mapping) and path in data:
        return False
    return any(_is_list(value) and len(value) > 1 for value in (data, *_along(data, path)))


def _along(data: Any, path: str) -> Iterator[Any]:
    """What is found at each step."""
    for step in path.split("."):
        if isinstance(data, Mapping):
            data = data.get(step)
        elif _is_list(data) and step.isascii() and step.isdigit() and len(step) < 6:
            data = data[int(step)] if int(step) < len(data) else None
        else:
            data = None
        yield data


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
