"""Getting one connection to a site. The network's exceptions end here, as NotConnected: nothing was written."""

import asyncio
import ssl
from collections.abc import Sequence

from bridge.links.http.connection import Connection
from bridge.links.http.errors import NotConnected
from bridge.links.http.origin import Origin
from bridge.links.reasons import reason_of


async def dial(
    addresses: Sequence[str], origin: Origin, tls: ssl.SSLContext | None, until: float
) -> Connection:
    """Connect to the first address that takes us, TLS included: its certificate must be the host's.

    They share the time `until` then (the loop's), so that a black-holed one does not hide the others.
    """
    failure = NotConnected("the host has no address")
    for position, address in enumerate(addresses):
        share_s = (until - asyncio.get_running_loop().time()) / (len(addresses) - position)
        try:
            async with asyncio.timeout(share_s):
                return await _connect(address, origin, tls)
        except (OSError, UnicodeError) as error:
            where = "" if address == origin.host else f"{address}: "
            failure = NotConnected(where + reason_of(error, share_s))
            failure.__cause__ = error
    raise failure


async def _connect(address: str, origin: Origin, tls: ssl.SSLContext | None) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(
        Connection, address, origin.port, ssl=tls, server_hostname=origin.host if tls else None
    )
    return connection
