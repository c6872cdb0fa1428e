"""A client of the simulated HTTP provider: it sends messages, and has a door where callbacks come in."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import httpx

from bridge.simulator.http import HttpBehaviour, HttpProvider, HttpSite

HANDSET = "447700900123"
FORM = {
    "login": "bridge",
    "password": "secret",
    "phone_number": HANDSET,
    "sender": "12345",
    "message": "hello",
    "message_id": "m1",
}


class Door:
    """Where callbacks come in. `statuses` are answered in turn and then 200 for ever; None: hangs up instead."""

    def __init__(self, *statuses: int | None) -> None:
        self.calls: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.keeps = True
        self._statuses: Iterator[int | None] = iter(statuses)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._came = asyncio.Condition()

    @property
    def fields(self) -> list[dict[str, str]]:
        """What each callback said."""
        return [fields for _, _, fields in self.calls]

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/callbacks/genesys"

    async def until(self, count: int) -> None:
        """Returns when so many callbacks have come."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.calls) >= count)

    async def open(self, port: int) -> None:
        """Listens."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)

    def close(self) -> None:
        """Hangs up."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                body = await reader.readexactly(int(headers["content-length"]))
                fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
                status = next(self._statuses, 200)
                if status is not None:
                    close = "" if self.keeps else "Connection: close\r\n"
                    writer.write(f"HTTP/1.1 {status} X\r\n{close}Content-Length: 2\r\n\r\nok".encode())
                async with self._came:
                    self.calls.append((start, headers, fields))
                    self._came.notify_all()
                if status is None or not self.keeps:
                    return
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


@asynccontextmanager
async def door(*statuses: int | None, port: int = 0) -> AsyncIterator[Door]:
    """A door that is open."""
    opened = Door(*statuses)
    await opened.open(port)
    try:
        yield opened
    finally:
        opened.close()


@asynccontextmanager
async def http_site(
    *faults: HttpBehaviour, provider: HttpProvider | None = None, **options: Any
) -> AsyncIterator[HttpSite]:
    """A site that listens; its provider ends with it."""
    provider = (
        provider if provider is not None else HttpProvider(receipt_delay_s=0.0, again_s=0.01, **options)
    )
    site = HttpSite(provider, site="dc3", faults=faults)
    await site.start()
    try:
        yield site
    finally:
        await provider.close()


@asynccontextmanager
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who sends."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as sender:
        yield sender


async def code_of(sender: httpx.AsyncClient, site: HttpSite, /, **changes: str | None) -> int:
    """Posts the form with these changes (None: without that field) and gives the code answered."""
    answer = await sender.post(site.url, data=form(**changes))
    assert answer.status_code == 200
    return int(answer.text.partition("=")[2])


def form(**changes: str | None) -> dict[str, str]:
    """The form with these changes."""
    return {name: value for name, value in (FORM | changes).items() if value is not None}


async def passed(provider: HttpProvider, delay_s: float) -> None:
    """Returns when all that the provider had put off until now, for so long, has been done."""
    done = asyncio.Event()
    provider.agenda.after(delay_s, done.set)
    await done.wait()


async def raw(site: HttpSite, octets: bytes) -> bytes:
    """Everything the site says to these octets until it hangs up."""
    reader, writer = await asyncio.open_connection(site.host, site.port)
    writer.write(octets)
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()
