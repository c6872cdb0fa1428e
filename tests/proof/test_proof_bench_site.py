"""The HTTP site of a bench over real sockets: forms are taken and receipted, MOs called back, refusals called again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.proof.bench_board import Board
from bridge.proof.bench_messages import PROVIDER, handset
from bridge.proof.bench_site import PATH, TOKEN, BenchSite, message_end
from bridge.proof.machine import free_ports

LIMIT_S = 20.0


class Bridge:
    """What is called back: it keeps the requests and answers each with what `judge` says of it."""

    def __init__(self, judge: Callable[[int], int]) -> None:
        self.heads: list[str] = []
        self.forms = asyncio.Queue[str]()
        self._judge = judge
        self._serving = set[asyncio.Task[Any]]()

    async def ended(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*self._serving)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().partition("content-length: ")[2].partition("\r")[0])
                form = (await reader.readexactly(length)).decode()
                self.heads.append(head)
                status = self._judge(len(self.heads))
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
                self.forms.put_nowait(form)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board.create(tmp_path / "board", 3)


@asynccontextmanager
async def a_site(board: Board, bridge: Bridge, *, mos: bool) -> AsyncIterator[tuple[str, int]]:
    (port,) = free_ports(1)
    site = BenchSite(board, port, "77", mos=mos)
    sites = await site.listen(0)  # before anybody listens
    server = await asyncio.start_server(bridge.serve, "127.0.0.1", port)
    try:
        yield sites.sockets[0].getsockname()
    finally:
        site.close()
        sites.close()
        server.close()
        await bridge.ended()


async def all_answered(board: Board, rows: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while board.total("answered") < rows:  # noqa: ASYNC110 - a board sets no event
            await asyncio.sleep(0.01)


async def test_an_mt_is_taken_and_receipted_under_its_name_until_that_is_taken(board: Board) -> None:
    bridge = Bridge(lambda number: 503 if number == 1 else 200)
    async with a_site(board, bridge, mos=False) as place:
        reader, writer = await asyncio.open_connection(*place)
        form = b"login=x&phone_number=%b&message_id=m-1&message=Hi" % handset(2)
        request = b"POST %b HTTP/1.1\r\nHost: x\r\ncontent-length: %d\r\n\r\n%b" % (
            PATH.encode(),
            len(form),
            form,
        )
        for at in range(0, len(request), 40):  # in pieces
            writer.write(request[at : at + 40])
            await asyncio.sleep(0)
        async with asyncio.timeout(LIMIT_S):
            answer = await reader.readuntil(b"Result=0")
            assert answer.startswith(b"HTTP/1.1 200 ")
            forms = [await bridge.forms.get() for _ in range(2)]
        assert forms == ["type=receipt&message_id=m-1&message_state=2&result_code=0"] * 2
        assert bridge.heads[0].startswith(f"POST /callbacks/{PROVIDER} HTTP/1.1\r\n")
        assert f"Authorization: Bearer {TOKEN}\r\n" in bridge.heads[0]
        await all_answered(board, 1)
        writer.close()
    assert (board.total("taken"), board.total("refused")) == (1, 1)
    assert board.copies[2] == 1
    assert 0 < board.taken[2] <= board.sent[2] <= board.answered[2]


async def test_a_form_for_no_row_is_refused_and_counted(board: Board) -> None:
    async with a_site(board, Bridge(lambda _: 200), mos=False) as place:
        reader, writer = await asyncio.open_connection(*place)
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b")
        async with asyncio.timeout(LIMIT_S):
            await reader.readuntil(b"Result=1")
        writer.close()
    assert board.total("strays") == 1


async def test_mos_are_called_back_each_once_as_soon_as_the_bridge_listens(board: Board) -> None:
    bridge = Bridge(lambda _: 200)
    async with a_site(board, bridge, mos=True):
        async with asyncio.timeout(LIMIT_S):
            forms = [await bridge.forms.get() for _ in range(3)]
        await all_answered(board, 3)
    assert sorted(forms) == [
        f"type=MO&message_id=77-{row}&shortcode=12345&phone_number={handset(row).decode()}&message=YES"
        for row in range(3)
    ]
    assert bridge.forms.empty()


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_whatever_comes_is_a_message_or_not_all_of_one(octets: bytes, more: bytes) -> None:
    assert 0 <= message_end(octets) <= len(octets)
    whole = b"X\r\nContent-Length: %d\r\n\r\n" % len(more)
    assert message_end(whole + more + b"next") == len(whole + more)
    assert message_end((whole + more)[:-1]) == 0
