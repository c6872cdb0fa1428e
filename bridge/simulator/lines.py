"""A file of JSON lines that is ahead of what it speaks of. Which lines there are is no matter of this file.

A line is handed to the operating system before the answer it speaks of is: whatever the client saw answered is in
the file, also when this process is killed with SIGKILL.
"""

import os
from pathlib import Path
from typing import Any

import orjson


class Lines:
    """Gathers lines and writes them when told to; appends to what the file holds. Raises OSError at opening only."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._lines: list[bytes] = []

    def note(self, event: str, at: float, **fields: Any) -> None:
        """Any line. It is in the file after the next `flush`."""
        self._lines.append(
            orjson.dumps({"event": event, "at": at} | fields, option=orjson.OPT_APPEND_NEWLINE)
        )

    def flush(self) -> None:
        """Hands all lines to the operating system in one write. A full disk loses them: then this raises OSError."""
        if not self._lines:
            return
        data = memoryview(b"".join(self._lines))
        self._lines.clear()
        while data:
            data = data[os.write(self._file, data) :]

    def close(self) -> None:
        """Flushes and closes the file."""
        self.flush()
        os.close(self._file)
