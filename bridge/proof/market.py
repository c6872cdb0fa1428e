"""RabbitMQ as the demo's producers and consumers use it: one connection to publish, to hear every event, to look.

It is not kept up as a worker's is: when it is lost, so is the demo.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiormq.channel import Channel

from bridge.broker.declare import apply
from bridge.broker.errors import ChannelLost, library_errors
from bridge.broker.intake import Intake
from bridge.broker.message import Delivery
from bridge.broker.publisher import Publisher
from bridge.broker.session import CALL_LIMIT_S, Session
from bridge.broker.tolerance import read_what_comes
from bridge.broker.wire import wire_on
from bridge.proof.stage import Stage

PREFETCH = 500


class Market:
    """Made by `market`. `publisher` publishes with confirms."""

    def __init__(self, stage: Stage, session: Session, publisher: Publisher, channel: Channel) -> None:
        self.publisher = publisher
        self._stage = stage
        self._session = session
        self._channel = channel
        self._intake: Intake | None = None

    def check(self) -> None:
        """Raises ChannelLost when the connection, or the queue of events, is gone."""
        if not self._session.alive:
            raise ChannelLost(f"RabbitMQ was lost: {self._session.death}")
        if self._intake is not None and not self._intake.consuming:
            raise ChannelLost("RabbitMQ ended the queue of events")

    async def listen(self, hear: Callable[[bytes], None]) -> None:
        """Call `hear` with the body of every event from now on, as a consumer of all MOs, DRs and outcomes gets it."""

        def take(delivery: Delivery) -> None:
            hear(delivery.body)
            delivery.ack()

        channel = await self._session.channel()
        with library_errors():
            async with asyncio.timeout(CALL_LIMIT_S):
                declared = await channel.queue_declare("", exclusive=True)
                await channel.queue_bind(declared.queue or "", self._stage.names.inbound, "#")
        self._intake = Intake(self._session, channel, take, lambda: None)
        await self._intake.consume(declared.queue or "", PREFETCH)

    async def waiting(self) -> int:
        """Messages that no worker has: MTs in their queues, and whatever waits for another try."""
        waiting = 0
        with library_errors():
            async with asyncio.timeout(CALL_LIMIT_S):
                for queue in self._stage.worked_queues:
                    declared = await self._channel.queue_declare(queue, passive=True)
                    waiting += declared.message_count or 0
        return waiting


@asynccontextmanager
async def market(stage: Stage) -> AsyncIterator[Market]:
    """Connect and declare all exchanges and queues. Raises BrokerUnavailable, TopologyError, ChannelLost."""
    read_what_comes()
    async with AsyncExitStack() as stack:
        session = await stage.connect()
        stack.push_async_callback(session.close)
        await apply(session, stage.items)
        wire = await wire_on(session)
        stack.push_async_callback(wire.close)
        publisher = Publisher()
        publisher.attach(wire)
        stack.callback(publisher.detach)
        yield Market(stage, session, publisher, await session.channel())
