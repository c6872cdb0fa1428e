"""Everything a run is played with: servers, doors, workers, the provider, the application, and who watches them."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

from bridge.broker.topology import Queue, topology
from bridge.model.names import Names
from bridge.proof.children import children_in
from bridge.proof.load import Phones, mt_named_in
from bridge.proof.witness import Witness
from tests.chaos.application import Application, application
from tests.chaos.asked import Asked
from tests.chaos.ledger import TimedLedger
from tests.chaos.provider import Provider, provider
from tests.chaos.rabbits import Rabbits, rabbits
from tests.chaos.stores import Stores, stores
from tests.chaos.workers import Workers
from tests.system.lab import document

RESPONSE_TIMEOUT_S = 3
LEASE_S = RESPONSE_TIMEOUT_S + 10
"""Of a worker's claims, as the contract has it."""
LOOK_S = 0.1
FRESH_S = 2.0
"""While an MT needs no longer than this from RabbitMQ to the provider, work goes on."""
BELIEVED_S = FRESH_S + 0.5
NAMES = Names("chaos")
SMPP = {
    "response_timeout_seconds": RESPONSE_TIMEOUT_S,
    "enquire_link_seconds": 2,
    "rebind_seconds": 1,
    "window": 20,
}
INBOUND = {"early_dr_wait_seconds": 6, "segment_wait_seconds": 60}

_LOGS = ("*/*.log", "*/*.jsonl", "*/bridge.yaml")


class World:
    """Made by `raised`. `ledger` and `witness` know what happened so far; the rest is there to be broken."""

    def __init__(
        self,
        rabbit: Rabbits,
        redis: Stores,
        provider: Provider,
        workers: Workers,
        app: Application,
        ledger: TimedLedger,
        phones: Phones,
        place: Path,
    ) -> None:
        self.rabbit = rabbit
        self.redis = redis
        self.provider = provider
        self.workers = workers
        self.app = app
        self.ledger = ledger
        self.phones = phones
        self.witness = Witness(provider.journal, ledger, app.mt_by_text, mt_named_in)
        self.forgot_at: list[float] = []
        """When Redis lost what it had answered for."""
        self._place = place
        self._clock = asyncio.get_running_loop().time
        app.hear = self.witness.hear

    @property
    def binds(self) -> int:
        """How many there are when all is well."""
        return self.workers.count * len(self.provider.all_doors)

    @property
    def worked_queues(self) -> Sequence[str]:
        """The queues that workers empty."""
        ends = (NAMES.dead, NAMES.unrouted)
        found = [item.name for item in topology(NAMES, ["default"]) if isinstance(item, Queue)]
        return [name for name in found if name not in ends]

    def forgot(self) -> None:
        """Redis has just lost what it had answered for."""
        self.forgot_at.append(self._clock())

    async def watch(self) -> None:
        """Read the journal, and replace workers that should not have ended; until cancelled."""
        while True:
            self.witness.read()
            await self.workers.mend()
            await asyncio.sleep(LOOK_S)

    def keep_logs(self) -> Path:
        """Copy what all processes wrote to a directory that stays."""
        kept = Path(tempfile.mkdtemp(prefix="bridge-chaos-logs-"))
        for pattern in _LOGS:
            for file in self._place.glob(pattern):
                shutil.copy(file, kept / f"{file.parent.name}-{file.name}")
        return kept

    async def bound(self, limit_s: float) -> None:
        """Wait until all binds are up, but not for longer than that."""
        limit = self._clock() + limit_s
        while self.witness.binds < self.binds and self._clock() < limit:  # noqa: ASYNC110 - a journal sets no event
            await asyncio.sleep(LOOK_S)

    async def recovered(self, limit_s: float) -> float | None:
        """The seconds until all binds are up and what is published is sent at once; None if that does not come.

        It must last a moment to be believed.
        """
        began = self._clock()
        well_since: float | None = None
        while (now := self._clock()) < began + limit_s:
            if not self._is_well(began):
                well_since = None
            elif well_since is None:
                well_since = now
            elif now - well_since > BELIEVED_S:
                return well_since - began
            await asyncio.sleep(LOOK_S)
        return None

    def _is_well(self, since: float) -> bool:
        """Whether all binds are up, and MTs that were published since then are sent and do not wait."""
        ledger, now = self.ledger, self._clock()
        waiting = (at for at in ledger.under_way.values() if at > since)
        return (
            self.witness.binds == self.binds
            and ledger.freshest > since
            and all(now - at < FRESH_S for at in waiting)
        )


@asynccontextmanager
async def raised(asked: Asked, chance: Random) -> AsyncIterator[World]:
    """All of it, the workers bound; nothing is published yet. Raises whatever the parts raise."""
    async with AsyncExitStack() as stack:
        place = Path(await stack.enter_async_context(_directory()))
        rabbit = await stack.enter_async_context(rabbits(place, asked.cluster))
        redis = await stack.enter_async_context(stores(place, replica=asked.replica))
        children = await stack.enter_async_context(children_in(place / "children"))
        shop = await stack.enter_async_context(provider(children))
        config = children.directory / "bridge.yaml"
        config.write_text(
            json.dumps(
                {
                    **document(
                        "", redis.worker_url, NAMES.prefix, shop.worker_sites, smpp=SMPP, inbound=INBOUND
                    ),
                    "broker": {"url": rabbit.worker_urls, "prefix": NAMES.prefix},
                }
            )
        )
        workers = Workers(children, config, asked.workers)
        ledger = TimedLedger(asyncio.get_running_loop().time)
        app = await stack.enter_async_context(
            application(rabbit.urls, NAMES, ledger, Random(chance.random()))
        )
        phones = Phones(shop.talk.do, ledger, Random(chance.random()))
        world = World(rabbit, redis, shop, workers, app, ledger, phones, place)
        stack.callback(world.witness.close)
        await workers.start_all()
        async with asyncio.timeout(60):
            await app.until_connected()
        for node in rabbit.nodes:
            await node.sync_declarations()
        yield world


@asynccontextmanager
async def _directory() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="bridge-chaos-", ignore_cleanup_errors=True) as place:
        (Path(place) / "children").mkdir()
        yield place
