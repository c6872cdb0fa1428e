"""A command's own connection to RabbitMQ, and the tap on it, where every event of the pool is heard.

Unlike a worker's, this connection is not kept up: when it ends, the command decides what that means.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiormq.channel import Channel

from bridge.broker.errors import ChannelLost, library_errors
from bridge.broker.intake import Intake
from bridge.broker.message import Delivery
from bridge.broker.session import CALL_LIMIT_S, Session, Urls
from bridge.broker.subscription import NOT_FOUND
from bridge.broker.tolerance import read_what_comes
from bridge.cli.heard import Heard, hear
from bridge.config.settings import BrokerSettings
from bridge.model.names import Names

PREFETCH = 500
QUEUE_LENGTH = 100_000
"""What RabbitMQ keeps for a listener that is slower than the traffic; then the oldest events are dropped."""


@asynccontextmanager
async def connected(settings: BrokerSettings, name: str) -> AsyncIterator[Session]:
    """One session. `name` shows in RabbitMQ's list of connections. Raises BrokerUnavailable."""
    read_what_comes()
    session = await Urls([url.get_secret_value() for url in settings.urls]).connect(name)
    try:
        yield session
    finally:
        await session.close()


class TapMissing(Exception):
    """The exchange is not there. The message is one line that says what to do."""


class Tap:
    """Every event published from now on, in a queue of this listener alone. Made by `listening`."""

    def __init__(self, session: Session, channel: Channel) -> None:
        # Bounded by the prefetch; None: no more can come.
        self._arrived: asyncio.Queue[Delivery | None] = asyncio.Queue()
        self._intake = Intake(session, channel, self._arrived.put_nowait, self._changed)

    async def next(self) -> Heard:
        """The next event. Raises ChannelLost when no more can come."""
        delivery = await self._arrived.get()
        if delivery is None:
            raise self._intake.death or ChannelLost("RabbitMQ ended it (was the queue deleted?)")
        delivery.ack()
        return hear(delivery)

    async def consume(self, queue: str) -> None:
        """Begin. Raises ChannelLost."""
        await self._intake.consume(queue, PREFETCH)

    async def close(self) -> None:
        """End it; the queue goes with it. Never raises."""
        await self._intake.close()

    def _changed(self) -> None:
        if not self._intake.consuming:
            self._arrived.put_nowait(None)


@asynccontextmanager
async def listening(session: Session, names: Names) -> AsyncIterator[Tap]:
    """A tap that hears what is published from now on. Raises TapMissing, ChannelLost."""
    channel = await session.channel()
    try:
        with library_errors():
            async with asyncio.timeout(CALL_LIMIT_S):
                declared = await channel.queue_declare(
                    "", exclusive=True, auto_delete=True, arguments={"x-max-length": QUEUE_LENGTH}
                )
                queue = declared.queue or ""
                await channel.queue_bind(queue, names.tap)
    except ChannelLost as lost:
        if lost.code == NOT_FOUND:
            raise TapMissing(
                f"exchange {names.tap} is missing: run `bridge topology apply`, or start a worker"
            ) from lost
        raise
    tap = Tap(session, channel)
    try:
        await tap.consume(queue)
        yield tap
    finally:
        await tap.close()
