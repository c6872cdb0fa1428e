"""The SMSC of a bench: takes everything, and costs as little as an SMSC in Python can.

Either it answers each submit_sm and sends one receipt for it, or it sends MOs. It writes what happened, and when, onto
the board of the round. It has no faults and no memory beyond that: `bridge.simulator` is the one for trying things on.
"""

import asyncio
import struct
import time
from collections import deque
from typing import cast

from bridge.proof.bench_board import Board, now
from bridge.proof.bench_messages import Mos, Receipts, row_of
from bridge.smpp import consts

DELIVER_WINDOW = 100
"""Unanswered deliver_sm on one bind."""
RECEIPT_DELAY_S = 0.05
"""From answer to receipt, which takes the same bind: one that overtakes its answer is another story."""
AGAIN_S = 0.5
"""Before what was refused is sent again."""

_HEADER = struct.Struct(">IIII")
_OCTETS = _HEADER.size
_BINDS = (consts.BIND_TRANSCEIVER, consts.BIND_TRANSMITTER, consts.BIND_RECEIVER)
_SYSTEM_ID = b"bench\0"


class BenchSmsc:
    """What all its binds share. `mos`: every row is an MO that waits for a bind; else they come as MTs.

    `first_id`: what it calls row 0, ten digits; different in each round.
    """

    def __init__(self, board: Board, first_id: int, *, mos: bool) -> None:
        self.board = board
        self.receipts = Receipts(first_id, time.strftime("%y%m%d%H%M", time.gmtime()))
        self.body = Mos(str(first_id)).body if mos else self.receipts.body
        self.binds: list[Bind] = []
        self.due = deque[int](range(board.rows) if mos else ())
        """Rows that any bind may deliver."""

    async def listen(self, port: int) -> asyncio.Server:
        """On this port of this machine; the board counts that, and every bind, as ready."""
        server = await asyncio.get_running_loop().create_server(lambda: Bind(self), "127.0.0.1", port)
        self.board.count("ready")
        return server

    def lost(self, bind: "Bind", rows: list[int]) -> None:
        """A bind is gone, and these with it: others deliver them."""
        if bind in self.binds:
            self.binds.remove(bind)
        self.due.extend(rows)
        for other in self.binds:
            other.pump()


class Bind(asyncio.Protocol):
    """One connection of the bridge."""

    def __init__(self, smsc: BenchSmsc) -> None:
        self._smsc = smsc
        self._board = smsc.board
        self._rest = b""
        self._sequence = 0
        self._loop = asyncio.get_running_loop()
        self._due = deque[int]()
        self._owed: dict[int, int] = {}
        self._out: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection, nobody's yet."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """What it owed goes elsewhere."""
        rows = [*self._owed.values(), *self._due]
        self._owed.clear()
        self._due.clear()
        self._smsc.lost(self, rows)

    def data_received(self, data: bytes) -> None:
        """PDUs, whole or in parts; all that they call for is written at once."""
        data = self._rest + data if self._rest else data
        at, size = 0, len(data)
        taken: list[int] = []
        refused: list[int] = []
        answered = 0
        while size - at >= _OCTETS:
            length, command, status, sequence = _HEADER.unpack_from(data, at)
            if size - at < length:
                break
            if command == consts.SUBMIT_SM:
                self._submit(data, at, length, sequence, taken)
            elif command == consts.DELIVER_SM_RESP:
                row = self._owed.pop(sequence)
                if status:
                    refused.append(row)
                else:
                    self._board.answered[row] = now()
                    answered += 1
            else:
                self._manners(command, sequence)
            at += length
        self._rest = data[at:]
        if taken:
            self._board.count("taken", len(taken))
            self._loop.call_later(RECEIPT_DELAY_S, self._deliver, taken)
        if refused:
            self._board.count("refused", len(refused))
            self._loop.call_later(AGAIN_S, self._deliver, refused)
        if answered:
            self._board.count("answered", answered)
            self.pump()
        self._flush()

    def pump(self) -> None:
        """Send deliver_sm while some are due and the window has room."""
        own, others, owed, board = self._due, self._smsc.due, self._owed, self._board
        while (own or others) and len(owed) < DELIVER_WINDOW:
            row = (own or others).popleft()
            body = self._smsc.body(row)
            self._sequence += 1
            owed[self._sequence] = row
            self._out.append(_HEADER.pack(_OCTETS + len(body), consts.DELIVER_SM, 0, self._sequence) + body)
            if not board.sent[row]:
                board.sent[row] = now()
        self._flush()

    def _deliver(self, rows: list[int]) -> None:
        if self._transport.is_closing():
            self._smsc.lost(self, rows)
        else:
            self._due.extend(rows)
            self.pump()

    def _submit(self, data: bytes, at: int, length: int, sequence: int, taken: list[int]) -> None:
        row = row_of(data, at + _OCTETS, at + length)
        board = self._board
        if not 0 <= row < board.rows:
            board.count("strays")
            self._out.append(_HEADER.pack(_OCTETS, consts.SUBMIT_SM_RESP, consts.ESME_RINVDSTADR, sequence))
            return
        board.copies[row] += 1
        if not board.taken[row]:
            board.taken[row] = now()
        taken.append(row)
        body = self._smsc.receipts.smsc_id(row) + b"\0"
        self._out.append(_HEADER.pack(_OCTETS + len(body), consts.SUBMIT_SM_RESP, 0, sequence) + body)

    def _manners(self, command: int, sequence: int) -> None:
        if command in _BINDS:
            answer = command | consts.RESPONSE
            self._out.append(_HEADER.pack(_OCTETS + len(_SYSTEM_ID), answer, 0, sequence) + _SYSTEM_ID)
            self._flush()  # before the first deliver_sm
            self._smsc.binds.append(self)
            self._board.count("ready")
            self.pump()
        elif command in (consts.ENQUIRE_LINK, consts.UNBIND):
            self._out.append(_HEADER.pack(_OCTETS, command | consts.RESPONSE, 0, sequence))

    def _flush(self) -> None:
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()
