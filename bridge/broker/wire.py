"""How a message gets onto a confirm channel, and how its answer comes back: through the library's own publish.

One task for each message in flight. This is the place to put something faster.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import aiormq.exceptions as amqp
import structlog
from aiormq import spec
from aiormq.channel import Channel

from bridge.broker.errors import LIBRARY_ERRORS, ChannelLost, lost
from bridge.broker.message import Confirmation, Outgoing

log = structlog.get_logger(__name__)

PERSISTENT = 2


class Wire(Protocol):
    """What the publisher writes to."""

    def send(self, message: Outgoing, done: Callable[[Confirmation], None]) -> Callable[[], object]:
        """Write a message; `done` is called once, later. The result, when called, gives up waiting: UNKNOWN."""


class LibraryWire:
    """A confirm channel with `on_return_raises`, opened for this wire alone."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._closing = channel.closing
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[Any]] = set()

    def send(self, message: Outgoing, done: Callable[[Confirmation], None]) -> Callable[[], object]:
        """See Wire."""
        task = self._loop.create_task(
            self._channel.basic_publish(
                message.body,
                exchange=message.exchange,
                routing_key=message.routing_key,
                properties=properties_of(message),
                mandatory=message.mandatory,
            )
        )
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, done))
        return task.cancel

    def _ended(self, done: Callable[[Confirmation], None], task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        done(confirmation_of(task))

    async def closed(self) -> ChannelLost:
        """Wait until the channel is dead; why."""
        await asyncio.wait([self._closing])
        return lost(None if self._closing.cancelled() else self._closing.exception())

    async def close(self) -> None:
        """End what is still in flight: UNKNOWN. The channel goes with its session."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


def properties_of(message: Outgoing) -> spec.Basic.Properties:
    """The properties as the library wants them; None is left out on the wire."""
    return spec.Basic.Properties(
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        headers=message.headers or None,
        delivery_mode=PERSISTENT,
        priority=message.priority,
        correlation_id=message.correlation_id,
        reply_to=message.reply_to,
        message_id=message.message_id,
        timestamp=None if message.timestamp is None else datetime.fromtimestamp(message.timestamp, UTC),
        message_type=message.type,
        app_id=message.app_id,
    )


def confirmation_of(publish: asyncio.Task[Any]) -> Confirmation:
    """What a finished publish says about its message."""
    if publish.cancelled():  # by us, or by the library when the connection closed
        return Confirmation.UNKNOWN
    error = publish.exception()
    if error is None:
        confirmed = isinstance(publish.result(), spec.Basic.Ack)
        return Confirmation.CONFIRMED if confirmed else Confirmation.REFUSED
    if isinstance(error, amqp.DeliveryError):
        return Confirmation.REFUSED
    if isinstance(error, LIBRARY_ERRORS):
        return Confirmation.UNKNOWN
    # Anything else comes from encoding, before an octet was written.
    log.error("publish.unencodable", error=type(error).__name__)
    return Confirmation.REFUSED
