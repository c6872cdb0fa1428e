"""What a queue holds when one looks: all of it taken, none of it settled, and given back in its order at the end.

AMQP shows a message only by delivering it. So a look costs each message one delivery, which RabbitMQ counts towards
the queue's delivery limit; and while it lasts nobody else gets them. A consumer of a quorum queue is given 2,000
messages unsettled: for more there are more consumers, one begun when the one before it is full, which keeps the
order. None is offered more than was there at the beginning, so what comes meanwhile is left alone.

Not responsible for what the messages are, nor for connecting.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bridge.broker.errors import ChannelLost, TopologyError, library_errors
from bridge.broker.intake import Intake
from bridge.broker.message import Delivery
from bridge.broker.session import CALL_LIMIT_S, Session
from bridge.broker.subscription import NOT_FOUND

PREFETCH = 2000
QUIET_S = 0.5
"""After so long without a delivery it is asked whether there is still something to come."""
BACK_LIMIT_S = 3.0
"""So long it is waited for RabbitMQ to have put back what it was given back; others may have taken it at once."""
BACK_PROBE_S = 0.02
PATIENCE_S = 10.0
"""So long RabbitMQ may say that there is, and deliver nothing."""


class Sweep:
    """One look into a queue. Made by `sweeping`.

    `depth`: how many messages were ready when it began; `readers`: how many consumers others had there.
    """

    def __init__(self, session: Session, queue: str, depth: int, readers: int) -> None:
        self.depth = depth
        self.readers = readers
        self._session = session
        self._queue = queue
        self._intakes: list[Intake] = []
        self._arrived: list[Delivery] = []
        self._changed = asyncio.Event()

    async def portions(self) -> AsyncIterator[list[Delivery]]:
        """All that was there when it began, in order, as it comes; less if others took some. Raises ChannelLost."""
        left = self.depth
        while left > 0:
            share = min(left, PREFETCH)
            left -= share
            await self._begin(share)
            while share > 0:
                portion = await self._next()
                if not portion:
                    return
                share -= len(portion)
                yield portion

    async def stop(self) -> None:
        """Take no more. To be awaited before the first ack, which would make room for more. Raises ChannelLost."""
        for intake in self._intakes:
            await intake.stop_consuming()

    async def finish(self) -> None:
        """See to it that RabbitMQ has heard every ack, and give back the rest. Raises ChannelLost.

        After that error what was acked may still be in the queue.
        """
        deaths = [intake.death for intake in self._intakes if not intake.alive]
        await self.close()
        if deaths:
            raise deaths[0] or ChannelLost("the channel closed")
        await _look(self._session, self._queue)  # what answers has read the acks before it

    async def close(self) -> None:
        """Give back what is not acked, in its order, and wait until it is seen again. Never raises."""
        intakes, self._intakes = self._intakes, []
        kept = sum(intake.is_open(tag) for intake in intakes for tag in range(1, PREFETCH + 1))
        try:
            for intake in intakes:  # all, before the first gives back: none may be given that
                await intake.stop_consuming()
        except ChannelLost:
            await asyncio.gather(*(intake.close() for intake in intakes))
        else:
            for intake in intakes:
                await intake.close()
            await self._until_back(kept)

    async def _until_back(self, kept: int) -> None:
        """Only some time after a channel is closed its messages are in the queue: who looks next shall see them.

        The limit is seen to between two looks: one that is given up half-way costs the connection.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + BACK_LIMIT_S
        with suppress(ChannelLost):
            while kept and (await _look(self._session, self._queue))[0] < kept and loop.time() < until:  # noqa: ASYNC110
                await asyncio.sleep(BACK_PROBE_S)  # no event tells

    async def _begin(self, share: int) -> None:
        intake = Intake(self._session, await self._session.channel(), self._receive, self._changed.set)
        self._intakes.append(intake)
        await intake.consume(self._queue, share)

    def _receive(self, delivery: Delivery) -> None:
        self._arrived.append(delivery)
        self._changed.set()

    async def _next(self) -> list[Delivery]:
        """What has arrived by now, at least one; none if there is nothing more."""
        patience = round(PATIENCE_S / QUIET_S)
        while not self._arrived:
            intake = self._intakes[-1]
            if not intake.consuming:
                raise intake.death or ChannelLost("RabbitMQ ended it (was the queue deleted?)")
            self._changed.clear()
            try:
                async with asyncio.timeout(QUIET_S):
                    await self._changed.wait()
            except TimeoutError:
                ready, _ = await _look(self._session, self._queue)
                if not ready and not self._arrived:
                    return []
                patience -= 1
                if not patience:
                    raise ChannelLost("it has messages and delivers none") from None
        portion, self._arrived = self._arrived, []
        return portion


@asynccontextmanager
async def sweeping(session: Session, queue: str) -> AsyncIterator[Sweep]:
    """A look into a queue; in the end all that was not acked is given back.

    Raises TopologyError if there is no such queue, else ChannelLost.
    """
    try:
        depth, readers = await _look(session, queue)
    except ChannelLost as lost:
        if lost.code == NOT_FOUND:
            raise TopologyError([f"queue {queue} is missing: run `bridge topology apply`"]) from lost
        raise
    sweep = Sweep(session, queue, depth, readers)
    try:
        yield sweep
    finally:
        await sweep.close()


async def _look(session: Session, queue: str) -> tuple[int, int]:
    """How many messages are ready, and how many consumers there are. Raises ChannelLost."""
    channel = await session.channel()
    with library_errors():
        async with asyncio.timeout(CALL_LIMIT_S):
            found = await channel.queue_declare(queue, passive=True)
            await channel.close()
    return found.message_count or 0, found.consumer_count or 0
