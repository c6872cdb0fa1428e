"""One channel that brings deliveries: hands each on at once and settles them, gathered as `pace` has it.

Lives as long as its channel. Not responsible for opening it, nor for what to do when it is gone (`subscription.py`).
"""

import asyncio
import contextlib
from collections.abc import Callable

import aiormq.abc
import structlog
from aiormq import spec
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel

from bridge.broker.acks import AckTracker
from bridge.broker.contents import Delivered, delivered, plain, properties
from bridge.broker.errors import ChannelLost, library_errors, lost
from bridge.broker.frames import ack, requeue
from bridge.broker.message import Delivery, Properties
from bridge.broker.session import CALL_LIMIT_S, CLOSE_LIMIT_S, Session
from bridge.pace import Pace

log = structlog.get_logger(__name__)


class Intake:
    """The deliveries of one channel. `on_delivery` is called in the channel's reader: it must be fast and not raise."""

    def __init__(
        self,
        session: Session,
        channel: Channel,
        on_delivery: Callable[[Delivery], None],
        on_change: Callable[[], None],
    ) -> None:
        """`channel`: of this session.

        `on_change`: called when the channel died, its consumer was cancelled, or its last delivery was settled.
        """
        self._channel = channel
        self._on_delivery = on_delivery
        self._on_change = on_change
        self._tracker = AckTracker()
        self._consumer: str | None = None
        self._writing: asyncio.Task[None] | None = None
        self._told_all = False
        """The channel is being closed: told behind that, a settlement would cost the connection."""
        self._pace = Pace(self._write_settled)
        self._loop = asyncio.get_running_loop()
        self._closing = channel.closing
        self._closing.add_done_callback(lambda _: on_change())
        channel.on_consumer_cancel_callbacks.add(lambda _: on_change())
        if session.hears(channel):
            session.hear(channel, self._hear)

    @property
    def alive(self) -> bool:
        """Whether the channel lives."""
        return not self._closing.done()

    @property
    def consuming(self) -> bool:
        """Whether RabbitMQ sends deliveries here."""
        return self.alive and self._consumer in self._channel.consumers

    @property
    def idle(self) -> bool:
        """Nothing handed over waits to be settled or told."""
        return self._tracker.idle and self._writing is None

    @property
    def death(self) -> ChannelLost | None:
        """Why the channel died, if it did."""
        if not self._closing.done():
            return None
        return lost(None if self._closing.cancelled() else self._closing.exception())

    async def consume(self, queue: str, prefetch: int) -> None:
        """Start a consumer with this prefetch. Raises ChannelLost; the channel is then unusable."""
        with library_errors():
            async with asyncio.timeout(CALL_LIMIT_S):
                await self._channel.basic_qos(prefetch_count=prefetch)
                answer = await self._channel.basic_consume(queue, self._receive)
        self._consumer = answer.consumer_tag

    async def stop_consuming(self) -> None:
        """Cancel the consumer; what was handed over stays ours. Raises ChannelLost."""
        if self._consumer is None:
            return
        with library_errors():
            async with asyncio.timeout(CALL_LIMIT_S):
                await self._channel.basic_cancel(self._consumer)
        self._consumer = None

    async def close(self) -> None:
        """Close the channel; RabbitMQ takes back what is not settled by now. Never raises."""
        closing = self._loop.create_task(self._close())
        try:
            await asyncio.shield(closing)
        finally:
            # Given up half-way it would be closed once more, which costs the connection. It has a limit of its own.
            await asyncio.wait([closing])

    async def _close(self) -> None:
        try:
            with contextlib.suppress(ChannelLost), library_errors():
                async with asyncio.timeout(CLOSE_LIMIT_S):
                    self._write_settled()
                    while self._writing is not None:
                        await asyncio.wait([self._writing])
                        self._write_settled()
                    self._told_all = True
                    await self._channel.close()
        finally:
            if self._writing is not None:  # the peer does not read, so there is no room to write
                self._writing.cancel()

    async def _receive(self, message: aiormq.abc.DeliveredMessage) -> None:
        # The library runs this as a task of its own for each delivery, and ends it when the channel dies: so
        # nothing may be awaited here. Only used where it is not known how to do without.
        it = message.delivery
        assert isinstance(it, spec.Basic.Deliver)  # noqa: S101 - what a consumer gets
        method = Delivered(
            it.delivery_tag or 0, bool(it.redelivered), it.exchange or "", it.routing_key or ""
        )
        self._hand_over(method, plain(message.header.properties), message.body)

    def _hear(self, arguments: bytes, octets: bytes, body: bytes) -> None:
        self._hand_over(delivered(arguments), properties(octets), body)

    def _hand_over(self, method: Delivered, about: Properties, body: bytes) -> None:
        tag, redelivered, exchange, routing_key = method
        delivery = Delivery(self, tag, body, exchange, routing_key, redelivered, about)
        self._tracker.delivered(tag)
        try:
            self._on_delivery(delivery)
        except Exception:
            log.exception("delivery.handover_failed", action="requeued")
            self.requeue(tag)

    def is_open(self, tag: int) -> bool:
        """Whether this delivery was handed over and not settled."""
        return self._tracker.is_open(tag)

    def ack(self, tag: int) -> None:
        """Settle as done; told soon, with others."""
        if self._tracker.ack(tag):
            self._pace.want()

    def requeue(self, tag: int) -> None:
        """Settle as given back; told soon, with others."""
        if self._tracker.requeue(tag):
            self._pace.want()

    def _write_settled(self) -> None:
        if self._writing is None and self._tracker.untold and self.alive and not self._told_all:
            self._writing = self._loop.create_task(self._write())
            self._writing.add_done_callback(self._written)

    async def _write(self) -> None:
        number = self._channel.number
        while self.alive and (settled := self._tracker.take()):
            octets = b"".join(
                requeue(number, one.tag) if one.requeue else ack(number, one.tag, multiple=one.multiple)
                for one in settled
            )
            await self._channel.write_queue.put(ChannelFrame(payload=octets, should_close=False))

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing = None
        if self._tracker.untold and not task.cancelled():  # settled while the task was ending
            self._pace.want()
        if self._tracker.idle or not self.alive:
            self._on_change()
