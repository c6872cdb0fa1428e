"""A port that takes commands, one JSON object a line in and one a line out, and those that every provider obeys.

The answer is `{"ok": true, ...}` or `{"ok": false, "error": "..."}`. Whoever can connect may command: it listens on
the loopback address only. What else a provider can be told, its own control adds.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

import orjson

from bridge.simulator.naming import NamedFault

B = TypeVar("B")
B_contra = TypeVar("B_contra", contravariant=True)


class CommandRefused(ValueError):
    """A command that cannot be carried out, in words for whoever sent it."""


class Node(Protocol[B_contra]):
    """What listens somewhere and can be failed."""

    @property
    def site(self) -> str:
        """Its data centre."""
        ...

    @property
    def port(self) -> int:
        """Its port."""
        ...

    async def start(self) -> None:
        """Listens."""
        ...

    async def stop(self) -> None:
        """Ends gracefully."""
        ...

    def kill(self) -> None:
        """Ends without a farewell."""
        ...

    def behave(self, *behaviours: B_contra) -> None:
        """Has these behaviours and no others."""
        ...


class Provider(Protocol):
    """What stands behind the nodes."""

    def stats(self) -> dict[str, Any]:
        """Counters since the start."""
        ...


class CommandPort(Generic[B]):
    """Commands to the nodes of one provider, whose faults are written as `faults` reads them."""

    def __init__(self, provider: Provider, nodes: Sequence[Node[B]], faults: type[NamedFault[B]]) -> None:
        self._provider = provider
        self._nodes = nodes
        self._faults = faults
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.StreamWriter] = set()

    async def listen(self, port: int) -> int:
        """Listens on this port of the loopback address, 0 for a free one, and tells it. Raises OSError."""
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Hangs up."""
        if self._server is not None:
            self._server.close()
        for writer in self._talks:
            writer.close()

    async def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carries out one command and gives its answer. Raises ValueError or OSError."""
        nodes = self._meant(command)
        match command.get("do"):
            case "kill":
                for node in nodes:
                    node.kill()
            case "stop":
                for node in nodes:
                    await node.stop()
            case "start":
                for node in nodes:
                    await node.start()
            case "stats":
                return {"stats": self._provider.stats()}
            case "faults":
                faults = [self._faults.read(str(text)) for text in command.get("faults", [])]
                for node in nodes:
                    node.behave(
                        *(fault.build() for fault in faults if fault.applies_to(node.site, node.port))
                    )
            case _:
                return self.obey_too(command)
        return {}

    def obey_too(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carries out what only this kind of provider can be told. Raises ValueError."""
        raise CommandRefused(f"cannot do {command.get('do')!r}")

    def _meant(self, command: dict[str, Any]) -> list[Node[B]]:
        site, port = command.get("site"), command.get("port")
        nodes = [
            node
            for node in self._nodes
            if (site is None or node.site == site) and (port is None or node.port == port)
        ]
        if not nodes:
            raise CommandRefused("no such node")
        return nodes

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks.add(writer)
        try:
            while line := await reader.readline():
                writer.write(orjson.dumps(await self._answer(line), option=orjson.OPT_APPEND_NEWLINE))
                await writer.drain()
        except (OSError, ValueError):  # hung up, or a line beyond all bounds
            pass
        finally:
            self._talks.discard(writer)
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            command = orjson.loads(line)
            if not isinstance(command, dict):
                raise CommandRefused("a command is a JSON object")
            return {"ok": True} | await self.obey(command)
        except (OSError, ValueError) as error:
            return {"ok": False, "error": str(error)}
