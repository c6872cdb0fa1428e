"""The SMSC of a bench: takes everything, and costs as little as an SMSC in Python can.

Either it answers each submit_sm and sends one receipt for it, or it sends MOs. A long MT comes in pieces, each with an
id and a receipt of its own (`Receipts`); any other MT, and an MO, is one piece. It writes what happened, and when, onto
the board of the round. It has no faults and no memory beyond that: `bridge.simulator` is the one for trying things on.
"""

import asyncio
import struct
import time
from array import array
from collections import deque
from typing import cast

from bridge.proof.bench_board import Board, now
from bridge.proof.bench_messages import Mos, Receipts, row_of, segment_of
from bridge.smpp import consts

DELIVER_WINDOW = 100
"""Unanswered deliver_sm on one bind."""
RECEIPT_DELAY_S = 0.05
"""From answer to receipt, which takes the same bind: one that overtakes its answer is another story."""
AGAIN_S = 0.5
"""Before what was refused is sent again."""
HOLD_S = 30.0
"""How long an answer is kept back at most."""

_HEADER = struct.Struct(">IIII")
_OCTETS = _HEADER.size
_BINDS = (consts.BIND_TRANSCEIVER, consts.BIND_TRANSMITTER, consts.BIND_RECEIVER)
_SYSTEM_ID = b"bench\0"


class BenchSmsc:
    """What all its binds share. `mos`: every row is an MO that waits for a bind; else they come as MTs.

    `first_id`: what it calls piece 0, ten digits; different in each round. `segments`: of each MT. `hold`: the first
    answers are kept back until so many are (0: none is).
    """

    def __init__(self, board: Board, first_id: int, *, mos: bool, segments: int = 1, hold: int = 0) -> None:
        self.board = board
        self.segments = segments
        self.receipts = Receipts(first_id, time.strftime("%y%m%d%H%M", time.gmtime()), segments)
        self.body = Mos(str(first_id)).body if mos else self.receipts.body
        self.binds: list[Bind] = []
        self.due = deque[int](range(board.rows) if mos else ())
        """Pieces that any bind may deliver."""
        self._open = array("H", [segments]) * board.rows
        self._hold = hold
        self._kept: list[tuple[Bind, list[bytes], list[int]]] = []

    async def listen(self, port: int) -> asyncio.Server:
        """On this port of this machine; the board counts that, and every bind, as ready."""
        server = await asyncio.get_running_loop().create_server(lambda: Bind(self), "127.0.0.1", port)
        self.board.count("ready")
        return server

    def lost(self, bind: "Bind", pieces: list[int]) -> None:
        """A bind is gone, and these with it: others deliver them."""
        if bind in self.binds:
            self.binds.remove(bind)
        self.due.extend(pieces)
        for other in self.binds:
            other.pump()

    def ends(self, piece: int) -> bool:
        """The bridge has answered for this piece; whether that was the last of its row."""
        row = piece // self.segments
        self.board.answered[row] = now()
        if not self._open[row]:  # a copy that nobody should have sent
            return False
        self._open[row] -= 1
        return not self._open[row]

    def keeps(self, bind: "Bind", answers: list[bytes], pieces: list[int]) -> bool:
        """Whether these answers are given later, when enough are unanswered."""
        if not self._hold:
            return False
        if not self._kept:
            asyncio.get_running_loop().call_later(HOLD_S, self._release)
        self._kept.append((bind, answers, pieces))
        self.board.count("held", len(pieces))
        if self.board.total("held") >= self._hold:
            self._release()
        return True

    def _release(self) -> None:
        self._hold = 0
        kept, self._kept = self._kept, []
        for bind, answers, pieces in kept:
            bind.answer(answers, pieces)
            bind.pump()


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
        pieces = [*self._owed.values(), *self._due]
        self._owed.clear()
        self._due.clear()
        self._smsc.lost(self, pieces)

    def data_received(self, data: bytes) -> None:
        """PDUs, whole or in parts; all that they call for is written at once."""
        data = self._rest + data if self._rest else data
        at, size = 0, len(data)
        answers: list[bytes] = []
        taken: list[int] = []
        refused: list[int] = []
        delivered, ended = False, 0
        while size - at >= _OCTETS:
            length, command, status, sequence = _HEADER.unpack_from(data, at)
            if size - at < length:
                break
            if command == consts.SUBMIT_SM:
                self._submit(data, at, length, sequence, answers, taken)
            elif command == consts.DELIVER_SM_RESP:
                piece = self._owed.pop(sequence)
                if status:
                    refused.append(piece)
                else:
                    delivered = True
                    ended += self._smsc.ends(piece)
            else:
                self._manners(command, sequence)
            at += length
        self._rest = data[at:]
        if answers:
            self._board.count("taken", len(taken))
            if not self._smsc.keeps(self, answers, taken):
                self.answer(answers, taken)
        if refused:
            self._board.count("refused", len(refused))
            self._loop.call_later(AGAIN_S, self._deliver, refused)
        if ended:
            self._board.count("answered", ended)
        if delivered:
            self.pump()
        self._flush()

    def answer(self, answers: list[bytes], pieces: list[int]) -> None:
        """Give these answers with what is written next; the receipts follow."""
        self._out += answers
        self._loop.call_later(RECEIPT_DELAY_S, self._deliver, pieces)

    def pump(self) -> None:
        """Send deliver_sm while some are due and the window has room."""
        own, others, owed, board = self._due, self._smsc.due, self._owed, self._board
        segments = self._smsc.segments
        while (own or others) and len(owed) < DELIVER_WINDOW:
            piece = (own or others).popleft()
            body = self._smsc.body(piece)
            self._sequence += 1
            owed[self._sequence] = piece
            self._out.append(_HEADER.pack(_OCTETS + len(body), consts.DELIVER_SM, 0, self._sequence) + body)
            row, segment = divmod(piece, segments)
            if segment == segments - 1 and not board.sent[row]:
                board.sent[row] = now()
        self._flush()

    def _deliver(self, pieces: list[int]) -> None:
        if self._transport.is_closing():
            self._smsc.lost(self, pieces)
        else:
            self._due.extend(pieces)
            self.pump()

    def _submit(
        self, data: bytes, at: int, length: int, sequence: int, answers: list[bytes], taken: list[int]
    ) -> None:
        smsc, board = self._smsc, self._board
        row = row_of(data, at + _OCTETS, at + length)
        number, of = segment_of(data, at + _OCTETS, at + length)
        if not 0 <= row < board.rows or of != smsc.segments:
            board.count("strays")
            answers.append(_HEADER.pack(_OCTETS, consts.SUBMIT_SM_RESP, consts.ESME_RINVDSTADR, sequence))
            return
        board.copies[row] += 1
        if not board.taken[row]:
            board.taken[row] = now()
        piece = row * of + number - 1
        taken.append(piece)
        body = smsc.receipts.smsc_id(piece) + b"\0"
        answers.append(_HEADER.pack(_OCTETS + len(body), consts.SUBMIT_SM_RESP, 0, sequence) + body)

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
