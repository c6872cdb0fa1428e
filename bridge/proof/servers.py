"""Private RabbitMQ and Redis: started from installed binaries, on free ports, in directories of their own.

They disturb no server that runs already: own ports, own node name, cookie, home and port mapper (epmd). Not
responsible for installing anything, nor for choosing between private and running servers (`ensure.py`).
"""

import asyncio
import os
import secrets
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bridge.proof.machine import find_program, free_ports
from bridge.proof.process import PrivateServer, ServerError

__all__ = ["PrivateRabbit", "PrivateRedis", "ServerError"]

MOST_OF_WAL = 64 * 1024 * 1024
"""Octets of the log that all quorum queues of a node share, before it is sorted into a file for each (docker/).

With RabbitMQ's own 512 MB that is seldom done, and then takes a second in which all messages wait.
"""


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

    async def _launch(self) -> subprocess.Popen[bytes]:
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
        return self._spawn([*self._programs, *arguments], os.environ)


class PrivateRabbit(PrivateServer):
    """A RabbitMQ node of its own: no plugins, few schedulers, reachable from this machine only.

    Started `beside` another that runs, it joins that one's cluster; the other is then to be closed after it.
    """

    program = "rabbitmq"
    package = "rabbitmq-server"
    start_limit_s = 120.0
    hello = b"AMQP\x00\x00\x09\x01"
    welcome = b"\x01\x00\x00"  # a method frame on channel 0: connection.start

    def __init__(self, parent: Path | None = None, *, beside: "PrivateRabbit | None" = None) -> None:
        super().__init__(parent)
        self.port, self._dist_port, self._epmd_port = free_ports(3)
        self._cookie = secrets.token_hex(16)
        self._beside = beside
        if beside is not None:
            self._epmd_port, self._cookie = beside._epmd_port, beside._cookie
        self.node = f"bridge-{secrets.token_hex(4)}@localhost"
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"
        self._environment = self._write_configuration()
        self._epmd: subprocess.Popen[bytes] | None = None  # Erlang's port mapper: ours alone

    def close(self) -> None:
        """End it at once, its port mapper too, and remove its directory. May be called again."""
        super().close()
        if self._epmd is not None:
            self._epmd.wait()

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

    async def sync_declarations(self) -> None:
        """Make what was declared survive a kill: RabbitMQ on Mnesia writes that down only a moment later."""
        await self.ctl("eval", "catch mnesia:sync_log().")

    def _write_configuration(self) -> dict[str, str]:
        own = f"listeners.tcp.local = 127.0.0.1:{self.port}\nraft.wal_max_size_bytes = {MOST_OF_WAL}\n"
        files = {
            "rabbitmq.conf": own + ("" if self._beside is None else _joins(self._beside.node)),
            "enabled_plugins": "[].\n",
            "rabbitmq-env.conf": "",
            ".erlang.cookie": self._cookie,
        }
        for name, content in files.items():
            (self.directory / name).write_text(content)
        (self.directory / ".erlang.cookie").chmod(0o400)
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

    async def _launch(self) -> subprocess.Popen[bytes]:
        server, _, epmd = self._programs
        if self._epmd is None and self._beside is None:
            # Before the node, which would otherwise start one that nobody ends; and beyond its kills and restarts.
            self._epmd = self._spawn([epmd], self._environment)
            await self._until_answered(
                self._epmd, self._epmd_port, b"\x00\x01n", struct.pack(">I", self._epmd_port)
            )
        return self._spawn([server, "-noinput", "-start_epmd", "false"], self._environment)


def _joins(node: str) -> str:
    """The lines of rabbitmq.conf that make a node without data join this one's cluster."""
    return (
        "cluster_formation.peer_discovery_backend = classic_config\n"
        f"cluster_formation.classic_config.nodes.1 = {node}\n"
    )
