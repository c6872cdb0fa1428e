"""Private RabbitMQ and Redis: started from installed binaries, on free ports, in directories of their own.

They disturb no server that runs already: own ports, own node name, cookie, home and port mapper (epmd). They
can be stopped, killed, paused and started again on the same port and data, which is what fault tests are made
of. Each has a guardian process that ends it and removes its directory even when the owner is killed.

Not responsible for installing anything, nor for choosing between private and running servers (`ensure.py`).
"""

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from bridge.proof import guardian
from bridge.proof.machine import find_program, free_ports

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
        self._processes: list[subprocess.Popen[bytes]] = []
        self._guardian = subprocess.Popen(  # noqa: S603 - our own file, by its path
            [sys.executable, "-I", "-S", guardian.__file__, str(self.directory)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

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
        """Whether all its processes live (paused ones do)."""
        return bool(self._processes) and all(process.poll() is None for process in self._processes)

    async def start(self) -> None:
        """Start and wait until a client's handshake succeeds. Raises ServerError when it does not in time."""
        if self.running:
            return
        self._launch()
        await self._until_ready()

    async def stop(self, limit_s: float = 30.0) -> None:
        """Ask it to end in an orderly way (SIGTERM) and wait; past the limit it is killed."""
        if self._processes:
            self._signal(signal.SIGTERM, self._processes[-1:])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    while self._processes[-1].poll() is None:  # noqa: ASYNC110 - a process sets no event
                        await asyncio.sleep(_POLL_S)
        self.kill()

    async def restart(self) -> None:
        """Stop in an orderly way and start again on the same port and data."""
        await self.stop()
        await self.start()

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. Its data stays; `start` takes it up again."""
        self._signal(signal.SIGKILL, self._processes)
        for process in self._processes:
            process.wait()
            self._tell_guardian(f"-{process.pid}")
        self._processes.clear()

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP, self._processes)

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        self._signal(signal.SIGCONT, self._processes)

    def close(self) -> None:
        """End it at once and remove its directory. May be called again."""
        self.kill()
        if self._guardian.stdin is not None:
            self._guardian.stdin.close()
        self._guardian.wait()

    @abstractmethod
    def _launch(self) -> None:
        """Start the processes; the last one is the server itself."""

    async def _until_ready(self) -> None:
        try:
            async with asyncio.timeout(self.start_limit_s):
                while not await self._answers() and self.running:  # noqa: ASYNC110 - nor does a port
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise self._error(f"did not answer within {self.start_limit_s:.0f} s") from None
        if not self.running:
            raise self._error("ended while it started")

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(_ANSWER_LIMIT_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(self.hello)
                    return await reader.readexactly(len(self.welcome)) == self.welcome
                finally:
                    writer.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return False

    def _spawn(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
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
        self._tell_guardian(f"+{process.pid}")
        self._processes.append(process)

    def _tell_guardian(self, line: str) -> None:
        assert self._guardian.stdin is not None  # noqa: S101 - it was made with a pipe
        self._guardian.stdin.write(f"{line}\n".encode())
        self._guardian.stdin.flush()

    def _signal(self, number: signal.Signals, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)

    def _error(self, what: str) -> ServerError:
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:] or ["(empty)"]
        self.kill()
        return ServerError("\n    ".join([f"the private {self.program} {what}; the end of its log:", *lines]))


class PrivateRedis(PrivateServer):
    """A redis-server as the bridge wants it: append-only file, synced every second, and no eviction."""

    program = "redis"
    package = "redis-server"
    start_limit_s = 30.0
    hello = b"PING\r\n"
    welcome = b"+PONG"  # "-LOADING" while it reads its data

    def __init__(self, parent: Path | None = None) -> None:
        super().__init__(parent)
        (self.port,) = free_ports(1)
        self.url = f"redis://127.0.0.1:{self.port}/0"

    @classmethod
    def find_programs(cls) -> Sequence[str]:
        """The path of redis-server."""
        return (find_program("redis-server"),)

    def _launch(self) -> None:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.directory),
            "daemonize": "no",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._spawn([*self._programs, *arguments], os.environ)


class PrivateRabbit(PrivateServer):
    """A RabbitMQ node of its own: no plugins, few schedulers, reachable from this machine only."""

    program = "rabbitmq"
    package = "rabbitmq-server"
    start_limit_s = 120.0
    hello = b"AMQP\x00\x00\x09\x01"
    welcome = b"\x01\x00\x00"  # a method frame on channel 0: connection.start

    def __init__(self, parent: Path | None = None) -> None:
        super().__init__(parent)
        self.port, self._dist_port, self._epmd_port = free_ports(3)
        self.node = f"bridge-{secrets.token_hex(4)}@localhost"
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"
        self._environment = self._write_configuration()

    @classmethod
    def find_programs(cls) -> Sequence[str]:
        """The paths of rabbitmq-server, rabbitmqctl and epmd.

        The scripts of the installation itself come first: Debian's wrappers in /usr/sbin change the user.
        """
        opt = sorted(Path("/opt").glob("rabbitmq_server-*/sbin"), reverse=True)
        places = ["/usr/lib/rabbitmq/bin", *map(str, opt)]
        return (
            find_program(*(f"{place}/rabbitmq-server" for place in places), "rabbitmq-server"),
            find_program(*(f"{place}/rabbitmqctl" for place in places), "rabbitmqctl"),
            find_program("/usr/lib/erlang/bin/epmd", "epmd"),
        )

    async def ctl(self, *arguments: str, limit_s: float = 60.0) -> str:
        """Run `rabbitmqctl` on this node and return what it printed. Raises ServerError when it fails."""
        process = await asyncio.create_subprocess_exec(
            self._programs[1],
            "--quiet",
            *arguments,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(limit_s):
                output, _ = await process.communicate()
        except BaseException:
            process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            raise ServerError(
                f"rabbitmqctl {' '.join(arguments)} failed: {output.decode(errors='replace').strip()}"
            )
        return output.decode(errors="replace")

    def _write_configuration(self) -> dict[str, str]:
        files = {
            "rabbitmq.conf": f"listeners.tcp.local = 127.0.0.1:{self.port}\n",
            "enabled_plugins": "[].\n",
            "rabbitmq-env.conf": "",
        }
        for name, content in files.items():
            (self.directory / name).write_text(content)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(self.directory),  # where Erlang keeps the cookie
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.directory / "log"),
            "RABBITMQ_LOGS": "-",  # to standard output, which is our log file
            "RABBITMQ_CONFIG_FILE": str(self.directory / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.directory / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(self.directory / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "enabled_plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 -kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CTL_DIST_PORT_MIN": "0",  # 0: whichever is free
            "RABBITMQ_CTL_DIST_PORT_MAX": "0",
            # With this the script becomes the server instead of waiting beside it; `-noinput` is then ours.
            "RABBITMQ_ALLOW_INPUT": "true",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def _launch(self) -> None:
        server, _, epmd = self._programs
        self._spawn([epmd], self._environment)
        self._spawn([server, "-noinput"], self._environment)
