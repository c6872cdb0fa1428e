"""Missing system packages: installed with apt where that may be done, else said exactly what to do.

Not responsible for Python packages (`environment.py`). Standard library only: it works before there is
anything else.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence


class NotInstalled(Exception):
    """Something is missing and cannot be installed from here; the message says what to do instead."""


def install(packages: Sequence[str], purpose: str, say: Callable[[str], None], otherwise: str = "") -> None:
    """Install Debian packages as root on Debian or Ubuntu. Raises NotInstalled anywhere else, and when apt
    fails.

    `purpose` completes "... is needed": what the packages are for. `otherwise` is another way out than
    installing, a sentence for the message.
    """
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise NotInstalled(_what_to_do(packages, purpose, otherwise, debian=apt is not None))
    say(f"installing {' and '.join(packages)} with apt-get")
    environment = {
        **os.environ,
        "DEBIAN_FRONTEND": "noninteractive",
        "RUNLEVEL": "1",  # do not start the services: the bridge starts servers of its own
    }
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        run = subprocess.run(  # noqa: S603 - apt-get with packages named in this room
            [apt, "--quiet", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=environment,
        )
        if run.returncode != 0 and arguments[0] == "install":
            tail = "\n".join(run.stdout.splitlines()[-15:])
            what_to_do = _what_to_do(packages, purpose, otherwise, debian=True)
            raise NotInstalled(f"{what_to_do}\napt-get said:\n{tail}")


def _what_to_do(packages: Sequence[str], purpose: str, otherwise: str, *, debian: bool) -> str:
    command = f"sudo apt-get install --yes {' '.join(packages)}"
    lines = [f"{purpose} is needed and not installed. Please run:", f"    {command}"]
    if not debian:
        lines[1] += "      (Debian, Ubuntu; or the same with your system's packages)"
    if otherwise:
        lines.append(otherwise)
    return "\n".join(lines)
