"""Commands of bridge itself as processes: started for one run, watched, and ended with it, whatever ends it.

Each is in a session of its own, so that Ctrl-C reaches their owner alone, and writes into a log file. A guardian
process ends them and removes their directory even when the owner is killed.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.proof.guard import Guard

STOP_S = 5.0
"""How long those asked to end may take before they are killed."""
_LOG_TAIL_LINES = 15


class ChildFailed(Exception):
    """A child ended by itself; the message quotes the end of its log."""


class Child:
    """One process. `name` is for people, `log` holds what it wrote."""

    def __init__(self, name: str, log: Path, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.log = log
        self._process = process
        self._wanted = True

    @property
    def pid(self) -> int:
        """Its number, and that of its session."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._process.returncode is None

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None while it lives."""
        return self._process.returncode

    async def ended(self) -> None:
        """Wait for its end."""
        await self._process.wait()

    def check(self) -> None:
        """Raises ChildFailed if it ended and nobody wanted that."""
        if self._wanted and not self.running:
            raise self._failure()

    async def kill(self) -> None:
        """SIGKILL, to all of its session, and wait until it is gone."""
        self._signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> None:
        """Ask it to end, and wait; past the limit it is killed."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self.ended()
        await self.kill()

    def _failure(self) -> ChildFailed:
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:] or ["(empty)"]
        return ChildFailed("\n    ".join([f"the {self.name} ended by itself; the end of its log:", *lines]))

    def _signal(self, number: signal.Signals) -> None:
        self._wanted = False
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)


class Children:
    """All processes of one run, in one directory. Made by `children_in`."""

    def __init__(self, directory: Path, guard: Guard) -> None:
        self.directory = directory
        self._guard = guard
        self._all: list[Child] = []

    @property
    def running(self) -> dict[str, int]:
        """Process numbers of those that live, by name."""
        return {child.name: child.pid for child in self._all if child.running}

    async def start(self, name: str, *arguments: str, module: str = "bridge") -> Child:
        """`bridge` with these arguments, or another module that becomes it."""
        log = self.directory / f"{name.replace(' ', '-')}.log"
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                *arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._guard.watch(process.pid)
        self._all.append(Child(name, log, process))
        return self._all[-1]

    def check(self) -> None:
        """Raises ChildFailed if one ended that nobody wanted to."""
        for child in self._all:
            child.check()

    async def stop(self) -> None:
        """End them all in an orderly way, together."""
        await asyncio.gather(*(child.stop() for child in self._all))

    async def kill(self) -> None:
        """End them all at once."""
        for child in self._all:
            await child.kill()


@asynccontextmanager
async def children_in(directory: Path) -> AsyncIterator[Children]:
    """Processes that end with the context; the directory, which must exist, is removed then."""
    guard = Guard(directory)
    children = Children(directory, guard)
    try:
        yield children
        await children.stop()
    finally:
        await children.kill()
        guard.close()
