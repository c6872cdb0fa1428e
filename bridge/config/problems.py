"""What is wrong with a configuration, as data: where, and one sentence without any value of the file."""

from pathlib import Path
from typing import NamedTuple

Place = tuple[str | int, ...]
"""Where in the file: keys and list indices from the top."""


class Problem(NamedTuple):
    """One thing to put right. `line` counts from 1; None where no line can be named (no such file)."""

    line: int | None
    path: str
    message: str

    def within(self, file: Path) -> str:
        """The problem as one line: bridge.yaml:12: routes.default.prefer: must be smpp, http or any."""
        place = f"{file}:{self.line}" if self.line is not None else str(file)
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(Exception):
    """The configuration cannot be used; all that is wrong with it, by line."""

    def __init__(self, file: Path, problems: tuple[Problem, ...]) -> None:
        super().__init__(file, problems)
        self.file = file
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(problem.within(self.file) for problem in self.problems)


def dotted(place: Place) -> str:
    """A place as people write it: providers.genesys.sites.dc3.smsc[1]. Always one line that can be shown."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{shown(part)}" if text else shown(part)
    return text


def shown(key: str) -> str:
    """A key, with the characters escaped that no terminal shows."""
    return key if key.isprintable() else key.encode("unicode_escape").decode()
