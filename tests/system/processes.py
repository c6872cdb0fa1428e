"""Real worker processes: `Command` is one `bridge run`, `Crew` are those of one test, on one configuration."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

LIMIT_S = 60.0


class Command:
    """One `bridge run` and what it says on stderr: `lines` as they are, `records` those of the log."""

    def __init__(self, process: Process) -> None:
        self.pid = process.pid
        self.lines: list[str] = []
        self.records: list[dict[str, Any]] = []
        self._process = process
        self._changed = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, config: Path, *arguments: str) -> "Command":
        """`bridge run` on this configuration; in a process group of its own, as a shell would start it."""
        command = [sys.executable, "-m", "bridge", "run", "-c", str(config), *arguments]
        return cls(await asyncio.create_subprocess_exec(*command, stderr=PIPE, start_new_session=True))

    @property
    def output(self) -> str:
        """All it said."""
        return "\n".join(self.lines)

    @property
    def running(self) -> bool:
        """Whether the process lives (a stopped one does)."""
        return self._process.returncode is None

    def logged(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """The records of this event with these fields, so far."""
        return [r for r in self.records if r["event"] == event and fields.items() <= r.items()]

    async def says(self, event: str, *, times: int = 1, **fields: Any) -> dict[str, Any]:
        """Wait until it has logged this event so often; the last record of them."""
        await self.until(lambda: len(self.logged(event, **fields)) >= times, f"{event} {fields}")
        return self.logged(event, **fields)[-1]

    async def until(self, condition: Callable[[], bool], what: str = "its condition") -> None:
        """Wait until this holds of what it said."""
        try:
            async with asyncio.timeout(LIMIT_S), self._changed:
                await self._changed.wait_for(lambda: condition() or self._reading.done())
        except TimeoutError:
            raise AssertionError(f"waited for {what} in vain; it said:\n{self.output}") from None
        assert condition(), f"it ended before {what}; it said:\n{self.output}"

    def signal(self, number: signal.Signals) -> None:
        """To this process alone."""
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end and for its last word; the exit code."""
        try:
            async with asyncio.timeout(LIMIT_S):
                code = await self._process.wait()
                await self._reading
        except TimeoutError:
            raise AssertionError(f"it did not end; it said:\n{self.output}") from None
        return code

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """SIGKILL, whatever state it is in."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def close(self) -> None:
        """See to it that nothing is left of it, nor of its children."""
        if self.running:
            for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGTERM):
                with suppress(ProcessLookupError):
                    self.signal(number)
            with suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await self._process.wait()
        await self.kill()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        assert self._process.stderr is not None
        async for octets in self._process.stderr:
            line = octets.decode().rstrip("\n")
            async with self._changed:
                self.lines.append(line)
                if line.startswith("{"):
                    self.records.append(orjson.loads(line))
                self._changed.notify_all()
        async with self._changed:
            self._changed.notify_all()


class Crew:
    """The commands of a test, on one configuration file."""

    def __init__(self, directory: Path, document: Mapping[str, Any]) -> None:
        self.config = directory / "bridge.yaml"
        self.document: dict[str, Any] = json.loads(json.dumps(document))
        self.commands: list[Command] = []

    async def __aenter__(self) -> "Crew":
        return self

    async def __aexit__(self, *_: object) -> None:
        for command in self.commands:
            await command.close()

    async def start(self, *arguments: str) -> Command:
        """One more `bridge run`, on the configuration as it is now."""
        self.config.write_text(json.dumps(self.document, indent=1))  # JSON is YAML
        command = await Command.start(self.config, *arguments)
        self.commands.append(command)
        return command

    async def workers(self, number: int = 1) -> list[Command]:
        """So many workers, bound to every node."""
        found = [await self.start() for _ in range(number)]
        sites = len(self.document["providers"]["p"]["sites"])
        for worker in found:
            await worker.says("site.changed", state="up", times=sites)
        return found

    async def dismiss(self) -> None:
        """SIGTERM to all that run; each ends well."""
        for command in self.commands:
            if command.running:
                assert await command.stop() == 0, command.output
