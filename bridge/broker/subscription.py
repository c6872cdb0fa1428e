"""A consumer that outlives channels and connections: whatever ends it, it is set up again until it is cancelled."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bridge.broker.backoff import Backoff
from bridge.broker.errors import ChannelLost
from bridge.broker.intake import Intake
from bridge.broker.message import Delivery
from bridge.broker.session import CALL_LIMIT_S, Session

log = structlog.get_logger(__name__)

NOT_FOUND = 404


class Subscription:
    """A standing order for the messages of one queue, at most `prefetch` unsettled at a time.

    Made by `Broker.subscribe`. Deliveries of a session that died are delivered again on the next one.
    """

    def __init__(self, queue: str, prefetch: int, on_delivery: Callable[[Delivery], None]) -> None:
        self.queue = queue
        self.prefetch = prefetch
        self._on_delivery = on_delivery
        self._intake: Intake | None = None
        self._changed = asyncio.Event()
        self._stopped = asyncio.Event()
        self._stopped.set()
        self.cancelled = False

    @property
    def active(self) -> bool:
        """Whether RabbitMQ has our consumer now."""
        return self._intake is not None and self._intake.consuming

    def resize(self, prefetch: int) -> None:
        """Change the prefetch. The consumer is set up anew on the same channel; open deliveries stay ours."""
        if prefetch != self.prefetch:
            self.prefetch = prefetch
            self._changed.set()

    async def cancel(self) -> None:
        """Take no more deliveries; back when RabbitMQ has said that none will come (within 10 s).

        What was delivered until then stays ours and can be settled; its channel closes after the last.
        """
        self.cancelled = True
        self._changed.set()
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                await self._stopped.wait()
        except TimeoutError:
            log.warning("consumer.cancel_unanswered", queue=self.queue)

    async def serve(self, session: Session, repair: Callable[[Session], Awaitable[None]]) -> None:
        """Keep a consumer on this session until the session dies, or the last delivery after `cancel` is settled.

        `repair`: called when the queue does not exist; it does not raise.
        """
        backoff = Backoff()
        self._stopped.clear()
        try:
            while not self.cancelled:
                started = session.age_s
                try:
                    await self._consume(session)
                    continue
                except ChannelLost as lost:
                    if not session.alive:
                        return
                    log.warning("consumer.ended", queue=self.queue, reason=lost.reason)
                    backoff.lasted(session.age_s - started)
                    await self._pause(backoff.next_s())
                    if lost.code == NOT_FOUND:
                        await repair(session)
        finally:
            self._stopped.set()

    async def _pause(self, seconds: float) -> None:
        """Wait; shorter when cancelled."""
        try:
            async with asyncio.timeout(seconds):
                while not self.cancelled:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass

    async def _consume(self, session: Session) -> None:
        """One channel's life. Returns when cancelled and all is settled; raises ChannelLost when it ends otherwise."""
        intake = Intake(session, await session.channel(), self._on_delivery, self._changed.set)
        self._intake = intake
        try:
            prefetch = self.prefetch
            await intake.consume(self.queue, prefetch)
            while not self.cancelled:
                if not intake.alive:
                    raise intake.death or ChannelLost("the channel closed")
                if not intake.consuming:
                    raise ChannelLost("RabbitMQ cancelled it (was the queue deleted?)", NOT_FOUND)
                if self.prefetch != prefetch:
                    prefetch = self.prefetch
                    await intake.stop_consuming()
                    await intake.consume(self.queue, prefetch)
                    continue
                self._changed.clear()
                await self._changed.wait()
            await intake.stop_consuming()
            self._stopped.set()
            while intake.alive and not intake.idle:
                self._changed.clear()
                await self._changed.wait()
        finally:
            await intake.close()
