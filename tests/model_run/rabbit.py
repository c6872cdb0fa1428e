"""A RabbitMQ: queues, the wait ladder, and all that was ever published.

What was confirmed is stored for ever; what was delivered and not acked comes back when its channel is gone. Not
responsible for connections (`rabbit_line`), exchanges that a user adds, nor for more than one node.
"""

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from bridge.broker.message import Outgoing
from bridge.model.names import WAIT_RUNGS_S, Names

if TYPE_CHECKING:
    from tests.model_run.rabbit_line import Channel
    from tests.model_run.world import World

NAMES = Names("b")
MT_QUEUES = (NAMES.route_queue("r", "interactive"), NAMES.route_queue("r", "bulk"))


@dataclass(eq=False, slots=True)
class Stored:
    """A message as it is kept."""

    body: bytes
    key: str
    headers: dict[str, Any] = field(default_factory=dict)
    message_id: str | None = None
    redelivered: bool = False


class Rabbit:
    """The broker itself."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.up = True
        self.ready: dict[str, deque[Stored]] = {name: deque() for name in (*MT_QUEUES, NAMES.early)}
        self.waiting: set[Stored] = set()
        self.events: list[dict[str, Any]] = []
        self.dead: list[dict[str, Any]] = []
        self.channels: list[Channel] = []

    def store(self, message: Outgoing) -> None:
        """As it is routed."""
        if message.exchange == NAMES.events:
            body = orjson.loads(message.body)
            assert body["event_id"] == message.message_id
            self.events.append(body)
            self._world.note("rabbit", f"has {message.routing_key} {message.message_id}")
        elif message.exchange == NAMES.dead:
            body = orjson.loads(message.body)
            self.dead.append(body | {"reason": (message.headers or {})["bridge-reason"]})
            self._world.note("rabbit", f"has dead {body['id']}")
        else:
            rung_s = next(rung for rung in WAIT_RUNGS_S if NAMES.wait(rung) == message.exchange)
            stored = Stored(
                message.body, message.routing_key, dict(message.headers or {}), message.message_id
            )
            self.waiting.add(stored)
            self._world.note("rabbit", f"keeps {message.message_id or message.routing_key} for {rung_s} s")
            self._world.agenda.after(rung_s, partial(self._comes_back, stored))

    def _comes_back(self, stored: Stored) -> None:
        self.waiting.discard(stored)
        self.put(stored)

    def put(self, stored: Stored) -> None:
        """Into its queue."""
        queue = NAMES.early if stored.key.startswith("early.") else f"{NAMES.prefix}.{stored.key}"
        self.ready[queue].append(stored)
        self.serve()

    def back(self, queue: str, stored: Stored) -> None:
        """What was delivered and not acked."""
        stored.redelivered = True
        self.ready[queue].insert(self._world.chance.randint(0, len(self.ready[queue])), stored)
        self.serve()

    def serve(self) -> None:
        """Whoever may have one more gets the next."""
        for queue, ready in self.ready.items():
            while ready and self.up:
                hungry = [one for one in self.channels if one.queue == queue and one.hungry]
                if not hungry:
                    break
                self._world.chance.choice(hungry).send(ready.popleft())

    def fall(self) -> None:
        """The broker is away for a while; what it has stays."""
        self.up = False
        for worker in list(self._world.workers):
            worker.rabbit.cut()

    def rise(self) -> None:
        self.up = True
        self.serve()

    def __str__(self) -> str:
        ready = {queue: len(ready) for queue, ready in self.ready.items() if ready}
        return f"RabbitMQ ({len(self.waiting)} wait, ready {ready}, {[str(one) for one in self.channels]})"

    @property
    def idle(self) -> bool:
        return not (self.waiting or any(self.ready.values()) or any(one.unacked for one in self.channels))

    def copies(self, mt_id: str, but: Stored | None = None) -> int:
        """How many messages of this MT it still has, apart from one."""
        needle = b'"id":"%s"' % mt_id.encode()
        unacked = (one for channel in self.channels for one in channel.unacked.values())
        ready = (one for queue in self.ready.values() for one in queue)
        return sum(one is not but and needle in one.body for one in (*self.waiting, *unacked, *ready))
