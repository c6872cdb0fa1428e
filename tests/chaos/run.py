"""A run: load, one strike after another, each until all is well again, and the verdict when everything has settled."""

import asyncio
from collections.abc import Callable
from itertools import takewhile
from random import Random

from bridge.proof.load import MO_SHARE
from tests.chaos.asked import Asked
from tests.chaos.plan import Draw, Strike, draws
from tests.chaos.report import CALM, Span, Verdict, judged, verdict
from tests.chaos.world import World

CALM_S = 3.0
"""Before the first strike, and between the end of one and the next."""
RECOVERY_LIMIT_S = 90.0
SETTLE_LIMIT_S = 240.0
SETTLE_LOOK_S = 1.0
CALM_LOOKS = 3
"""So often in a row nothing must be missing and nothing move before the verdict is given."""
PHONES_TURN_S = 1.0
STRIKE_LIMIT_S = 300.0

Say = Callable[[str], None]


class Run:
    """One run. `stop` ends the strikes early; the verdict is given all the same."""

    def __init__(self, asked: Asked, world: World, chance: Random, say: Say) -> None:
        self._asked = asked
        self._world = world
        self._draws = draws(asked.faults, chance)
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._striking: asyncio.Task[None] | None = None
        self._spans: list[Span] = []

    def stop(self) -> None:
        """No more strikes; one that is under way is healed."""
        self._stopping.set()
        if self._striking is not None:
            self._striking.cancel()

    async def play(self) -> Verdict:
        """From the first MT to the verdict."""
        world = self._world
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(world.watch())
            await world.bound(RECOVERY_LIMIT_S)
            self._say(f"{world.witness.binds} of {world.binds} binds are up; load begins")
            ended = asyncio.Event()
            load = [
                group.create_task(world.app.produce(self._asked.rate, ended)),
                group.create_task(self._phones(ended)),
            ]
            await self._strike_again_and_again()
            ended.set()
            await asyncio.wait(load)
            self._say("load ends; what is under way may arrive")
            await self._settle()
            watching.cancel()
        return verdict(
            self._spans, world.ledger.audit(), world.ledger.lives, world.forgot_at, world.workers.died
        )

    async def _phones(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            await self._world.phones.run(self._asked.rate * MO_SHARE, PHONES_TURN_S)

    async def _strike_again_and_again(self) -> None:
        limit = self._loop.time() + 60 * self._asked.minutes
        await self._span(CALM, None)
        for draw in takewhile(lambda _: not self._over(limit), self._draws):
            await self._span(" + ".join(strike.fault.name for strike in draw), draw)

    def _over(self, limit: float) -> bool:
        return self._stopping.is_set() or self._loop.time() >= limit

    async def _span(self, name: str, draw: Draw | None) -> None:
        """A strike, or none, and the time until the next may come."""
        ledger, died = self._world.ledger, len(self._world.workers.died)
        span = Span(
            faults=name, began=self._loop.time(), seconds=0.0, sent=ledger.sent, stall_s=0.0, recovered_s=None
        )
        ledger.stall_s()
        self._spans.append(span)
        if draw is not None:
            self._striking = asyncio.create_task(self._strike(draw, span))
            await asyncio.wait([self._striking])
            span.seconds = self._loop.time() - span.began
        span.recovered_s = await self._world.recovered(RECOVERY_LIMIT_S)
        if not self._stopping.is_set():
            await asyncio.sleep(CALM_S)
        if died := len(self._world.workers.died) - died:
            span.remark = "; ".join(filter(None, [span.remark, f"workers that ended by themselves: {died}"]))
        span.sent = ledger.sent - span.sent
        span.stall_s = ledger.stall_s()
        well = "never" if span.recovered_s is None else f"after {span.recovered_s:.1f} s"
        self._say(
            f"{name}, {span.seconds:.1f} s: {span.sent:,} sent, all stood for {span.stall_s:.1f} s, all well {well}"
            f"{f'; {span.remark}' if span.remark else ''}"
        )

    async def _strike(self, draw: Draw, span: Span) -> None:
        async def one(strike: Strike) -> None:
            async with asyncio.timeout(STRIKE_LIMIT_S):
                await strike.fault.strike(self._world, strike.seconds, Random(strike.seed))

        results = await asyncio.gather(*map(one, draw), return_exceptions=True)
        troubles = [
            f"{strike.fault.name} was not played to its end: {result or type(result).__name__}"
            for strike, result in zip(draw, results, strict=True)
            if isinstance(result, Exception)
        ]
        span.remark = "; ".join(troubles)

    async def _settle(self) -> None:
        """Until nothing is missing that has no excuse, and nothing moves any more; or patience ends."""
        world = self._world
        limit = self._loop.time() + SETTLE_LIMIT_S
        calm, seen = 0, -1
        while calm < CALM_LOOKS and self._loop.time() < limit:
            still = world.witness.seen == seen and not world.ledger.under_way
            seen = world.witness.seen
            calm = calm + 1 if still and await self._complete() else 0
            await asyncio.sleep(SETTLE_LOOK_S)

    async def _complete(self) -> bool:
        world = self._world
        held, _ = judged(world.ledger.audit().complaints, world.ledger.lives, world.forgot_at)
        return not held and await world.rabbit.messages(world.worked_queues) == 0
