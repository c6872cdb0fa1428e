"""A run: load, one strike after another, each until all is well again, and the verdict when everything has settled."""

import asyncio
from collections.abc import Callable
from random import Random

from bridge.proof.servers import ServerError
from tests.chaos.asked import Asked
from tests.chaos.plan import Draw, Strike, draws
from tests.chaos.report import Span, Verdict, judged, verdict
from tests.chaos.telling import named
from tests.chaos.world import SEGMENT_WAIT_S, World

CALM_S = 3.0
"""Before the first strike, and between the end of one and the next."""
RECOVERY_LIMIT_S = 90.0
SETTLE_LIMIT_S = 240.0
SILENCE_S = SEGMENT_WAIT_S + 15
"""When nothing moved for so long, no more comes."""
SETTLE_LOOK_S = 1.0
CALM_LOOKS = 3
"""So often in a row nothing must be missing and nothing move before the verdict is given."""
HELD_LIMIT_S = 30.0
"""For what the servers hold to come back to where it was, when nothing moves any more."""
PHONES_TURN_S = 0.1
STRIKE_LIMIT_S = 600.0

Say = Callable[[str], None]


class Run:
    """One run. `stop` ends the strikes early; the verdict is given all the same."""

    def __init__(self, asked: Asked, world: World, chance: Random, say: Say) -> None:
        self._asked = asked
        self._world = world
        self._draws = draws(asked.faults, chance)
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._spans: list[Span] = []
        self._began = self._loop.time()

    def stop(self) -> None:
        """No more strikes; one that is under way is healed."""
        self._world.ending.set()

    async def play(self) -> Verdict:
        """From the first MT to the verdict."""
        world = self._world
        async with asyncio.TaskGroup() as group:
            watching = [group.create_task(world.watch()), group.create_task(world.watch_growth())]
            await world.bound(RECOVERY_LIMIT_S)
            world.soak.begin(await world.held())
            self._say(f"{world.witness.binds} of {world.binds} binds are up; load begins")
            ended = asyncio.Event()
            self._began = self._loop.time()
            load = [
                group.create_task(world.app.produce(self._asked.rate, self._asked.backlog, ended)),
                group.create_task(self._phones(ended)),
            ]
            await self._strike_again_and_again()
            ended.set()
            await asyncio.wait(load)
            self._say("load ends; what is under way may arrive")
            await self._settle()
            await self._come_back()
            for task in watching:
                task.cancel()
        await world.workers.dismiss_all()
        return verdict(
            self._spans,
            world.ledger.audit(),
            world.ledger.known_lives,
            world.forgot_at,
            [*world.workers.died, *world.soak.troubles()],
            [*world.soak.notes()],
        )

    async def _phones(self, ended: asyncio.Event) -> None:
        """They keep up with the MTs."""
        world, share = self._world, self._asked.http_share
        while True:
            last = ended.is_set()
            wanted = world.ledger.mts * self._asked.mo_share
            for phones, number in ((world.phones, wanted * (1 - share)), (world.web_phones, wanted * share)):
                while phones.written < round(number):
                    await phones.write()
            if last:
                return
            await asyncio.sleep(PHONES_TURN_S)

    async def _strike_again_and_again(self) -> None:
        await self._span(None)
        for draw in self._draws:
            if self._world.ending.is_set() or self._reached() >= 1:
                return
            await self._span(draw)

    def _reached(self) -> float:
        minutes = (self._loop.time() - self._began) / 60
        return self._asked.goals.reached(minutes, self._world.ledger.mts, self._strikes)

    @property
    def _strikes(self) -> int:
        return sum(len(span.faults) for span in self._spans)

    async def _span(self, draw: Draw | None) -> None:
        """A strike, or none, and the time until the next may come."""
        ledger, died = self._world.ledger, len(self._world.workers.died)
        faults = tuple(strike.fault.name for strike in draw or ())
        span = Span(
            faults=faults,
            began=self._loop.time(),
            seconds=0.0,
            sent=ledger.mts,
            stall_s=0.0,
            recovered_s=None,
        )
        ledger.stall_s()
        self._spans.append(span)
        if draw is not None:
            await self._strike(draw, span)
            span.seconds = self._loop.time() - span.began
        healed_at = self._loop.time()
        span.recovered_s = await self._world.recovered(RECOVERY_LIMIT_S)
        if span.recovered_s is None:
            span.remark = "; ".join(filter(None, [span.remark, self._world.lacks(healed_at)]))
        await self._world.lapse(CALM_S)
        if died := len(self._world.workers.died) - died:
            span.remark = "; ".join(filter(None, [span.remark, f"workers that ended by themselves: {died}"]))
        span.sent = ledger.mts - span.sent
        span.stall_s = ledger.stall_s()
        self._tell(span)

    def _tell(self, span: Span) -> None:
        well = "never" if span.recovered_s is None else f"after {span.recovered_s:.1f} s"
        passed, reached = self._loop.time() - self._began, self._reached()
        to_go = passed / reached * (1 - reached) if reached else 0.0
        self._say(
            f"{named(span.faults)}, {span.seconds:.1f} s: {span.sent:,} sent, all stood for {span.stall_s:.1f} s, "
            f"all well {well}{f'; {span.remark}' if span.remark else ''}"
        )
        self._say(
            f"    {self._strikes} faults, {self._world.ledger.mts:,} MTs, {self._world.mos:,} MOs so far, "
            f"{self._doubled()} doubled without a mark; "
            f"{self._world.ledger.mts / passed:.0f} MTs a second; {_minutes(to_go)} to go"
        )

    def _doubled(self) -> int:
        """What no time will mend. What is lost is told at the end: until then it may only be late."""
        world = self._world
        found = [it for it in world.ledger.audit().complaints if it.kind == "doubled"]
        held, _ = judged(found, world.ledger.known_lives, world.forgot_at)
        return sum(len(complaint.about) for complaint in held)

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
        calm, seen, moved_at = 0, -1, self._loop.time()
        while calm < CALM_LOOKS and self._loop.time() < min(limit, moved_at + SILENCE_S):
            still = world.seen == seen and not world.ledger.under_way
            if world.seen != seen:
                seen, moved_at = world.seen, self._loop.time()
            calm = calm + 1 if still and await self._complete() else 0
            await asyncio.sleep(SETTLE_LOOK_S)

    async def _complete(self) -> bool:
        world = self._world
        held, _ = judged(world.ledger.audit().complaints, world.ledger.known_lives, world.forgot_at)
        return not held and await world.rabbit.messages(world.worked_queues) == 0

    async def _come_back(self) -> None:
        """Until the servers hold no more than before the load; or patience ends."""
        limit = self._loop.time() + HELD_LIMIT_S
        soak = self._world.soak
        while True:
            try:
                soak.after = await self._world.held()
            except ServerError as error:
                self._say(str(error))
            if not soak.not_back() or self._loop.time() > limit:
                return
            await asyncio.sleep(SETTLE_LOOK_S)


def _minutes(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
