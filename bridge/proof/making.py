"""What `environment` and `compiled` share: each makes a part of this checkout, once, and says what is wrong.

Standard library only: nothing else is there yet.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from bridge.proof.packages import NotInstalled


def fingerprint(paths: Iterable[Path], *more: str) -> str:
    """Of these files, their names, and the rest that matters: another one means that something has to be made anew."""
    state = hashlib.sha256("\n".join(more).encode())
    for path in paths:
        state.update(f"\n{path}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return state.hexdigest()


def is_made_from(stamp: Path, wanted: str) -> bool:
    """Whether the part with this stamp is there, and was made from what has this fingerprint."""
    try:
        return stamp.read_text() == wanted
    except OSError:
        return False


def see_that_writable(place: Path) -> None:
    """Raises NotInstalled where this checkout is somebody else's."""
    if not os.access(".", os.W_OK):
        raise NotInstalled(
            f"cannot make {place} here: run make as the owner of this directory, or in a clone of yours"
        )


def run(*command: str | Path, **environment: str) -> None:
    """To its end. Raises CalledProcessError, which has all that it said."""
    subprocess.run(  # noqa: S603 - commands of this room
        command,
        check=True,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PIP_USER": "0", **environment},
    )


def pip_install(python: str | Path, *arguments: str | Path, **environment: str) -> None:
    """Raises CalledProcessError."""
    quietly = "--quiet", "--no-input", "--disable-pip-version-check"
    run(python, "-m", "pip", "install", *quietly, *arguments, **environment)


def made(make: Callable[[], None]) -> int:
    """The exit code: 0, or 1 with what is wrong on standard error."""
    try:
        make()
    except NotInstalled as problem:
        say(str(problem))
        return 1
    except subprocess.CalledProcessError as problem:
        say(f"`{' '.join(map(str, problem.cmd))}` failed:\n{problem.stdout}")
        return 1
    return 0


def say(line: str) -> None:
    """On standard error."""
    sys.stderr.write(f"bridge: {line}\n")
