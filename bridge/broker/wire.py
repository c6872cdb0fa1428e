"""How messages get onto a confirm channel, and how their answers come back.

All that is published in one turn of the loop is written as one piece. The library's own publish has a task, a lock,
a time-out and a wait for the socket for each message, one after the other; with many in flight that wait is most of
what a publish takes. What the library keeps of a publish (delivery tag, confirmation, name for a return) is kept here
as it does it, in public attributes of its channel. Should they be others some day, `wire_on` falls back to its publish.
"""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, Protocol

import aiormq.exceptions as amqp
import structlog
from aiormq import spec
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel

from bridge.broker.errors import LIBRARY_ERRORS, ChannelLost, lost
from bridge.broker.frames import PERSISTENT, UNWRITABLE, content, publish_method
from bridge.broker.message import Confirmation, Outgoing
from bridge.pace import Pace

log = structlog.get_logger(__name__)

Done = Callable[[Confirmation], None]


class Wire(Protocol):
    """What the publisher writes to."""

    def send(self, message: Outgoing, done: Done) -> Callable[[], object]:
        """Write a message; `done` is called once, later. The result, when called, gives up waiting: UNKNOWN."""


def wire_on(channel: Channel) -> "FrameWire | LibraryWire":
    """The fast way onto this channel, where the library is as we know it; else its own.

    `channel`: with confirms and `on_return_raises`, opened for this wire alone.
    """
    if is_known(channel):
        return FrameWire(channel)
    log.warning("publish.slowly", reason="this version of aiormq is not known: messages go one by one")
    return LibraryWire(channel)


_KNOWN: dict[str, type] = {
    "number": int,
    "delivery_tag": int,
    "max_content_size": int,
    "confirmations": dict,
    "message_id_delivery_tag": dict,
    "write_queue": asyncio.Queue,
}


def is_known(channel: Channel) -> bool:
    """Whether the channel has what FrameWire uses of it."""
    return all(isinstance(getattr(channel, name, None), kind) for name, kind in _KNOWN.items())


class _ChannelWire:
    """What both ways have in common: the end of the channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._closing = channel.closing
        self._loop = asyncio.get_running_loop()

    async def closed(self) -> ChannelLost:
        """Wait until the channel is dead; why."""
        await asyncio.wait([self._closing])
        return lost(None if self._closing.cancelled() else self._closing.exception())


class FrameWire(_ChannelWire):
    """Writes prebuilt frames, a loop turn's messages at once."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self._gathered: list[tuple[Outgoing, str, asyncio.Future[Any]]] = []
        self._unanswered: set[asyncio.Future[Any]] = set()
        self._writing: asyncio.Task[None] | None = None
        self._pace = Pace(self._write_gathered)
        self._method = lru_cache(maxsize=1024)(partial(publish_method, channel.number))

    def send(self, message: Outgoing, done: Done) -> Callable[[], object]:
        """See Wire."""
        message_id = message.message_id or uuid.uuid4().hex
        answer = self._loop.create_future()
        answer.add_done_callback(partial(self._ended, message_id, done))
        self._unanswered.add(answer)
        self._gathered.append((message, message_id, answer))
        self._pace.want()
        return answer.cancel

    def _write_gathered(self) -> None:
        if self._writing is None and not self._closing.done():
            self._writing = self._loop.create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._gathered and not self._closing.done():
                octets = self._take()
                if octets:
                    await self._channel.write_queue.put(ChannelFrame(payload=octets, should_close=False))
        finally:
            self._writing = None

    def _take(self) -> bytes:
        """The frames of all that was gathered, with its answers awaited."""
        channel = self._channel
        gathered, self._gathered = self._gathered, []
        pieces: list[bytes] = []
        for message, message_id, answer in gathered:
            if answer.done():
                continue
            try:
                method = self._method(message.exchange, message.routing_key, mandatory=message.mandatory)
                octets = content(channel.number, message, message_id, channel.max_content_size)
            except UNWRITABLE as error:
                answer.set_exception(error)
                continue
            channel.delivery_tag += 1
            channel.confirmations[channel.delivery_tag] = answer
            channel.message_id_delivery_tag[message_id] = channel.delivery_tag
            pieces += method, octets
        return b"".join(pieces)

    def _ended(self, message_id: str, done: Done, answer: asyncio.Future[Any]) -> None:
        self._unanswered.discard(answer)
        self._channel.message_id_delivery_tag.pop(message_id, None)
        done(confirmation_of(answer))

    async def close(self) -> None:
        """End what is still in flight: UNKNOWN. The channel goes with its session."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])
        for answer in self._unanswered:
            answer.cancel()
        await asyncio.sleep(0)  # who waits for them is told in the next turn


class LibraryWire(_ChannelWire):
    """Uses the library's own publish: a task for each message in flight."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self._tasks: set[asyncio.Task[Any]] = set()

    def send(self, message: Outgoing, done: Done) -> Callable[[], object]:
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

    def _ended(self, done: Done, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        done(confirmation_of(task))

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


def confirmation_of(publish: asyncio.Future[Any]) -> Confirmation:
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
