"""One server process of our own: its life from start to close, whatever server it is.

It can be stopped, killed, paused and started again on the same port and data, which is what fault tests are made
of. A guardian process ends it and removes its directory even when the owner is killed. What to run and how its
greeting sounds is for the kinds of server to say (`servers.py`).
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from bridge.proof.guard import Guard

_POLL_S = 0.05
_ANSWER_LIMIT_S = 5.0
_LOG_TAIL_LINES = 30


class ServerError(Exception):
    """A private server did not do what it was asked; the message quotes the end of its log."""


class PrivateServer(ABC):
    """One server process with a directory and a guardian of its own.

    `start`, `stop` and `restart` wait until it is done; `kill`, `pause` and `resume` act at once. `close`
    ends it for good and removes its directory; as a context manager it starts on entering and closes on
    leaving.
    """

    program: ClassVar[str]
    package: ClassVar[str]  # Debian's
    start_limit_s: ClassVar[float]
    hello: ClassVar[bytes]  # what a client says first
    welcome: ClassVar[bytes]  # how the answer of a server that is ready begins
    port: int
    url: str

    def __init__(self, parent: Path | None = None) -> None:
        """`parent`: where its directory is made, and removed again; by default the system's own place."""
        self._programs = self.find_programs()
        if parent is not None:
            parent.mkdir(parents=True, exist_ok=True)
        self.directory = Path(tempfile.mkdtemp(prefix=f"bridge-{self.program}-", dir=parent)).absolute()
        self.log = self.directory / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._guardian = Guard(self.directory)

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @classmethod
    @abstractmethod
    def find_programs(cls) -> Sequence[str]:
        """The paths of the programs it needs, the server's first. Raises MissingProgram."""

    @property
    def running(self) -> bool:
        """Whether its process lives (a paused one does)."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process number; 0 while there is none."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> None:
        """Start and wait until a client's handshake succeeds. Raises ServerError when it does not in time."""
        if self.running:
            return
        self.kill()  # what is left of one that ended by itself
        self._process = await self._launch()
        await self._until_answered(self._process, self.port, self.hello, self.welcome)

    async def stop(self, limit_s: float = 30.0) -> None:
        """Ask it to end in an orderly way (SIGTERM) and wait; past the limit it is killed."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self.running:  # noqa: ASYNC110 - a process sets no event
                    await asyncio.sleep(_POLL_S)
        self.kill()

    async def restart(self) -> None:
        """Stop in an orderly way and start again on the same port and data."""
        await self.stop()
        await self.start()

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. Its data stays; `start` takes it up again."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._guardian.forget(self._process.pid)
            self._process = None

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """End it at once and remove its directory. May be called again."""
        self.kill()
        self._guardian.close()

    @abstractmethod
    async def _launch(self) -> subprocess.Popen[bytes]:
        """Start the server's process."""

    async def _until_answered(
        self, process: subprocess.Popen[bytes], port: int, hello: bytes, welcome: bytes
    ) -> None:
        """Wait until `welcome` is the answer to `hello` at this port of a process of ours."""
        try:
            async with asyncio.timeout(self.start_limit_s):
                while not await _answers(port, hello, welcome) and process.poll() is None:  # noqa: ASYNC110 - nor does a port
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise self._error(f"did not answer within {self.start_limit_s:.0f} s") from None
        if process.poll() is not None:
            raise self._error("ended while it started")

    def _spawn(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - installed servers, named above
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=environment,
                start_new_session=True,
            )
        self._guardian.watch(process.pid)
        return process

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _error(self, what: str) -> ServerError:
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:] or ["(empty)"]
        self.kill()
        return ServerError("\n    ".join([f"the private {self.program} {what}; the end of its log:", *lines]))


async def _answers(port: int, hello: bytes, welcome: bytes) -> bool:
    """Whether the answer to `hello` begins with `welcome`."""
    try:
        async with asyncio.timeout(_ANSWER_LIMIT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(hello)
                return await reader.readexactly(len(welcome)) == welcome
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
