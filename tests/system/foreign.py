"""An SMSC that this repository did not write: the server of the `smpp34` package, and a provider around several.

All nodes of a provider share its message ids; receipts leave through a node other than the one that took the
message, in the form of the specification's appendix B, one for each segment. Long messages are put together here, by
the letter of 3GPP TS 23.040 and SMPP 3.4, without this repository's readers.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import smpp34

UDHI = 0x40
UCS2 = 8
MESSAGE_PAYLOAD = 0x0424
SAR = 0x020C, 0x020E, 0x020F
"""TLVs: sar_msg_ref_num, sar_total_segments, sar_segment_seqnum."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Series(NamedTuple):
    """What the segments of one message have in common."""

    destination: str
    reference: int
    total: int


def read(event: smpp34.SubmitSmEvent) -> tuple[str, Series, int]:
    """The text of a submit_sm, and its place in a message; a whole message is the only one of its series."""
    tlvs = {tlv.tag: tlv.value for tlv in event.tlvs}
    octets = event.short_message or tlvs.get(MESSAGE_PAYLOAD, b"")
    reference, total, place = 0, 1, 1
    if event.esm_class & UDHI:
        header, octets = octets[1 : octets[0] + 1], octets[octets[0] + 1 :]
        assert header[:2] in (b"\x00\x03", b"\x08\x04"), "one element, which numbers the segment"
        reference, (total, place) = int.from_bytes(header[2:-2], "big"), header[-2:]
    elif tlvs.keys() >= set(SAR):
        reference, total, place = (int.from_bytes(tlvs[tag], "big") for tag in SAR)
    text = octets.decode("utf-16-be" if event.data_coding == UCS2 else "ascii")
    return text, Series(event.destination_addr, reference, total), place


class ForeignProvider:
    """Several nodes of one provider.

    `taken`: how often each text was accepted, whole. `taken_by`: texts by node, in order. `receipts`: whether to send
    any.
    """

    def __init__(self, nodes: int, *, receipts: bool = True) -> None:
        self.ports = [free_port() for _ in range(nodes)]
        self.receipts = receipts
        self.taken: Counter[str] = Counter()
        self.taken_by: list[list[str]] = [[] for _ in range(nodes)]
        self.receipts_left = 0
        self._servers: list[smpp34.Server] = []
        self._binds: list[list[smpp34.Esme]] = [[] for _ in range(nodes)]
        self._pieces: dict[Series, dict[int, str]] = {}
        self._ids = count(1_000_000)
        self._owed: asyncio.Queue[tuple[int, bytes, str, str]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> "ForeignProvider":
        for number, port in enumerate(self.ports):
            server = smpp34.Server("127.0.0.1", port, system_id=f"node{number}")
            await server.start()
            self._servers.append(server)
            self._tasks.append(asyncio.create_task(self._serve(number, server)))
        self._tasks += [asyncio.create_task(self._send_receipts()) for _ in range(8)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            await server.stop()

    async def until_taken(self, number: int) -> None:
        """Wait until so many different texts have been accepted."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.taken) >= number)

    async def until_bound(self, number: int) -> None:
        """Wait until so many binds have been made in all."""
        async with self._changed:
            await self._changed.wait_for(lambda: sum(map(len, self._binds)) >= number)

    async def deliver(
        self,
        node: int,
        source: str,
        destination: str,
        octets: bytes,
        esm_class: int = 0,
        data_coding: int = 0,
    ) -> int:
        """Send a deliver_sm over a bind of this node; the command_status of its answer."""
        answer = await self._binds[node][-1].deliver_sm(
            destination, octets, source_addr=source, esm_class=esm_class, data_coding=data_coding
        )
        return answer.command_status

    async def _serve(self, number: int, server: smpp34.Server) -> None:
        while True:
            event = await server.next()
            async with self._changed:
                if isinstance(event, smpp34.Esme):
                    self._binds[number].append(event)
                elif isinstance(event, smpp34.SubmitSmEvent):
                    self._take(number, event)
                self._changed.notify_all()

    def _take(self, number: int, event: smpp34.SubmitSmEvent) -> None:
        piece, series, place = read(event)
        smsc_id = str(next(self._ids))
        pieces = self._pieces.setdefault(series, {})
        pieces[place] = piece
        if len(pieces) == series.total:
            text = "".join(pieces[place] for place in sorted(pieces))
            del self._pieces[series]
            self.taken[text] += 1
            self.taken_by[number].append(text)
        if self.receipts and event.registered_delivery:
            body = (
                f"id:{smsc_id} sub:001 dlvrd:001 submit date:2611221600 done date:2611221601 "
                f"stat:DELIVRD err:000 text:{piece[:20]}"
            ).encode()
            self._owed.put_nowait((number, body, event.destination_addr, event.source_addr))
            self.receipts_left += 1
        event.accept(smsc_id)

    async def _send_receipts(self) -> None:
        """Over another node than the one that took the message, until somebody answers."""
        while True:
            node, body, handset, ours = await self._owed.get()
            for other in self._others(node):
                try:
                    status = await self.deliver(other, handset, ours, body, esm_class=4)
                except (smpp34.SmppError, IndexError):
                    continue
                if status == 0:
                    self.receipts_left -= 1
                    break
            else:
                await asyncio.sleep(0.05)  # all are away, or busy: nothing tells when to try again
                self._owed.put_nowait((node, body, handset, ours))

    def _others(self, node: int) -> Sequence[int]:
        nodes = len(self.ports)
        return [(node + step) % nodes for step in range(1, nodes + 1)]
