"""Callers who only hold connections: many at once, from addresses of this machine's own network."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

SILENT = b""
HALF_A_HEAD = b"POST /callbacks/p HTTP/1.1\r\nHost: bridge\r\nX: "


@asynccontextmanager
async def crowd(
    port: int,
    number: int,
    *,
    sources: Sequence[str] = ("127.0.0.2",),
    says: Sequence[bytes] = (SILENT, HALF_A_HEAD),
) -> AsyncIterator[list[socket.socket]]:
    """So many connections to this port, from these addresses in turn, each having said one of these."""
    loop = asyncio.get_running_loop()
    held: list[socket.socket] = []
    try:
        for each in range(number):
            one = socket.socket()
            held.append(one)
            one.setblocking(False)
            one.bind((sources[each % len(sources)], 0))
            await loop.sock_connect(one, ("127.0.0.1", port))
            if said := says[each % len(says)]:
                one.send(said)
        yield held
    finally:
        for one in held:
            one.close()


def is_open(one: socket.socket) -> bool:
    """Whether the other side has not ended it."""
    try:
        return one.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
