"""The bench's run: rounds of the bridge and of the bare loop in turn, then a steady rate for latencies.

Each pair of rounds is measured close together, so that a noise of the machine hits both; what is reported first is
their ratio. Not responsible for how a round is measured (`bench_rounds.py`) nor for what is shown.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bridge.broker.declare import apply
from bridge.broker.errors import BrokerUnavailable, ChannelLost, TopologyError
from bridge.broker.session import Session, Urls
from bridge.broker.tolerance import read_what_comes
from bridge.proof.bench_audit import Findings
from bridge.proof.bench_course import BenchFailed, Course, Show, Standing
from bridge.proof.bench_load import Consumer, Producer
from bridge.proof.bench_messages import MOST_ROWS
from bridge.proof.bench_remembered import remembered
from bridge.proof.bench_report import LIVES, Latencies, Memory, Report, Round, Subject, Traffic, middle
from bridge.proof.bench_rounds import in_flight, peak, steady
from bridge.proof.bench_setting import Setting
from bridge.proof.bench_stage import Ground, RedisLost, bench_servers, server_session
from bridge.proof.children import ChildFailed, children_in
from bridge.proof.ensure import Servers
from bridge.proof.packages import NotInstalled
from bridge.proof.servers import ServerError
from bridge.proof.stage import Stage

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
    """What to measure. None for a URL: a private server. `rate`: for latencies, if they are; None: half of the peak.

    `remembered`: finished MTs in Redis before the rounds. `in_flight`: MTs that are to be so at once; 0: not measured.
    """

    amqp_url: str | None = None
    redis_url: str | None = None
    traffics: tuple[Traffic, ...] = ("mt",)
    seconds: float
    pairs: int
    setting: Setting = field(default_factory=Setting)
    rate: float | None = None
    latencies: bool = True
    remembered: int = 0
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told how it goes: what happened, how the round stands, and a round that is over."""

    say: Callable[[str], None]
    show: Show
    round: Callable[[Round], None]


async def bench(plan: Plan, told: Told) -> Report:
    """All of it. What was started and made is gone when this ends, however it ends. Raises FAILURES."""
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(bench_servers(plan.amqp_url, plan.redis_url, told.say))
        course = await stack.enter_async_context(opened(servers, plan.setting, told, plan.in_flight))
        return await _measure(plan, course, told, stack)


@asynccontextmanager
async def opened(
    servers: Servers, setting: Setting, told: Told, most_in_flight: int = 0
) -> AsyncIterator[Course]:
    """All that rounds need, on these servers. `most_in_flight`: of a round `in_flight`, if there will be one."""
    read_what_comes()
    async with AsyncExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="bridge-bench-"))
        many = Setting.with_in_flight(most_in_flight) if most_in_flight else None
        ground = Ground.prepare(servers, setting, directory, many)
        stage = ground.stage
        stack.push_async_callback(_clear, stage, told.say)
        children = await stack.enter_async_context(children_in(stage.directory))
        publishing, hearing = await _connect(stage, stack), await _connect(stage, stack)
        await apply(publishing, stage.items)
        consumer = Consumer(await hearing.channel(), stage.names)
        await consumer.declare()
        stack.push_async_callback(_forget, consumer)
        yield Course(
            setting=setting,
            ground=ground,
            sessions={
                "broker": server_session(servers.amqp_url),
                "redis": server_session(servers.redis_url),
            },
            children=children,
            producer=Producer(await publishing.channel(confirms=True), stage.names),
            consumer=consumer,
            show=told.show,
        )


async def _measure(plan: Plan, course: Course, told: Told, stack: AsyncExitStack) -> Report:
    measured: list[Round] = []
    memory: Memory | None = None
    warm_up = Findings()
    for traffic in plan.traffics:
        sizes: dict[Subject, int] = {}
        for subject in _SUBJECTS:
            told.say(f"{subject}: warming up with {FEWEST:,} {LIVES[traffic]}")
            warm = await peak(course, subject, traffic, FEWEST)
            warm_up += warm.findings
            sizes[subject] = min(max(int(warm.per_s * plan.seconds), FEWEST), MOST_ROWS)
            if plan.remembered and memory is None:
                memory = await stack.enter_async_context(filled(course, plan.remembered, told))
        for _ in range(plan.pairs):
            for subject in _SUBJECTS:
                measured.append(await peak(course, subject, traffic, sizes[subject]))
                told.round(measured[-1])
    return Report(
        setting=plan.setting,
        rounds=measured,
        latencies=await _latencies(plan, course, measured),
        remembered=memory,
        in_flight=await in_flight(course, plan.in_flight) if plan.in_flight else None,
        warm_up=warm_up,
    )


_SUBJECTS: tuple[Subject, ...] = ("bridge", "bare")


@asynccontextmanager
async def filled(course: Course, lives: int, told: Told) -> AsyncIterator[Memory]:
    """Redis remembers so many finished MTs. Nothing else has been done but FEWEST lives of MTs by the bridge."""
    stage = course.ground.stage
    told.say(f"Redis is to remember {lives:,} finished MTs")
    async with remembered(
        stage.servers.redis_url,
        stage.names.prefix,
        lives,
        like=FEWEST,
        lasting=stage.servers.redis is None,
        progress=lambda done: told.show(Standing("remembered", done, lives, 0.0)),
    ) as memory:
        yield memory


async def _latencies(plan: Plan, course: Course, measured: list[Round]) -> Latencies | None:
    most = middle(
        [one for one in measured if (one.subject, one.traffic) == ("bridge", "mt")], lambda one: one.per_s
    )
    if most is None or not plan.latencies:
        return None
    return await steady(course, plan.rate or most / 2, plan.seconds)


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
