"""The receiving half of a worker on real RabbitMQ and Redis, whose publishes can be held back, or be lost."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from bridge.broker import Confirmation, Outgoing, Publisher
from bridge.broker.outbox import Outbox
from bridge.config.provider import Ids
from bridge.inbound.deadlines import Deadlines
from bridge.inbound.early import EarlyReceipts
from bridge.inbound.receive import Receiver
from bridge.inbound.relations import Relations
from bridge.model.events import Origin
from bridge.model.inbound import Inbound
from bridge.model.names import Names
from bridge.store.correlation import Correlation
from bridge.store.store import Store
from tests.inbound.messages import HANDSET, ONE, Link, join

LIMIT_S = 30.0


class Reply:
    """What a provider is told of one PDU; the lab looks at its end that none was told twice."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self._came = asyncio.Event()

    def __call__(self, safe: bool) -> None:
        self.told.append(safe)
        self._came.set()

    async def safe(self) -> bool:
        async with asyncio.timeout(LIMIT_S):
            await self._came.wait()
        return self.told[0]


class Gate:
    """A publisher whose confirmations can be held back on their way, or be lost. `tried`: what it was given."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self.holds = False
        self.loses = False
        self.tried: list[Outgoing] = []
        self._held: asyncio.Queue[Callable[..., None]] = asyncio.Queue()

    def publish(self, message: Outgoing, done: Callable[[Confirmation], None]) -> None:
        self.tried.append(message)
        self.publisher.publish(message, partial(self._confirmed, done))

    def _confirmed(self, done: Callable[[Confirmation], None], confirmation: Confirmation) -> None:
        def told(lost: bool = self.loses) -> None:
            done(Confirmation.UNKNOWN if lost else confirmation)

        if self.holds:
            self._held.put_nowait(told)
        else:
            told()

    async def held(self) -> Callable[..., None]:
        """The next answer that is held back: call it to let it pass, or with True to lose it."""
        async with asyncio.timeout(LIMIT_S):
            return await self._held.get()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is configured for a worker."""

    early_wait_s: float = 120
    segment_wait_s: float = 300
    mo_repeat_s: float = 10
    ids: Mapping[str, Ids] = field(default_factory=dict)
    providers: tuple[str, ...] = ("p", "q")


class Worker:
    """What a worker has for MOs and DRs. It holds the publishes of its receiver and of its outbox each at a gate."""

    def __init__(
        self,
        name: str,
        names: Names,
        publisher: Publisher,
        store: Store,
        setup: Setup,
        replies: list[Reply],
    ) -> None:
        self.store = store
        self.gate, self.outbox_gate = Gate(publisher), Gate(publisher)
        outbox = Outbox(cast("Publisher", self.outbox_gate))
        self.relations = relations = Relations(setup.ids)
        of_mos: dict[str, Any] = {
            "worker": name,
            "join": dict.fromkeys(setup.providers, join),
            "segment_wait_s": setup.segment_wait_s,
            "mo_repeat_s": setup.mo_repeat_s,
        }
        self.receiver = Receiver(
            names,
            store.receipts,
            store.segments,
            self.gate,
            outbox,
            relations=relations,
            resolve=self._resolve,
            early_wait_s=setup.early_wait_s,
            **of_mos,
        )
        self.early = EarlyReceipts(
            names,
            store.receipts,
            outbox,
            relations=relations,
            resolve=self._resolve,
            early_wait_s=setup.early_wait_s,
        )
        self.resolved: list[tuple[str, str | None]] = []
        """MTs in doubt that receipts spoke of, and the routes they were parked in."""
        self.deadlines = Deadlines(names, store.receipts, store.segments, outbox, **of_mos)
        self._replies = replies

    def _resolve(self, found: Correlation, _origin: Origin, then: Callable[[], None]) -> None:
        self.resolved.append((found.mt_id, found.unanswered))
        then()

    def offer(self, inbound: Inbound, link: Link = ONE) -> Reply:
        """A PDU comes on a link."""
        reply = Reply()
        self._replies.append(reply)
        self.receiver.received(link, inbound, reply)
        return reply

    async def receives(self, inbound: Inbound, link: Link = ONE) -> bool:
        """A PDU comes on a link and is answered: whether with OK."""
        return await self.offer(inbound, link).safe()

    async def submitted(
        self, smsc_id: str, mt_id: str = "m-1", to: str = HANDSET, *, overdue_ms: int = 0, **fields: Any
    ) -> None:
        """The provider's answer to an MT comes; what went out unmatched goes out again."""
        entry = Correlation(mt_id=mt_id, provider="p", smsc_id=smsc_id, to=to, **fields)
        recorded = await asked(
            self.store.claims.answered, mt_id, "o", f"A|{smsc_id}", entry, overdue_ms=overdue_ms
        )
        self.receiver.matched_late(recorded.unmatched, entry, lambda: None)

    async def submitted_long(
        self, *smsc_ids: str, mt_id: str = "m-1", to: str = HANDSET, overdue_ms: int = 0, **fields: Any
    ) -> None:
        """The provider's answers to the segments of a long MT come, in order; an empty id: to that one none yet."""
        claims, owner = self.store.claims, f"o-{mt_id}"
        await asked(claims.claim, mt_id, owner, 60_000, reference=7, state="some")
        for number, smsc_id in enumerate(smsc_ids, start=1):
            segment = (number, len(smsc_ids))
            entry = Correlation(mt_id=mt_id, provider="p", smsc_id=smsc_id, to=to, segment=segment, **fields)
            if smsc_id:
                words = (mt_id, owner, 7, "some", "", entry)
                recorded = await asked(claims.part_answered, *words, overdue_ms=overdue_ms)
                self.receiver.matched_late(recorded.unmatched, entry, lambda: None)

    async def gave_up(self, mt_id: str = "m-1") -> None:
        """The copy of a long MT so far counts no more: another provider gets it."""
        done = asyncio.Event()
        self.store.claims.retire(mt_id, done.set)
        async with asyncio.timeout(LIMIT_S):
            await done.wait()


async def asked(operation: Callable[..., None], *args: Any, **options: Any) -> Any:
    """What an operation of the store tells."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    operation(*args, answer.set_result, **options)
    async with asyncio.timeout(LIMIT_S):
        return await answer
