"""The worker processes: one `bridge run` in each slot, killed, paused, asked to end and replaced on command."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from bridge.proof.children import Child, Children
from tests.chaos.vitals import Vitals

DRAIN_LIMIT_S = 45.0
"""A worker that was asked to end may take 30 s for what is in flight, and a little for its farewells."""

_LAST_LINES = 3


class Workers:
    """Slots 0 and on. Whoever empties one fills it again."""

    def __init__(self, children: Children, config: Path, count: int, *, spare: bool = False) -> None:
        self.count = count
        self.mortal = range(1 if spare else 0, count)
        """The slots whose workers may be ended."""
        self.died: list[str] = []
        """What workers said last that ended by themselves, or did not end as they should."""
        self._children = children
        self._config = config
        self._slots: list[Child | None] = [None] * count
        self._doomed = [False] * count
        self.vitals: dict[int, Vitals] = {}
        """Of the worker in each slot."""
        self._started = 0

    async def start(self, slot: int, dies_at: str = "") -> None:
        """A new worker, in an empty slot. It has yet to connect to everything.

        `dies_at`: the step, and the passage of it, at which it is to end itself (`steps.py`).
        """
        self._started += 1
        name = f"worker {self._started}"
        file = self._children.directory / f"worker-{self._started}.vitals"
        self.vitals[slot] = Vitals(file)
        to_die = ("--dies-at", dies_at) if dies_at else ()
        self._doomed[slot] = bool(dies_at)
        self._slots[slot] = await self._children.start(
            name,
            str(file),
            *to_die,
            "run",
            "-c",
            str(self._config),
            "--log",
            "json",
            module="tests.chaos.worker",
        )

    async def die(self, slot: int) -> None:
        """Wait until the worker that is to end itself has done so, and empty its slot."""
        child = self._child(slot)
        await child.ended()
        self._slots[slot] = None
        if child.code != -signal.SIGKILL:
            self.died.append(_last_words(child, f"ended by itself with {child.code}"))

    @property
    def running(self) -> dict[str, int]:
        """Process numbers of those that live, by name."""
        return {child.name: child.pid for child in self._slots if child is not None and child.running}

    @property
    def tasks(self) -> dict[str, int]:
        """How many asyncio tasks each of them has, by name."""
        return {
            child.name: self.vitals[slot].tasks
            for slot, child in enumerate(self._slots)
            if child is not None and child.running
        }

    async def start_all(self) -> None:
        """One in each slot."""
        for slot in range(self.count):
            await self.start(slot)

    async def kill(self, slot: int) -> None:
        """SIGKILL; the slot is empty then, if it was not already."""
        if self._slots[slot] is not None:
            await self._emptied(slot).kill()

    async def dismiss(self, slot: int) -> bool:
        """SIGTERM, and wait for its end; whether it came in time and well. The slot is empty then."""
        child = self._emptied(slot)
        _signal(child, signal.SIGTERM)
        try:
            async with asyncio.timeout(DRAIN_LIMIT_S):
                await child.ended()
        except TimeoutError:
            self.died.append(f"the {child.name} did not end within {DRAIN_LIMIT_S:g} s of SIGTERM")
            await child.kill()
            return False
        if child.code != 0:
            self.died.append(_last_words(child, f"ended with {child.code} after SIGTERM"))
        return child.code == 0

    async def dismiss_all(self) -> None:
        """All of them, at the same time."""
        await asyncio.gather(
            *(self.dismiss(slot) for slot, child in enumerate(self._slots) if child is not None)
        )

    def pause(self, slot: int) -> None:
        """SIGSTOP."""
        _signal(self._child(slot), signal.SIGSTOP)

    def resume(self, slot: int) -> None:
        """SIGCONT."""
        _signal(self._child(slot), signal.SIGCONT)

    async def mend(self) -> None:
        """Replace workers that ended by themselves, which none should, and note what they said last."""
        for slot, child in enumerate(self._slots):
            if child is not None and not child.running and not self._doomed[slot]:
                self.died.append(_last_words(child, f"ended by itself with {child.code}"))
                self._slots[slot] = None
                await self.start(slot)

    def _child(self, slot: int) -> Child:
        child = self._slots[slot]
        assert child is not None, f"slot {slot} is empty"
        return child

    def _emptied(self, slot: int) -> Child:
        child = self._child(slot)
        self._slots[slot] = None
        return child


def _last_words(child: Child, how: str) -> str:
    last = child.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
    return "\n    ".join([f"the {child.name} {how}:", *last])


def _signal(child: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
