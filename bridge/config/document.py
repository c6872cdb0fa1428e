"""The YAML file as plain data that remembers its lines. Knows nothing of what the keys mean.

Every scalar stays the text that stands in the file, with its references replaced; the models read numbers and
flags from it. So `from: 0123` keeps its zero, and `window: ${WINDOW}` is a number.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bridge.config.interpolate import UnresolvedError, hide, interpolate, show
from bridge.config.problems import Place, Problem, dotted


class Bare(str):
    """A scalar that YAML takes for a number or a flag: `8`, not `"8"`. Still the text that stands in the file."""

    __slots__ = ()


MOST_VALUES = 100_000
"""In a file, with what its aliases stand for: ten lines of aliases of aliases are as many as memory can hold."""

_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
"""What YAML can write as an escape, and nothing can say again."""
_BARE_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool")}

Value = dict[str, "Value"] | list["Value"] | str | None


@dataclass
class Document:
    """`lines` gives the line of each place; `problems` what was wrong already at reading."""

    data: Value
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest section around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def problem(self, place: Place, message: str) -> Problem:
        """A problem at this place."""
        return Problem(self.line(place), dotted(place), message)


def read_document(text: str, environ: Mapping[str, str], folder: Path) -> Document:
    """Read YAML text. Never raises: what cannot be read is in `problems`, and not in `data`."""
    document = Document(None)
    text = hide(text)
    try:
        root = _composed(text)
        if root is not None:
            document.data = _Reader(document, environ, folder).value(root, ())
    except yaml.MarkedYAMLError as error:
        document.problems.append(_syntax_problem(error))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        document.problems.append(
            Problem(line, "", f"a character that YAML does not allow (#x{ord(text[error.position]):04x})")
        )
    except _NoCharacterError as error:
        document.problems.append(Problem(error.line, "", "is not YAML: a number in it is too large"))
    except RecursionError:
        document.problems.append(Problem(1, "", "is nested too deeply"))
    except _TooMuchError:
        document.problems.append(
            Problem(1, "", f"has more than {MOST_VALUES} values, with what its aliases stand for")
        )
    return document


class _TooMuchError(Exception):
    """More values than any configuration has."""


class _NoCharacterError(Exception):
    """A number that the library does not check: of a character (`\\U00110000`), or of a version of YAML."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def _composed(text: str) -> yaml.Node | None:
    loader = yaml.SafeLoader(text)
    try:
        return loader.get_single_node()
    except (ValueError, OverflowError):
        raise _NoCharacterError(loader.line + 1) from None
    finally:
        loader.dispose()


def _syntax_problem(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    reason = ", ".join(part for part in (error.context, error.problem) if part)
    if error.problem and "'\\t'" in error.problem:
        reason += " (a tab: indent with spaces)"
    return Problem(mark.line + 1 if mark else 1, "", f"is not YAML: {reason}")


class _Reader:
    def __init__(self, document: Document, environ: Mapping[str, str], folder: Path) -> None:
        self._document = document
        self._environ = environ
        self._folder = folder
        self._open: set[int] = set()
        self._values = 0

    def value(self, node: yaml.Node, place: Place) -> Value:
        self._values += 1
        if self._values > MOST_VALUES:
            raise _TooMuchError
        self._document.lines.setdefault(place, node.start_mark.line + 1)
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self._problem(place, "YAML tags (!word) are not known here")
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        if id(node) in self._open:
            self._problem(place, "refers to itself")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, place)
            return [self.value(item, (*place, index)) for index, item in enumerate(node.value)]
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Value:
        if node.tag == "tag:yaml.org,2002:null":
            if not node.value:
                self._problem(place, "has no value: give it one, or remove the key")
            return None
        text: str = node.value
        if _HALF_A_PAIR.search(text):
            self._problem(place, "is no text that UTF-8 could carry")
            return None
        if node.tag in _BARE_TAGS:
            return Bare(text)
        try:
            return interpolate(text, self._environ, self._folder)
        except UnresolvedError as unresolved:
            self._problem(place, str(unresolved))
            return text

    def _mapping(self, node: yaml.MappingNode, place: Place) -> Value:
        values: dict[str, Value] = {}
        own: dict[str, int] = {}
        for key, item in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._document.problems.append(Problem(line, dotted(place), "a key must be a single word"))
            elif key.tag == "tag:yaml.org,2002:merge":
                values = {**self._merged(item, place), **values}
            elif _HALF_A_PAIR.search(key.value):
                message = "a key in it is no text that UTF-8 could carry"
                self._document.problems.append(Problem(line, dotted(place), message))
            elif (name := show(key.value)) in own:
                message = f"is given twice, first in line {own[name]}"
                self._document.problems.append(Problem(line, dotted((*place, name)), message))
            else:
                own[name] = line
                self._document.lines[(*place, name)] = line
                values[name] = self.value(item, (*place, name))
        return values

    def _merged(self, node: yaml.Node, place: Place) -> dict[str, Value]:
        """What `<<: *anchor` or `<<: [*one, *two]` brings; earlier ones win."""
        merged: dict[str, Value] = {}
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            value = self.value(source, place)
            if isinstance(value, dict):
                merged = {**value, **merged}
            else:
                self._problem(place, "<<: must name a section, or a list of them")
        return merged

    def _problem(self, place: Place, message: str) -> None:
        self._document.problems.append(self._document.problem(place, message))
