"""The commands that the README shows under Security, read from it: what is tested is what is written there."""

import re
import shlex
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def rights(program: str, *, user: str, prefix: str, password: str) -> list[list[str]]:
    """The arguments of each of its commands of this program, for another user and another prefix than `bridge`."""
    section = README.read_text().partition("## Security\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\$ (.*)$", section.replace("\\\n", ""), re.MULTILINE)
    commands = [shlex.split(line, comments=True) for line in lines]
    return [
        [_changed(word, user, prefix, password) for word in words]
        for name, *words in commands
        if name == program
    ]


def _changed(word: str, user: str, prefix: str, password: str) -> str:
    if word == "bridge":
        return user
    return re.sub(r"\bbridge(?=\\\.|:)", prefix, word).replace("PASSWORD", password)
