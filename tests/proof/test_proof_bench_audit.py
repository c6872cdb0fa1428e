"""The audit of a bench: what is lost, doubled or foreign is counted, and a repeated event is one event."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge.proof.bench_audit import Findings, Heard
from bridge.proof.bench_board import Board
from bridge.proof.bench_messages import handset, mt_id

ROWS = 3


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board.create(tmp_path / "board", ROWS)


def dr(row: int, **other: Any) -> bytes:
    fields = {
        "type": "dr",
        "event_id": f"e{row}",
        "mt_id": mt_id("t", row).decode(),
        "state": "delivered",
        "matched": True,
    }
    return orjson.dumps(fields | other)


def mo(row: int, **other: Any) -> bytes:
    return orjson.dumps({"type": "mo", "event_id": f"e{row}", "from": handset(row).decode()} | other)


def take_all(board: Board) -> None:
    for row in range(ROWS):
        board.copies[row] += 1


@pytest.mark.parametrize("mos", [False, True])
def test_one_event_each_is_clean_and_so_is_a_repeat(board: Board, mos: bool) -> None:
    heard = Heard(board, mos=mos)
    if not mos:
        take_all(board)
    for row in (2, 0, 1, 1):
        heard.hear(mo(row) if mos else dr(row))
    heard.hear(orjson.dumps({"type": "site", "event_id": "s"}))
    assert heard.rows == ROWS
    assert heard.findings() == Findings()
    assert heard.findings().clean
    assert all(board.heard)


def test_a_row_without_event_or_never_sent_is_lost(board: Board) -> None:
    heard = Heard(board, mos=False)
    take_all(board)
    heard.hear(dr(0))
    heard.hear(dr(2))
    findings = heard.findings()
    assert (findings.lost, findings.doubled, findings.wrong) == (1, 0, 0)
    assert findings.example == "row 1 has no event"


def test_a_row_sent_twice_or_told_twice_is_doubled(board: Board) -> None:
    heard = Heard(board, mos=False)
    take_all(board)
    board.copies[1] += 1
    for body in (dr(0), dr(1), dr(2), dr(2, event_id="another")):
        heard.hear(body)
    findings = heard.findings()
    assert (findings.lost, findings.doubled) == (0, 2)
    assert not findings.clean


def test_of_long_mts_each_segment_counts(board: Board) -> None:
    heard = Heard(board, mos=False, segments=2)
    take_all(board)
    take_all(board)
    for row in range(ROWS):
        heard.hear(dr(row, segment=None))
    assert heard.findings() == Findings()
    board.copies[1] += 1
    assert heard.findings().doubled == 1
    assert heard.findings().example == "row 1 was sent twice"
    board.copies[2] -= 1
    assert (heard.findings().lost, heard.findings().doubled) == (1, 1)


@pytest.mark.parametrize(
    "body",
    [
        dr(0, segment={"n": 1, "of": 2}),
        dr(0, matched=False, mt_id=None),
        dr(0, state="rejected"),
        dr(ROWS),
        dr(0, mt_id="nonsense"),
        mo(0),
        orjson.dumps({"type": "mt", "event_id": "m", "id": "t-000000", "outcome": "failed", "reason": "r"}),
    ],
)
def test_an_event_that_nobody_expects_is_wrong(board: Board, body: bytes) -> None:
    heard = Heard(board, mos=False)
    take_all(board)
    for known in (dr(0), dr(1), dr(2), body):
        heard.hear(known)
    findings = heard.findings()
    assert (findings.lost, findings.doubled, findings.wrong) == (0, 0, 1)
    assert findings.example.startswith("an event of type")


def test_what_came_to_the_smsc_and_is_no_row_is_wrong(board: Board) -> None:
    board.count("strays", 2)
    assert Heard(board, mos=True).findings().wrong == 2


def test_findings_of_rounds_add_up_and_keep_the_first_example() -> None:
    total = sum([Findings(), Findings(1, 0, 0, "one"), Findings(1, 2, 3, "two")], Findings())
    assert total == Findings(2, 2, 3, "one")


def test_two_processes_see_one_board(tmp_path: Path) -> None:
    ours = Board.create(tmp_path / "board", 5)
    theirs = Board(tmp_path / "board")
    theirs.count("taken", 2)
    theirs.answered[4] = 1.5
    theirs.published[0] = 2.5
    assert theirs.rows == 5
    assert ours.total("taken") == 2
    assert (list(ours.answered), list(ours.published)) == ([0, 0, 0, 0, 1.5], [2.5, 0, 0, 0, 0])
    assert not any((*ours.taken, *ours.copies, *ours.sent, *ours.heard))
