"""One connection and whatever octets a peer may say: an answer or AnswerLost, and nothing else, comes of them."""

import asyncio
from itertools import pairwise
from typing import cast

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.links.http.connection import LONGEST_BODY, Connection
from bridge.links.http.errors import AnswerLost, NotConnected
from bridge.model.web import HttpAnswer

HEAD = h11.Request(method="POST", target="/", headers=[("Host", "sms.example"), ("Content-Length", "2")])

PIECES = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200\r\n", b"HTTP/1.1 100 Go on\r\n\r\n", b"HTTP/1.1 302 X\r\n"),
        *(b"Content-Length: 3\r\n", b"Content-Length: " + b"9" * 30 + b"\r\n", b"Content-Length: -1\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Location: \xff\r\n", b" folded\r\n"),
        *(b"\r\n", b"abc", b"3\r\nabc\r\n", b"0\r\n\r\n", b"ffffffffffffffffffff\r\n", b"\n", b"\0"),
    ]
)
PEERS = st.lists(PIECES | st.binary(max_size=20), max_size=12)


class FakeTransport:
    """Remembers what was written, and whether it was closed."""

    def __init__(self) -> None:
        self.written = b""
        self.aborted = False
        self.unwritten = 0

    def write(self, data: bytes) -> None:
        self.written += data

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self.unwritten


def connected() -> tuple[Connection, FakeTransport]:
    connection, transport = Connection(), FakeTransport()
    connection.connection_made(cast("asyncio.Transport", transport))
    return connection, transport


def says(connection: Connection, transport: FakeTransport, pieces: list[bytes], *, broken: bool) -> None:
    """What a peer says, and its end, or that of the network."""
    for piece in pieces:
        if piece and not transport.aborted:
            connection.data_received(piece)
    if not broken:
        connection.eof_received()
    connection.connection_lost(ConnectionResetError() if broken else None)


def bounded(found: HttpAnswer | AnswerLost) -> None:
    """Whatever was said, an answer is of bounded size, and only some point elsewhere."""
    if isinstance(found, HttpAnswer):
        assert len(found.body) <= LONGEST_BODY
        assert not found.location or 300 <= found.status < 400


async def asked(connection: Connection) -> asyncio.Task[HttpAnswer]:
    """An exchange whose request is written."""
    task = asyncio.create_task(connection.exchange(HEAD, b"hi", 60.0))
    await asyncio.sleep(0)
    return task


async def end(task: asyncio.Task[HttpAnswer]) -> HttpAnswer | AnswerLost:
    try:
        return await task
    except AnswerLost as lost:
        return lost


async def hear(pieces: list[bytes], *, broken: bool) -> None:
    connection, transport = connected()
    task = await asked(connection)
    assert transport.written == b"POST / HTTP/1.1\r\nHost: sms.example\r\nContent-Length: 2\r\n\r\nhi"
    says(connection, transport, pieces, broken=broken)
    bounded(await end(task))
    assert connection.gone.done()
    assert not connection.idle


@given(PEERS, st.booleans())
def test_whatever_a_peer_says(pieces: list[bytes], broken: bool) -> None:
    asyncio.run(hear(pieces, broken=broken))


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nresult=0"


@given(st.lists(st.integers(min_value=0, max_value=len(ANSWER))))
def test_an_answer_in_any_pieces_and_the_connection_is_idle_again(cuts: list[int]) -> None:
    async def hear_twice() -> None:
        connection, transport = connected()
        borders = [0, *sorted(cuts), len(ANSWER)]
        for _ in range(2):
            task = await asked(connection)
            for start, stop in pairwise(borders):
                if start < stop:
                    connection.data_received(ANSWER[start:stop])
            assert await task == HttpAnswer(status=200, body=b"result=0")
            assert connection.idle
        assert not transport.aborted

    asyncio.run(hear_twice())


async def test_a_body_without_a_length_is_not_whole_when_the_connection_breaks() -> None:
    connection, _ = connected()
    task = await asked(connection)
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nresult")
    connection.connection_lost(ConnectionResetError())
    assert str(await end(task)) == "the connection was lost before the whole answer came"


async def test_a_body_without_a_length_is_not_whole_because_we_closed() -> None:
    connection, transport = connected()
    task = await asked(connection)
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nresult")
    connection.close()
    connection.connection_lost(None)
    assert transport.aborted
    assert isinstance(await end(task), AnswerLost)


async def test_a_peer_that_answers_before_it_has_the_whole_request_gets_no_other() -> None:
    connection, transport = connected()
    transport.unwritten = 1
    task = await asked(connection)
    connection.data_received(ANSWER)
    assert await task == HttpAnswer(status=200, body=b"result=0")
    assert not connection.idle


async def test_on_a_connection_that_is_closed_nothing_is_written() -> None:
    connection, transport = connected()
    connection.eof_received()
    with pytest.raises(NotConnected, match="before anything was written"):
        await connection.exchange(HEAD, b"hi", 60.0)
    assert not transport.written
