"""The demo's run: a whole bridge on this machine, traffic, a site that fails, a worker that is killed, the verdict.

Everything is real: RabbitMQ, Redis, workers and SMSCs are processes of their own. What is published is what RabbitMQ
confirmed, what was sent is what the SMSCs' journal says, what came out is what a consumer got.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from random import Random
from typing import Any, Protocol, TypeVar

from bridge.broker.errors import BrokerUnavailable, ChannelLost, TopologyError
from bridge.proof.audit import Audit, Ledger
from bridge.proof.children import Child, ChildFailed, Children, children_in
from bridge.proof.ensure import ensure_servers
from bridge.proof.load import MO_SHARE, Phones, Producers, mt_named_in
from bridge.proof.market import Market, market
from bridge.proof.packages import NotInstalled
from bridge.proof.remote import Remote, SimulatorLost, remote
from bridge.proof.servers import ServerError
from bridge.proof.stage import Stage
from bridge.proof.witness import Witness

T = TypeVar("T")


class Mood(Enum):
    """What to make of a happening."""

    CALM = "calm"
    BAD = "bad"
    GOOD = "good"


class Say(Protocol):
    """Who is told what happens."""

    def __call__(self, text: str, mood: Mood = Mood.CALM) -> None: ...


SITES = ("dc3", "bos")
FAILING = "bos"
FAULTS = ("slow:seconds=0.1", "receipts-elsewhere:to=site", "receipts-twice:every=20")
"""What the simulated provider does all the time: it thinks, its receipts take other ways, some come twice."""
SITE_FAILS, SITE_IS_BACK, WORKER_DIES = 0.25, 0.45, 0.55
"""When, as parts of the time that traffic lasts."""
WORKER_IS_REPLACED_S = 1.0
BIND_LIMIT_S = 20.0
LOOK_S = 0.1
SETTLE_LOOK_S = 0.5
CALM_LOOKS = 3
"""So often in a row nothing must have moved before the verdict is given."""


class DemoFailed(Exception):
    """The demo itself could not go on; the message says why."""


FAILURES = (
    DemoFailed,
    ChildFailed,
    SimulatorLost,
    BrokerUnavailable,
    ChannelLost,
    TopologyError,
    ServerError,
    NotInstalled,
)
"""Whatever keeps the demo from being played, each with a message for people. Not: a verdict that is bad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to play. `patience_s`: how long to wait at the end for what is under way; `faults`: beside FAULTS."""

    amqp_url: str
    redis_url: str
    seconds: float
    rate: float
    workers: int
    seed: int
    patience_s: float
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How it went: what the ledger says, and what it does not know."""

    audit: Audit
    twice: int
    """MTs that their producers published a second time."""
    resent: int
    """MTs that were in doubt, and therefore sent again and marked."""
    seconds: float
    """From the first MT to the verdict."""


class Demo:
    """A bridge that runs, with everything around it. Made by `raised`; `play` it once."""

    def __init__(
        self, plan: Plan, stage: Stage, children: Children, simulator: Remote, market: Market, say: Say
    ) -> None:
        self.plan = plan
        self.stage = stage
        self.ledger = Ledger()
        self.phase = "starting"
        """What is going on, in a few words."""
        self.started: float | None = None
        """When traffic began, by the loop's clock."""
        chance = Random(plan.seed)  # noqa: S311 - to be repeatable
        self.producers = Producers(market.publisher, stage.names, self.ledger, chance)
        self.witness = Witness(stage.journal, self.ledger, self.producers.mt_by_text, mt_named_in)
        self._phones = Phones(simulator.do, self.ledger, Random(chance.random()))  # noqa: S311
        self._children = children
        self._simulator = simulator
        self._market = market
        self._say = say
        self._workers: list[Child] = []
        self._loop = asyncio.get_running_loop()

    @property
    def binds(self) -> int:
        """How many binds there are when all is well."""
        return self.plan.workers * sum(len(ports) for ports in self.stage.sites.values())

    @property
    def elapsed_s(self) -> float:
        """Since traffic began; 0 before."""
        return 0.0 if self.started is None else self._loop.time() - self.started

    async def play(self) -> Verdict:
        """From the first worker to the verdict. Raises FAILURES."""
        await self._market.listen(self.witness.hear)
        return await self._observed(self._play())

    async def stand(self) -> None:
        """Leave it running, until cancelled. Raises FAILURES."""
        await self._observed(asyncio.Event().wait())

    async def _play(self) -> Verdict:
        for number in range(1, self.plan.workers + 1):
            await self._start_worker(number)
        if not await self._all_bound() and not self.witness.binds:
            raise DemoFailed(
                f"no worker is bound to any SMSC after {BIND_LIMIT_S:g} s; logs: {self.stage.directory}"
            )
        self._say(
            f"{_workers(self.plan.workers)} bound to {_sites()}: {self.witness.binds} binds are up", Mood.GOOD
        )
        self.started = self._loop.time()
        self.phase = "traffic"
        self._say(
            f"traffic begins: {self.plan.rate:g} MTs a second for {self.plan.seconds:g} s, and phones that write"
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self.producers.run(self.plan.rate, self.plan.seconds))
            group.create_task(self._phones.run(self.plan.rate * MO_SHARE, self.plan.seconds))
            group.create_task(self._misfortunes())
        self.phase = "waiting for what is under way"
        self._say("traffic ends; what is under way may arrive")
        audit = await self._settled()
        self.phase = "done"
        return Verdict(
            audit=audit,
            twice=self.producers.twice,
            resent=len(self.witness.resent),
            seconds=self.elapsed_s,
        )

    async def _misfortunes(self) -> None:
        """What goes wrong, and is put right."""
        await self._until(SITE_FAILS)
        await self._simulator.do("kill", site=FAILING)
        self._say(f"site {FAILING} is killed: both its SMSCs are gone, and every answer they owed", Mood.BAD)
        await self._until(SITE_IS_BACK)
        back = self._loop.time()
        await self._simulator.do("start", site=FAILING)
        self._say(f"site {FAILING} is back", Mood.GOOD)
        if await self._all_bound():
            self._say(
                f"all {self.binds} binds are up again, {self._loop.time() - back:.1f} s later", Mood.GOOD
            )
        await self._until(WORKER_DIES)
        number = self.plan.workers
        await self._workers[-1].kill()
        self._say(f"worker {number} is killed (SIGKILL), with all it had in hand", Mood.BAD)
        await asyncio.sleep(WORKER_IS_REPLACED_S)
        await self._start_worker(number)
        if await self._all_bound():
            self._say("another worker has taken its place", Mood.GOOD)

    async def _start_worker(self, number: int) -> None:
        arguments = "-c", str(self.stage.config_of(number)), "--log", "json"
        self._workers.append(await self._children.start(f"worker {number}", "run", *arguments))

    async def _until(self, part: float) -> None:
        await asyncio.sleep(part * self.plan.seconds - self.elapsed_s)

    async def _all_bound(self) -> bool:
        """Wait until all binds are up; whether they are before patience ends."""
        limit = self._loop.time() + BIND_LIMIT_S
        while self.witness.binds < self.binds and self._loop.time() < limit:  # noqa: ASYNC110 - a journal sets no event
            await asyncio.sleep(LOOK_S)
        return self.witness.binds >= self.binds

    async def _settled(self) -> Audit:
        """The audit when nothing is missing and nothing moves any more, or patience ends."""
        limit = self._loop.time() + self.plan.patience_s
        calm, seen = 0, -1
        while True:
            waiting = await self._market.waiting()
            audit = self.ledger.audit()
            calm = calm + 1 if audit.passed and not waiting and self.witness.seen == seen else 0
            seen = self.witness.seen
            if calm == CALM_LOOKS or self._loop.time() > limit:
                return audit
            await asyncio.sleep(SETTLE_LOOK_S)

    async def _observed(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work while the journal is read and all that must live is looked after."""
        try:
            async with asyncio.TaskGroup() as group:
                observer = group.create_task(self._observe())
                result = await work
                observer.cancel()
        except ExceptionGroup as several:
            raise _first(several) from None
        self.witness.read()
        return result

    async def _observe(self) -> None:
        while True:
            self.witness.read()
            self._children.check()
            self._market.check()
            await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def raised(plan: Plan, say: Say) -> AsyncIterator[Demo]:
    """Servers, names and the simulated provider, ready to play; all of it is gone when the context ends.

    Raises FAILURES.
    """
    async with AsyncExitStack() as stack:
        places = Path(tempfile.gettempdir())
        servers = await stack.enter_async_context(ensure_servers(plan.amqp_url, plan.redis_url, places, say))
        stage = Stage.set(servers, SITES, plan.workers, Path(tempfile.mkdtemp(prefix="bridge-demo-")))
        stack.push_async_callback(_clear, stage, say)
        children = await stack.enter_async_context(children_in(stage.directory))
        sites = [f"--site={name}={','.join(map(str, ports))}" for name, ports in stage.sites.items()]
        faults = [f"--fault={fault}" for fault in (*FAULTS, *plan.faults)]
        files = f"--log={stage.journal}", f"--control={stage.control_port}"
        simulator = await children.start("simulator", "simulate", "smsc", *sites, *faults, *files)
        say(f"a simulated provider has {_sites()}, two SMSCs each")
        shop = await stack.enter_async_context(market(stage))
        talk = await stack.enter_async_context(remote(stage.control_port, simulator.check))
        demo = Demo(plan, stage, children, talk, shop, say)
        stack.callback(demo.witness.close)
        yield demo


def _first(several: ExceptionGroup[Exception]) -> Exception:
    error = several.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


async def _clear(stage: Stage, say: Say) -> None:
    # In a task of its own: it must be done to the end though this one may have been cancelled.
    problem = await asyncio.create_task(stage.remove())
    if problem is not None:
        say(problem)


def _workers(count: int) -> str:
    return "one worker is" if count == 1 else f"{count} workers are"


def _sites() -> str:
    return f"sites {' and '.join(SITES)}"
