"""The window alone: slots, numbers, time limits and memory."""

import pytest

from bridge.smpp import window as window_module
from bridge.smpp.consts import MAX_SEQUENCE
from bridge.smpp.framing import Framer
from bridge.smpp.window import NEVER, Window


def written(size: int = 10, submits: int = 0, **settings: int) -> Window:
    """A window with this many submits handed out; the n-th (from 1) expires at instant n."""
    window = Window(size, **settings)
    for number in range(1, submits + 1):
        window.begin(b"body", f"ref{number}", float(number))
    window.take_unwritten()
    return window


def test_slots_are_taken_and_freed() -> None:
    window = written(size=2, submits=2)
    assert (len(window), window.free) == (2, 0)
    entry = window.answer(1)
    assert entry is not None
    assert (entry.ref, len(window), window.free) == ("ref1", 1, 1)
    assert window.answer(1) is None


def test_pdus_are_handed_out_once() -> None:
    window = Window(10)
    window.begin(b"one", None, 1.0)
    window.begin(b"two", None, 1.0)
    frames = Framer().feed(b"".join(window.take_unwritten()))
    assert [(frame.command_id, frame.sequence_number, frame.body) for frame in frames] == [
        (4, 1, b"one"),
        (4, 2, b"two"),
    ]
    assert window.take_unwritten() == []


def test_what_was_not_written_cannot_be_answered() -> None:
    window = Window(10)
    number = window.begin(b"body", None, 1.0)
    assert window.answer(number) is None
    window.take_unwritten()
    assert window.answer(number) is not None


def test_numbers_wrap_and_pass_over_those_in_use() -> None:
    window = Window(10, last_sequence=MAX_SEQUENCE - 2)
    numbers = [window.begin(b"", None, 1.0) for _ in range(3)]
    assert numbers == [MAX_SEQUENCE - 1, MAX_SEQUENCE, 1]
    again = written(submits=3)
    again.expire(1.0)
    again._last_sequence = MAX_SEQUENCE
    assert again.next_sequence() == 4


def test_time_runs_out_in_order() -> None:
    window = written(submits=3)
    assert window.next_expiry() == 1.0
    assert [entry.ref for entry in window.expire(0.9)] == []
    assert [entry.ref for entry in window.expire(2.0)] == ["ref1", "ref2"]
    assert (len(window), window.next_expiry()) == (1, 3.0)
    assert [entry.ref for entry in window.expire(9.0)] == ["ref3"]
    assert window.next_expiry() == NEVER


def test_a_late_answer_is_known_once() -> None:
    window = written(submits=1)
    window.expire(1.0)
    assert window.answer(1) is None
    entry = window.answer_late(1)
    assert entry is not None
    assert entry.ref == "ref1"
    assert window.answer_late(1) is None
    assert window.answers == 1


def test_what_expires_unwritten_never_leaves_and_is_not_remembered() -> None:
    window = Window(10)
    number = window.begin(b"body", None, 1.0)
    (entry,) = window.expire(1.0)
    assert not entry.written
    assert window.take_unwritten() == []
    assert window.answer_late(number) is None


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "_REMEMBERED", 2)
    window = written(submits=3)
    window.expire(3.0)
    assert [window.answer_late(number) is not None for number in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize("handed_out", [True, False])
def test_abandoned_it_is_empty(handed_out: bool) -> None:
    window = written(submits=2)
    window.expire(1.0)
    window.begin(b"body", "new", 9.0)
    if handed_out:
        window.take_unwritten()
    assert [(entry.ref, entry.written) for entry in window.abandon()] == [("ref2", True), ("new", handed_out)]
    assert len(window) == 0
    assert window.take_unwritten() == []
    assert window.answer_late(1) is None
