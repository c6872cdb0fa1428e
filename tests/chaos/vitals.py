"""A few octets that a worker and the harness share: how wrong its clock is, and how many tasks it has.

The harness makes the file; both map it.
"""

import mmap
import os
import struct
from pathlib import Path

_OFFSET, _TASKS = struct.Struct("<d"), struct.Struct("<q")
_OCTETS = 16


class Vitals:
    """Of one worker."""

    def __init__(self, path: Path) -> None:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(file, _OCTETS)
            self._octets = mmap.mmap(file, _OCTETS)
        finally:
            os.close(file)

    @property
    def offset_s(self) -> float:
        """How far its wall clock is ahead."""
        (offset,) = _OFFSET.unpack_from(self._octets)
        return float(offset)

    @offset_s.setter
    def offset_s(self, seconds: float) -> None:
        _OFFSET.pack_into(self._octets, 0, seconds)

    @property
    def tasks(self) -> int:
        """Its asyncio tasks when it last looked."""
        (tasks,) = _TASKS.unpack_from(self._octets, 8)
        return int(tasks)

    @tasks.setter
    def tasks(self, tasks: int) -> None:
        _TASKS.pack_into(self._octets, 8, tasks)
