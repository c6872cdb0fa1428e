"""The worker processes: one `bridge run` in each slot, killed, paused, asked to end and replaced on command."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from bridge.proof.children import Child, Children

DRAIN_LIMIT_S = 45.0
"""A worker that was asked to end may take 30 s for what is in flight, and a little for its farewells."""

_LAST_LINES = 3


class Workers:
    """Slots 0 and on. Whoever empties one fills it again."""

    def __init__(self, children: Children, config: Path, count: int) -> None:
        self.count = count
        self.died: list[str] = []
        """What workers that ended by themselves said last."""
        self._children = children
        self._config = config
        self._slots: list[Child | None] = [None] * count
        self._started = 0

    async def start(self, slot: int) -> None:
        """A new worker, in an empty slot. It has yet to connect to everything."""
        self._started += 1
        arguments = "run", "-c", str(self._config), "--log", "json"
        self._slots[slot] = await self._children.start(f"worker {self._started}", *arguments)

    async def start_all(self) -> None:
        """One in each slot."""
        for slot in range(self.count):
            await self.start(slot)

    async def kill(self, slot: int) -> None:
        """SIGKILL; the slot is empty then."""
        child = self._emptied(slot)
        await child.kill()

    async def dismiss(self, slot: int) -> bool:
        """SIGTERM, and wait for its end; whether it came in time. The slot is empty then."""
        child = self._emptied(slot)
        _signal(child, signal.SIGTERM)
        try:
            async with asyncio.timeout(DRAIN_LIMIT_S):
                await child.ended()
        except TimeoutError:
            self.died.append(f"the {child.name} did not end within {DRAIN_LIMIT_S:g} s of SIGTERM")
            await child.kill()
            return False
        return True

    def pause(self, slot: int) -> None:
        """SIGSTOP."""
        _signal(self._child(slot), signal.SIGSTOP)

    def resume(self, slot: int) -> None:
        """SIGCONT."""
        _signal(self._child(slot), signal.SIGCONT)

    async def mend(self) -> None:
        """Replace workers that ended by themselves, which none should, and note what they said last."""
        for slot, child in enumerate(self._slots):
            if child is not None and not child.running:
                last = child.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
                self.died.append("\n    ".join([f"the {child.name} ended by itself:", *last]))
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


def _signal(child: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
