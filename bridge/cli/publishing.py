"""A command's own way to publish: on the session it has, confirmed, a batch at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.broker.publisher import Publisher
from bridge.broker.session import Session
from bridge.broker.wire import wire_on

BATCH = 500
"""So many messages may be unconfirmed."""


@asynccontextmanager
async def publishing(session: Session) -> AsyncIterator[Publisher]:
    """Publish until the context ends. Raises ChannelLost."""
    wire = await wire_on(session)
    publisher = Publisher(window=BATCH)
    publisher.attach(wire)
    try:
        yield publisher
    finally:
        publisher.detach()
        await wire.close()
