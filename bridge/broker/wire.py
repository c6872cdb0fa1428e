"""How messages get onto a confirm channel, and how their answers come back.

All that is gathered (`pace`) is written as one piece. The library's own publish has a task, a lock,
a time-out and a wait for the socket for each message, one after the other; with many in flight that wait is most of
what a publish takes. What it keeps of a publish (delivery tag, confirmation, name for a return) is kept here instead;
of its channel only public attributes are used. Should they be others some day, `wire_on` falls back to its publish.
"""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import takewhile
from typing import Any, Protocol

import aiormq.exceptions as amqp
import structlog
from aiormq import spec
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel

from bridge.broker.contents import properties
from bridge.broker.errors import ChannelLost, is_of_library, lost
from bridge.broker.frames import PERSISTENT, UNWRITABLE, content, publish_method
from bridge.broker.message import Confirmation, Outgoing
from bridge.broker.session import Session
from bridge.pace import Pace

log = structlog.get_logger(__name__)

Done = Callable[[Confirmation], None]


class Wire(Protocol):
    """What the publisher writes to."""

    def send(self, message: Outgoing, done: Done) -> Callable[[], object]:
        """Write a message; `done` is called once, later. The result, when called, gives up waiting: UNKNOWN."""


async def wire_on(session: Session) -> "FrameWire | LibraryWire":
    """A channel to publish on: the fast way where the library is as we know it, else its own. Raises ChannelLost."""
    channel = await session.channel(confirms=True)
    if session.hears(channel):
        return FrameWire(session, channel)
    log.warning("publish.slowly", reason="this version of aiormq is not known: messages go one by one")
    return LibraryWire(channel)


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


class _Sent:
    """A message from `send` to its answer. `done` is None once it was answered, or given up."""

    __slots__ = ("done", "message", "message_id", "returned")

    def __init__(self, message: Outgoing, message_id: str, done: Done) -> None:
        self.message = message
        self.message_id = message_id
        self.done: Done | None = done
        self.returned = False


class FrameWire(_ChannelWire):
    """Writes prebuilt frames of all that was gathered at once, and hears their answers as they come."""

    def __init__(self, session: Session, channel: Channel) -> None:
        """`channel`: of this session, which hears it."""
        super().__init__(channel)
        self._gathered: list[_Sent] = []
        self._last_tag = 0
        self._unanswered: dict[int, _Sent] = {}
        """By delivery tag, oldest first."""
        self._named: dict[str, _Sent] = {}
        """By message_id: a returned message has no other name."""
        self._writing: asyncio.Task[None] | None = None
        self._pace = Pace(self._write_gathered)
        self._method = lru_cache(maxsize=1024)(partial(publish_method, channel.number))
        session.hear(channel, self._returned, self._confirmed)

    def send(self, message: Outgoing, done: Done) -> Callable[[], object]:
        """See Wire."""
        sent = _Sent(message, message.message_id or uuid.uuid4().hex, done)
        self._gathered.append(sent)
        self._pace.want()
        return partial(self._give_up, sent)

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
        """The frames of all that was gathered; from now on they may be answered."""
        gathered, self._gathered = self._gathered, []
        pieces: list[bytes] = []
        for sent in gathered:
            if sent.done is None:
                continue
            try:
                pieces += self._frames_of(sent)
            except UNWRITABLE as error:
                log.error("publish.unencodable", error=type(error).__name__)  # noqa: TRY400 - it says no more
                self._answer(sent, Confirmation.REFUSED)
                continue
            self._last_tag += 1
            self._unanswered[self._last_tag] = self._named[sent.message_id] = sent
        return b"".join(pieces)

    def _frames_of(self, sent: _Sent) -> tuple[bytes, bytes]:
        channel, message = self._channel, sent.message
        return (
            self._method(message.exchange, message.routing_key, mandatory=message.mandatory),
            content(channel.number, message, sent.message_id, channel.max_content_size),
        )

    def _returned(self, _arguments: bytes, octets: bytes, _body: bytes) -> None:
        """No queue wants it; its confirmation follows."""
        sent = self._named.get(properties(octets).message_id or "")
        if sent is not None:
            sent.returned = True

    def _confirmed(self, tag: int, multiple: bool, took: bool) -> None:
        unanswered = self._unanswered
        tags = list(takewhile(lambda one: one <= tag, unanswered)) if multiple else [tag]
        for one in tags:
            sent = unanswered.pop(one, None)
            if sent is not None:
                safe = took and not sent.returned
                self._answer(sent, Confirmation.CONFIRMED if safe else Confirmation.REFUSED)

    def _answer(self, sent: _Sent, confirmation: Confirmation) -> None:
        if self._named.get(sent.message_id) is sent:
            del self._named[sent.message_id]
        done, sent.done = sent.done, None
        if done is not None:
            done(confirmation)

    def _give_up(self, sent: _Sent) -> None:
        done, sent.done = sent.done, None
        if done is not None:
            self._loop.call_soon(done, Confirmation.UNKNOWN)

    async def close(self) -> None:
        """End what is still in flight: UNKNOWN. The channel goes with its session."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])
        for sent in (*self._unanswered.values(), *self._gathered):
            self._answer(sent, Confirmation.UNKNOWN)
        self._unanswered.clear()
        self._gathered.clear()


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
    if is_of_library(error):
        return Confirmation.UNKNOWN
    # Anything else comes from encoding, before an octet was written.
    log.error("publish.unencodable", error=type(error).__name__)
    return Confirmation.REFUSED
