"""${NAME} and ${file:/path} inside values. What they stand for is never shown, not even when it is wrong."""

import re
from collections.abc import Mapping
from pathlib import Path

_REFERENCE = re.compile(r"\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)|file:([^}]+))\}|\$\{")
_LARGEST_SECRET_BYTES = 65_536


class UnresolvedError(Exception):
    """A reference that leads nowhere; the message names it."""


def interpolate(text: str, environ: Mapping[str, str], folder: Path) -> str:
    """Text with its references replaced; `$${` stands for a literal `${`.

    A file's line ends at its end are dropped; a relative path counts from `folder`. Raises UnresolvedError.
    """

    def replace(match: re.Match[str]) -> str:
        name, file = match.groups()
        if match[0] == "$${":
            return "${"
        if name:
            if name not in environ:
                raise UnresolvedError(f"the environment variable {name} is not set")
            return environ[name]
        if file:
            return _read(folder / file)
        raise UnresolvedError("${ must begin ${NAME} or ${file:/path}; write $${ for a literal ${")

    return _REFERENCE.sub(replace, text)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_SECRET_BYTES + 1)
        if len(content) > _LARGEST_SECRET_BYTES:
            raise UnresolvedError(f"the file {path} is too large for a value")
        return content.decode().rstrip("\r\n")
    except OSError as error:
        raise UnresolvedError(f"the file {path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, ValueError):
        raise UnresolvedError(f"the file {path} is not UTF-8 text") from None
