"""A small honest world for dispatchers: one RabbitMQ, one Redis, providers and workers, on a clock of its own.

Nothing here happens by itself. What a worker asks for waits until somebody lets it happen, answered or not; whoever
does that (a test, or Hypothesis) decides the order. What must never happen is checked where it would: a second
settlement of a delivery, a submit without a claim, a second copy nobody was warned of.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import count
from typing import Any

import orjson

from bridge.broker.message import Confirmation, Delivery
from bridge.broker.outbox import Outbox
from bridge.config.settings import RouteSettings
from bridge.model.names import Lane
from bridge.model.outcome import Accepted, Doubt, NotSent, Outcome, Rejected, RetryLater, Throttled
from bridge.outbound.bequest import Bequest
from bridge.outbound.consume import LANES, RouteConsumers
from bridge.outbound.dispatch import Dispatcher
from bridge.outbound.flight import SegmentRef
from bridge.outbound.parts import Fate
from bridge.outbound.record import load
from bridge.outbound.settler import Settler
from bridge.store.claims import Unmatched
from bridge.store.correlation import Correlation
from tests.outbound.fake_links import Link, Submit
from tests.outbound.fake_rabbit import NAMES, Channel, Clock, Message, Publisher, Rabbit
from tests.outbound.fake_redis import Claims, Redis, Value

ROUTE = RouteSettings.model_validate(
    {"providers": ["p", "q"], "from": "12345", "accepted_events": True, "max_attempts": 3}
)
JOIN_S = 3600.0
WINDOW = 2
"""Of each link."""
RESUBMIT_S = 31.0
"""Two rungs of the ladder."""
ENDS = ("rejected", "failed", "parked", "expired")


class Subscription:
    """A consumer of one lane."""

    def __init__(self, prefetch: int, on_delivery: Callable[[Delivery], None]) -> None:
        self.prefetch = prefetch
        self.on_delivery = on_delivery

    def resize(self, prefetch: int) -> None:
        self.prefetch = prefetch

    async def cancel(self) -> None:
        self.prefetch = 0
        await asyncio.sleep(0)


class Worker:
    """A real dispatcher with real consumers and outbox, in this world."""

    def __init__(self, world: "World", name: str, cut: str) -> None:
        self.world = world
        self.channel = Channel(world.rabbit)
        self.claims = Claims(world.redis)
        self.publisher = Publisher(world.rabbit)
        self.subscriptions: dict[Lane, Subscription] = {}
        self.links = list(world.make_links(cut))
        self.stopped: asyncio.Task[None] | None = None
        consumers = RouteConsumers(NAMES, ["r"], self)
        outbox = Outbox(self.publisher)
        self.settler = Settler(
            NAMES, frozenset({"r"}), self.claims, outbox, world.matched_late, join_s=JOIN_S
        )
        self.dispatcher = Dispatcher(
            {"r": world.route},
            self.links,
            self.claims,
            self.settler,
            consumers,
            worker=name,
            body_limit=10_000,
        )
        consumers.attach(self.dispatcher.take, self.dispatcher.return_waiting)
        for link in self.links:
            link.dispatcher = self.dispatcher
        self._consuming = world.clock.create_task(consumers.run())

    def subscribe(self, queue: str, prefetch: int, on_delivery: Callable[[Delivery], None]) -> Subscription:
        lane: Lane = "interactive" if queue.endswith(".interactive") else "bulk"
        self.subscriptions[lane] = Subscription(prefetch, on_delivery)
        return self.subscriptions[lane]

    def deliver(self, lane: Lane) -> bool:
        """RabbitMQ gives it the next message, if it may have one more."""
        subscription, ready = self.subscriptions.get(lane), self.world.rabbit.ready[lane]
        if subscription is None or not ready or len(self.channel.open) >= subscription.prefetch:
            return False
        subscription.on_delivery(self.channel.deliver(ready.popleft()))
        return True

    def lose_rabbit(self, stored: int) -> None:
        """Both connections break; the first few publishes were stored all the same."""
        self.channel.lose()
        self.channel = Channel(self.world.rabbit)
        self.publisher.confirm(stored, Confirmation.UNKNOWN)
        self.publisher.confirm(len(self.publisher.waiting), Confirmation.UNKNOWN, stored=False)

    def kill(self, executed: int, stored: int) -> None:
        """SIGKILL. What was on its way may have arrived; what it would do from now on does not happen."""
        self._consuming.cancel()
        for operation in list(self.claims.waiting)[:executed]:
            operation.run()
        for message, _ in list(self.publisher.waiting)[:stored]:
            self.world.rabbit.store(message)
        self.claims.flow = self.claims.fail = self.publisher.confirm = _nothing  # type: ignore[method-assign]
        self.channel.lose()
        for link in self.links:
            for submit in link.open:
                submit.fate = "lost"
            link.open.clear()
            link.active = False
        self.world.workers.remove(self)

    def stop(self) -> None:
        if self.stopped is None:
            self.stopped = self.world.clock.create_task(self.dispatcher.stop())

    async def end(self) -> None:
        tasks = [task for task in (self._consuming, self.stopped) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class World:
    """Everything. `turn` after each step lets the loop run dry. `route`: the only one."""

    def __init__(self, route: RouteSettings = ROUTE) -> None:
        self.route = route
        self.clock = Clock()
        self.failures: list[BaseException] = []
        self.clock.set_exception_handler(lambda _, context: self.failures.append(_failure(context)))
        self.rabbit = Rabbit(self.clock)
        self.redis = Redis(self.clock)
        self.published: dict[str, dict[str, Any]] = {}
        self.submits: dict[str, list[Submit]] = defaultdict(list)
        self.references: dict[int, str] = {}
        self.rematched: list[tuple[Correlation, list[Unmatched]]] = []
        """Receipts that had gone out unmatched, once more, and their MTs."""
        self._numbers = count(1)
        self.workers: list[Worker] = []
        self.ever: list[Worker] = []

    def make_links(self, cut: str) -> Iterator[Link]:
        """Of one worker, which cuts long MTs so."""
        for provider, name in (("p", "p1"), ("p", "p2"), ("q", "q1")):
            yield Link(self.submitted, provider, name, WINDOW, cut)

    def worker(self, cut: str = "") -> Worker:
        """One more, with all its links up. `cut`: how it cuts long MTs."""

        async def make() -> Worker:
            return Worker(self, f"w{len(self.ever)}", cut)

        worker = self.clock.run_until_complete(make())
        self.workers.append(worker)
        self.ever.append(worker)
        self.turn()
        for link in worker.links:
            link.up()
        self.turn()
        return worker

    def publish(
        self, mt_id: str, lane: Lane = "bulk", headers: dict[str, Any] | None = None, **parts: Any
    ) -> None:
        """As a producer does; an id published before is the same message again."""
        body = self.published.setdefault(mt_id, {"id": mt_id, "to": "447700900123", "text": "t", **parts})
        self.rabbit.ready[lane].append(Message(orjson.dumps(body), lane, dict(headers or {})))

    def submitted(self, submit: Submit) -> None:
        """A submit leaves: was it allowed to?"""
        flight, submits = submit.flight, self.submits[submit.flight.mt_key]
        before = [other for other in submits if other.fate != "refused"]
        assert all(other.ref is not submit.ref or other.fate != "open" for other in before), (
            "two submits open in one flight"
        )
        claim = self.redis.claims.get(flight.mt_key, Value("E", ""))
        ours = claim[:2] == ("P", flight.owner)
        assert ours or flight.late or before, "submitted without a claim"
        if isinstance(submit.ref, SegmentRef):
            self._segment_submitted(submit.ref, claim, ours)
        needed = _warnings_needed([*before, submit])
        if needed:
            assert flight.doubt, "an unmarked second copy"
            warnings = {event["event_id"] for event in self.rabbit.told(flight.mt.id, "resent")}
            assert len(warnings) >= needed, "another copy nobody was warned of"
            assert flight.mt.on_doubt != "park", "a second copy of what was to be parked"
        submits.append(submit)

    def matched_late(
        self, receipts: Sequence[Unmatched], found: Correlation, then: Callable[[], None]
    ) -> None:
        """As inbound takes them, published at once."""
        self.rematched.append((found, list(receipts)))
        self.clock.call_soon(then)

    def _segment_submitted(self, ref: SegmentRef, claim: Value, ours: bool) -> None:
        mt_key = ref.flight.mt_key
        assert self.references.setdefault(ref.reference, mt_key) == mt_key, "two MTs under one reference"
        if ours:
            assert claim.reference == ref.reference
            parts = Bequest.load(claim.state, claim.text).parts
            assert parts is not None
            assert parts.segments[ref.number - 1] is Fate.WRITTEN, "the claim knows nothing"

    def turn(self) -> None:
        self.clock.turns()
        self.rabbit.let_down()
        for failure in self.failures:
            raise failure

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.turn()

    def flow(self) -> None:
        """Everything that waits in RabbitMQ, Redis and the workers happens, but for the providers' answers."""
        for _ in range(200):
            self.turn()
            busy = False
            for worker in list(self.workers):
                busy |= bool(worker.claims.waiting or worker.publisher.waiting)
                worker.claims.flow(10_000)
                worker.publisher.confirm(10_000)
                for lane in LANES:
                    busy |= worker.deliver(lane)
            if not busy:
                return
        raise AssertionError("it goes round and round")

    def busy(self) -> bool:
        """Whether anything waits in RabbitMQ, Redis or a worker."""
        return any(self.rabbit.ready.values()) or any(
            worker.claims.waiting or worker.publisher.waiting for worker in self.workers
        )

    def heal(self) -> None:
        """All goes well from now on, until nothing is left to do."""
        if not any(worker.stopped is None for worker in self.workers):
            self.worker()
        for _ in range(400):
            for link in self.links():
                if not link.active or link.full:
                    link.up()
            self.flow()
            for link in self.links():
                while link.open:
                    link.answer(0, Accepted(self.smsc_id()))
            self.flow()
            if not (self.rabbit.ladder or any(self.rabbit.ready.values()) or self.in_hand()):
                return
            self.advance(self.rabbit.ladder[0][0] - self.clock.now if self.rabbit.ladder else 0.3)
        raise AssertionError(f"left over: {self.in_hand()} in hand, {self.rabbit.ladder} on the ladder")

    def smsc_id(self) -> str:
        """One that nothing else has."""
        return f"a{next(self._numbers)}"

    def links(self) -> Iterator[Link]:
        for worker in self.workers:
            yield from worker.links

    def in_hand(self) -> int:
        return sum(worker.dispatcher.in_hand for worker in self.workers)

    def check_the_end(self) -> None:
        """Every MT ended, and was told, in one way."""
        assert not any(worker.channel.open for worker in self.workers), "a delivery was never settled"
        for worker in self.workers:
            assert not any(route.lanes for route in worker.dispatcher.routes.values())
        for mt_id in self.published:
            ends = {(event["event_id"], event["outcome"]) for event in self.rabbit.told(mt_id, *ENDS)}
            assert len(ends) <= 1, f"{mt_id} ended twice: {ends}"
            taken = [submit for submit in self.submits[mt_id] if submit.fate == "taken"]
            assert ends or taken, f"{mt_id} is lost"
            told = ends or self.rabbit.told(mt_id, "accepted")
            assert told, f"nobody heard of {mt_id}"
            reasons = Counter(copy["reason"] for copy in self.rabbit.dead if copy["id"] == mt_id)
            words = {"doubt" if word == "parked" else word for _, word in ends} - {"expired"}
            assert set(reasons) == words, f"{mt_id} ended {words}, in the dead queue {reasons}"
            assert self.redis.claims[mt_id].word != "P"
            for event in self.rabbit.told(mt_id, "accepted", "resolved"):
                self._check_accepted(mt_id, event)

    def _check_accepted(self, mt_id: str, event: dict[str, Any]) -> None:
        """A phone has the whole of what is said to be accepted: all segments, from one provider, as one copy."""
        ids: dict[Hashable, set[int]] = defaultdict(set)
        for submit in self.submits[mt_id]:
            if submit.fate == "taken" and submit.of == event["segments"]:
                ids[submit.copy].add(submit.number)
        whole = set(range(1, event["segments"] + 1))
        assert whole in ids.values(), f"{mt_id} was never whole: {ids}"
        assert len(event["smsc_ids"]) == event["segments"]
        assert all(event["smsc_ids"])
        claim = self.redis.claims[mt_id]
        if (
            claim.word == "D"
            and tuple(event["smsc_ids"]) == load(claim.text).report.smsc_ids
            and len(whole) > 1
        ):
            assert set(self.redis.joins[mt_id].ids) == whole, "receipts of some segments will not be joined"

    def close(self) -> None:
        async def end() -> None:
            for worker in self.ever:
                await worker.end()

        self.clock.run_until_complete(end())
        self.clock.close()


class HttpWorld(World):
    """With one bind, and a provider that has two HTTP sites and is told what to call each message.

    It never has a message of one name twice.
    """

    def __init__(self, prefer: str = "any") -> None:
        route = {"providers": ["p", "h"], "from": "12345", "accepted_events": True, "max_attempts": 4}
        super().__init__(RouteSettings.model_validate({**route, "prefer": prefer}))
        self.had: set[str] = set()
        """What the HTTP provider calls the messages that it has."""

    def make_links(self, cut: str) -> Iterator[Link]:
        yield Link(self.submitted, "p", "p1", WINDOW, cut)
        for rank, name in enumerate(("h1", "h2")):
            yield Link(
                self.submitted,
                "h",
                name,
                WINDOW,
                via="http",
                rank=rank,
                resubmit_s=RESUBMIT_S,
                wordless=("data",),
                had=self.had,
            )


OUTCOMES: tuple[Outcome, ...] = (
    Accepted("a"),
    Rejected(0x0B, "bad number"),
    RetryLater(0x14, "queue full"),
    Throttled(0x58, "too fast"),
    NotSent("bind", 0x04),
    Doubt("response timeout"),
)


def _warnings_needed(submits: Sequence[Submit]) -> int:
    """How often somebody had to be told: of each copy but the first, and each time its segments left again."""
    times: Counter[tuple[Hashable, int]] = Counter((submit.copy, submit.number) for submit in submits)
    most: dict[Hashable, int] = {}
    for (copy, _), often in times.items():
        most[copy] = max(most.get(copy, 0), often)
    return sum(most.values()) - 1


def _nothing(*_: object, **__: object) -> None:
    """A dead worker does nothing."""


def _failure(context: dict[str, Any]) -> BaseException:
    found = context.get("exception")
    return found if isinstance(found, BaseException) else AssertionError(context["message"])
