"""An SMSC that does what a test says, and nothing by itself: one bind, answers as told, PDUs as they are given."""

import asyncio
from collections.abc import Mapping
from itertools import count

from bridge.smpp.codec import (
    build_submit_sm_resp,
    decode_submit_sm,
    encode_data_sm,
    encode_deliver_sm,
)
from bridge.smpp.consts import (
    BIND_TRANSCEIVER_RESP,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    SUBMIT_SM,
    UNBIND,
    UNBIND_RESP,
)
from bridge.smpp.framing import Frame, Framer, build_pdu
from bridge.smpp.pdus import DataSm, DeliverSm

BIND_TRANSCEIVER = 0x00000009
RESPONSE = 0x80000000


class ScriptedSmsc:
    """Names each MT by its destination (`ids`). `statuses`: how its own PDUs were answered, by sequence number."""

    def __init__(self, ids: Mapping[str, str]) -> None:
        self.port = 0
        self.statuses: dict[int, int] = {}
        self._ids = ids
        self._numbers = count(1)
        self._writer: asyncio.StreamWriter | None = None
        self._changed = asyncio.Condition()
        self._server: asyncio.Server

    async def __aenter__(self) -> "ScriptedSmsc":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        if self._writer is not None:
            self._writer.close()

    async def bound(self) -> None:
        """Back as soon as somebody has bound."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: self._writer is not None)

    def send(self, pdu: DeliverSm) -> int:
        """As deliver_sm, or data_sm where it is one; returns its sequence number."""
        assert self._writer is not None
        number = next(self._numbers)
        is_data = isinstance(pdu, DataSm)
        body = encode_data_sm(pdu) if isinstance(pdu, DataSm) else encode_deliver_sm(pdu)
        self._writer.write(build_pdu(DATA_SM if is_data else DELIVER_SM, 0, number, body))
        return number

    async def answered(self, number: int) -> None:
        """Back as soon as so many of its PDUs are answered."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: len(self.statuses) >= number)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = Framer()
        while octets := await reader.read(65_536):
            for frame in framer.feed(octets):
                async with self._changed:
                    self._take(frame, writer)
                    self._changed.notify_all()
        writer.close()

    def _take(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        number = frame.sequence_number
        if frame.command_id & RESPONSE:
            self.statuses[number] = frame.command_status
        elif frame.command_id == SUBMIT_SM:
            destination = decode_submit_sm(frame.body).destination_addr
            writer.write(build_submit_sm_resp(number, message_id=self._ids[destination]))
        elif frame.command_id == BIND_TRANSCEIVER:
            writer.write(build_pdu(BIND_TRANSCEIVER_RESP, 0, number, b"scripted\0"))
            self._writer = writer
        elif frame.command_id == ENQUIRE_LINK:
            writer.write(build_pdu(ENQUIRE_LINK_RESP, 0, number))
        elif frame.command_id == UNBIND:
            writer.write(build_pdu(UNBIND_RESP, 0, number))
