"""A TCP proxy that breaks connections on command: what fault tests put between any two parties."""

import asyncio
import contextlib

_CHUNK = 65_536


class FaultProxy:
    """Forwards connections to `host:port` until told to fail.

    `cut`: all connections reset, new ones refused. `stall`: connections stay open, nothing passes, not even what
    was under way. `drop_replies`: what the target says is lost; what is said to it still arrives. `heal` ends all.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._replies = True
        self.port = 0

    async def __aenter__(self) -> "FaultProxy":
        await self.heal()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def heal(self) -> None:
        """Forward (again), on the same port."""
        self._flowing.set()
        self._replies = True
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

    def stall(self) -> None:
        """Let nothing pass, in no direction."""
        self._flowing.clear()

    def drop_replies(self) -> None:
        """Lose all that the target says from now on."""
        self._replies = False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._flowing.wait()
            there_reader, there_writer = await asyncio.open_connection(*self._target)
            self._writers.add(there_writer)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pump(reader, there_writer, replies=False))
                    group.create_task(self._pump(there_reader, writer, replies=True))
            finally:
                self._writers.discard(there_writer)
                there_writer.transport.abort()
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass  # cut, perhaps: asyncio logs an error for a connection whose task ends as cancelled
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, replies: bool
    ) -> None:
        while data := await reader.read(_CHUNK):
            await self._flowing.wait()
            if self._replies or not replies:
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()
