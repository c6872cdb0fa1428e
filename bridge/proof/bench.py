"""The bench's run: rounds of the bridge and of the bare loop in turn, then a steady rate for latencies.

Each pair of rounds is measured close together, so that a noise of the machine hits both; what is reported first is
their ratio. Not responsible for how a round is measured (`bench_rounds.py`) nor for what is shown.
"""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bridge.broker.declare import apply
from bridge.broker.errors import BrokerUnavailable, ChannelLost, TopologyError
from bridge.broker.session import Session, Urls
from bridge.broker.tolerance import read_what_comes
from bridge.proof.bench_audit import Findings
from bridge.proof.bench_load import Consumer, Producer
from bridge.proof.bench_messages import MOST_ROWS
from bridge.proof.bench_report import LIVES, Latencies, Report, Round, Subject, Traffic, middle
from bridge.proof.bench_rounds import BenchFailed, Rounds, Show
from bridge.proof.bench_stage import Ground, RedisLost, bench_servers
from bridge.proof.children import ChildFailed, children_in
from bridge.proof.packages import NotInstalled
from bridge.proof.servers import ServerError
from bridge.proof.stage import ROUTE, Stage

FEWEST = 500
"""Lives of a round; also of the first one of each subject, which only tells how many the others should have."""
NAME = "bridge bench"

FAILURES = (
    BenchFailed,
    RedisLost,
    ChildFailed,
    BrokerUnavailable,
    ChannelLost,
    TopologyError,
    ServerError,
    NotInstalled,
)
"""Whatever keeps the bench from being run, each with a message for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure. None for a URL: a private server. `rate`: for latencies, if they are; None: half of the peak."""

    amqp_url: str | None
    redis_url: str | None
    traffics: tuple[Traffic, ...]
    seconds: float
    pairs: int
    workers: int
    binds: int
    rate: float | None
    latencies: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told how it goes: what happened, how the round stands, and a round that is over."""

    say: Callable[[str], None]
    show: Show
    round: Callable[[Round], None]


async def bench(plan: Plan, told: Told) -> Report:
    """All of it. What was started and made is gone when this ends, however it ends. Raises FAILURES."""
    read_what_comes()
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(bench_servers(plan.amqp_url, plan.redis_url, told.say))
        ground = Ground.prepare(servers, plan.binds, Path(tempfile.mkdtemp(prefix="bridge-bench-")))
        stage = ground.stage
        stack.push_async_callback(_clear, stage, told.say)
        children = await stack.enter_async_context(children_in(stage.directory))
        publishing, hearing = await _connect(stage, stack), await _connect(stage, stack)
        await apply(publishing, stage.items)
        producer = Producer(await publishing.channel(confirms=True), stage.names, ROUTE)
        consumer = Consumer(await hearing.channel(), stage.names)
        await consumer.declare()
        stack.push_async_callback(_forget, consumer)
        rounds = Rounds(
            ground, children, producer, consumer, told.show, workers=plan.workers, binds=plan.binds
        )
        return await _measure(plan, rounds, told)


async def _measure(plan: Plan, rounds: Rounds, told: Told) -> Report:
    measured: list[Round] = []
    warm_up = Findings()
    for traffic in plan.traffics:
        sizes: dict[Subject, int] = {}
        for subject in _SUBJECTS:
            told.say(f"{subject}: warming up with {FEWEST:,} {LIVES[traffic]}")
            warm = await rounds.peak(subject, traffic, FEWEST)
            warm_up += warm.findings
            sizes[subject] = min(max(int(warm.per_s * plan.seconds), FEWEST), MOST_ROWS)
        for _ in range(plan.pairs):
            for subject in _SUBJECTS:
                measured.append(await rounds.peak(subject, traffic, sizes[subject]))
                told.round(measured[-1])
    latencies = await _latencies(plan, rounds, measured)
    return Report(workers=plan.workers, rounds=measured, latencies=latencies, warm_up=warm_up)


_SUBJECTS: tuple[Subject, ...] = ("bridge", "bare")


async def _latencies(plan: Plan, rounds: Rounds, measured: list[Round]) -> Latencies | None:
    peak = middle(
        [one for one in measured if (one.subject, one.traffic) == ("bridge", "mt")], lambda one: one.per_s
    )
    if peak is None or not plan.latencies:
        return None
    return await rounds.steady(plan.rate or peak / 2, plan.seconds)


async def _connect(stage: Stage, stack: AsyncExitStack) -> Session:
    session = await Urls([stage.servers.amqp_url]).connect(NAME)
    stack.push_async_callback(session.close)
    return session


async def _forget(consumer: Consumer) -> None:
    """The queue of events is beside the bridge's own, so `Stage.remove` does not know it."""
    try:
        await asyncio.create_task(consumer.delete())
    except ChannelLost:
        return


async def _clear(stage: Stage, say: Callable[[str], None]) -> None:
    # In a task of its own: it must be done to the end though this one may have been cancelled.
    problem = await asyncio.create_task(stage.remove())
    if problem is not None:
        say(problem)
