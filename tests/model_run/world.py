"""All parties of one story, on one clock, from one seed: who does what next, what goes wrong, and how it all heals."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, Protocol
from uuid import UUID

import orjson

from bridge.model.times import rfc3339
from tests.inbound.messages import mo, segments
from tests.model_run.audit import Audit
from tests.model_run.bind import Bind
from tests.model_run.blows import Blows
from tests.model_run.clock import Agenda
from tests.model_run.possession import possessed
from tests.model_run.provider import Provider
from tests.model_run.rabbit import Rabbit, Stored
from tests.model_run.redis import RETENTION_MS, Redis
from tests.model_run.store_line import told
from tests.model_run.weather import CALM, Passage, Weather, delay_of, passage_of, weather_of
from tests.model_run.worker import MAX_ATTEMPTS, Worker

EPOCH = 1_800_000_000.0
HEALED_WITHIN_S = 1500.0
MOST_STEPS = 200
"""For each MT and MO, and five more: above it, it is a circle."""
TEXTS = ("t", "t", "t", "p", "p=2,q=2", "p=3,q=3", "p=4,q=3", "p=3", "q=2", "p=2,q=4")


@dataclass(frozen=True, slots=True)
class Size:
    """How much happens in a story. `seconds`: before it heals."""

    mts: int = 6
    mos: int = 3
    seconds: float = 20.0
    workers: int = 2


@dataclass(frozen=True, slots=True)
class Death:
    """A worker is killed at this step, the only trouble there is: before what crosses has left, or after."""

    step: int
    before: bool


class Party(Protocol):
    """Somebody who has something to do, or not."""

    @property
    def idle(self) -> bool: ...


class World:
    """One story. `death`: instead of a weather."""

    def __init__(
        self, seed: int, size: Size, *, weather: Weather | None = None, death: Death | None = None
    ) -> None:
        self.chance = Random(seed)
        drawn = weather_of(self.chance)
        self.weather = CALM if death is not None else weather if weather is not None else drawn
        self._death = death
        self.telling: list[str] | None = None
        self.agenda = Agenda()
        self.failures: list[BaseException] = []
        self.acting: Worker | None = None
        self.steps = 0
        self.troubles = 0
        self.redis_ahead_s = 0.0
        self.redis = Redis(lambda: EPOCH + self.redis_now)
        self.redis.run((RETENTION_MS, "b", "first", 1, "begin", 0))
        self.redis_up = True
        self.scripted = False
        self.rabbit = Rabbit(self)
        self.providers = {name: Provider(self, name) for name in "pq"}
        self.workers: list[Worker] = []
        self._named = 0
        self.audit = Audit(self)
        self.size = size
        self._uuids = 0
        self._to_come = 0

    @property
    def most_doubts(self) -> int:
        """That one MT may be told of: each is an attempt, and one death leaves one copy in doubt."""
        return MAX_ATTEMPTS - 1 if self._death is None else 1

    # For all parties

    def note(self, who: str, what: str) -> None:
        """A line of the story, if somebody listens."""
        if self.telling is not None:
            self.telling.append(f"{self.agenda.now:9.4f}  {who:7} {what}")

    def delay(self) -> float:
        return delay_of(self.chance, self.weather)

    def wall(self) -> float:
        """What the clock of the worker that acts shows."""
        return EPOCH + self.agenda.now + (self.acting.skew_s if self.acting is not None else 0.0)

    @property
    def redis_now(self) -> float:
        return self.agenda.now + self.redis_ahead_s

    def sites(self) -> Iterator[tuple[Provider, str]]:
        for provider, site in (("p", "1"), ("p", "2"), ("q", "1")):
            yield self.providers[provider], site

    def binds(self, provider: str) -> Iterator[Bind]:
        for worker in self.workers:
            yield from (bind for bind in worker.binds if bind.provider == provider)

    def step(self, worker: Worker, party: str, *what: object) -> Passage:
        """Something crosses from a worker to another party. A dead worker's never does."""
        if not worker.alive:
            return Passage.DIES_BEFORE
        self.steps += 1
        if self.steps > MOST_STEPS * (5 + self.size.mts + self.size.mos):
            self.failures.append(AssertionError("it goes round and round"))
            worker.alive = False
            return Passage.DIES_BEFORE
        passage = self._passage(party)
        if passage is not Passage.WELL:
            self.troubles += 1
        if self.telling is not None:
            ends = "" if passage is Passage.WELL else f" {passage.name}"
            self.note(worker.name, f"{told(what)}  [{self.steps}{ends}]")
        if passage in (Passage.DIES_BEFORE, Passage.DIES_AFTER):
            worker.alive = False
            self.replace_soon()
            if passage is Passage.DIES_AFTER:
                return Passage.WELL
        return passage

    def _passage(self, party: str) -> Passage:
        death = self._death
        if death is not None:
            if self.steps != death.step:
                return Passage.WELL
            return Passage.DIES_BEFORE if death.before else Passage.DIES_AFTER
        return Passage.WELL if self.weather is CALM else passage_of(self.chance, self.weather, party)

    # Life

    def live(self) -> None:
        """The whole story. Raises what went wrong."""
        with possessed(self):
            try:
                for _ in range(self.size.workers):
                    self._worker()
                self._plan()
                self._go_on(self.size.seconds)
                self._heal()
                self.audit.end()
            finally:
                for worker in list(self.workers):
                    worker.kill()

    def _worker(self) -> None:
        cut = "otherwise" if self.chance.random() < 0.1 else ""
        self._named += 1
        Worker(self, f"w{self._named}", cut)

    def replace_soon(self) -> None:
        """In the place of a worker that has gone."""
        self.agenda.after(self.chance.uniform(0.1, 5.0), self._worker)

    def _go_on(self, seconds: float) -> None:
        until = self.agenda.now + seconds
        agenda, workers = self.agenda, self.workers
        while not self.failures:
            first = min(workers, key=_next_at, default=None)
            worker_at = first.next_at if first is not None else until
            if min(worker_at, agenda.next_at) >= until:
                agenda.now = until
                return
            if first is not None and worker_at < agenda.next_at:
                agenda.now = max(agenda.now, worker_at)
                first.ring()
            else:
                agenda.do_next()
        raise self.failures[0]

    def _heal(self) -> None:
        """All goes well from now on, until nothing is left to do."""
        self.note("all", "goes well from now on")
        self.weather = CALM
        self.redis_up = True
        self.rabbit.rise()
        if not any(not worker.leaving for worker in self.workers):
            self._worker()
        for worker in list(self.workers):
            worker.resume()
        until = self.agenda.now + HEALED_WITHIN_S
        while not self._idle():
            assert self.agenda.now < until, f"it never ends: {self._left_over()}"
            self._go_on(2.0)

    def _left_over(self) -> str:
        parties: list[Party] = [self.rabbit, *self.providers.values(), *self.workers]
        return ", ".join(str(party) for party in parties if not party.idle)

    def _idle(self) -> bool:
        return (
            not self._to_come
            and self.rabbit.idle
            and all(provider.idle for provider in self.providers.values())
            and all(worker.idle for worker in self.workers)
            and not self.redis.get(b"b:due:mo")
        )

    # What happens

    def _plan(self) -> None:
        chance, size = self.chance, self.size
        for number in range(size.mts):
            self._later(chance.uniform(0.0, size.seconds * 0.7), partial(self._produce, f"m{number}"))
        for number in range(size.mos):
            self._later(chance.uniform(0.0, size.seconds * 0.8), partial(self._phone, number))
        Blows(self).begin()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        """Something that the story is not over without."""

        def happens() -> None:
            self._to_come -= 1
            act()

        self._to_come += 1
        self.agenda.after(seconds, happens)

    def _produce(self, mt_id: str) -> None:
        """A producer publishes an MT, and perhaps once more."""
        chance = self.chance
        body: dict[str, Any] = {"id": mt_id, "to": "447700900123", "text": chance.choice(TEXTS)}
        if chance.random() < 0.2:
            body["on_doubt"] = "park"
        if chance.random() < 0.3:
            body["receipt"] = chance.choice(["all", "none"])
        if chance.random() < 0.05:
            body["expires_at"] = rfc3339(EPOCH + self.agenda.now + chance.uniform(0.0, 5.0))
        key = "mt.r.interactive" if chance.random() < 0.3 else "mt.r"
        self.audit.produced(mt_id, body)
        times = 1 + (chance.random() < self.weather.repeats) + (chance.random() < self.weather.repeats)
        self.troubles += times - 1
        for _ in range(times):
            stored = Stored(orjson.dumps(body), key)
            self._later(chance.choice((0.0, 0.01, 5.0)) * chance.random(), partial(self._queue, stored))

    def _queue(self, stored: Stored) -> None:
        self.note("app", f"publishes {stored.body.decode()}")
        self.rabbit.put(stored)

    def _phone(self, number: int) -> None:
        """A phone writes: one MO, with an id or without, or a long one, whose segments come one by one."""
        chance = self.chance
        provider = self.providers[chance.choice("pq")]
        kind = chance.choice(("id", "no id", "long"))
        if kind == "long":
            words = [f"part{number}.{place};" for place in range(chance.randint(2, 3))]
            for word, segment in zip(words, segments(*words, ref=number), strict=True):
                after = chance.choice((0.0, 0.01, 3.0)) * chance.random()
                self._later(after, partial(provider.owe, segment, word))
        else:
            word = f"word{number};"
            provider.owe(mo(word, f"id{number}" if kind == "id" else None), word)

    def uuid(self) -> UUID:
        """Chance, but of this seed."""
        self._uuids += 1
        return UUID(int=self._uuids)


def _next_at(worker: Worker) -> float:
    return worker.next_at
