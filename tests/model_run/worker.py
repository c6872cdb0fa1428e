"""One worker of the pool: the product's own outbound, inbound, store and outbox, put together as `assembly` does, on a
loop of its own, with simulated lines to all other parties.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from bridge.broker.outbox import Outbox
from bridge.broker.publisher import Publisher
from bridge.config.settings import RedisSettings, RouteSettings
from bridge.inbound.deadlines import Deadlines
from bridge.inbound.early import PREFETCH, EarlyReceipts
from bridge.inbound.receive import Receiver
from bridge.inbound.relations import Relations
from bridge.model.events import Origin
from bridge.outbound.consume import RouteConsumers
from bridge.outbound.dispatch import Dispatcher
from bridge.outbound.settler import Settler
from bridge.store.correlation import Correlation
from bridge.store.store import Store, StoreUnavailable
from tests.inbound.messages import join
from tests.model_run.bind import Bind
from tests.model_run.clock import Act, WorkerLoop
from tests.model_run.rabbit import NAMES
from tests.model_run.rabbit_line import Line
from tests.model_run.store_line import Client

if TYPE_CHECKING:
    from tests.model_run.world import World

JOIN_S = 3600.0
EARLY_S = 12.0
SEGMENT_S = 15.0
REPEAT_S = 10.0
DRAIN_S = 30.0
MAX_ATTEMPTS = 4
ROUTE = RouteSettings.model_validate(
    {"providers": ["p", "q"], "from": "12345", "accepted_events": True, "max_attempts": MAX_ATTEMPTS}
)


class Worker:
    """`alive`: not killed. While it is not, nothing of it reaches anybody. `left`: it has ended by itself."""

    def __init__(self, world: "World", name: str, cut: str) -> None:
        """`cut`: how it cuts long MTs."""
        self.world = world
        self.name = name
        self.cut = cut
        self.alive = True
        self.left = False
        self.leaving = False
        self.skew_s = 0.0
        self._paused = False
        self._held: deque[Act] = deque()
        self.loop = WorkerLoop(world.agenda)
        self.loop.set_exception_handler(self._failed)
        world.workers.append(self)
        self._turn(self._make)

    def _make(self) -> None:
        self.publisher = Publisher()
        self.outbox = Outbox(self.publisher)
        self.store = Store(RedisSettings(prefix="b"), worker=self.name)
        client: Any = Client(self)
        self.store._client = client
        self.store._script = client.script  # type: ignore[method-assign]
        self.rabbit = Line(self)
        self._receive()
        self._send()
        services = (self._remember(), self.consumers.run(), self.receiver.run(), self.deadlines.run())
        self._tasks = [self.loop.create_task(service) for service in services]
        for task in self._tasks:
            task.add_done_callback(self._ended)
        self.rabbit.subscribe(NAMES.early, PREFETCH, self.early.take)
        self.loop.create_task(self._bind())

    def _receive(self) -> None:
        relations = Relations({})
        of_mos: dict[str, Any] = {
            "worker": self.name,
            "join": dict.fromkeys("pq", join),
            "segment_wait_s": SEGMENT_S,
            "mo_repeat_s": REPEAT_S,
        }
        receipts, segments = self.store.receipts, self.store.segments
        matching: Mapping[str, Any] = {
            "relations": relations,
            "resolve": self._resolve,
            "early_wait_s": EARLY_S,
        }
        self.receiver = Receiver(NAMES, receipts, segments, self.publisher, self.outbox, **of_mos, **matching)
        self.early = EarlyReceipts(NAMES, receipts, self.outbox, **matching)
        self.deadlines = Deadlines(NAMES, receipts, segments, self.outbox, **of_mos)

    def _resolve(self, found: Correlation, origin: Origin, then: Callable[[], None]) -> None:
        """Inbound comes first, and outbound after it."""
        self.settler.resolve(found, origin, then)

    def _send(self) -> None:
        world, claims = self.world, self.store.claims
        self.binds = [Bind(self, provider, site) for provider, site in world.sites()]
        self.consumers = RouteConsumers(NAMES, ["r"], self.rabbit)
        self.settler = Settler(
            NAMES, frozenset({"r"}), claims, self.outbox, self.receiver.matched_late, join_s=JOIN_S
        )
        self.dispatcher = Dispatcher(
            {"r": ROUTE},
            self.binds,
            claims,
            self.settler,
            self.consumers,
            worker=self.name,
            body_limit=10_000,
        )
        self.consumers.attach(self.dispatcher.take, self.dispatcher.return_waiting)
        self.store.on_change(lambda up: self.dispatcher.wake_all() if up else None)

    async def _remember(self) -> None:
        """As the app begins with a Redis that other workers have used."""
        while True:
            try:
                await self.store.begin(used_before=True)
                break
            except StoreUnavailable:
                await asyncio.sleep(0.5)
        await self.store.run()

    async def _bind(self) -> None:
        while not (self.store.up and self.publisher.connected):  # noqa: ASYNC110  one of two, neither has an event
            await asyncio.sleep(0.05)
        for bind in self.binds:
            bind.up()

    def _failed(self, _loop: object, context: Mapping[str, Any]) -> None:
        self.world.failures.append(context.get("exception") or AssertionError(context["message"]))

    def _ended(self, service: asyncio.Task[None]) -> None:
        """What runs for ever ends only with the worker."""
        if not service.cancelled():
            self.world.failures.append(service.exception() or AssertionError(f"{service} has ended"))

    # Turning

    def do(self, act: Act) -> None:
        """Something reaches it."""
        if not self.alive:
            return
        if self._paused:
            self._held.append(act)
        else:
            self._turn(act)

    def _turn(self, act: Act | None = None) -> None:
        self.world.acting = self
        self.loop.turn(act)
        self.world.acting = None
        if not self.alive:
            self._end()

    @property
    def next_at(self) -> float:
        return self.loop.next_at if self.alive and not self._paused else float("inf")

    def ring(self) -> None:
        """Its next timer is due."""
        self._turn()

    def pause(self) -> None:
        """SIGSTOP."""
        self._paused = True

    def resume(self) -> None:
        """SIGCONT: what came meanwhile is read first."""
        if not self._paused or not self.alive:
            return
        self._paused = False
        held, self._held = self._held, deque()
        for act in held:
            self.loop.call_soon(_once(act))
        self._turn()

    # Ends

    def kill(self) -> None:
        """SIGKILL, from outside."""
        if self.alive:
            self.alive = False
            self._end()

    def stop(self) -> None:
        """SIGTERM."""
        if not self.leaving:
            self.leaving = True
            self.do(lambda: self.loop.create_task(self._leave()))

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_S):
                await self.dispatcher.stop()
                await self.outbox.idle()
        except TimeoutError:
            pass
        for bind in self.binds:
            bind.cut(bind.session)
        try:
            async with asyncio.timeout(DRAIN_S):
                await self.store.idle()
        except TimeoutError:
            pass
        self.left = True
        self.alive = False

    def _end(self) -> None:
        if self not in self.world.workers:
            return
        self.world.workers.remove(self)
        self.world.note(self.name, "has left" if self.left else "is dead")
        self.rabbit.die()
        for bind in self.binds:
            bind.die()
        self.loop.end()

    def __str__(self) -> str:
        in_hand = f"{self.dispatcher.in_hand} MTs, {self.receiver.unanswered} unanswered"
        unsent = f"{self.outbox.unconfirmed} in the outbox, {self.publisher.in_flight} unconfirmed"
        return f"{self.name} ({in_hand}, {unsent}{', leaving' if self.leaving else ''})"

    @property
    def idle(self) -> bool:
        """Whether it has nothing in hand."""
        return not (
            self.dispatcher.in_hand
            or self.receiver.unanswered
            or self.outbox.unconfirmed
            or self.publisher.in_flight
            or self.leaving
        )


def _once(act: Act) -> Callable[[], None]:
    return partial(_do, act)


def _do(act: Act) -> None:
    act()
