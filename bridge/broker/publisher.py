"""Publishing: a bounded window of unconfirmed messages, the rest in order behind it, one answer for each.

Not responsible for the connection (`broker.py` attaches and detaches it) nor for frames (`wire.py`).
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial

import structlog

from bridge.broker.message import Confirmation, Outgoing
from bridge.broker.wire import Wire

log = structlog.get_logger(__name__)

WINDOW = 500
CONFIRM_LIMIT_S = 10.0

Done = Callable[[Confirmation], None]


class _Flight:
    """One message from `publish` to its answer. `done` is None once it was answered."""

    __slots__ = ("deadline", "done", "give_up", "message")

    def __init__(self, message: Outgoing, done: Done, deadline: float) -> None:
        self.message = message
        self.done: Done | None = done
        self.deadline = deadline
        self.give_up: Callable[[], object] | None = None


class Publisher:
    """Publishes on the channel that is attached now.

    `publish` may be called at any time; its `done` is called exactly once, from the loop, never inside the call:
    at the latest when the limit has passed (UNKNOWN). Who publishes bounds how much: `in_flight` tells.
    """

    def __init__(self, *, window: int = WINDOW, confirm_limit_s: float = CONFIRM_LIMIT_S) -> None:
        self._window = window
        self._confirm_limit_s = confirm_limit_s
        self._loop = asyncio.get_running_loop()
        self._wire: Wire | None = None
        self._connected = False
        self._blocked = False
        # All limits are equal, so the order of arrival is the order of deadlines.
        self._flights: OrderedDict[_Flight, None] = OrderedDict()
        self._queue: deque[_Flight] = deque()
        self._namesakes: dict[str, list[_Flight]] = {}
        self._written = 0
        self._writes_soon = False
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def connected(self) -> bool:
        """Whether there is a connection to publish on."""
        return self._connected

    @property
    def ready(self) -> bool:
        """Connected, and not held up by a memory or disk alarm of the broker."""
        return self._wire is not None and not self._blocked

    @property
    def in_flight(self) -> int:
        """Messages not answered yet, written or waiting."""
        return len(self._flights)

    def publish(self, message: Outgoing, done: Done) -> None:
        """Publish; `done` hears how it ended. Without a connection: UNKNOWN, soon."""
        flight = _Flight(message, done, self._loop.time() + self._confirm_limit_s)
        self._flights[flight] = None
        self._idle.clear()
        if not self._connected:
            self._loop.call_soon(self._answer, flight, Confirmation.UNKNOWN)
            return
        self._queue.append(flight)
        self._write_soon()
        if self._timer is None:
            self._timer = self._loop.call_at(flight.deadline, self._expire)

    async def idle(self) -> None:
        """Wait until every message is answered."""
        await self._idle.wait()

    def attach(self, wire: Wire) -> None:
        """Write to this channel from now on."""
        self._wire = wire
        self._connected = True
        self._write_soon()

    def pause(self) -> None:
        """The channel is gone, another is being opened: keep what is not written."""
        self._wire = None

    def detach(self) -> None:
        """The connection is gone: nothing that was not answered will be."""
        self._wire = None
        self._connected = False
        self._blocked = False
        for flight in list(self._flights):
            self._give_up(flight)
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def block(self, blocked: bool) -> None:
        """The broker stopped reading, or reads again. While it does not, nothing more is written."""
        self._blocked = blocked
        if not blocked:
            self._write_soon()

    def _write_soon(self) -> None:
        if not self._writes_soon:
            self._writes_soon = True
            self._loop.call_soon(self._write)

    def _write(self) -> None:
        self._writes_soon = False
        queue, wire = self._queue, self._wire
        if wire is None or self._blocked:
            return
        while queue and self._written < self._window:
            flight = queue.popleft()
            if flight.done is None:
                continue
            message_id = flight.message.message_id
            if message_id is not None:
                # Returned messages are told apart by their id, so of two with one id the second waits.
                if message_id in self._namesakes:
                    self._namesakes[message_id].append(flight)
                    continue
                self._namesakes[message_id] = []
            self._written += 1
            flight.give_up = wire.send(flight.message, partial(self._confirmed, flight))

    def _confirmed(self, flight: _Flight, confirmation: Confirmation) -> None:
        self._written -= 1
        flight.give_up = None
        if flight.message.message_id is not None:
            self._queue.extendleft(reversed(self._namesakes.pop(flight.message.message_id)))
        if self._queue:
            self._write_soon()
        self._answer(flight, confirmation)

    def _answer(self, flight: _Flight, confirmation: Confirmation) -> None:
        done, flight.done = flight.done, None
        if done is None:
            return
        del self._flights[flight]
        if not self._flights:
            self._idle.set()
        try:
            done(confirmation)
        except Exception:
            log.exception("publish.callback_failed", message_id=flight.message.message_id)

    def _give_up(self, flight: _Flight) -> None:
        if flight.give_up is not None:
            flight.give_up()
        self._answer(flight, Confirmation.UNKNOWN)

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._flights:
            oldest = next(iter(self._flights))
            if oldest.deadline > now:
                self._timer = self._loop.call_at(oldest.deadline, self._expire)
                break
            self._give_up(oldest)
        while self._queue and self._queue[0].done is None:
            self._queue.popleft()
