"""What must not grow: the memory of processes, what they hold open, what RabbitMQ and Redis hold for them.

Processes are looked at all the time (/proc), the servers before and after the load. Says what it saw, and what is
wrong with it; knows nothing of messages.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import fmean, median

LOOK_S = 5.0
WARM_UP_S = 120.0
JUDGED_S = 300.0
"""A process that lived so long after warming up is old enough to be judged."""
GROWTH_MIB, GROWTH_SHARE = 8.0, 0.10
"""More than both, from the first third of that time to the last, is a leak."""
FILES_MORE = 8
"""So many more files and sockets than at the start may be open at the end: whatever a pool keeps for the next call."""
TASKS_MORE = 8
"""The same of asyncio tasks."""
MIB = 1 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Life:
    """One process. `memory`: instants, and octets then; the newest counts of the others."""

    memory: list[tuple[float, int]] = field(default_factory=list)
    files: int = 0
    threads: int = 0
    tasks: int = 0

    def look(self, pid: int, now: float) -> None:
        """As it is now. Raises OSError if it is gone."""
        place = Path("/proc") / str(pid)
        resident = int((place / "statm").read_text().split()[1]) * _PAGE
        self.files = sum(1 for _ in (place / "fd").iterdir())
        self.threads = sum(1 for _ in (place / "task").iterdir())
        self.memory.append((now, resident))

    @property
    def warm(self) -> list[tuple[float, int]]:
        """Since it was warm."""
        return [it for it in self.memory if it[0] >= self.memory[0][0] + WARM_UP_S]

    @property
    def judged(self) -> bool:
        """It lived long enough."""
        warm = self.warm
        return bool(warm) and warm[-1][0] - warm[0][0] >= JUDGED_S

    @property
    def growth(self) -> tuple[float, float]:
        """MiB from the first third to the last, and the slope in MiB an hour."""
        warm = self.warm
        third = max(1, len(warm) // 3)
        early, late = (median(size for _, size in part) for part in (warm[:third], warm[-third:]))
        at, size = fmean(it[0] for it in warm), fmean(it[1] for it in warm)
        spread = sum((it[0] - at) ** 2 for it in warm) or 1.0
        slope = sum((it[0] - at) * (it[1] - size) for it in warm) / spread
        return (late - early) / MIB, slope * 3600 / MIB

    @property
    def leaks(self) -> bool:
        """It grew more than it may."""
        grown, _ = self.growth
        return grown > max(GROWTH_MIB, GROWTH_SHARE * self.warm[0][1] / MIB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the servers hold. `undated`: keys without a time to live; `messages`: in the queues that workers empty.

    `filled`: each of those that is not empty, and how many are in it.
    """

    connections: int
    channels: int
    consumers: int
    messages: int
    unacknowledged: int
    redis_clients: int
    redis_keys: int
    undated: int
    redis_mib: int
    filled: tuple[str, ...] = ()


_BACK = ("connections", "channels", "consumers", "messages", "unacknowledged", "redis_clients", "undated")
"""What is to come back to where it was."""


class Soak:
    """`processes`: the living, by name; those whose name begins with `worker` are judged."""

    def __init__(
        self,
        processes: Callable[[], Mapping[str, int]],
        tasks: Callable[[], Mapping[str, int]],
        clock: Callable[[], float],
    ) -> None:
        self.lives: dict[str, Life] = {}
        self.before: Held | None = None
        self.after: Held | None = None
        self._processes = processes
        self._tasks = tasks
        self._clock = clock
        self._files_at_first = self._tasks_at_first = 0

    def look(self) -> None:
        """Once more."""
        now = self._clock()
        for name, pid in self._processes().items():
            with suppress(OSError):  # it ended just now
                self.lives.setdefault(name, Life()).look(pid, now)
        for name, tasks in self._tasks().items():
            self.lives[name].tasks = tasks

    def begin(self, held: Held) -> None:
        """All are connected, and there is no load yet."""
        self.before = held
        self.look()
        self._files_at_first = max(life.files for _, life in self._workers())
        self._tasks_at_first = max(life.tasks for _, life in self._workers())

    def notes(self) -> Iterator[str]:
        """What was seen."""
        old = [(name, life) for name, life in self._workers() if life.judged]
        yield (
            f"workers: {sum(1 for _ in self._workers())} lives, {len(old)} of them long enough to be judged "
            f"({(WARM_UP_S + JUDGED_S) / 60:.0f} min)"
        )
        for name, life in sorted(old, key=lambda it: it[1].growth, reverse=True)[:3]:
            grown, slope = life.growth
            minutes = (life.memory[-1][0] - life.memory[0][0]) / 60
            yield (
                f"{name}: {life.memory[-1][1] / MIB:.1f} MiB after {minutes:.0f} min; since it was warm "
                f"{grown:+.1f} MiB ({slope:+.2f} MiB an hour); {life.files} files, {life.threads} threads, "
                f"{life.tasks} tasks"
            )
        for name, life in self.lives.items():
            if not name.startswith("worker") and life.memory:
                first, last = life.memory[0][1], life.memory[-1][1]
                yield f"{name}: {first / MIB:.0f} MiB at first, {last / MIB:.0f} MiB at last"
        if self.before and self.after:
            yield "held before and after: " + ", ".join(
                f"{it.name.replace('_', ' ')} {getattr(self.before, it.name):,} to {getattr(self.after, it.name):,}"
                for it in fields(Held)
                if it.name != "filled"
            )

    def troubles(self) -> Iterator[str]:
        """What is wrong with it; `after` is known by now."""
        for name, life in self._workers():
            if life.judged and life.leaks:
                yield f"the memory of {name} grew by {life.growth[0]:.1f} MiB"
        for name in self._processes():
            life = self.lives[name]
            if not name.startswith("worker"):
                continue
            if life.files > self._files_at_first + FILES_MORE:
                yield f"{name} has {life.files} files open, {self._files_at_first} at first"
            if life.tasks > self._tasks_at_first + TASKS_MORE:
                yield f"{name} has {life.tasks} tasks, {self._tasks_at_first} at first"
        yield from self.not_back()

    def not_back(self) -> list[str]:
        """What the servers hold more of than at first."""
        if self.before is None or self.after is None:
            return ["what RabbitMQ and Redis hold is not known"]
        pairs = {what: (getattr(self.before, what), getattr(self.after, what)) for what in _BACK}
        return [
            f"{what.replace('_', ' ')}: {after:,} at last, {before:,} at first" + self._where(what)
            for what, (before, after) in pairs.items()
            if after > before
        ]

    def _where(self, what: str) -> str:
        filled = self.after.filled if self.after is not None and what == "messages" else ()
        return f" ({', '.join(filled)})" if filled else ""

    def _workers(self) -> Iterator[tuple[str, Life]]:
        return ((name, life) for name, life in self.lives.items() if name.startswith("worker"))
