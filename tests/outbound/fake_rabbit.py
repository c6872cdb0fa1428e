"""RabbitMQ as small as outbound sees it, on a clock that is set by hand."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import inf
from typing import Any

import orjson

from bridge.broker.message import Confirmation, Delivery, Outgoing, Properties
from bridge.model.names import WAIT_RUNGS_S, Lane, Names

NAMES = Names("b")


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
        properties = Properties(headers=message.headers, message_id=message.message_id)
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
        self._numbers = count()
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
            heapq.heappush(self.ladder, (self._clock.time() + rung_s, next(self._numbers), waiting))

    def let_down(self) -> None:
        """Those whose wait is over."""
        while self.ladder and self.ladder[0][0] <= self._clock.time():
            message = heapq.heappop(self.ladder)[2]
            self.ready[message.lane].append(message)

    def told(self, mt_id: str, *outcomes: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["id"] == mt_id and event["outcome"] in outcomes]


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
