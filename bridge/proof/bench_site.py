"""The HTTP site of a bench, in Genesys' manner: takes every form, calls back as fast as it is answered.

As `bench_smsc.py` is over SMPP: one receipt for each MT, or MOs, and all of it written onto the board of the round. It
understands as much of HTTP as the bridge speaks to it. `bridge.simulator.http` is the one for trying things on.
"""

import asyncio
from collections import deque
from typing import cast

from bridge.proof.bench_board import Board, now
from bridge.proof.bench_messages import PROVIDER, SENDER, handset, row_of
from bridge.proof.bench_smsc import AGAIN_S

CALLERS = 50
"""Connections over which it calls back, one call at a time on each."""
PATH = "/httpapi/receiver"
TOKEN = "bench"  # noqa: S105 - of one run, on this machine

RECEIPT_DELAY_S = 0.2
"""From answer to receipt: that comes over another connection, and is not to overtake it."""
DIAL_AGAIN_S = 0.05

_TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nResult=0"
_REFUSED = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nResult=1"
_HEAD_END = b"\r\n\r\n"
_OK = 200
_MOST_DIGITS = 9


class BenchSite:
    """One round's. `mos`: every row is an MO that waits to be called back; else rows come as MTs."""

    def __init__(self, board: Board, callback_port: int, tag: str, *, mos: bool) -> None:
        """`callback_port`: the bridge's, on this machine. `tag`: the round's, so that no MO comes twice."""
        self.board = board
        self._port = callback_port
        self._tag = tag
        self._mos = mos
        self._idents: dict[int, bytes] = {}
        self._loop = asyncio.get_running_loop()
        self._head = (
            f"POST /callbacks/{PROVIDER} HTTP/1.1\r\nHost: 127.0.0.1:{callback_port}\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
        ).encode()
        self.due = deque[int](range(board.rows) if mos else ())
        """Rows of which the bridge was not told yet."""
        self._idle: list[Caller] = []
        self._connections = set[asyncio.Transport]()
        self._dialling = set[asyncio.Task[object]]()
        self._closed = False

    async def listen(self, port: int) -> asyncio.Server:
        """Take MTs on this port of this machine, and begin to call back; the board counts it as ready."""
        server = await self._loop.create_server(lambda: Taker(self), "127.0.0.1", port)
        for _ in range(CALLERS):
            self.call_soon(0.0)
        self.board.count("ready")
        return server

    def call_soon(self, pause_s: float) -> None:
        """Open one more connection to the bridge, after a pause and again until it listens."""
        if not self._closed:
            self._loop.call_later(pause_s, self._dial)

    def connected(self, transport: asyncio.Transport) -> None:
        """Another connection, either way."""
        self._connections.add(transport)

    def lost(self, transport: asyncio.Transport) -> None:
        """It ended."""
        self._connections.discard(transport)

    def close(self) -> None:
        """End all connections, and open no more."""
        self._closed = True
        for task in self._dialling:
            task.cancel()
        for transport in list(self._connections):
            transport.abort()

    def take(self, row: int, ident: bytes) -> None:
        """An MT, under the name that the bridge gave it."""
        self.board.copies[row] += 1
        if not self.board.taken[row]:
            self.board.taken[row] = now()
        self.board.count("taken")
        self._idents[row] = ident
        self.tell_later(row, RECEIPT_DELAY_S)

    def tell_later(self, row: int, delay_s: float) -> None:
        """Call back about this row then."""
        self._loop.call_later(delay_s, self._tell, row)

    def idle(self, caller: "Caller") -> None:
        """This caller has nothing to do."""
        self._idle.append(caller)
        self._work()

    def gone(self, caller: "Caller") -> None:
        """This caller lost its connection."""
        if caller in self._idle:
            self._idle.remove(caller)
        self.call_soon(AGAIN_S)

    def call(self, row: int) -> bytes:
        """The whole request about a row."""
        if self._mos:
            body = b"type=MO&message_id=%b-%d&shortcode=%b&phone_number=%b&message=YES" % (
                self._tag.encode(),
                row,
                SENDER.encode(),
                handset(row),
            )
        else:
            body = b"type=receipt&message_id=%b&message_state=2&result_code=0" % self._idents[row]
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)

    def _tell(self, row: int) -> None:
        self.due.append(row)
        self._work()

    def _work(self) -> None:
        while self.due and self._idle:
            self._idle.pop().begin(self.due.popleft())

    def _dial(self) -> None:
        if self._closed:
            return
        task = self._loop.create_task(self._connect())
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)

    async def _connect(self) -> None:
        try:
            await self._loop.create_connection(lambda: Caller(self), "127.0.0.1", self._port)
        except OSError:
            self.call_soon(DIAL_AGAIN_S)


class Taker(asyncio.Protocol):
    """One connection of the bridge, on which MTs come."""

    def __init__(self, site: BenchSite) -> None:
        self._site = site
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._site.connected(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The bridge has no use for it any more."""
        self._site.lost(self._transport)

    def data_received(self, data: bytes) -> None:
        """Requests, whole or in parts."""
        self._read += data
        while (end := message_end(self._read)) > 0:
            row = row_of(self._read, 0, end)
            if 0 <= row < self._site.board.rows:
                self._site.take(row, _field(self._read[:end], b"message_id="))
                self._transport.write(_TAKEN)
            else:
                self._site.board.count("strays")
                self._transport.write(_REFUSED)
            self._read = self._read[end:]


class Caller(asyncio.Protocol):
    """One connection to the bridge, on which it is called back."""

    def __init__(self, site: BenchSite) -> None:
        self._site = site
        self._row: int | None = None
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The bridge listens."""
        self._transport = cast("asyncio.Transport", transport)
        self._site.connected(self._transport)
        self._site.idle(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """What it was at is called about again."""
        self._site.lost(self._transport)
        row, self._row = self._row, None
        if row is not None:
            self._site.tell_later(row, AGAIN_S)
        self._site.gone(self)

    def begin(self, row: int) -> None:
        """Call about this row."""
        self._row = row
        self._transport.write(self._site.call(row))
        if not self._site.board.sent[row]:
            self._site.board.sent[row] = now()

    def data_received(self, data: bytes) -> None:
        """The answer, whole or in parts."""
        self._read += data
        end = message_end(self._read)
        row = self._row
        if end <= 0 or row is None:
            return
        status = int(self._read.split(b" ", 2)[1])
        self._read, self._row = self._read[end:], None
        board = self._site.board
        if status == _OK:
            board.answered[row] = now()
            board.count("answered")
        else:
            board.count("refused")
            self._site.tell_later(row, AGAIN_S)
        self._site.idle(self)


def message_end(octets: bytes) -> int:
    """Where the first request or answer ends; 0 if it is not all there. One without Content-Length has no body."""
    head = octets.find(_HEAD_END)
    if head < 0:
        return 0
    length = _field(octets[:head].lower(), b"content-length:").strip()
    end = head + len(_HEAD_END) + (int(length) if length.isdigit() and len(length) <= _MOST_DIGITS else 0)
    return end if end <= len(octets) else 0


def _field(octets: bytes, name: bytes) -> bytes:
    """What stands behind the name, up to the next line or field."""
    return octets.partition(name)[2].partition(b"\r")[0].partition(b"&")[0]
