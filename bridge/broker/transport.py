"""How a connection's socket is opened, with `Incoming` between it and the library."""

import asyncio
import inspect
from typing import Any

import aiormq
from aiormq.channel import Channel
from aiormq.connection import TransportFactory
from aiormq.exceptions import AMQPConnectionError

from bridge.broker.incoming import Incoming

_KNOWN: dict[str, type] = {"number": int, "max_content_size": int, "write_queue": asyncio.Queue}


def is_known(channel: Channel) -> bool:
    """Whether the library is as we know it, so that frames may be read and written past it on this channel."""
    return all(isinstance(getattr(channel, name, None), kind) for name, kind in _KNOWN.items())


def takes_transports() -> bool:
    """Whether the library lets its socket be opened for it."""
    return "transport_factory" in inspect.signature(aiormq.Connection).parameters


class Transport(TransportFactory):
    """Opens one connection."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming

    async def create(self, url: Any, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """See the library; `url` is a yarl.URL. Raises AMQPConnectionError."""
        loop = asyncio.get_running_loop()
        tls = kwargs.pop("ssl_context_provider")
        protocol = asyncio.StreamReaderProtocol(self._incoming, loop=loop)
        try:
            transport, _ = await loop.create_connection(
                lambda: protocol,
                url.host,
                url.port,
                ssl=await tls.get_context() if url.scheme == "amqps" else None,
                **kwargs,
            )
        except OSError as error:
            raise AMQPConnectionError(*error.args) from error
        return self._incoming, asyncio.StreamWriter(transport, protocol, self._incoming, loop)
