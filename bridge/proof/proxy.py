"""A TCP proxy that breaks connections on command: what fault tests put between any two parties.

Who connects to it is the client, whom it connects to the target; what the target says are replies. Not responsible
for when to break what.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Literal

Way = Literal["both", "there", "back"]
"""`there`: from the client to the target; `back`: replies."""

_CHUNK = 65_536


@dataclass(slots=True, eq=False)
class _Line:
    """One connection through the proxy. `left`: octets of replies until it is reset; `hushed`: replies are lost."""

    client: asyncio.StreamWriter
    left: int | None
    hushed: bool = False


class FaultProxy:
    """Forwards connections to `host:port` until told to fail.

    `cut`: all connections reset, new ones refused. `stall`: connections stay open, nothing passes (or nothing one
    way), not even what was under way. `drop_replies`: what the target says is lost; what is said to it still arrives.
    `delay`: all takes longer. `reset_after`: connections end in the middle of what the target says. `half_close`: the
    client hears that the target has nothing more to say. `heal` ends all.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lines: set[_Line] = set()
        self._there, self._back = asyncio.Event(), asyncio.Event()
        self._replies = True
        self._delay_s = 0.0
        self._octets: int | None = None
        self.port = 0

    async def __aenter__(self) -> "FaultProxy":
        await self.heal()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def sever(self) -> None:
        """Reset every connection, and forward new ones. Healed even if it is cancelled meanwhile."""
        try:
            await self.cut()
        finally:
            await self.heal()

    async def heal(self) -> None:
        """Forward (again), on the same port. Connections that were closed by half stay so."""
        self._there.set()
        self._back.set()
        self._replies = True
        self._delay_s = 0.0
        self._octets = None
        for line in self._lines:
            line.left = None
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Reset every connection and refuse new ones. Back when all are gone."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stall(self, way: Way = "both") -> None:
        """Let nothing pass; or nothing this way, while the other way all is well."""
        if way != "back":
            self._there.clear()
        if way != "there":
            self._back.clear()

    def drop_replies(self) -> None:
        """Lose all that the target says from now on."""
        self._replies = False

    def delay(self, seconds: float) -> None:
        """Whatever passes from now on, either way, first waits so long, and so does all that is behind it."""
        self._delay_s = seconds

    def reset_after(self, octets: int) -> None:
        """Reset each connection, new ones too, when so many more octets (1 at least) of replies have passed."""
        self._octets = octets
        for line in self._lines:
            line.left = octets

    def half_close(self) -> None:
        """Tell the client of each connection that no more replies come; what it says still arrives."""
        for line in self._lines:
            line.hushed = True
            _end(line.client)

    def retarget(self, host: str, port: int) -> None:
        """Connections made from now on lead there; those that stand stay."""
        self._target = (host, port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._tasks.add(task)
        self._writers.add(writer)
        line = _Line(writer, self._octets)
        try:
            await self._there.wait()
            there_reader, there_writer = await asyncio.open_connection(*self._target)
            self._writers.add(there_writer)
            self._lines.add(line)
            line.left = self._octets
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._ask(reader, there_writer))
                    group.create_task(self._reply(there_reader, line))
            finally:
                self._writers.discard(there_writer)
                there_writer.transport.abort()
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass  # cut, perhaps: asyncio logs an error for a connection whose task ends as cancelled
        finally:
            self._lines.discard(line)
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.transport.abort()

    async def _ask(self, client: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await client.read(_CHUNK):
            await self._pass(self._there)
            target.write(data)
            await target.drain()
        _end(target)

    async def _reply(self, target: asyncio.StreamReader, line: _Line) -> None:
        while data := await target.read(_CHUNK):
            await self._pass(self._back)
            if line.hushed or not self._replies:
                continue
            passing = data if line.left is None else data[: line.left]
            line.client.write(passing)
            await line.client.drain()
            if line.left is not None:
                line.left -= len(passing)
                if not line.left:
                    raise ConnectionResetError
        _end(line.client)

    async def _pass(self, flowing: asyncio.Event) -> None:
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        await flowing.wait()


def _end(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()
