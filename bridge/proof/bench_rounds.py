"""Measured rounds: one subject, all messages of one board, from its start to its end.

A round starts its subject anew: a real worker with an SMSC, or the bare loop. MTs are in their queue before; a life
counts from the first that is taken to the last deliver_sm that is answered. Events stay in their queue until then, so
that nothing but what is measured runs meanwhile; the worker lives until all are heard. How many rounds there are is
for `bench.py`.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.proof.bench_audit import Findings, Heard
from bridge.proof.bench_board import Board, happened, now
from bridge.proof.bench_load import Consumer, Producer
from bridge.proof.bench_messages import MOST_ROWS
from bridge.proof.bench_process import cpu_s, peak_kib
from bridge.proof.bench_report import (
    INBOUND,
    LIVES,
    OVER_HTTP,
    Latencies,
    Percentiles,
    Round,
    Subject,
    Traffic,
    latency_over_time,
    rate_over_time,
)
from bridge.proof.bench_stage import Ground, redis_bytes, server_session
from bridge.proof.children import Child, Children

LOOK_S = 0.05
STALL_S = 30.0
"""A round in which nothing happens for so long has failed."""
SETTLE_S = 1.0
"""At the beginning of a steady rate; not in its percentiles."""
AUDIT_S = 20.0
"""How long an event that is missing may be waited for without another one coming: a receipt that overtook its answer
is answered while it waits for its MT."""
STEPS = 40
"""Points of a line over time."""


class BenchFailed(Exception):
    """The bench itself could not go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a round goes, to be shown: `done` lives of `rows`."""

    what: str
    done: int
    rows: int
    per_s: float


Show = Callable[[Standing], None]


class Rounds:
    """What all rounds of a bench share."""

    def __init__(
        self,
        ground: Ground,
        children: Children,
        producer: Producer,
        consumer: Consumer,
        show: Show,
        *,
        workers: int,
        binds: int,
    ) -> None:
        self._ground = ground
        self._servers = ground.stage.servers
        self._directory = ground.stage.directory
        self._children = children
        self._producer = producer
        self._consumer = consumer
        self._show = show
        self._workers = workers
        self._binds = binds
        self._broker = server_session(self._servers.amqp_url)
        self._redis = server_session(self._servers.redis_url)

    async def peak(self, subject: Subject, traffic: Traffic, rows: int) -> Round:
        """As fast as the subject can."""
        what = f"{subject}: {LIVES[traffic]}"
        board = self._board(rows)
        bytes_before = await redis_bytes(self._servers.redis_url)
        publish_us = await self._fill(board, what) if traffic not in INBOUND else None
        provider = await self._start_provider(board, traffic) if subject == "bridge" else None
        started = now()
        child = await self._start_worker(traffic) if subject == "bridge" else await self._start_bare(traffic)
        cpu_us, seconds = await self._watch(board, child, provider, what)
        peak = peak_kib(child.pid)
        if subject == "bare":
            await self._until(lambda: board.total("ended") > 0, "the bare loop does not end")
        heard = Heard(board, mos=traffic in INBOUND)
        await self._consumer.listen(heard.hear)
        findings = await self._audit(heard, rows, bare=subject == "bare")
        for one in (child, provider):
            if one is not None:
                await one.stop()
        bytes_after = await redis_bytes(self._servers.redis_url)
        begun = happened(board.sent if traffic in INBOUND else board.taken)
        if publish_us is not None and cpu_us["broker"] is not None:
            cpu_us["broker"] += publish_us
        return Round(
            subject=subject,
            traffic=traffic,
            lives=rows,
            seconds=max(board.answered) - begun[0],
            cpu_us=cpu_us,
            publish_us=publish_us,
            start_s=begun[0] - started,
            peak_kib=peak,
            redis_bytes=(bytes_after - bytes_before) / rows,
            refused=board.total("refused"),
            findings=findings,
            rate=rate_over_time(happened(board.answered), seconds / STEPS),
            begun=rate_over_time(begun, seconds / STEPS),
        )

    async def steady(self, rate: float, seconds: float) -> Latencies:
        """MTs at this rate, through a worker that does nothing else."""
        board = self._board(min(int(rate * (seconds + SETTLE_S)) + 1, MOST_ROWS))
        heard = Heard(board, mos=False)
        await self._consumer.listen(heard.hear)
        provider = await self._start_provider(board, "mt")
        worker = await self._start_worker("mt")
        await self._bound(board)
        pace = asyncio.create_task(self._producer.pace(board, secrets.token_hex(3), rate))
        try:
            cpu_us, _ = await self._watch(board, worker, provider, f"bridge: MTs at {rate:,.0f}/s")
            await pace
        finally:
            pace.cancel()
        findings = await self._audit(heard, board.rows, bare=False)
        for one in (worker, provider):
            await one.stop()
        rows = range(min(int(rate * SETTLE_S), board.rows - 1), board.rows)
        # What was lost has no latency; that it was lost is in the findings.
        submit = [
            (board.published[row], board.taken[row] - board.published[row])
            for row in rows
            if board.taken[row]
        ]
        event = sorted(
            (board.sent[row], board.heard[row] - board.sent[row]) for row in rows if board.heard[row]
        )
        if not submit or not event:
            raise BenchFailed("nothing arrived at a steady rate")
        return Latencies(
            rate=rate,
            lives=board.rows,
            submit=Percentiles.of([took for _, took in submit]),
            event=Percentiles.of([took for _, took in event]),
            submit_over_time=latency_over_time(submit, 0.99, seconds / STEPS),
            event_over_time=latency_over_time(event, 0.99, seconds / STEPS),
            cpu_us=cpu_us,
            findings=findings,
        )

    def _board(self, rows: int) -> Board:
        return Board.create(self._ground.board, rows)

    async def _fill(self, board: Board, what: str) -> float | None:
        """Put all MTs into their queue; the broker's CPU for each, in microseconds."""
        self._show(Standing(f"{what}: publishing", 0, board.rows, 0.0))
        before = self._cpu_of_servers()["broker"]
        await self._producer.fill(board, secrets.token_hex(3))
        after = self._cpu_of_servers()["broker"]
        return None if before is None or after is None else (after - before) / board.rows * 1e6

    async def _start_provider(self, board: Board, traffic: Traffic) -> Child:
        ground = self._ground
        if traffic in OVER_HTTP:
            where = ["site", f"--port={ground.site_port}", f"--callback-port={ground.callback_port}"]
        else:
            where = ["smsc", f"--port={ground.smsc_port}"]
        first_id = f"--first-id={2_000_000_000 + secrets.randbelow(7_000_000_000)}"
        provider = await self._children.start(
            "provider", "bench", *where, f"--board={ground.board}", first_id, *_direction(traffic)
        )
        await self._until(lambda: board.total("ready") > 0, "the provider does not listen")
        return provider

    async def _start_worker(self, traffic: Traffic) -> Child:
        config = self._ground.config(http=traffic in OVER_HTTP)
        workers = () if self._workers == 1 else (f"--workers={self._workers}",)
        return await self._children.start(
            "worker", "run", f"--config={config}", "--log=json", "--log-level=warning", *workers
        )

    async def _start_bare(self, traffic: Traffic) -> Child:
        files = f"--board={self._ground.board}", f"--config={self._ground.config(http=False)}"
        return await self._children.start("bare loop", "bench", "bare", *files, *_direction(traffic))

    async def _bound(self, board: Board) -> None:
        binds = self._workers * self._binds
        await self._until(lambda: board.total("ready") > binds, "the worker does not bind")

    async def _until(self, condition: Callable[[], bool], otherwise: str) -> None:
        limit = now() + STALL_S
        while not condition():
            self._children.check()
            if now() > limit:
                raise BenchFailed(f"{otherwise} after {STALL_S:g} s; logs: {self._directory}")
            await asyncio.sleep(LOOK_S)

    async def _watch(
        self, board: Board, child: Child, provider: Child | None, what: str
    ) -> tuple[dict[str, float | None], float]:
        """Until all rows are through: microseconds of CPU a life by who had them, and about how long it took."""
        first: Mapping[str, float | None] | None = None
        first_done, first_at = 0, 0.0
        done, moved_at = -1, now()
        while done < board.rows:
            await asyncio.sleep(LOOK_S)
            self._children.check()
            done, before, at = board.total("answered"), done, now()
            if done > before:
                moved_at = at
            elif at > moved_at + STALL_S:
                raise self._stalled(board, what)
            if first is None:
                if not done:
                    continue
                first, first_done, first_at = self._cpu(child, provider), done, at
            self._show(Standing(what, done, board.rows, (done - first_done) / (at - first_at or LOOK_S)))
        last = self._cpu(child, provider)
        lives = max(done - first_done, 1)
        assert first is not None  # noqa: S101 - there is a row
        spent = {part: _between(first[part], last[part], lives) for part in last}
        return spent, max(now() - first_at, LOOK_S)

    def _stalled(self, board: Board, what: str) -> BenchFailed:
        return BenchFailed(
            f"{what}: nothing moves any more at {board.total('answered'):,} of {board.rows:,} "
            f"({board.total('taken'):,} taken, {board.total('refused'):,} refused); logs: {self._directory}"
        )

    async def _audit(self, heard: Heard, rows: int, *, bare: bool) -> Findings:
        """Hear what is left, and judge. The bare loop promises nothing; its figures count only if it is complete."""
        seen, moved_at = -1, now()
        while heard.rows < rows and now() < moved_at + AUDIT_S:
            if heard.rows > seen:
                seen, moved_at = heard.rows, now()
            await asyncio.sleep(LOOK_S)
        # Whatever comes behind the last one that was missed is a double.
        while await self._consumer.waiting():  # noqa: ASYNC110 - a queue sets no event
            await asyncio.sleep(LOOK_S)
        await self._consumer.stop()
        findings = heard.findings()
        if bare and not findings.clean:
            raise BenchFailed(f"the bare loop is not a yardstick: {findings.example}")
        return findings

    def _cpu_of_servers(self) -> dict[str, float | None]:
        return {
            "broker": None if self._broker is None else cpu_s(self._broker),
            "redis": None if self._redis is None else cpu_s(self._redis),
        }

    def _cpu(self, child: Child, provider: Child | None) -> dict[str, float | None]:
        return {
            "worker": cpu_s(child.pid),
            **self._cpu_of_servers(),
            "provider": None if provider is None else cpu_s(provider.pid),
        }


def _between(before: float | None, after: float | None, lives: int) -> float | None:
    return None if before is None or after is None else (after - before) / lives * 1e6


def _direction(traffic: Traffic) -> tuple[str, ...]:
    return ("--mos",) if traffic in INBOUND else ()
