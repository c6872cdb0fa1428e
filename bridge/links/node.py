"""One SMSC of a site, and getting a connection to it.

Not responsible for what is said on the connection (`shell.py`) nor for trying again (`binder.py`). The
network's exceptions end here: what leaves is `Unreachable` with a reason fit for one line.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bridge.config.settings import HostPort
from bridge.links.reasons import reason_of

P = TypeVar("P", bound=asyncio.Protocol)

CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Where an SMSC listens. `tls` None: plain TCP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return str(HostPort(self.host, self.port))


class Unreachable(Exception):
    """No connection. The message is the reason, fit for one line."""


async def connect(node: Node, make_protocol: Callable[[], P]) -> P:
    """Connect within CONNECT_TIMEOUT_S, name and TLS handshake included. Raises Unreachable.

    A name with several addresses: they share the time, so that a black-holed one does not hide the others.
    """
    failure: OSError | UnicodeError = OSError("no address")
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            addresses = await _addresses(node)
            for address in addresses:
                try:
                    async with asyncio.timeout(CONNECT_TIMEOUT_S / len(addresses)):
                        return await _connect_to(address, node, make_protocol)
                except OSError as error:
                    failure = error
    except (OSError, UnicodeError) as error:
        failure = error
    raise Unreachable(reason_of(failure, CONNECT_TIMEOUT_S)) from failure


async def _addresses(node: Node) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(node.host, node.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


async def _connect_to(address: str, node: Node, make_protocol: Callable[[], P]) -> P:
    server_name = node.host if node.tls else None
    _, protocol = await asyncio.get_running_loop().create_connection(
        make_protocol, address, node.port, ssl=node.tls, server_hostname=server_name
    )
    return protocol
