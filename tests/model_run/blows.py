"""What happens to somebody from outside, now and then: a pause, a kill, a party that is away, a clock that jumps."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tests.model_run.redis import RETENTION_MS

if TYPE_CHECKING:
    from tests.model_run.worker import Worker
    from tests.model_run.world import World


class Blows:
    """One after another, as often as the weather says, until it is calm."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def begin(self) -> None:
        """The first are to come, if any are."""
        weather = self._world.weather
        self._again(weather.blows, self._some_blow)
        self._again(weather.forgets, self._redis_forgets)

    def _again(self, often: float, blow: Callable[[], None]) -> None:
        """So many in a second."""

        def happens() -> None:
            if self._world.weather.calm:
                return
            self._world.troubles += 1
            blow()
            self._again(often, blow)

        if often:
            self._world.agenda.after(self._world.chance.expovariate(often), happens)

    def _some_blow(self) -> None:
        """Something from outside happens to somebody."""
        blow: Callable[[], None] = self._world.chance.choice(
            (
                self._pause,
                self._pause,
                self._skew,
                self._cut_rabbit,
                self._cut_bind,
                self._kill,
                self._stop,
                self._redis_away,
                self._redis_jumps,
                self._rabbit_away,
            )
        )
        self._world.note("all", blow.__name__)
        blow()

    def _one(self) -> "Sequence[Worker]":
        return [self._world.chance.choice(self._world.workers)] if self._world.workers else []

    def _pause(self) -> None:
        for worker in self._one():
            worker.pause()
            pause_s = self._world.chance.choice((0.5, 4.0, 7.0, 30.0)) * self._world.chance.uniform(0.5, 1.5)
            self._world.agenda.after(pause_s, worker.resume)

    def _skew(self) -> None:
        for worker in self._one():
            worker.skew_s += self._world.chance.choice((-1.0, 1.0)) * self._world.chance.choice(
                (0.5, 5.0, 60.0)
            )

    def _cut_rabbit(self) -> None:
        for worker in self._one():
            worker.rabbit.cut()

    def _cut_bind(self) -> None:
        for worker in self._one():
            bind = self._world.chance.choice(worker.binds)
            bind.cut(bind.session)

    def _kill(self) -> None:
        for worker in self._one():
            worker.kill()
            self._world.replace_soon()

    def _stop(self) -> None:
        for worker in self._one():
            worker.stop()
            self._world.replace_soon()

    def _redis_away(self) -> None:
        def back() -> None:
            self._world.redis_up = True

        self._world.redis_up = False
        self._world.scripted = self._world.scripted and self._world.chance.random() < 0.5
        self._world.agenda.after(self._world.chance.uniform(0.1, 6.0), back)

    def _redis_jumps(self) -> None:
        self._world.redis_ahead_s += self._world.chance.choice((1.0, 6.0, 20.0))

    def _redis_forgets(self) -> None:
        """It is emptied, or all it knows has reached its age."""
        emptied = self._world.chance.random() < 0.7
        self._world.note("all", f"Redis {'is emptied' if emptied else 'is a week older'}")
        if emptied:
            self._world.redis.empty()
        else:
            self._world.redis_ahead_s += RETENTION_MS / 1000 + 1
        self._world.audit.redis_forgets(knows_it=emptied)

    def _rabbit_away(self) -> None:
        self._world.rabbit.fall()
        self._world.agenda.after(self._world.chance.uniform(0.1, 5.0), self._world.rabbit.rise)
