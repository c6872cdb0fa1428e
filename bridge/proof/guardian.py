"""The guardian of one private server: ends it and removes its directory when its owner is gone.

Run as a program of its own (`python guardian.py DIRECTORY`), in a session of its own, with a pipe as standard
input. Each line on it is a process group to answer for: `+PGID` when it starts, `-PGID` when it has ended.
The end of the pipe means that the owner closed it, or was killed: what is left of the groups is killed and the
directory removed.

It is not responsible for starting or watching the server. It imports nothing of bridge, to start at once.
"""

import contextlib
import os
import shutil
import signal
import sys


def main() -> None:
    """Remember the groups named on standard input; at its end kill what is left and remove the directory."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    # What was just killed may still be writing its last file: a second look catches that.
    for _ in range(2):
        shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
