"""${NAME} and ${file:/path} inside values. What they stand for is never shown, not even when it is wrong.

YAML does not allow braces in an unquoted value between other braces, `{token: ${TOKEN}}`, where people write
them all the same. So the braces of references are hidden before YAML reads the file, and found again here.
"""

import re
from collections.abc import Mapping
from pathlib import Path

_OPEN, _CLOSE = "\ue000", "\ue001"  # for private use: not in anybody's configuration
_WRITTEN = re.compile(r"""\$\{([^{}\n'"]*)\}""")
_HIDDEN = re.compile(
    rf"(\$?){_OPEN}(?:([A-Za-z_][A-Za-z0-9_]*)|file:([^{_CLOSE}]+)|[^{_CLOSE}]*){_CLOSE}|\$\$?\{{"
)
_LARGEST_SECRET_BYTES = 65_536


class UnresolvedError(Exception):
    """A reference that leads nowhere; the message names it."""


def hide(text: str) -> str:
    """The text of a file with its references fit for YAML. Lines stay where they are."""
    return _WRITTEN.sub(rf"{_OPEN}\1{_CLOSE}", text)


def show(text: str) -> str:
    """The reverse of `hide`."""
    return text.replace(_OPEN, "${").replace(_CLOSE, "}")


def interpolate(text: str, environ: Mapping[str, str], folder: Path) -> str:
    """A hidden value with its references replaced; `$${` stands for a literal `${`.

    A file's line ends at its end are dropped; a relative path counts from `folder`. Raises UnresolvedError.
    """

    def replace(match: re.Match[str]) -> str:
        escape, name, file = match.groups()
        if escape or match[0] == "$${":
            return show(match[0])[1:]
        if name:
            if name not in environ:
                raise UnresolvedError(f"the environment variable {name} is not set")
            return _text_of(name, environ[name])
        if file:
            return _read(folder / file)
        raise UnresolvedError("${ must begin ${NAME} or ${file:/path}; write $${ for a literal ${")

    return _HIDDEN.sub(replace, text)


def _text_of(name: str, value: str) -> str:
    """Octets of the environment that are no UTF-8 come as halves of surrogate pairs, and go nowhere from here."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UnresolvedError(f"the environment variable {name} is not UTF-8 text") from None
    return value


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_SECRET_BYTES + 1)
        if len(content) > _LARGEST_SECRET_BYTES:
            raise UnresolvedError(f"the file {path} is too large for a value")
        return content.decode().rstrip("\r\n")
    except OSError as error:
        raise UnresolvedError(f"the file {path} cannot be read: {error.strerror}") from None
    except ValueError:  # not UTF-8, or no path at all
        raise UnresolvedError(f"the file {path} is not UTF-8 text") from None
