"""A small honest world for dispatchers: one RabbitMQ, one Redis, providers and workers, on a clock of its own.

Nothing here happens by itself. What a worker asks for waits until somebody lets it happen, answered or not; whoever
does that (a test, or Hypothesis) decides the order. What must never happen is checked where it would: a second
settlement of a delivery, a submit without a claim, a second copy nobody was warned of.
"""

import asyncio
import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal

import orjson
from aiormq import spec

from bridge.broker.message import Confirmation, Delivery, Outgoing
from bridge.broker.outbox import Outbox
from bridge.config.settings import RouteSettings
from bridge.model.mt import Mt
from bridge.model.names import WAIT_RUNGS_S, Lane, Names
from bridge.model.outcome import Accepted, Doubt, NotSent, Outcome, Rejected, RetryLater, Throttled
from bridge.outbound.consume import LANES, RouteConsumers
from bridge.outbound.dispatch import Dispatcher
from bridge.outbound.flight import Flight
from bridge.outbound.settler import Settler
from bridge.store.claims import Claim, Recorded
from bridge.store.correlation import Correlation

NAMES = Names("b")
ROUTE = RouteSettings.model_validate(
    {"providers": ["p", "q"], "from": "12345", "accepted_events": True, "max_attempts": 3}
)
ENDS = ("rejected", "failed", "parked", "expired")


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time is set by hand. Its timers ring up to a millisecond early, as those of uvloop do."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self._clock_resolution = 0.001

    def time(self) -> float:
        return self.now

    def turns(self, count: int = 8) -> None:
        """Let what is ready happen."""

        async def pass_by() -> None:
            for _ in range(count):
                await asyncio.sleep(0)

        self.run_until_complete(pass_by())

    def advance(self, seconds: float) -> None:
        """Let time pass, ringing each timer on the way half a millisecond early."""
        until = self.now + seconds
        while True:
            scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
            first = min((handle.when() for handle in scheduled if not handle.cancelled()), default=inf)
            if first - 0.0005 >= until:
                break
            self.now = max(self.now, first - 0.0005)
            self.turns()
        self.now = until
        self.turns()


@dataclass(eq=False, slots=True)
class Message:
    """As RabbitMQ keeps it."""

    body: bytes
    lane: Lane
    headers: dict[str, Any] = field(default_factory=dict)
    message_id: str | None = None
    redelivered: bool = False


class Channel:
    """What one worker holds of RabbitMQ's messages; a lost connection is another one."""

    def __init__(self, rabbit: "Rabbit") -> None:
        self._rabbit = rabbit
        self._numbers = 0
        self.open: dict[int, Message] = {}
        self.settled: set[int] = set()
        self.alive = True

    def deliver(self, message: Message) -> Delivery:
        self._numbers += 1
        self.open[self._numbers] = message
        properties = spec.Basic.Properties(headers=message.headers, message_id=message.message_id)
        key = NAMES.route_key("r", message.lane)
        return Delivery(self, self._numbers, message.body, NAMES.mt, key, message.redelivered, properties)

    def is_open(self, tag: int) -> bool:
        return tag in self.open

    def _settle(self, tag: int) -> Message | None:
        if not self.alive:
            return None
        assert tag not in self.settled, "a delivery was settled twice"
        self.settled.add(tag)
        return self.open.pop(tag)

    def ack(self, tag: int) -> None:
        self._settle(tag)

    def requeue(self, tag: int) -> None:
        message = self._settle(tag)
        if message is not None:
            message.redelivered = True
            self._rabbit.ready[message.lane].appendleft(message)

    def lose(self) -> None:
        """The connection is gone: all that was not settled is ready again."""
        self.alive = False
        for message in self.open.values():
            message.redelivered = True
            self._rabbit.ready[message.lane].append(message)


class Rabbit:
    """Two queues, the ladder, and all that was ever published."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.ready: dict[Lane, deque[Message]] = {"bulk": deque(), "interactive": deque()}
        self.ladder: list[tuple[float, int, Message]] = []
        self.events: list[dict[str, Any]] = []
        self.dead: list[dict[str, Any]] = []

    def store(self, message: Outgoing) -> None:
        if message.exchange == NAMES.events:
            self.events.append(orjson.loads(message.body))
        elif message.exchange == NAMES.dead:
            self.dead.append(
                orjson.loads(message.body) | {"reason": (message.headers or {})["bridge-reason"]}
            )
        else:
            rung_s = next(rung for rung in WAIT_RUNGS_S if NAMES.wait(rung) == message.exchange)
            lane: Lane = "interactive" if message.routing_key.endswith(".interactive") else "bulk"
            waiting = Message(message.body, lane, dict(message.headers or {}), message.message_id)
            heapq.heappush(self.ladder, (self._clock.time() + rung_s, id(waiting), waiting))

    def let_down(self) -> None:
        """Those whose wait is over."""
        while self.ladder and self.ladder[0][0] <= self._clock.time():
            message = heapq.heappop(self.ladder)[2]
            self.ready[message.lane].append(message)

    def told(self, mt_id: str, *outcomes: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["id"] == mt_id and event["outcome"] in outcomes]


class Redis:
    """The claims, as `functions.lua` has them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.claims: dict[str, tuple[str, str, float]] = {}

    def claim(self, key: str, owner: str, lease_ms: int, takeover: bool) -> Claim:
        word, holder, deadline = self.claims.get(key, ("", "", 0.0))
        now = self._clock.time()
        verdict: Literal["new", "mine", "taken"] = "new"
        if word == "D":
            return Claim("done", info=holder)
        if word == "P":
            if holder == owner:
                verdict = "mine"
            elif deadline > now:
                return Claim("busy", wait_ms=int((deadline - now) * 1000))
            elif not takeover:
                return Claim("stale")
            else:
                verdict = "taken"
        self.claims[key] = ("P", owner, now + lease_ms / 1000)
        return Claim(verdict)

    def answered(self, key: str, owner: str, info: str) -> Recorded:
        value = self.claims.get(key)
        self.claims[key] = ("D", info, 0.0)
        fenced = value is not None and value[:2] not in (("D", info), ("P", owner))
        return Recorded(fenced=fenced, unmatched=[])

    def finish(self, key: str, owner: str, info: str) -> bool:
        value = self.claims.get(key)
        if value is not None and value[:2] not in (("D", info), ("P", owner)):
            return False
        self.claims[key] = ("D", info, 0.0)
        return True

    def amend(self, key: str, old: str, new: str) -> bool:
        if self.claims.get(key, ("", ""))[:2] not in (("D", old), ("D", new)):
            return False
        self.claims[key] = ("D", new, 0.0)
        return True

    def release(self, key: str, owner: str) -> None:
        if self.claims.get(key, ("", ""))[:2] == ("P", owner):
            del self.claims[key]


@dataclass(eq=False, slots=True)
class Operation:
    run: Callable[[], Any]
    done: Callable[[Any], None]
    kept: bool


class Claims:
    """One worker's way to Redis: operations wait until `flow`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.waiting: deque[Operation] = deque()

    def _add(self, run: Callable[[], Any], done: Callable[[Any], None], *, kept: bool = True) -> None:
        self.waiting.append(Operation(run, done, kept))

    def claim(
        self,
        mt_key: str,
        owner: str,
        lease_ms: int,
        done: Callable[[Claim | None], None],
        *,
        takeover: bool = False,
    ) -> None:
        self._add(lambda: self._redis.claim(mt_key, owner, lease_ms, takeover), done, kept=False)

    def answered(
        self, mt_key: str, owner: str, info: str, entry: Correlation, done: Callable[[Recorded], None]
    ) -> None:
        assert entry.mt_id == mt_key
        self._add(lambda: self._redis.answered(mt_key, owner, info), done)

    def finish(self, mt_key: str, owner: str, info: str, done: Callable[[bool], None]) -> None:
        self._add(lambda: self._redis.finish(mt_key, owner, info), done)

    def amend(self, mt_key: str, old: str, new: str, done: Callable[[bool], None]) -> None:
        self._add(lambda: self._redis.amend(mt_key, old, new), done)

    def release(self, mt_key: str, owner: str, done: Callable[[], None]) -> None:
        self._add(lambda: self._redis.release(mt_key, owner), lambda _: done())

    def flow(self, count: int) -> None:
        """The next ones are executed and answered."""
        for _ in range(min(count, len(self.waiting))):
            operation = self.waiting.popleft()
            operation.done(operation.run())

    def fail(self, executed: int) -> None:
        """Redis does not answer; the first few were executed all the same. What is kept will be asked again."""
        waiting, self.waiting = self.waiting, deque()
        for index, operation in enumerate(waiting):
            if index < executed:
                operation.run()
            if operation.kept:
                self.waiting.append(operation)
        for operation in waiting:
            if not operation.kept:
                operation.done(None)


class Publisher:
    """One worker's way into RabbitMQ: messages wait until `confirm`."""

    def __init__(self, rabbit: Rabbit) -> None:
        self._rabbit = rabbit
        self.waiting: deque[tuple[Outgoing, Callable[[Confirmation], None]]] = deque()

    def publish(self, message: Outgoing, done: Callable[[Confirmation], None]) -> None:
        self.waiting.append((message, done))

    def confirm(
        self, count: int, answer: Confirmation = Confirmation.CONFIRMED, *, stored: bool = True
    ) -> None:
        for _ in range(min(count, len(self.waiting))):
            message, done = self.waiting.popleft()
            if stored:
                self._rabbit.store(message)
            done(answer)


@dataclass(eq=False, slots=True)
class Submit:
    """What a provider saw. `fate`: open, taken, refused, lost (nobody knows)."""

    flight: Flight
    fate: Literal["open", "taken", "refused", "lost"] = "open"


class Link:
    """A bind that does what it is told."""

    via: Literal["smpp"] = "smpp"
    site = "s"
    lease_s = 40.0

    def __init__(self, world: "World", provider: str, name: str, window: int) -> None:
        self._world = world
        self.provider, self.name, self.window = provider, name, window
        self.active = False
        self.full = False
        """Whether it takes nothing more although it is up."""
        self.open: list[Submit] = []
        self.given_up: list[Submit] = []
        self.dispatcher: Dispatcher

    @property
    def free(self) -> int:
        return self.window - len(self.open) if self.active and not self.full else 0

    def prepare(self, mt: Mt, from_: str, now_epoch: float) -> bytes | Rejected:
        if mt.text == self.provider:
            return Rejected(None, "not in this provider's words")
        return f"{from_} {now_epoch} {mt.id}".encode()

    def submit(self, body: bytes, ref: object) -> bool:
        assert isinstance(ref, Flight)
        assert body.endswith(ref.mt.id.encode())
        if self.free <= 0:
            return False
        self.open.append(self._world.submitted(ref))
        return True

    def answer(self, index: int, outcome: Outcome) -> None:
        """The end of one of its submits."""
        submit = self.open.pop(index % len(self.open))
        submit.fate = (
            "taken" if isinstance(outcome, Accepted) else "lost" if isinstance(outcome, Doubt) else "refused"
        )
        if submit.fate == "lost":
            self.given_up.append(submit)
        self.dispatcher.attempt_ended(self, submit.flight, outcome)

    def answer_late(self, index: int, outcome: Outcome) -> None:
        submit = self.given_up.pop(index % len(self.given_up))
        submit.fate = "taken" if isinstance(outcome, Accepted) else "refused"
        self.dispatcher.answered_late(self, submit.flight, outcome)

    def up(self) -> None:
        self.active = True
        self.full = False
        self.dispatcher.link_changed(self)

    def down(self, written: bool = True) -> None:
        self.active = False
        while self.open:
            self.answer(0, Doubt("link lost") if written else NotSent("never written"))
        self.given_up.clear()
        self.dispatcher.link_changed(self)


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

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.channel = Channel(world.rabbit)
        self.claims = Claims(world.redis)
        self.publisher = Publisher(world.rabbit)
        self.subscriptions: dict[Lane, Subscription] = {}
        self.links = [Link(world, "p", "p1", 2), Link(world, "p", "p2", 2), Link(world, "q", "q1", 2)]
        self.stopped: asyncio.Task[None] | None = None
        consumers = RouteConsumers(NAMES, ["r"], self)
        outbox = Outbox(self.publisher)  # type: ignore[arg-type]
        settler = Settler(NAMES, frozenset({"r"}), self.claims, outbox, _no_late_match)
        self.dispatcher = Dispatcher(
            {"r": ROUTE}, self.links, self.claims, settler, consumers, worker=name, body_limit=10_000
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
    """Everything. `turn` after each step lets the loop run dry."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.failures: list[BaseException] = []
        self.clock.set_exception_handler(lambda _, context: self.failures.append(_failure(context)))
        self.rabbit = Rabbit(self.clock)
        self.redis = Redis(self.clock)
        self.published: dict[str, dict[str, Any]] = {}
        self.submits: dict[str, list[Submit]] = defaultdict(list)
        self.workers: list[Worker] = []
        self.ever: list[Worker] = []

    def worker(self) -> Worker:
        """One more, with all its links up."""

        async def make() -> Worker:
            return Worker(self, f"w{len(self.ever)}")

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

    def submitted(self, flight: Flight) -> Submit:
        """A submit leaves: was it allowed to?"""
        before = [submit for submit in self.submits[flight.mt_key] if submit.fate != "refused"]
        assert all(s.flight is not flight or s.fate != "open" for s in before), (
            "two submits open in one flight"
        )
        holder = self.redis.claims.get(flight.mt_key, ("", "", 0.0))
        assert holder[:2] == ("P", flight.owner) or flight.late or before, "submitted without a claim"
        if before:
            assert flight.doubt, "an unmarked second copy"
            warnings = self.rabbit.told(flight.mt.id, "resent")
            assert len(warnings) >= len(before), "another copy nobody was warned of"
            assert flight.mt.on_doubt != "park", "a second copy of what was to be parked"
        submit = Submit(flight)
        self.submits[flight.mt_key].append(submit)
        return submit

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
                    link.answer(0, Accepted(f"a{id(link.open[0])}"))
            self.flow()
            if not (self.rabbit.ladder or any(self.rabbit.ready.values()) or self.in_hand()):
                return
            self.advance(self.rabbit.ladder[0][0] - self.clock.now if self.rabbit.ladder else 0.3)
        raise AssertionError(f"left over: {self.in_hand()} in hand, {self.rabbit.ladder} on the ladder")

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
            assert self.redis.claims[mt_id][0] == "D"

    def close(self) -> None:
        async def end() -> None:
            for worker in self.ever:
                await worker.end()

        self.clock.run_until_complete(end())
        self.clock.close()


OUTCOMES: tuple[Outcome, ...] = (
    Accepted("a"),
    Rejected(0x0B, "bad number"),
    RetryLater(0x14, "queue full"),
    Throttled(0x58, "too fast"),
    NotSent("bind", 0x04),
    Doubt("response timeout"),
)


def _no_late_match(*_: object) -> None:
    raise AssertionError("this Redis knows no unmatched receipts")


def _nothing(*_: object, **__: object) -> None:
    """A dead worker does nothing."""


def _failure(context: dict[str, Any]) -> BaseException:
    found = context.get("exception")
    return found if isinstance(found, BaseException) else AssertionError(context["message"])
