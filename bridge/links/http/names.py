"""A host's addresses and how long they hold, and the simplest way to them: the system's.

Not responsible for DNS (`resolver.py`) nor for connecting (`dial.py`).
"""

import asyncio
import ipaddress
import math
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.links.http.errors import NameNotResolved


@dataclass(frozen=True, slots=True)
class Answer:
    """Where a host is. `addresses`: at least one, in the order to try them. `expires_at`: in the loop's time."""

    addresses: tuple[str, ...]
    expires_at: float


class Names(Protocol):
    """Whoever knows where hosts are."""

    async def resolve(self, host: str, *, afresh: bool = False) -> Answer:
        """`afresh`: what was known before has proved wrong. Raises NameNotResolved."""
        ...


class SystemNames:
    """The system's own knowledge, which names no time: an answer holds until asked afresh."""

    async def resolve(self, host: str, *, afresh: bool = False) -> Answer:  # noqa: ARG002  (it keeps nothing)
        """Ask the system."""
        return Answer(await system_addresses(host), math.inf)


def names_of(nameservers: Sequence[str] | None) -> Names | None:
    """Whoever asks these; None: the system knows."""
    if nameservers is None:
        return None
    # dnspython takes its part of a start, and few ask DNS themselves.
    from bridge.links.http.resolver import Resolver  # noqa: PLC0415

    return Resolver(nameservers)


async def system_addresses(host: str) -> tuple[str, ...]:
    """What getaddrinfo knows, the hosts file included. Raises NameNotResolved."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NameNotResolved(f"{host} not resolved: {error.strerror or error}") from error
    except UnicodeError as error:
        raise NameNotResolved(f"{host} not resolved: no host name") from error
    return tuple(str(sockaddr[0]) for *_, sockaddr in found)


def is_address(host: str) -> bool:
    """Whether it is an IP address already."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
