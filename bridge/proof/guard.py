"""The owner's end of a guardian process: tells it what to end, and lets it go. See `guardian`."""

import subprocess
import sys
from pathlib import Path

from bridge.proof import guardian


class Guard:
    """A guardian of its own for one directory: when its owner is gone, however, it ends what runs and removes that."""

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own file, by its path
            [sys.executable, "-I", "-S", guardian.__file__, str(directory)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def watch(self, pid: int) -> None:
        """This process, the first of its session, is to end with us."""
        self._tell(f"+{pid}")

    def forget(self, pid: int) -> None:
        """This process is gone; its number may be another's soon."""
        self._tell(f"-{pid}")

    def close(self) -> None:
        """Have everything ended and removed now, and wait for that. May be called again."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was made with a pipe
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()
