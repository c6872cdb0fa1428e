"""The HTTP client of links beside httpx: exchanges a second, and CPU for each, with one process against another.

    python -m tests.measure [--seconds 3] [--at-once 50]

The server answers at once and costs next to nothing. Each way runs for the same time, one after another.
"""

import argparse
import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import uvloop

from bridge.links.http.client import HttpClient
from bridge.model.web import HttpRequest

BODY = b"login=bridge&password=secret&phone_number=447700900123&sender=12345&message=Hello&message_id=m-1"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nResult=0"

Exchange = Callable[[], Awaitable[object]]


class Answering(asyncio.Protocol):
    """A site that takes everything."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._left = b""

    def data_received(self, data: bytes) -> None:
        self._left += data
        while self._left.endswith(BODY):
            self._left = b""
            self._transport.write(ANSWER)  # type: ignore[attr-defined]


def serve(told: "multiprocessing.SimpleQueue[int]") -> None:
    """Listen until terminated; tell the port."""

    async def listen() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        told.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(listen())


REQUEST = HttpRequest(ident="m-1", headers=(FORM,), body=BODY)


async def ours(url: str, at_once: int, stack: AsyncExitStack) -> list[Exchange]:
    """The client of links, as nearly all messages leave: while a connection is idle."""
    client = await _client(url, at_once, stack)
    loop = asyncio.get_running_loop()

    async def exchange() -> None:
        end: asyncio.Future[object] = loop.create_future()
        if client.ask(REQUEST, end.set_result) is None:
            await client.exchange(REQUEST)
        else:
            await end

    return [exchange] * at_once


async def ours_by_h11(url: str, at_once: int, stack: AsyncExitStack) -> list[Exchange]:
    """The same, as what is not ordinary leaves."""
    client = await _client(url, at_once, stack)
    return [lambda: client.exchange(REQUEST)] * at_once


async def _client(url: str, at_once: int, stack: AsyncExitStack) -> HttpClient:
    client = HttpClient(url, timeout_s=30, window=at_once, tls=None, resolver=None)
    stack.push_async_callback(client.close)
    return client


async def httpx_pool(url: str, at_once: int, stack: AsyncExitStack) -> list[Exchange]:
    """One transport of httpx, below its client."""
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    transport = await stack.enter_async_context(httpx.AsyncHTTPTransport(limits=limits))
    return [_of(transport, url)] * at_once


async def httpx_apart(url: str, at_once: int, stack: AsyncExitStack) -> list[Exchange]:
    """A transport for each connection: no pool has more than one."""
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    apart = [await stack.enter_async_context(httpx.AsyncHTTPTransport(limits=limits)) for _ in range(at_once)]
    return [_of(transport, url) for transport in apart]


def _of(transport: httpx.AsyncHTTPTransport, url: str) -> Exchange:
    timeouts = httpx.Timeout(30).as_dict()

    async def exchange() -> None:
        request = httpx.Request("POST", url, headers=[FORM], content=BODY, extensions={"timeout": timeouts})
        response = await transport.handle_async_request(request)
        await response.aread()
        await response.aclose()

    return exchange


WAYS = {
    "links.http.client": ours,
    "links.http.client, h11": ours_by_h11,
    "httpx, one transport": httpx_pool,
    "httpx, a transport each": httpx_apart,
}


async def measure(way: str, url: str, seconds: float, at_once: int) -> tuple[float, float]:
    """Exchanges a second, and microseconds of CPU for each."""
    async with AsyncExitStack() as stack:
        exchanges = await WAYS[way](url, at_once, stack)
        done = 0

        async def go_on(exchange: Exchange) -> None:
            nonlocal done
            while time.perf_counter() < ends:
                await exchange()
                done += 1

        cpu, begins = time.process_time(), time.perf_counter()
        ends = begins + seconds
        await asyncio.gather(*map(go_on, exchanges))
        return done / (time.perf_counter() - begins), (time.process_time() - cpu) / done * 1e6


def main() -> None:
    """Print a line for each way, and how it compares with ours."""
    parser = argparse.ArgumentParser(prog="python -m tests.measure", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each way")
    parser.add_argument("--at-once", type=int, default=50, help="exchanges in parallel")
    options = parser.parse_args()
    told: multiprocessing.SimpleQueue[int] = multiprocessing.SimpleQueue()
    site = multiprocessing.Process(target=serve, args=(told,), daemon=True)
    site.start()
    url = f"http://127.0.0.1:{told.get()}/httpapi/receiver"
    first = 0.0
    for way in WAYS:
        rate, cpu_us = uvloop.run(measure(way, url, options.seconds, options.at_once))
        first = first or cpu_us
        print(f"{way:<24} {rate:>8,.0f}/s {cpu_us:>8,.0f} us of CPU each, {cpu_us / first:>5.1f} x ours")
    site.terminate()


if __name__ == "__main__":
    main()
