"""Workers in a world where anything happens in any order: no MT is lost, none is doubled without being told."""

from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from bridge.broker.message import Confirmation
from bridge.model.names import Lane
from bridge.model.outcome import Accepted, Doubt, Outcome, Rejected
from tests.outbound.fake_links import Link
from tests.outbound.world import OUTCOMES, Worker, World

FEW = st.integers(0, 3)
ANY = st.integers(0, 7)
LANES: st.SearchStrategy[Lane] = st.sampled_from(["bulk", "bulk", "interactive"])
TEXTS = ("t", "t", "p", "p=2,q=2", "p=3,q=3", "p=4,q=3", "p=3,q=2", "p=3", "q=2", "p=2,q=4")
LIKELY = (*OUTCOMES, Accepted(""), Accepted(""), Accepted(""), Doubt("response timeout"))


def some_link(holds: Callable[[Link], object]) -> Callable[["Workers"], bool]:
    """Whether there is a link of which that can be said."""
    return lambda machine: any(holds(link) for link in machine.world.links())


class Workers(RuleBasedStateMachine):
    """Two workers of a pool; which does what, and what becomes of it, is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.world = self.make_world()
        self.world.worker()
        self.world.worker()

    def make_world(self) -> World:
        """Where it happens."""
        return World()

    def _worker(self, index: int) -> Worker:
        return self.world.workers[index % len(self.world.workers)]

    def _link(self, index: int, holds: Callable[[Link], object] = lambda _: True) -> Link:
        links = [link for link in self.world.links() if holds(link)]
        return links[index % len(links)]

    def _go_on(self, smoothly: bool) -> None:
        """What follows happens at once, or is drawn, too."""
        if smoothly:
            self.world.flow()
        else:
            self.world.turn()

    def _named(self, outcome: Outcome) -> Outcome:
        return Accepted(self.world.smsc_id()) if isinstance(outcome, Accepted) else outcome

    @rule(
        number=FEW,
        lane=LANES,
        text=st.sampled_from(TEXTS),
        on_doubt=st.sampled_from([None, None, "park"]),
        expires_at=st.sampled_from([None] * 9 + ["2020-01-01T00:00:00Z"]),
        smoothly=st.booleans(),
    )
    def publish(self, number: int, lane: Lane, smoothly: bool, **parts: Any) -> None:
        self.world.publish(f"m{number}", lane, **parts)
        self._go_on(smoothly)

    @precondition(lambda self: any(self.world.rabbit.ready.values()))
    @rule(who=FEW, lane=LANES)
    def deliver(self, who: int, lane: Lane) -> None:
        self._worker(who).deliver(lane)
        self.world.turn()

    @precondition(lambda self: any(worker.claims.waiting for worker in self.world.workers))
    @rule(who=FEW, count=st.integers(1, 4))
    def redis_answers(self, who: int, count: int) -> None:
        self._worker(who).claims.flow(count)
        self.world.turn()

    @precondition(lambda self: any(worker.claims.waiting for worker in self.world.workers))
    @rule(who=FEW, executed=FEW)
    def redis_is_silent(self, who: int, executed: int) -> None:
        self._worker(who).claims.fail(executed)
        self.world.turn()

    @precondition(lambda self: any(worker.publisher.waiting for worker in self.world.workers))
    @rule(who=FEW, count=st.integers(1, 4))
    def rabbit_confirms(self, who: int, count: int) -> None:
        self._worker(who).publisher.confirm(count)
        self.world.turn()

    @precondition(lambda self: any(worker.publisher.waiting for worker in self.world.workers))
    @rule(who=FEW, stored=st.booleans())
    def rabbit_does_not_confirm(self, who: int, stored: bool) -> None:
        answer = Confirmation.UNKNOWN if stored else Confirmation.REFUSED
        self._worker(who).publisher.confirm(1, answer, stored=stored)
        self.world.turn()

    @rule(who=FEW, stored=FEW)
    def rabbit_is_lost(self, who: int, stored: int) -> None:
        self._worker(who).lose_rabbit(stored)
        self.world.turn()

    @precondition(some_link(lambda link: link.open))
    @rule(which=ANY, index=FEW, outcome=st.sampled_from(LIKELY), smoothly=st.booleans())
    def a_provider_answers(self, which: int, index: int, outcome: Outcome, smoothly: bool) -> None:
        self._link(which, lambda link: link.open).answer(index, self._named(outcome))
        self._go_on(smoothly)

    @precondition(some_link(lambda link: link.given_up))
    @rule(which=ANY, index=FEW, outcome=st.sampled_from([Accepted(""), Accepted(""), Rejected(8, "late")]))
    def a_provider_answers_late(self, which: int, index: int, outcome: Outcome) -> None:
        self._link(which, lambda link: link.given_up).answer_late(index, self._named(outcome))
        self.world.turn()

    @precondition(some_link(lambda link: link.open))
    @rule(which=ANY, smoothly=st.booleans())
    def a_provider_falls_silent(self, which: int, smoothly: bool) -> None:
        link = self._link(which, lambda link: link.open)
        while link.open:
            link.answer(0, Doubt("response timeout"))
        self._go_on(smoothly)

    @precondition(some_link(lambda link: link.active))
    @rule(which=ANY, written=st.booleans())
    def a_link_is_lost(self, which: int, written: bool) -> None:
        self._link(which, lambda link: link.active).down(written)
        self.world.turn()

    @precondition(some_link(lambda link: link.active))
    @rule(who=FEW, provider=st.sampled_from(["p", "q"]))
    def a_provider_is_lost(self, who: int, provider: str) -> None:
        for link in self._worker(who).links:
            if link.provider == provider:
                link.down()
        self.world.turn()

    @precondition(some_link(lambda link: link.active and not link.full))
    @rule(which=ANY)
    def a_link_takes_no_more(self, which: int) -> None:
        self._link(which, lambda link: link.active and not link.full).full = True

    @precondition(some_link(lambda link: not link.active or link.full))
    @rule(which=ANY)
    def a_link_comes_up(self, which: int) -> None:
        self._link(which, lambda link: not link.active or link.full).up()
        self.world.turn()

    @rule(seconds=st.sampled_from([0.3, 1.1, 6.0, 45.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.advance(seconds)

    @precondition(lambda self: self.world.busy())
    @rule()
    def everything_flows(self) -> None:
        self.world.flow()

    @precondition(lambda self: len(self.world.ever) < 5)
    @rule(who=FEW, executed=ANY, stored=FEW, cut=st.sampled_from(["", "", "otherwise"]))
    def a_worker_is_killed(self, who: int, executed: int, stored: int, cut: str) -> None:
        self._worker(who).kill(executed, stored)
        self.world.worker(cut)

    @precondition(lambda self: len(self.world.ever) < 5)
    @rule(who=FEW)
    def a_worker_is_stopped(self, who: int) -> None:
        self._worker(who).stop()
        self.world.turn()
        self.world.worker()

    def teardown(self) -> None:
        try:
            self.world.heal()
            self.world.check_the_end()
            for worker in self.world.workers:
                assert worker.stopped is None or worker.stopped.done(), "a stop that never ends"
        finally:
            self.world.close()


TestWorkers = Workers.TestCase
TestWorkers.settings = settings(max_examples=200, stateful_step_count=40)
