"""Everything a run is played with: servers, doors, workers, the provider, the application, and who watches them."""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from bridge.broker.topology import Queue, topology
from bridge.model.names import Names
from bridge.proof.children import Children, children_in
from bridge.proof.load import Phones, mt_named_in
from bridge.proof.witness import Witness
from tests.chaos.application import Application, application
from tests.chaos.asked import Asked
from tests.chaos.ledger import TimedLedger
from tests.chaos.provider import Provider, provider
from tests.chaos.rabbits import Rabbits, rabbits
from tests.chaos.soak import LOOK_S as GROWTH_LOOK_S
from tests.chaos.soak import MIB, Held, Soak
from tests.chaos.stores import Stores, stores
from tests.chaos.web import PROVIDER as WEB
from tests.chaos.web import ROUTE as WEB_ROUTE
from tests.chaos.web import Web, WebWitness, sender, web
from tests.chaos.workers import Workers
from tests.system.lab import document

RESPONSE_TIMEOUT_S = 3
LEASE_S = RESPONSE_TIMEOUT_S + 10
"""Of a worker's claims, as the contract has it."""
LOOK_S = 0.1
QUIET_S = 5.0
"""What is complete, and was not heard of for so long, is over."""
FRESH_S = 2.0
"""While an MT needs no longer than this from RabbitMQ to the provider, work goes on."""
BELIEVED_S = FRESH_S + 0.5
EXAMPLES = 3
NAMES = Names("chaos")
ROUTE = "default"
SMPP = {
    "response_timeout_seconds": RESPONSE_TIMEOUT_S,
    "enquire_link_seconds": 2,
    "rebind_seconds": 1,
    "window": 20,
}
SEGMENT_WAIT_S = 60
INBOUND = {
    "early_dr_wait_seconds": 6,
    "segment_wait_seconds": SEGMENT_WAIT_S,
    # An MO without id that an SMSC sends again when its outage is over is a repeat only for so long after its first
    # answer, which the outage may have lost; texts are all different here.
    "mo_repeat_seconds": 120,
}

_LOGS = ("*/*.log", "*/*.jsonl", "*/bridge.yaml")


class World:
    """Made by `raised`. `ledger` and `witness` know what happened so far; the rest is there to be broken."""

    def __init__(
        self,
        rabbit: Rabbits,
        redis: Stores,
        provider: Provider,
        web: Web,
        workers: Workers,
        app: Application,
        ledger: TimedLedger,
        phones: Phones,
        web_phones: Phones,
        children: Children,
        place: Path,
    ) -> None:
        self.rabbit = rabbit
        self.redis = redis
        self.provider = provider
        self.web = web
        self.workers = workers
        self.app = app
        self.ledger = ledger
        self.phones = phones
        self.web_phones = web_phones
        self.witness = Witness(provider.journal, ledger, app.texts, mt_named_in)
        self.web_witness = WebWitness(web.journal, ledger, app.texts)
        self.soak = Soak(self._processes, lambda: workers.tasks, asyncio.get_running_loop().time)
        self.forgot_at: list[float] = []
        """When Redis lost what it had answered for."""
        self.ending = asyncio.Event()
        """The run is to end before its time."""
        self._children = children
        self._place = place
        self._clock = asyncio.get_running_loop().time
        app.hear = self.witness.hear

    @property
    def binds(self) -> int:
        """How many there are when all is well."""
        return self.workers.count * len(self.provider.all_doors)

    @property
    def mos(self) -> int:
        """MOs that were written."""
        return self.phones.written + self.web_phones.written

    @property
    def seen(self) -> int:
        """How much was written down or heard so far: while it grows, something happens."""
        return self.witness.seen + self.web_witness.seen

    def close(self) -> None:
        """Let go of the journals."""
        self.witness.close()
        self.web_witness.close()

    @property
    def worked_queues(self) -> Sequence[str]:
        """The queues that workers empty."""
        ends = (NAMES.dead, NAMES.unrouted)
        found = [item.name for item in topology(NAMES, [ROUTE, WEB_ROUTE]) if isinstance(item, Queue)]
        return [name for name in found if name not in ends]

    def forgot(self) -> None:
        """Redis has just lost what it had answered for."""
        self.forgot_at.append(self._clock())

    async def lapse(self, seconds: float) -> None:
        """How a fault lasts: so long, but not beyond the moment when the run is to end.

        Cancelled it would be cut off in the midst of breaking or healing as well, and what it broke stay so.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self.ending.wait(), seconds)

    async def watch(self) -> None:
        """Read the journal, and replace workers that should not have ended; until cancelled."""
        while True:
            self.witness.read()
            self.web_witness.read()
            self.app.check()
            await self.workers.mend()
            await asyncio.sleep(LOOK_S)

    async def watch_growth(self) -> None:
        """Look at all processes, and put away what is over; until cancelled."""
        while True:
            self.soak.look()
            self.ledger.close(QUIET_S)
            await asyncio.sleep(GROWTH_LOOK_S)

    async def held(self) -> Held:
        """What the servers hold now. Raises ServerError, RedisError."""
        connections, channels, consumers = await self.rabbit.held()
        queues = await self.rabbit.in_queues(self.worked_queues)
        clients, keys, undated, octets = await self.redis.held()
        return Held(
            connections=connections,
            channels=channels,
            consumers=consumers,
            messages=sum(messages for messages, _ in queues.values()),
            unacknowledged=sum(in_hand for _, in_hand in queues.values()),
            filled=tuple(f"{name} {messages}" for name, (messages, _) in queues.items() if messages),
            redis_clients=clients,
            redis_keys=keys,
            undated=undated,
            redis_mib=octets // MIB,
        )

    def _processes(self) -> dict[str, int]:
        servers = {
            f"RabbitMQ {number}": node.pid for number, node in enumerate(self.rabbit.nodes, 1) if node.running
        }
        simulators = {
            name: pid for name, pid in self._children.running.items() if not name.startswith("worker")
        }
        return {**self.workers.running, **servers, **simulators, "this harness": os.getpid()}

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

    def lacks(self, since: float) -> str:
        """What there is of binds, and of MTs that were published since then and wait."""
        late = self._late(since)
        some = f" ({', '.join(late[:EXAMPLES])})" if late else ""
        return f"{self.witness.binds} of {self.binds} binds are up, {len(late)} MTs wait{some}"

    def _is_well(self, since: float) -> bool:
        """Whether all binds are up, and MTs that were published since then are sent and do not wait."""
        return self.witness.binds == self.binds and self.ledger.freshest > since and not self._late(since)

    def _late(self, since: float) -> list[str]:
        limit = self._clock() - FRESH_S
        return [mt_id for mt_id, at in self.ledger.under_way.items() if since < at <= limit]


@asynccontextmanager
async def raised(asked: Asked, chance: Random) -> AsyncIterator[World]:
    """All of it, the workers bound; nothing is published yet. Raises whatever the parts raise."""
    async with AsyncExitStack() as stack:
        place = Path(await stack.enter_async_context(_directory()))
        rabbit = await stack.enter_async_context(rabbits(place, asked.cluster))
        redis = await stack.enter_async_context(stores(place, replica=asked.replica))
        children = await stack.enter_async_context(children_in(place / "children"))
        shop = await stack.enter_async_context(provider(children))
        http = await stack.enter_async_context(web(children))
        config = children.directory / "bridge.yaml"
        config.write_text(json.dumps(_configuration(rabbit, redis, shop, http)))
        workers = Workers(children, config, asked.workers, spare=asked.spare)
        ledger = TimedLedger(asyncio.get_running_loop().time)
        app = await stack.enter_async_context(
            application(
                rabbit.urls,
                NAMES,
                ledger,
                {ROUTE: 1 - asked.http_share, WEB_ROUTE: asked.http_share},
                Random(chance.random()),
            )
        )
        phones = Phones(shop.talk.do, ledger, Random(chance.random()))
        web_phones = Phones(sender(http.talk), ledger, Random(chance.random()), "web, reply")
        world = World(rabbit, redis, shop, http, workers, app, ledger, phones, web_phones, children, place)
        stack.callback(world.close)
        await workers.start_all()
        async with asyncio.timeout(60):
            await app.until_connected()
        for node in rabbit.nodes:
            await node.sync_declarations()
        yield world


def _configuration(rabbit: Rabbits, redis: Stores, shop: Provider, http: Web) -> dict[str, Any]:
    """MTs of one route leave over SMPP; those of the other over HTTP, while that works."""
    written = document("", redis.worker_url, NAMES.prefix, shop.worker_sites, smpp=SMPP, inbound=INBOUND)
    (smpp,), route = written["providers"], written["routes"][ROUTE]
    return {
        **written,
        "broker": {"url": rabbit.worker_urls, "prefix": NAMES.prefix},
        "providers": {**written["providers"], WEB: http.provider(RESPONSE_TIMEOUT_S)},
        "routes": {ROUTE: route, WEB_ROUTE: {**route, "providers": [WEB, smpp], "prefer": "http"}},
        "callbacks": http.listener,
    }


@asynccontextmanager
async def _directory() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="bridge-chaos-", ignore_cleanup_errors=True) as place:
        (Path(place) / "children").mkdir()
        yield place
