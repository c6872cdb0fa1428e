"""What this machine offers to a private server: installed programs and free ports."""

import contextlib
import os
import secrets
import shutil
import socket


class MissingProgram(Exception):
    """A server's program is not installed; the message names it."""


def free_ports(count: int) -> list[int]:
    """So many different free TCP ports on the loopback interface.

    They lie below the range from which the kernel takes the ports of outgoing connections, so that nobody
    gets one of them while its server is down between two starts.
    """
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = 15_000 + secrets.randbelow(17_000)
            candidate = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                candidate.bind(("127.0.0.1", port))
                ports.append(port)
        return ports


def find_program(*candidates: str) -> str:
    """The first of these programs that is installed: names are looked up in PATH and the sbin directories."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    for candidate in candidates:
        found = shutil.which(candidate, path=path)
        if found:
            return found
    raise MissingProgram(f"{candidates[-1]} is not installed")
