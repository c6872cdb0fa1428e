"""A web server on raw sockets that misbehaves as told, and remembers what it was asked and by which connection."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import cast


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came. `connection`: the number of the connection, from 0."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


Behaviour = Callable[["WebServer", asyncio.Transport], Awaitable[bool]]
"""Answers one request. Whether the connection may carry another."""


def octets(said: bytes, *, keep: bool = False) -> Behaviour:
    """Exactly these, and then, unless `keep`, the end."""

    async def behave(_server: "WebServer", transport: asyncio.Transport) -> bool:
        transport.write(said)
        return keep

    return behave


def answer(status: int, body: bytes = b"", *headers: str) -> Behaviour:
    """A whole answer."""
    head = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers, "", ""]
    return octets("\r\n".join(head).encode() + body, keep=True)


async def hang(_server: "WebServer", _transport: asyncio.Transport) -> bool:
    """Never a word."""
    await asyncio.Event().wait()
    return False


async def reset(_server: "WebServer", transport: asyncio.Transport) -> bool:
    """RST instead of an answer."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return False


async def drip(_server: "WebServer", transport: asyncio.Transport) -> bool:
    """An answer that comes, octet by octet, and does not end."""
    transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    while True:
        transport.write(b".")
        await asyncio.sleep(0.005)


async def when_let(server: "WebServer", transport: asyncio.Transport) -> bool:
    """A good answer as soon as `server.let` is set."""
    await server.let.wait()
    return await answer(200, b"let")(server, transport)


TAKEN = answer(200, b"result=0")
"""As a Genesys site says that it took it."""


async def when_let_taken(server: "WebServer", transport: asyncio.Transport) -> bool:
    """Takes it as soon as the test lets it."""
    await server.let.wait()
    return await TAKEN(server, transport)


@dataclass
class WebServer:
    """One address and port. `behaviour` may be changed at any time; it answers the requests that come then."""

    host: str
    port: int = 0
    behaviour: Behaviour = field(default_factory=lambda: answer(200, b"ok"))
    asked: list[Asked] = field(default_factory=list)
    opened: int = 0
    """Connections so far, counted when a TLS handshake is over."""
    open: dict[int, "_Connection"] = field(default_factory=dict)
    """Those that are open, by their numbers."""
    let: asyncio.Event = field(default_factory=asyncio.Event)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns as soon as it is true; looked at after every connection, request and end of one."""
        async with asyncio.timeout(20):
            while not condition():
                self._woken.clear()
                await self._woken.wait()

    async def all_gone(self) -> None:
        """Returns when no connection is open."""
        await self.until(lambda: not self.open)

    def close_connections(self) -> None:
        """As a server does that has waited long enough."""
        for connection in self.open.values():
            connection.transport.close()

    def say(self, said: bytes) -> None:
        """On every connection, asked or not."""
        for connection in self.open.values():
            connection.transport.write(said)

    def question(self, transport: asyncio.Transport) -> Asked:
        """The request that waits for its answer there."""
        (number,) = (number for number, found in self.open.items() if found.transport is transport)
        return [asked for asked in self.asked if asked.connection == number][-1]

    def wake(self) -> None:
        """Something happened."""
        self._woken.set()


class _Connection(asyncio.Protocol):
    def __init__(self, server: WebServer) -> None:
        self._server = server
        self._octets = b""
        self._behaving: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._number = self._server.opened
        self._server.opened += 1
        self._server.open[self._number] = self
        self._server.wake()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (whoever ended it)
        if self._behaving is not None:
            self._behaving.cancel()
        del self._server.open[self._number]
        self._server.wake()

    def data_received(self, data: bytes) -> None:
        self._octets += data
        self._look()

    def _look(self) -> None:
        head, blank, rest = self._octets.partition(b"\r\n\r\n")
        if self._behaving is not None or not blank:
            return
        line, *fields = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._octets = rest[length:]
        asked = Asked(line=line, headers=headers, body=rest[:length], connection=self._number)
        self._server.asked.append(asked)
        self._behaving = asyncio.get_running_loop().create_task(self._behave(self._server.behaviour))
        self._server.wake()

    async def _behave(self, behaviour: Behaviour) -> None:
        kept = await behaviour(self._server, self.transport)
        self._behaving = None
        if kept:
            self._look()
        else:
            self.transport.close()


@asynccontextmanager
async def web_server(
    *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[WebServer]:
    """A server that listens. `port` 0: one of its own."""
    web = WebServer(host)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(web), host, port, ssl=tls)
    web.port = server.sockets[0].getsockname()[1]
    try:
        yield web
    finally:
        server.close()
        for connection in web.open.values():
            connection.transport.abort()
        await web.all_gone()
        await server.wait_closed()


@contextmanager
def full_backlog() -> Iterator[int]:
    """A port on 127.0.0.1 where connections are neither taken nor refused, as behind a firewall that drops."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        try:
            yield listener.getsockname()[1]
        finally:
            for filler in fillers:
                filler.close()


@contextmanager
def closed_port() -> Iterator[int]:
    """A port on 127.0.0.1 that refuses, and that nobody else gets meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
