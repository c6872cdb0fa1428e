"""What every `bridge dead` works on: the dead queue, taken as it was when the command began, and Redis beside it.

Not responsible for what is done with what is found there.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from bridge.broker.message import Delivery
from bridge.broker.session import Session
from bridge.broker.sweep import Sweep, sweeping
from bridge.broker.topology import Queue, topology
from bridge.cli.dead_choice import Wanted
from bridge.cli.dead_letter import Letter, letter_of
from bridge.cli.tap import connected
from bridge.config.settings import RedisSettings, Settings
from bridge.model.names import Names
from bridge.store.store import ANSWER_LIMIT_S, Store, StoreUnavailable

LIMIT_SINCE_4 = 20
"""From RabbitMQ 4 a quorum queue without a limit of its own drops what was given back so often."""


class Found(NamedTuple):
    """A message that is meant. Unless `delivery` is acked it goes back."""

    letter: Letter
    delivery: Delivery


class Claims:
    """What Redis says of how MTs ended. Made by `claims_of`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def endings(self, mt_keys: Sequence[str]) -> list[str | None]:
        """What is recorded of each: empty for one that has not ended, None where it cannot be read.

        Raises StoreUnavailable.
        """
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[str | None]] = [loop.create_future() for _ in mt_keys]
        for mt_key, answer in zip(mt_keys, answers, strict=True):
            self._store.claims.ending(mt_key, partial(_answer, answer))
        endings = await asyncio.gather(*answers)
        if None in endings and not self._store.up:
            raise StoreUnavailable(self._store.last_error)
        return endings


def _answer(future: asyncio.Future[str | None], ending: str | None) -> None:
    if not future.done():  # nobody waits any more
        future.set_result(ending)


@asynccontextmanager
async def claims_of(settings: RedisSettings) -> AsyncIterator[Claims]:
    """Redis, to be asked. Raises StoreUnavailable."""
    store = Store(settings, worker="dead")
    try:
        await store.open()
        running = asyncio.create_task(store.run())
        try:
            await _until_up(store)
            yield Claims(store)
        finally:
            running.cancel()
            await asyncio.wait([running])
    finally:
        await store.close()


async def _until_up(store: Store) -> None:
    up = asyncio.Event()
    store.on_change(lambda is_up: up.set() if is_up else None)
    try:
        async with asyncio.timeout(2 * ANSWER_LIMIT_S):
            await up.wait()
    except TimeoutError:
        raise StoreUnavailable(store.last_error) from None


class Desk:
    """The dead queue and what is known of it. Made by `desk_of`.

    `blind`: why Redis cannot be asked; empty if it can. `read`: how many messages were looked at, and `given_back` the
    highest count among them.
    """

    def __init__(
        self, names: Names, session: Session, sweep: Sweep, claims: Claims | None, blind: str
    ) -> None:
        self.names = names
        self.session = session
        self.sweep = sweep
        self.blind = blind
        self.read = 0
        self.given_back = 0
        self._claims = claims

    async def found(self, wanted: Wanted) -> AsyncIterator[list[Found]]:
        """All that is meant, in the order of the queue, as it is read; perhaps nothing. Raises ChannelLost.

        Always the whole queue is read: on RabbitMQ 3.10 a part that is given back would go to its end.
        """
        async for portion in self.sweep.portions():
            letters = [Found(letter_of(delivery, self.names), delivery) for delivery in portion]
            self.given_back = max(self.given_back, *(found.letter.given_back for found in letters))
            self.read += len(portion)
            yield await self.recall([found for found in letters if wanted.fits(found.letter)])

    @property
    def remarks(self) -> list[str]:
        """What a person should know of this look, a line each."""
        remarks = []
        if self.sweep.readers:
            remarks.append(
                f"somebody else reads {self.names.dead}, too: what they hold just now is not shown here"
            )
        if self.blind:
            remarks.append(f"{self.blind}; so it is not known which were resolved meanwhile")
        limit = _delivery_limit(self.names, self.session.version)
        if limit and self.given_back >= limit // 2:
            remarks.append(
                f"RabbitMQ drops what was given back {limit} times, and some were {self.given_back} times: set a "
                f"policy with a higher delivery-limit for {self.names.dead}, or replay or drop them now"
            )
        return remarks

    async def recall(self, found: list[Found]) -> list[Found]:
        """With what their claims say now; while Redis cannot be asked, nothing is known."""
        mt_keys = list({key for one in found if (key := one.letter.mt_key) is not None})
        endings: dict[str, str | None] = {}
        if self._claims is not None and mt_keys:
            try:
                endings = dict(zip(mt_keys, await self._claims.endings(mt_keys), strict=True))
            except StoreUnavailable as error:
                self._claims, self.blind = None, str(error)
        return [Found(_recalled(letter, endings), delivery) for letter, delivery in found]


def _recalled(letter: Letter, endings: Mapping[str, str | None]) -> Letter:
    ending = endings.get(letter.mt_key) if letter.mt_key is not None else None
    return replace(letter, resolved=None) if ending is None else letter.recalled(ending)


def _delivery_limit(names: Names, version: str) -> int | None:
    """After how many returns RabbitMQ drops a message of the dead queue, as far as we can know."""
    for item in topology(names, []):
        if isinstance(item, Queue) and item.name == names.dead and "x-delivery-limit" in item.arguments:
            return int(item.arguments["x-delivery-limit"])
    major = version.partition(".")[0]
    return LIMIT_SINCE_4 if major.isdigit() and int(major) >= 4 else None


@asynccontextmanager
async def desk_of(settings: Settings, *, with_redis: bool = True) -> AsyncIterator[Desk]:
    """Take the dead queue; in the end it has again what was not acked.

    Raises BrokerUnavailable, TopologyError, ChannelLost.
    """
    names = Names(settings.broker.prefix)
    async with AsyncExitStack() as stack:
        claims, blind = None, ""
        session = await stack.enter_async_context(connected(settings.broker, "bridge dead"))
        if with_redis:
            try:
                claims = await stack.enter_async_context(claims_of(settings.redis))
            except StoreUnavailable as error:
                blind = str(error)
        sweep = await stack.enter_async_context(sweeping(session, names.dead))
        yield Desk(names, session, sweep, claims, blind)
