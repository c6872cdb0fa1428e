"""Workers in a world where anything happens in any order: no MT is lost, none is doubled without being told."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from bridge.broker.message import Confirmation
from bridge.model.names import Lane
from bridge.model.outcome import Accepted, Rejected
from tests.outbound.world import OUTCOMES, Link, Worker, World

FEW = st.integers(0, 3)
ANY = st.integers(0, 7)
LANES: st.SearchStrategy[Lane] = st.sampled_from(["bulk", "interactive"])


class Workers(RuleBasedStateMachine):
    """Two workers of a pool; which does what, and what becomes of it, is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.worker()
        self.world.worker()

    def _worker(self, index: int) -> Worker:
        return self.world.workers[index % len(self.world.workers)]

    def _link(self, index: int) -> Link:
        links = list(self.world.links())
        return links[index % len(links)]

    @rule(
        number=FEW,
        lane=LANES,
        text=st.sampled_from(["t", "t", "p"]),
        on_doubt=st.sampled_from([None, "park"]),
        expires_at=st.sampled_from([None, None, "2020-01-01T00:00:00Z"]),
    )
    def publish(self, number: int, lane: Lane, **parts: Any) -> None:
        self.world.publish(f"m{number}", lane, **parts)

    @rule(who=FEW, lane=LANES)
    def deliver(self, who: int, lane: Lane) -> None:
        self._worker(who).deliver(lane)
        self.world.turn()

    @rule(who=FEW, count=st.integers(1, 4))
    def redis_answers(self, who: int, count: int) -> None:
        self._worker(who).claims.flow(count)
        self.world.turn()

    @rule(who=FEW, executed=FEW)
    def redis_is_silent(self, who: int, executed: int) -> None:
        self._worker(who).claims.fail(executed)
        self.world.turn()

    @rule(who=FEW, count=st.integers(1, 4))
    def rabbit_confirms(self, who: int, count: int) -> None:
        self._worker(who).publisher.confirm(count)
        self.world.turn()

    @rule(who=FEW, stored=st.booleans())
    def rabbit_does_not_confirm(self, who: int, stored: bool) -> None:
        answer = Confirmation.UNKNOWN if stored else Confirmation.REFUSED
        self._worker(who).publisher.confirm(1, answer, stored=stored)
        self.world.turn()

    @rule(who=FEW, stored=FEW)
    def rabbit_is_lost(self, who: int, stored: int) -> None:
        self._worker(who).lose_rabbit(stored)
        self.world.turn()

    @rule(which=ANY, index=FEW, outcome=st.sampled_from(OUTCOMES))
    def a_provider_answers(self, which: int, index: int, outcome: Any) -> None:
        link = self._link(which)
        if link.open:
            link.answer(index, outcome)
            self.world.turn()

    @rule(which=ANY, index=FEW, outcome=st.sampled_from([Accepted("late"), Rejected(8, "late")]))
    def a_provider_answers_late(self, which: int, index: int, outcome: Any) -> None:
        link = self._link(which)
        if link.given_up:
            link.answer_late(index, outcome)
            self.world.turn()

    @rule(which=ANY, written=st.booleans())
    def a_link_is_lost(self, which: int, written: bool) -> None:
        self._link(which).down(written)
        self.world.turn()

    @rule(which=ANY)
    def a_link_comes_up(self, which: int) -> None:
        self._link(which).up()
        self.world.turn()

    @rule(seconds=st.sampled_from([0.3, 1.1, 6.0, 45.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.advance(seconds)

    @rule()
    def everything_flows(self) -> None:
        self.world.flow()

    @precondition(lambda self: len(self.world.ever) < 5)
    @rule(who=FEW, executed=FEW, stored=FEW)
    def a_worker_is_killed(self, who: int, executed: int, stored: int) -> None:
        self._worker(who).kill(executed, stored)
        self.world.worker()

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
