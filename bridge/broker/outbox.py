"""Publishing that repeats itself until RabbitMQ has confirmed.

For what must be published before the work on a message can end: outcome events, copies for the dead and wait queues.
Bounded by its callers: each holds one delivery for what it sends.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import orjson
import structlog

from bridge.broker.message import Confirmation, Outgoing
from bridge.model.events import Event
from bridge.model.names import Names

log = structlog.get_logger(__name__)

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0


class PublisherPort(Protocol):
    """One try to publish; what was not confirmed may be stored all the same."""

    def publish(self, message: Outgoing, done: Callable[[Confirmation], None]) -> None: ...


class Outbox:
    """Sends each message until it is confirmed. A repeat has the same message_id: consumers drop it by that."""

    def __init__(self, publisher: PublisherPort) -> None:
        self._publisher = publisher
        self._loop = asyncio.get_running_loop()
        self._empty = asyncio.Event()
        self._empty.set()
        self.unconfirmed = 0

    async def idle(self) -> None:
        """Wait until everything is confirmed. The caller sets the limit."""
        await self._empty.wait()

    def send_all(self, messages: Sequence[Outgoing], then: Callable[[], None]) -> None:
        """Publish them all, and call `then` once, when the broker has the last; at once if there is none."""
        left = len(messages)
        if not left:
            then()
            return

        def confirmed() -> None:
            nonlocal left
            left -= 1
            if not left:
                then()

        for message in messages:
            self.send(message, confirmed)

    def send(self, message: Outgoing, then: Callable[[], None]) -> None:
        """Publish, and call `then` once, when the broker has it."""
        self.unconfirmed += 1
        self._empty.clear()
        self._try(message, then, FIRST_PAUSE_S)

    def _try(self, message: Outgoing, then: Callable[[], None], pause_s: float) -> None:
        def done(confirmation: Confirmation) -> None:
            if confirmation is Confirmation.CONFIRMED:
                self.unconfirmed -= 1
                if not self.unconfirmed:
                    self._empty.set()
                then()
                return
            if confirmation is Confirmation.REFUSED:
                log.warning("publish.refused", exchange=message.exchange, routing_key=message.routing_key)
            self._loop.call_later(pause_s, self._try, message, then, min(pause_s * 2, LONGEST_PAUSE_S))

        self._publisher.publish(message, done)


def event_message(event: Event, names: Names, now: float) -> Outgoing:
    """An event as it is published (contract, section 2). `now`: epoch seconds.

    A `site` event is of the moment: it may go unheard, so it is not mandatory.
    """
    return Outgoing(
        exchange=names.events,
        routing_key=event.routing_key,
        body=orjson.dumps(event.body),
        message_id=event.event_id,
        type=event.kind,
        correlation_id=event.correlation_id,
        timestamp=int(now),
        app_id="bridge",
        mandatory=event.kind != "site",
    )
