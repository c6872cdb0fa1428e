"""Texts with {names} in them, whose places values of an MT take. How a value must be escaped is its user's to know."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

EVERY_MT_HAS = frozenset(
    {"id", "to", "to_plus", "to_digits", "from", "priority", "receipt", "login", "password"}
)
SOME_MTS_HAVE = frozenset({"text", "data", "carrier", "app_id", "conversation_id", "expires_at"})
"""With those of EVERY_MT_HAS all the names there are."""

_TOKEN = re.compile(r"\{\{|\}\}|\{[A-Za-z_]+\}|[{}]")


class BadTemplate(ValueError):
    """A text that is no template. It may be a secret: nothing of it is shown."""


@dataclass(frozen=True, slots=True)
class Template:
    """Literals and names in turn; a literal comes first and last, and may be empty. They may be secrets: not shown."""

    pieces: tuple[str, ...] = field(default=("",), repr=False)

    @property
    def literals(self) -> tuple[str, ...]:
        """What stands between the names."""
        return self.pieces[::2]

    @property
    def names(self) -> tuple[str, ...]:
        """The names in it, as often as they are there."""
        return self.pieces[1::2]

    @property
    def only(self) -> str | None:
        """The name, if it is a single one and nothing else."""
        return self.pieces[1] if len(self.pieces) == 3 and not any(self.literals) else None

    def fill(self, values: Mapping[str, str | None], escape: Callable[[str], str] = str) -> str | None:
        """The text with its values, each escaped. None where it has names, and none of them a value."""
        found = [values[name] for name in self.names]
        if found and all(value is None for value in found):
            return None
        texts = list(self.pieces)
        texts[1::2] = ["" if value is None else escape(value) for value in found]
        return "".join(texts)


NOTHING = Template()

Tree = Mapping[str, "Tree"] | Sequence["Tree"] | Template | bool | int | float
"""What a request is made of: lists and objects, with templates, numbers and flags for leaves."""


def parse_template(text: str) -> Template:
    """Read {name}; {{ and }} stand for single braces. Raises BadTemplate."""
    pieces, end = [""], 0
    for token in _TOKEN.finditer(text):
        pieces[-1] += text[end : token.start()]
        end = token.end()
        if token[0] in ("{{", "}}"):
            pieces[-1] += token[0][0]
        elif len(token[0]) == 1:
            raise BadTemplate("has a brace by itself: {name} stands for a value, {{ and }} for single braces")
        else:
            pieces += [_known(token[0][1:-1]), ""]
    pieces[-1] += text[end:]
    return Template(tuple(pieces))


def _known(name: str) -> str:
    known = EVERY_MT_HAS | SOME_MTS_HAVE
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {{{close[0]}}}?" if close else f"there is {', '.join(sorted(known))}"
        raise BadTemplate(f"has a name in braces that stands for nothing; {hint}")
    return name


def templates_in(tree: Tree) -> Iterator[Template]:
    """All templates of a tree."""
    if isinstance(tree, Template):
        yield tree
    elif isinstance(tree, Mapping):
        for inner in tree.values():
            yield from templates_in(inner)
    elif isinstance(tree, Sequence):
        for inner in tree:
            yield from templates_in(inner)
