"""The SMSC of a bench over a real socket: answers and receipts, MOs, refusals again, cut PDUs, and its board."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.proof import bench_smsc
from bridge.proof.bench_board import Board
from bridge.proof.bench_messages import SENDER, handset
from bridge.proof.bench_smsc import BenchSmsc
from bridge.smpp import consts
from bridge.smpp.codec import build_deliver_sm_resp, decode_deliver_sm, encode_submit_sm, read_message_id
from bridge.smpp.framing import Frame, Framer, build_pdu
from bridge.smpp.pdus import SubmitSm

FIRST = 3_000_000_000
LIMIT_S = 20.0


class Esme:
    """A client that is told what to write and waits for what comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.write = writer.write
        self._reader = reader
        self._framer = Framer()
        self._frames: list[Frame] = []

    async def next(self) -> Frame:
        async with asyncio.timeout(LIMIT_S):
            while not self._frames:
                octets = await self._reader.read(65_536)
                assert octets
                self._frames += self._framer.feed(octets)
        return self._frames.pop(0)


@asynccontextmanager
async def bound(board: Board, *, mos: bool = False, segments: int = 1, hold: int = 0) -> AsyncIterator[Esme]:
    server = await BenchSmsc(board, FIRST, mos=mos, segments=segments, hold=hold).listen(0)
    assert board.total("ready") == 1
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        esme = Esme(reader, writer)
        esme.write(build_pdu(consts.BIND_TRANSCEIVER, 0, 1, b"bridge\0secret\0\0\x34\0\0\0"))
        assert (await esme.next())[:3] == (consts.BIND_TRANSCEIVER_RESP, 0, 1)
        assert board.total("ready") == 2
        yield esme
    finally:
        writer.close()
        server.close()


def submit(row: int, sequence: int, segment: tuple[int, int] | None = None) -> bytes:
    header = b"" if segment is None else bytes((5, 0, 3, 77, segment[1], segment[0]))
    pdu = SubmitSm(
        source_addr=SENDER,
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=handset(row).decode(),
        registered_delivery=1,
        esm_class=consts.ESM_CLASS_UDHI if header else 0,
        short_message=header + b"Hello",
    )
    return build_pdu(consts.SUBMIT_SM, 0, sequence, encode_submit_sm(pdu))


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board.create(tmp_path / "board", 3)


async def test_an_mt_is_answered_receipted_and_its_life_is_on_the_board(board: Board) -> None:
    async with bound(board, mos=False) as esme:
        octets = submit(2, 7) + submit(0, 8)
        for at in range(0, len(octets), 11):  # in pieces
            esme.write(octets[at : at + 11])
            await asyncio.sleep(0)
        answers = [await esme.next() for _ in range(2)]
        assert [frame[:3] for frame in answers] == [(consts.SUBMIT_SM_RESP, 0, number) for number in (7, 8)]
        ids = [read_message_id(frame.body) for frame in answers]
        assert ids == [str(FIRST + 2), str(FIRST)]
        for row, smsc_id in zip((2, 0), ids, strict=True):
            receipt = await esme.next()
            pdu = decode_deliver_sm(receipt.body)
            assert (receipt.command_id, pdu.source_addr) == (consts.DELIVER_SM, handset(row).decode())
            assert pdu.short_message.startswith(f"id:{smsc_id} ".encode())
            esme.write(build_deliver_sm_resp(receipt.sequence_number))
        esme.write(build_pdu(consts.ENQUIRE_LINK, 0, 9))
        assert (await esme.next())[:3] == (consts.ENQUIRE_LINK_RESP, 0, 9)
    assert (board.total("taken"), board.total("answered")) == (2, 2)
    assert list(board.copies) == [1, 0, 1]
    for row in (0, 2):
        assert 0 < board.taken[row] <= board.sent[row] <= board.answered[row]
    assert [board.taken[1], board.sent[1], board.answered[1]] == [0, 0, 0]


async def test_each_segment_has_an_id_and_a_receipt_and_the_life_ends_with_the_last(board: Board) -> None:
    async with bound(board, segments=2) as esme:
        esme.write(submit(1, 2, (2, 2)) + submit(1, 3, (1, 2)))
        ids = [read_message_id((await esme.next()).body) for _ in range(2)]
        assert ids == [str(FIRST + 3), str(FIRST + 2)]
        receipts = [await esme.next() for _ in range(2)]
        texts = [decode_deliver_sm(receipt.body).short_message for receipt in receipts]
        assert [text[:13] for text in texts] == [f"id:{smsc_id}".encode() for smsc_id in ids]
        for receipt, ended in zip(receipts, (0, 1), strict=True):
            esme.write(build_deliver_sm_resp(receipt.sequence_number))
            esme.write(build_pdu(consts.ENQUIRE_LINK, 0, 9))
            await esme.next()
            assert board.total("answered") == ended
    assert (board.copies[1], board.total("taken")) == (2, 2)
    assert 0 < board.taken[1] <= board.sent[1] <= board.answered[1]


@pytest.mark.parametrize("segment", [None, (1, 3)])
async def test_another_number_of_segments_than_is_expected_is_a_stranger(
    board: Board, segment: tuple[int, int] | None
) -> None:
    async with bound(board, segments=2) as esme:
        esme.write(submit(1, 2, segment))
        assert (await esme.next()).command_status == consts.ESME_RINVDSTADR
    assert board.total("strays") == 1


async def test_the_first_answers_are_kept_back_until_so_many_are(board: Board) -> None:
    async with bound(board, hold=2) as esme:
        esme.write(submit(0, 2))
        esme.write(build_pdu(consts.ENQUIRE_LINK, 0, 3))
        assert (await esme.next()).command_id == consts.ENQUIRE_LINK_RESP
        assert board.total("held") == 1
        esme.write(submit(1, 4))
        assert [(await esme.next()).sequence_number for _ in range(2)] == [2, 4]
        assert [(await esme.next()).command_id for _ in range(2)] == [consts.DELIVER_SM] * 2
        esme.write(submit(2, 5))
        assert (await esme.next()).sequence_number == 5, "no longer"
    assert board.total("held") == 2


async def test_answers_are_kept_back_for_so_long_at_most(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_smsc, "HOLD_S", 0.05)
    async with bound(board, hold=3) as esme:
        esme.write(submit(0, 2))
        assert (await esme.next()).sequence_number == 2


async def test_a_second_copy_is_counted_and_a_stranger_refused(board: Board) -> None:
    async with bound(board, mos=False) as esme:
        esme.write(submit(1, 2) + submit(1, 3) + submit(3, 4))
        statuses = [(await esme.next()).command_status for _ in range(3)]
        assert statuses == [0, 0, consts.ESME_RINVDSTADR]
    assert board.copies[1] == 2
    assert board.total("strays") == 1


async def test_mos_come_at_once_and_what_was_put_off_comes_again(board: Board) -> None:
    async with bound(board, mos=True) as esme:
        frames = [await esme.next() for _ in range(3)]
        mos = [decode_deliver_sm(frame.body) for frame in frames]
        assert [mo.source_addr.encode() for mo in mos] == [handset(row) for row in range(3)]
        assert len({mo.short_message for mo in mos}) == 3
        esme.write(build_deliver_sm_resp(frames[0].sequence_number))
        esme.write(build_deliver_sm_resp(frames[1].sequence_number, consts.ESME_RMSGQFUL))
        again = await esme.next()
        assert again.body == frames[1].body
        esme.write(build_deliver_sm_resp(again.sequence_number))
        esme.write(build_deliver_sm_resp(frames[2].sequence_number))
        esme.write(build_pdu(consts.UNBIND, 0, 9))
        assert (await esme.next()).command_id == consts.UNBIND_RESP
    assert (board.total("answered"), board.total("refused")) == (3, 1)


async def test_a_bind_that_dies_leaves_what_it_owed_to_another(board: Board) -> None:
    smsc = BenchSmsc(board, FIRST, mos=True)
    server = await smsc.listen(0)
    place = server.sockets[0].getsockname()
    bind = build_pdu(consts.BIND_TRANSCEIVER, 0, 1, b"\0" * 7)
    _, dying = await asyncio.open_connection(*place)
    reader, writer = await asyncio.open_connection(*place)
    try:
        dying.write(bind)
        async with asyncio.timeout(LIMIT_S):
            while not all(board.sent):  # noqa: ASYNC110 - a board sets no event
                await asyncio.sleep(0)
        writer.write(bind)
        esme = Esme(reader, writer)
        assert (await esme.next()).command_id == consts.BIND_TRANSCEIVER_RESP
        dying.close()
        frames = [await esme.next() for _ in range(3)]
        numbers = {decode_deliver_sm(frame.body).source_addr.encode() for frame in frames}
        assert numbers == {handset(row) for row in range(3)}
    finally:
        dying.close()
        writer.close()
        server.close()
