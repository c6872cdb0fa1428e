"""Makes `.compiled`: this checkout as it is installed with BRIDGE_COMPILE=1; at once when it is made already.

`python -m bridge.proof.compiled`, from the top of the checkout, with the Python of `.venv`. What is compiled is said in
setup.py. With `.compiled` first on PYTHONPATH, and PYTHONSAFEPATH set, any Python program here runs that.
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from bridge.proof.making import fingerprint, is_made_from, made, pip_install, say, see_that_writable
from bridge.proof.packages import install

PLACE = Path(".compiled")
STAMP = PLACE / "made-from"
OTHERWISE = "Without it bridge is pure Python, which `.venv/bin/bridge bench` measures."


def main() -> int:
    """Make it unless it is up to date; 0, or 1 with what is wrong on standard error."""
    return made(_make)


def _make() -> None:
    sources = sorted(path for path in Path("bridge").rglob("*") if path.is_file() and path.suffix != ".pyc")
    declared = (Path("setup.py"), Path("pyproject.toml"), Path("requirements-dev.lock"))
    wanted = fingerprint([*declared, *sources], sys.version)
    if is_made_from(STAMP, wanted):
        return
    see_that_writable(PLACE)
    _see_to_compiler()
    say(f"compiling the hot path into {PLACE} (once after each change; two minutes)")
    for left_over in (PLACE, Path("build")):
        shutil.rmtree(left_over, ignore_errors=True)
    alone = "--no-deps", "--no-build-isolation", "--no-index"
    pip_install(sys.executable, *alone, "--target", PLACE, ".", BRIDGE_COMPILE="1")
    STAMP.write_text(wanted)


def _see_to_compiler() -> None:
    compiler = os.environ.get("CC", "cc").split()[-1]
    if shutil.which(compiler) and Path(sysconfig.get_path("include"), "Python.h").is_file():
        return
    headers = f"python{sys.version_info[0]}.{sys.version_info[1]}-dev"
    install(["gcc", "libc6-dev", headers], "A C compiler, with Python's headers,", say, OTHERWISE)


if __name__ == "__main__":
    sys.exit(main())
