"""A small control port: one JSON object a line in, one a line out. For demos that fail a site from outside.

`{"do": "kill" | "stop" | "start", "site": NAME}` (or `"port": NUMBER`; neither: all nodes) · `{"do": "stats"}` ·
`{"do": "faults", "site": NAME, "faults": ["throttle:every=10"]}` replaces the faults (an empty list heals) ·
`{"do": "mo", "text": TEXT, "from": NUMBER, "to": NUMBER}`, and for a text of several segments also `"header": "udh8" |
"udh16" | "sar"`, `"naive": true` (cut by octets, also through a character), `"order": [2, 1, 2]`, `"reference": N` ·
`{"do": "receipts", "count": N}`: N receipts of messages nobody sent. The answer is `{"ok": true, ...}` or `{"ok":
false, "error": "..."}`. Whoever can connect may command: it listens on the loopback address only.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson

from bridge.simulator.catalogue import Fault
from bridge.simulator.network import HANDSET, SHORT_CODE, Network
from bridge.simulator.smsc import SimulatedSmsc
from bridge.simulator.writing import Manner


class CommandRefused(ValueError):
    """A command that cannot be carried out, in words for whoever sent it."""


class Control:
    """Commands to the nodes of one provider."""

    def __init__(self, network: Network, nodes: Sequence[SimulatedSmsc]) -> None:
        self._network = network
        self._nodes = nodes
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
                return {"stats": self._network.stats()}
            case "faults":
                faults = [Fault.read(str(text)) for text in command.get("faults", [])]
                for node in nodes:
                    node.behave(
                        *(fault.build() for fault in faults if fault.applies_to(node.site, node.port))
                    )
            case "mo":
                text, source, destination = (command.get(key) for key in ("text", "from", "to"))
                sent = self._network.send_mo(
                    text,
                    source=source or HANDSET,
                    destination=destination or SHORT_CODE,
                    manner=_manner(command),
                )
                return {"ids": [parcel.id for parcel in sent]}
            case "receipts":
                return {"ids": self._network.send_strange_receipts(int(command.get("count", 1)))}
            case other:
                raise CommandRefused(f"cannot do {other!r}")
        return {}

    def _meant(self, command: dict[str, Any]) -> list[SimulatedSmsc]:
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


def _manner(command: dict[str, Any]) -> Manner:
    """How the phone is to send. Raises ValueError."""
    order, reference = command.get("order", []), command.get("reference")
    if not (isinstance(order, list) and all(isinstance(number, int) for number in order)):
        raise CommandRefused("order: must be a list of numbers")
    if not isinstance(reference, int | None):
        raise CommandRefused("reference: must be a number")
    return Manner(
        header=command.get("header", "udh8"),
        naive=bool(command.get("naive")),
        order=tuple(order),
        reference=reference,
    )
