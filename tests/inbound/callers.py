"""Callers on real sockets, a door for them, a dialect that reads the simplest callbacks, and a receiver by script."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import urlencode

import orjson

from bridge.config.settings import HostPort
from bridge.dialects.http import BadCallback, HttpDialect
from bridge.inbound.callbacks.application import CallbackLink, Received
from bridge.inbound.callbacks.callers import Callers
from bridge.inbound.callbacks.door import CallbackDoor
from bridge.inbound.callbacks.limits import Limits
from bridge.inbound.ports import Answer
from bridge.model.inbound import Dr, Mo
from bridge.model.web import Callback

TOKEN = "k3y/+ü"
BEARER = f"Authorization: Bearer {TOKEN}"
LIMIT_S = 30.0


class Dialect:
    """Reads `id`, `from`, `to` and `text`."""

    def read_callback(self, callback: Callback) -> Mo | Dr:
        fields = callback.fields
        if fields.get("text") == "a bug":
            raise KeyError("the text of a message")
        for name in ("from", "to", "text"):
            if not isinstance(fields.get(name), str):
                raise BadCallback(name, "is missing")
        return Mo(
            id=fields.get("id"),
            from_=fields["from"],
            to=fields["to"],
            text=fields["text"],
            data=None,
            encoding="utf8",
            identity=orjson.dumps(fields, option=orjson.OPT_SORT_KEYS),
            raw={"fields": dict(fields)},
        )


DIALECTS = {name: cast("HttpDialect", Dialect()) for name in ("p", "q")}
SITES = {"p": frozenset({"one", "two"})}


class Script:
    """A receiver: answers at once what it is told to, or keeps the answers for the test to give."""

    def __init__(self, says: bool | None = True) -> None:
        self.says = says
        self.got: list[tuple[CallbackLink, Mo | Dr]] = []
        self.kept: asyncio.Queue[Answer] = asyncio.Queue()

    def __call__(self, link: CallbackLink, inbound: Mo | Dr, answer: Answer) -> None:
        self.got.append((link, inbound))
        if self.says is None:
            self.kept.put_nowait(answer)
        else:
            answer(self.says)

    async def answer(self) -> Answer:
        """The next answer that is owed."""
        async with asyncio.timeout(LIMIT_S):
            return await self.kept.get()

    @property
    def texts(self) -> list[str | None]:
        return [inbound.text for _, inbound in self.got]


@dataclass(frozen=True, slots=True)
class Answered:
    """What the door said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Caller:
    """One connection to the door."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def at(cls, port: int, host: str = "127.0.0.1") -> Self:
        return cls(*await asyncio.open_connection(host, port))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    def says(self, octets: bytes) -> None:
        """Send this, whatever it is."""
        self._writer.write(octets)

    async def hears(self) -> Answered:
        """The next answer, whole."""
        async with asyncio.timeout(LIMIT_S):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            status, *lines = head.strip().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
            return Answered(int(status.split()[1]), headers, body)

    async def is_cut_off(self) -> bytes:
        """The door closes the connection; what it said before."""
        async with asyncio.timeout(LIMIT_S):
            try:
                return await self._reader.read()
            except ConnectionResetError:
                return b""

    async def asks(self, octets: bytes) -> Answered:
        """Send a request, hear the answer."""
        self.says(octets)
        return await self.hears()


def request(
    body: bytes = b"", *headers: str, path: str = "/callbacks/p", method: str = "POST", length: bool = True
) -> bytes:
    """A request, as octets."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bridge", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def form(text: str = "YES", **fields: str) -> bytes:
    """An MO as a form."""
    return urlencode({"from": "447700900123", "to": "12345", "text": text} | fields).encode()


def callback(text: str = "YES", **fields: str) -> bytes:
    """A whole callback of a caller who may."""
    return request(form(text, **fields), BEARER)


@asynccontextmanager
async def door(
    received: Received,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    callers: Callers | None = None,
    dialects: Mapping[str, HttpDialect] = DIALECTS,
    **limits: Any,
) -> AsyncIterator[CallbackDoor]:
    """A door that is open, and at the end stops of itself."""
    one = CallbackDoor(
        HostPort(host, port), callers or Callers(TOKEN), dialects, SITES, received, Limits(**limits)
    )
    one.open()
    running = asyncio.create_task(one.run())
    await reached(one.port, host)
    try:
        yield one
    finally:
        one.stop()
        async with asyncio.timeout(LIMIT_S):
            await running


@asynccontextmanager
async def deaf_caller(one: CallbackDoor) -> AsyncIterator[socket.socket]:
    """A connection on which nothing is read, and of which the kernel keeps as little as it can."""
    assert one._socket is not None
    one._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.setblocking(False)
        await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", one.port))
        yield deaf


async def reached(port: int, host: str = "127.0.0.1") -> None:
    """Return when somebody listens there."""
    async with asyncio.timeout(LIMIT_S):
        while not await listens(port, host):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody does."""
    try:
        async with await Caller.at(port, host):
            return True
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:  # it was just about to end
        return True


async def until(holds: Callable[[], bool]) -> None:
    """Return when this holds."""
    async with asyncio.timeout(LIMIT_S):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
