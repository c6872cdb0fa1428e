"""Makes `.venv`, the Python environment of this checkout, from the lock file; at once when it is made
already.

Run by make with the system's Python (3.11 or newer), from the top of the checkout:
`python3 -m bridge.proof.environment`. Standard library only: nothing else is there yet.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from bridge.proof.packages import NotInstalled, install

LOCK = Path("requirements-dev.lock")
PLACE = Path(".venv")
PYTHON = PLACE / "bin" / "python"
STAMP = PLACE / "made-from"


def main() -> int:
    """Make the environment unless it is up to date; 0, or 1 with what is wrong on standard error."""
    try:
        if not _up_to_date():
            _make()
    except NotInstalled as problem:
        _say(str(problem))
        return 1
    except subprocess.CalledProcessError as problem:
        _say(f"`{' '.join(map(str, problem.cmd))}` failed:\n{problem.stdout}")
        return 1
    return 0


def _wanted() -> str:
    """What the environment is made from: the lock, the project's declaration and the place."""
    state = hashlib.sha256()
    for part in (LOCK.read_bytes(), Path("pyproject.toml").read_bytes(), str(Path.cwd()).encode()):
        state.update(hashlib.sha256(part).digest())
    return state.hexdigest()


def _up_to_date() -> bool:
    try:
        if STAMP.read_text() != _wanted():
            return False
        command = [str(PYTHON), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - as above
    except OSError:
        return False


def _make() -> None:
    if not os.access(".", os.W_OK):
        raise NotInstalled(
            f"cannot make {PLACE} here: run make as the owner of this directory, or in a clone of yours"
        )
    version = ".".join(map(str, sys.version_info[:3]))
    _say(f"making {PLACE} with Python {version} ({sys.executable})")
    venv = sys.executable, "-m", "venv", "--clear", PLACE
    try:
        _run(*venv)
    except subprocess.CalledProcessError as problem:
        if "ensurepip" not in problem.stdout and "No module named venv" not in problem.stdout:
            raise
        # Debian keeps the module in a package of its own.
        install([f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"], "Python's venv module", _say)
        _run(*venv)
    _say(f"installing what {LOCK} names (once; half a minute)")
    _pip("--require-hashes", "--only-binary", ":all:", "-r", LOCK)
    # The build tool is in the lock too, so nothing is fetched for this.
    _pip("--no-deps", "--no-build-isolation", "--no-index", "--editable", ".")
    STAMP.write_text(_wanted())


def _pip(*arguments: str | Path) -> None:
    _run(PYTHON, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", *arguments)


def _run(*command: str | Path) -> None:
    subprocess.run(  # noqa: S603 - commands of this file
        command,
        check=True,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PIP_USER": "0"},
    )


def _say(line: str) -> None:
    sys.stderr.write(f"bridge: {line}\n")


if __name__ == "__main__":
    sys.exit(main())
