"""Crash hooks: each finds what it wraps, and each kind of hook strikes at its step and at no other."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.broker.message import Confirmation
from tests.chaos import steps
from tests.chaos.steps import STEPS
from tests.chaos.vitals import Vitals

ARM_ALL = "from tests.chaos import steps\nfor step in steps.STEPS.values(): step.arm(lambda: None)"
DIE = """
from bridge.broker.message import Delivery
from tests.chaos import steps

class Tracker:
    def ack(self, tag):
        print("acked", flush=True)

steps.arm("acking", 3)
delivery = Delivery(Tracker(), 1, b"", "", "", False, None)
for _ in range(9):
    delivery.ack()
"""


def test_everything_that_is_to_be_wrapped_is_there() -> None:
    subprocess.run([sys.executable, "-c", ARM_ALL], check=True)  # it changes the classes of its process


def test_a_process_dies_at_the_passage_it_was_told() -> None:
    found = subprocess.run([sys.executable, "-c", DIE], check=False, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (-9, "acked\nacked\n")


class Room:
    """What is wrapped."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def take(self, thing: str, done: Callable[[str], None]) -> bool:
        self.log.append(f"take {thing}")
        done(f"{thing} done")
        return True


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(Room, "take", Room.take)  # so that it is put back
    return []


def test_before_a_method(log: list[str]) -> None:
    steps._before(Room, "take", lambda thing, *_: thing == "b")(lambda: log.append("die"))
    for thing in "ab":
        assert Room(log).take(thing, log.append)
    assert log == ["take a", "a done", "die", "take b", "b done"]


def test_when_a_method_is_done(log: list[str]) -> None:
    hook = steps._when_done(Room, "take", lambda result: result == "b done", lambda thing, *_: thing != "c")
    hook(lambda: log.append("die"))
    for thing in "abc":
        assert Room(log).take(thing, log.append)
    assert log == ["take a", "a done", "take b", "die", "b done", "take c", "c done"]


async def test_when_what_it_wrote_has_left(log: list[str]) -> None:
    died = asyncio.Event()
    steps._when_sent(Room, "take", lambda thing, *_: thing == "b")(died.set)
    assert Room(log).take("b", log.append)
    assert log == ["take b", "b done"]
    assert not died.is_set()
    async with asyncio.timeout(30):
        await died.wait()


def test_only_what_is_confirmed_counts_as_confirmed() -> None:
    assert [steps._is_confirmed(it) for it in Confirmation] == [it.name == "CONFIRMED" for it in Confirmation]
    assert not any(step.most < 1 for step in STEPS.values())


def test_both_sides_see_the_same_vitals(tmp_path: Path) -> None:
    path = tmp_path / "vitals"
    one, other = Vitals(path), Vitals(path)
    one.offset_s, one.tasks = -3600.5, 17
    assert (other.offset_s, other.tasks) == (-3600.5, 17)
