"""Child processes of one run: watched, and gone with their owner, whatever ends it."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.proof.children import ChildFailed, children_in

SMSC = ("simulate", "smsc", "--port", "0")


async def test_they_end_with_the_context_and_the_directory_too(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    async with children_in(directory) as children:
        child = await children.start("some smsc", *SMSC)
        children.check()
        assert child.log == directory / "some-smsc.log"
    assert not child.running
    assert not directory.exists()


async def test_an_error_ends_them_at_once(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    started = []

    async def fail() -> None:
        async with children_in(directory) as children:
            started.append(await children.start("smsc", *SMSC))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert not started[0].running
    assert not directory.exists()


async def test_one_that_ends_by_itself_is_told_with_its_last_words(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    async with children_in(directory) as children:
        child = await children.start("clerk", "no-such-command")
        await child.ended()
        with pytest.raises(ChildFailed, match=r"the clerk ended by itself[^\n]*\n(.*\n)*.*No such command"):
            children.check()


async def test_one_that_was_killed_on_purpose_is_no_failure(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    async with children_in(directory) as children:
        child = await children.start("smsc", *SMSC)
        await child.kill()
        assert not child.running
        children.check()


def test_they_do_not_outlive_an_owner_that_is_killed(tmp_path: Path) -> None:
    owner = """
import asyncio, os, pathlib, sys
from bridge.proof.children import children_in
async def main():
    async with children_in(pathlib.Path(sys.argv[1])) as children:
        child = await children.start("smsc", "simulate", "smsc", "--port", "0")
        print(child.pid, flush=True)
        os.kill(os.getpid(), 9)
asyncio.run(main())
"""
    directory = tmp_path / "run"
    directory.mkdir()
    run = subprocess.run(
        [sys.executable, "-c", owner, str(directory)],
        stdout=subprocess.PIPE,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert run.returncode == -signal.SIGKILL
    _wait_until_gone(int(run.stdout))


def _wait_until_gone(pid: int) -> None:
    """Wait for the end of a process that is not our child (any more)."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with os.fdopen(descriptor) as handle:
        ready, _, _ = select.select([handle], [], [], 20)
        assert ready, f"process {pid} still lives"
