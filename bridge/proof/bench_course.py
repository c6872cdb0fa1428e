"""What all rounds of a bench share: who is started for one, how it is watched to its end, and its audit.

Not responsible for what is done in a round (`bench_rounds.py`), nor for how many there are.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.proof.bench_audit import Findings, Heard
from bridge.proof.bench_board import Board, now
from bridge.proof.bench_load import Consumer, Producer
from bridge.proof.bench_process import cpu_s
from bridge.proof.bench_report import INBOUND, OVER_HTTP, Traffic
from bridge.proof.bench_setting import Setting
from bridge.proof.bench_smsc import HOLD_S
from bridge.proof.bench_stage import Ground, Kind
from bridge.proof.children import Child, Children

LOOK_S = 0.05
STALL_S = 30.0
"""A round in which nothing happens for so long has failed."""
AUDIT_S = 20.0
"""How long an event that is missing may be waited for without another one coming: a receipt that overtook its answer
is answered while it waits for its MT."""

CpuUs = dict[str, float | None]
"""Microseconds of CPU a life, by who had them; None where that cannot be seen."""


class BenchFailed(Exception):
    """The bench itself could not go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How something goes, to be shown: `done` of `rows`, lives unless `what` says otherwise."""

    what: str
    done: int
    rows: int
    per_s: float


Show = Callable[[Standing], None]


@dataclass(frozen=True, slots=True)
class Course:
    """One bench: its setting, its places, its processes, and both ends of RabbitMQ.

    `sessions`: of broker and Redis; None for one whose CPU cannot be seen.
    """

    setting: Setting
    ground: Ground
    sessions: Mapping[str, int | None]
    children: Children
    producer: Producer
    consumer: Consumer
    show: Show

    def board(self, rows: int) -> Board:
        """That of the next round."""
        return Board.create(self.ground.board, rows)

    async def start_provider(
        self, board: Board, traffic: Traffic, *, segments: int = 1, hold: int = 0
    ) -> Child:
        """An SMSC or a site, that listens."""
        ground = self.ground
        if traffic in OVER_HTTP:
            where = ["site", f"--port={ground.site_port}", f"--callback-port={ground.callback_port}"]
        else:
            where = ["smsc", f"--port={ground.smsc_port}", f"--segments={segments}", f"--hold={hold}"]
        first_id = f"--first-id={2_000_000_000 + secrets.randbelow(7_000_000_000)}"
        provider = await self.children.start(
            "provider", "bench", *where, f"--board={ground.board}", first_id, *_direction(traffic)
        )
        await self.until(lambda: board.total("ready") > 0, "the provider does not listen")
        return provider

    async def start_worker(self, kind: Kind, workers: int) -> Child:
        """The bridge, with so many processes."""
        config = self.ground.config(kind)
        pool = () if workers == 1 else (f"--workers={workers}",)
        return await self.children.start(
            "worker", "run", f"--config={config}", "--log=json", "--log-level=warning", *pool
        )

    async def start_bare(self, traffic: Traffic) -> Child:
        """The bare loop."""
        files = f"--board={self.ground.board}", f"--config={self.ground.config('smpp')}"
        return await self.children.start("bare loop", "bench", "bare", *files, *_direction(traffic))

    async def until(self, condition: Callable[[], bool], otherwise: str, more_s: float = 0.0) -> None:
        """Wait, for so much longer than usually. Raises BenchFailed, ChildFailed."""
        limit_s = STALL_S + more_s
        limit = now() + limit_s
        while not condition():
            self.children.check()
            if now() > limit:
                raise BenchFailed(f"{otherwise} after {limit_s:g} s; logs: {self.ground.stage.directory}")
            await asyncio.sleep(LOOK_S)

    async def watch(
        self, board: Board, child: Child, provider: Child | None, what: str
    ) -> tuple[CpuUs, float]:
        """Until all rows are through: what a life cost, and about how many seconds it took."""
        first: Mapping[str, float | None] | None = None
        first_done, first_at = 0, 0.0
        done, moved_at = -1, now()
        while done < board.rows:
            await asyncio.sleep(LOOK_S)
            self.children.check()
            done, before, at = board.total("answered"), done, now()
            if done > before:
                moved_at = at
            elif at > moved_at + STALL_S + (HOLD_S if board.total("held") else 0.0):
                raise self._stalled(board, what)
            if first is None:
                if not done:
                    continue
                first, first_done, first_at = self._cpu(child, provider), done, at
            self.show(Standing(what, done, board.rows, (done - first_done) / (at - first_at or LOOK_S)))
        last = self._cpu(child, provider)
        lives = max(done - first_done, 1)
        assert first is not None  # noqa: S101 - there is a row
        spent = {part: _between(first[part], last[part], lives) for part in last}
        return spent, max(now() - first_at, LOOK_S)

    async def audit(self, heard: Heard, rows: int, *, bare: bool) -> Findings:
        """Hear what is left, and judge. The bare loop promises nothing; its figures count only if it is complete."""
        seen, moved_at = -1, now()
        while heard.rows < rows and now() < moved_at + AUDIT_S:
            if heard.rows > seen:
                seen, moved_at = heard.rows, now()
            await asyncio.sleep(LOOK_S)
        # Whatever comes behind the last one that was missed is a double.
        while await self.consumer.waiting():  # noqa: ASYNC110 - a queue sets no event
            await asyncio.sleep(LOOK_S)
        await self.consumer.stop()
        findings = heard.findings()
        if bare and not findings.clean:
            raise BenchFailed(f"the bare loop is not a yardstick: {findings.example}")
        return findings

    def cpu_of_servers(self) -> dict[str, float | None]:
        """Seconds that broker and Redis have had so far; None where that cannot be seen."""
        sessions = self.sessions.items()
        return {part: None if session is None else cpu_s(session) for part, session in sessions}

    def _cpu(self, child: Child, provider: Child | None) -> dict[str, float | None]:
        return {
            "worker": cpu_s(child.pid, offspring=True),
            **self.cpu_of_servers(),
            "provider": None if provider is None else cpu_s(provider.pid),
        }

    def _stalled(self, board: Board, what: str) -> BenchFailed:
        return BenchFailed(
            f"{what}: nothing moves any more at {board.total('answered'):,} of {board.rows:,} "
            f"({board.total('taken'):,} taken, {board.total('refused'):,} refused); "
            f"logs: {self.ground.stage.directory}"
        )


def _between(before: float | None, after: float | None, lives: int) -> float | None:
    return None if before is None or after is None else (after - before) / lives * 1e6


def _direction(traffic: Traffic) -> tuple[str, ...]:
    return ("--mos",) if traffic in INBOUND else ()
