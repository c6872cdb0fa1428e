"""What processes cost, as Linux counts it: CPU of everything in a session, the most memory that one of them had."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PARENT, _SESSION, _USER_TICKS, _SYSTEM_TICKS, _DEAD_USER, _DEAD_SYSTEM = 1, 3, 11, 12, 13, 14
"""Places in /proc/PID/stat, counted behind the name."""
_LISTENS, _INODE = "0A", 5
"""The state of a socket that listens, in /proc/net/tcp, and where its inode stands behind that."""


def cpu_s(session: int, *, offspring: bool = False) -> float:
    """Seconds of CPU that all processes of this session have had, with their children that ended.

    `offspring`: and those that they started in sessions of their own, as a pool starts its workers.
    """
    ticks = 0
    for fields in _session(session, offspring=offspring).values():
        ticks += sum(int(fields[at]) for at in (_USER_TICKS, _SYSTEM_TICKS, _DEAD_USER, _DEAD_SYSTEM))
    return ticks * _TICK_S


def peak_kib(session: int) -> int:
    """The most memory that one process of this session, or its offspring, has had resident so far, in KiB.

    0 if all are gone.
    """
    return max((_high_water_kib(pid) for pid in _session(session, offspring=True)), default=0)


def _session(session: int, *, offspring: bool) -> dict[int, list[str]]:
    processes = dict(_processes())
    members = {pid for pid, fields in processes.items() if int(fields[_SESSION]) == session}
    more = offspring and members
    while more:
        more = {pid for pid, fields in processes.items() if int(fields[_PARENT]) in members} - members
        members |= more
    return {pid: processes[pid] for pid in members}


def _processes() -> Iterator[tuple[int, list[str]]]:
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            try:
                stat = (directory / "stat").read_text(errors="replace")
            except OSError:  # it ended
                continue
            yield int(directory.name), stat.rpartition(")")[2].split()


def _high_water_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def session_of_listener(port: int) -> int | None:
    """The session of whatever listens on this TCP port of this machine; None where nothing does, or it is not ours."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    for pid, fields in _processes():
        if inodes.intersection(_descriptors(pid)):
            return int(fields[_SESSION])
    return None


def _descriptors(pid: int) -> Iterator[str]:
    """What the process has open; nothing if it is somebody else's."""
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed since
                yield str(link.readlink())


def _listening(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, _, state, *rest = line.split()
            if state == _LISTENS and int(local.rpartition(":")[2], 16) == port:
                yield rest[_INODE]
