"""An SMSC on raw sockets that takes the bind and then does what a test says, with the octets themselves."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bridge.smpp.codec import encode_deliver_sm
from bridge.smpp.consts import BIND_TRANSCEIVER_RESP, DELIVER_SM
from bridge.smpp.framing import HEADER, Frame, Framer, build_pdu
from bridge.smpp.pdus import DeliverSm

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def smsc(behaviour: Behaviour) -> AsyncIterator[str]:
    """Its node. Each connection that binds is the behaviour's from then on."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (length, _, _, number) = HEADER.unpack(await reader.readexactly(HEADER.size))
            await reader.readexactly(length - HEADER.size)
            writer.write(build_pdu(BIND_TRANSCEIVER_RESP, 0, number, b"hostile\0"))
            await behaviour(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    listening = socket.create_server(("127.0.0.1", 0))
    # So that what it does not read is soon more than the system keeps for it.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    server = await asyncio.start_server(serve, sock=listening)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def deliver(number: int, text: bytes = b"hi", tlvs: tuple[tuple[int, bytes], ...] = ()) -> bytes:
    """One deliver_sm, whose number is its text too, so that none is a repeat of another."""
    pdu = DeliverSm(
        source_addr="447700900123",
        destination_addr="12345",
        short_message=b"%d %s" % (number, text),
        tlvs=tlvs,
    )
    return build_pdu(DELIVER_SM, 0, number, encode_deliver_sm(pdu))


async def frames(reader: asyncio.StreamReader) -> AsyncIterator[Frame]:
    """What is said to it, until the end."""
    framer = Framer()
    while octets := await reader.read(65_536):
        for frame in framer.feed(octets):
            yield frame


async def for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, octets: bytes) -> None:
    """Say this again and again, and read nothing."""
    del reader
    while True:
        writer.write(octets)
        await writer.drain()
