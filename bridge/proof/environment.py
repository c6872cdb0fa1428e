"""Makes `.venv`, the Python environment of this checkout, from the lock file; at once when it is made
already.

Run by make with the system's Python (3.11 or newer), from the top of the checkout:
`python3 -m bridge.proof.environment`. Standard library only: nothing else is there yet.
"""

import subprocess
import sys
from pathlib import Path

from bridge.proof.making import fingerprint, is_made_from, made, pip_install, run, say, see_that_writable
from bridge.proof.packages import install

LOCK = Path("requirements-dev.lock")
PLACE = Path(".venv")
PYTHON = PLACE / "bin" / "python"
STAMP = PLACE / "made-from"


def main() -> int:
    """Make the environment unless it is up to date; 0, or 1 with what is wrong on standard error."""
    return made(_make)


def _make() -> None:
    wanted = fingerprint([LOCK, Path("pyproject.toml")], str(Path.cwd()))
    if is_made_from(STAMP, wanted) and _works():
        return
    see_that_writable(PLACE)
    version = ".".join(map(str, sys.version_info[:3]))
    say(f"making {PLACE} with Python {version} ({sys.executable})")
    venv = sys.executable, "-m", "venv", "--clear", PLACE
    try:
        run(*venv)
    except subprocess.CalledProcessError as problem:
        if "ensurepip" not in problem.stdout and "No module named venv" not in problem.stdout:
            raise
        # Debian keeps the module in a package of its own.
        install([f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"], "Python's venv module", say)
        run(*venv)
    say(f"installing what {LOCK} names (once; half a minute)")
    pip_install(PYTHON, "--require-hashes", "--only-binary", ":all:", "-r", LOCK)
    # The build tool is in the lock too, so nothing is fetched for this.
    pip_install(PYTHON, "--no-deps", "--no-build-isolation", "--no-index", "--editable", ".")
    STAMP.write_text(wanted)


def _works() -> bool:
    command = [str(PYTHON), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - as above
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
