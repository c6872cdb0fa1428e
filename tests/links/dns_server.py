"""An authoritative DNS server on loopback, UDP and TCP: what it says is changed by the test, and each query counted."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

ADDRESSES = (dns.rdatatype.A, dns.rdatatype.AAAA)


class DnsServer:
    """Knows what it was told with `tell` and `alias`; every other name does not exist."""

    def __init__(self) -> None:
        self.address = ""
        self.queries: list[tuple[str, str]] = []
        """Name and type, in the order of arrival."""
        self.silent: set[dns.rdatatype.RdataType] = set()
        """To queries of these types it says nothing."""
        self.failing: set[dns.rdatatype.RdataType] = set()
        """To these: SERVFAIL."""
        self.truncating = False
        """Over UDP it says only that the answer is too long for it."""
        self.speaking = asyncio.Event()
        """Cleared: answers wait until it is set."""
        self.speaking.set()
        self._asked = asyncio.Event()
        self._sets: dict[tuple[str, dns.rdatatype.RdataType], dns.rrset.RRset] = {}
        self._aliases: dict[str, dns.rrset.RRset] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, name: str, *addresses: str, ttl: int) -> None:
        """Its addresses from now on; none: it exists without."""
        for family, version in ((dns.rdatatype.A, 4), (dns.rdatatype.AAAA, 6)):
            texts = [address for address in addresses if ipaddress.ip_address(address).version == version]
            self._sets[f"{name}.", family] = dns.rrset.from_text_list(f"{name}.", ttl, "IN", family, texts)

    def alias(self, name: str, of: str, *, ttl: int) -> None:
        """A CNAME."""
        self._aliases[f"{name}."] = dns.rrset.from_text(f"{name}.", ttl, "IN", "CNAME", f"{of}.")

    def forget(self, name: str) -> None:
        """It does not exist any more."""
        for family in ADDRESSES:
            self._sets.pop((f"{name}.", family), None)

    async def asked(self, times: int) -> None:
        """Returns when so many queries have come."""
        async with asyncio.timeout(20):
            while len(self.queries) < times:
                self._asked.clear()
                await self._asked.wait()

    async def answer(self, wire: bytes, *, over_udp: bool) -> bytes | None:
        """What to say to this query."""
        query = dns.message.from_wire(wire)
        name, family = query.question[0].name.to_text(), query.question[0].rdtype
        self.queries.append((name.rstrip("."), family.name))
        self._asked.set()
        await self.speaking.wait()
        if family in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        if family in self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif self.truncating and over_udp:
            response.flags |= dns.flags.TC
        else:
            while name in self._aliases:
                response.answer.append(self._aliases[name])
                name = self._aliases[name][0].target.to_text()
            found = self._sets.get((name, family))
            if found is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
            elif found:
                response.answer.append(found)
        return response.to_wire()

    async def serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One query of one connection."""
        wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        answer = await self.answer(wire, over_udp=False)
        if answer is not None:
            writer.write(len(answer).to_bytes(2, "big") + answer)
        writer.close()
        await writer.wait_closed()

    def serve_udp(self, transport: asyncio.DatagramTransport, wire: bytes, sender: tuple[str, int]) -> None:
        """One query."""

        async def serve() -> None:
            answer = await self.answer(wire, over_udp=True)
            if answer is not None:
                transport.sendto(answer, sender)

        task = asyncio.get_running_loop().create_task(serve())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """Nobody waits for an answer any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.serve_udp(self._transport, data, addr)


@asynccontextmanager
async def dns_server() -> AsyncIterator[DnsServer]:
    """A server that listens on a port of its own."""
    server = DnsServer()
    tcp = await asyncio.start_server(server.serve_tcp, "127.0.0.1", 0)
    port = tcp.sockets[0].getsockname()[1]
    udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Udp(server), local_addr=("127.0.0.1", port)
    )
    server.address = f"127.0.0.1:{port}"
    try:
        yield server
    finally:
        udp.close()
        tcp.close()
        await tcp.wait_closed()
        await server.end()
