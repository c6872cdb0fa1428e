"""The two ends of RabbitMQ as a bench uses them: MTs published in advance or at a rate, events taken off their queue.

Nothing here is on the way of what is measured but the publish and the event themselves.
"""

import asyncio
from collections.abc import Callable

import aiormq.abc
from aiormq.channel import Channel

from bridge.broker.errors import ChannelLost, library_errors
from bridge.broker.session import CALL_LIMIT_S
from bridge.model.names import Names
from bridge.proof.bench_board import Board, now
from bridge.proof.bench_frames import FrameWriter
from bridge.proof.bench_messages import Mts

UNCONFIRMED = 500
"""MTs in flight to RabbitMQ while a queue is filled."""
TICK_S = 0.002
"""So often what is due is published."""


class Producer:
    """Publishes the MTs of rounds, on a confirm channel that is used for nothing else."""

    def __init__(self, channel: Channel, names: Names) -> None:
        self._writer = FrameWriter(channel, names.mt)
        self._names = names
        self._in_flight = 0
        self._moved = asyncio.Event()
        self._refused: BaseException | None = None

    async def fill(self, board: Board, mts: Mts) -> None:
        """Publish all rows, as fast as RabbitMQ takes them, and wait until it has them. Raises ChannelLost."""
        for row in range(board.rows):
            while self._in_flight >= UNCONFIRMED:
                await self._move()
            self._publish(board, mts, row)
        await self._settled()

    async def pace(self, board: Board, mts: Mts, rate: float) -> None:
        """Publish all rows at this rate, one after the other, and wait until RabbitMQ has them. Raises ChannelLost."""
        begun = now()
        row = 0
        while row < board.rows:
            due = min(board.rows, int((now() - begun) * rate) + 1)
            while row < due:
                self._publish(board, mts, row)
                row += 1
            await asyncio.sleep(TICK_S)
        await self._settled()

    def _publish(self, board: Board, mts: Mts, row: int) -> None:
        board.published[row] = now()
        self._in_flight += 1
        key = self._names.route_key(mts.route(row), "bulk")
        self._writer.put(key, mts.ident(row), mts.body(row), self._answered)

    def _answered(self, confirmation: asyncio.Future[object]) -> None:
        self._in_flight -= 1
        self._moved.set()
        if confirmation.cancelled():
            self._refused = ChannelLost("RabbitMQ was lost")
        elif confirmation.exception() is not None:
            self._refused = ChannelLost(f"RabbitMQ refused an MT: {confirmation.exception()}")

    async def _settled(self) -> None:
        while self._in_flight:
            await self._move()

    async def _move(self) -> None:
        self._moved.clear()
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                await self._moved.wait()
        except TimeoutError:
            raise ChannelLost("RabbitMQ confirms nothing any more") from None
        if self._refused is not None:
            raise self._refused


class Consumer:
    """The one queue of events. While nobody listens they stay in it."""

    def __init__(self, channel: Channel, names: Names) -> None:
        self._channel = channel
        self._names = names
        self.queue = f"{names.prefix}.heard"
        self._tag: str | None = None

    async def declare(self) -> None:
        """Make the queue, a quorum queue bound for every event. Raises ChannelLost."""
        with library_errors():
            async with asyncio.timeout(CALL_LIMIT_S):
                await self._channel.queue_declare(
                    self.queue, durable=True, arguments={"x-queue-type": "quorum"}
                )
                await self._channel.queue_bind(self.queue, self._names.inbound, "#")

    async def delete(self) -> None:
        """Remove the queue. Raises ChannelLost."""
        with library_errors():
            async with asyncio.timeout(CALL_LIMIT_S):
                await self._channel.queue_delete(self.queue)

    async def listen(self, hear: Callable[[bytes], None]) -> None:
        """Have every event's body told, from now on. Raises ChannelLost."""

        async def take(message: aiormq.abc.DeliveredMessage) -> None:
            hear(message.body)

        with library_errors():
            async with asyncio.timeout(CALL_LIMIT_S):
                answer = await self._channel.basic_consume(self.queue, take, no_ack=True)
        self._tag = answer.consumer_tag

    async def stop(self) -> None:
        """Tell what has arrived, and nothing more. Raises ChannelLost."""
        if self._tag is not None:
            with library_errors():
                async with asyncio.timeout(CALL_LIMIT_S):
                    await self._channel.basic_cancel(self._tag)
            await asyncio.sleep(0)  # each delivery is a task of its own
            self._tag = None

    async def waiting(self) -> int:
        """Events that are still in the queue. Raises ChannelLost."""
        with library_errors():
            async with asyncio.timeout(CALL_LIMIT_S):
                declared = await self._channel.queue_declare(self.queue, passive=True)
        return declared.message_count or 0
