"""What did not come in time: the missing segments of long MOs, the missing receipts of MTs.

Every worker looks for both and takes a few at a time, under a lease, so that whichever is alive does it. The events
are published until confirmed, and only then is the matter settled; a worker that dies between leaves it to the next,
which publishes under the same event id. Not responsible for when something is due: the store knows.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog

from bridge.broker.outbox import event_message
from bridge.inbound.matching import overdue_receipt
from bridge.inbound.parts import Join, readable
from bridge.inbound.ports import OutboxPort, ReceiptsDuePort, SegmentsDuePort
from bridge.inbound.segments import keep_s
from bridge.model.events import Event, mo_event
from bridge.model.names import Names
from bridge.store.receipts import Overdue
from bridge.store.segments import Due

log = structlog.get_logger(__name__)

LOOK_S = 1.0
AT_ONCE = 100
"""How many of a kind one worker settles at a time: the others are left to others."""
LEASE_MS = 30_000

Ask = Callable[[Callable[..., None]], None]
"""Something that calls what it is given when it is done."""


class Deadlines:
    """Looks for what is overdue. Bounded: no more is asked for before what was found is settled."""

    def __init__(
        self,
        names: Names,
        receipts: ReceiptsDuePort,
        segments: SegmentsDuePort,
        outbox: OutboxPort,
        *,
        worker: str,
        join: Mapping[str, Join],
        segment_wait_s: float,
        mo_repeat_s: float,
    ) -> None:
        self._names = names
        self._receipts = receipts
        self._segments = segments
        self._outbox = outbox
        # Not the worker itself: what comes in meanwhile is not to be taken for its own, and published beside.
        self._owner = f"{worker}-deadlines"
        self._join = join
        self._keep_ms = int(keep_s(mo_repeat_s, segment_wait_s) * 1000)
        self.tally: Counter[tuple[str, ...]] = Counter()

    async def run(self) -> None:
        """Until cancelled."""
        of_segments = partial(self._segments.overdue, AT_ONCE, LEASE_MS, self._owner)
        of_receipts = partial(self._receipts.overdue, AT_ONCE, LEASE_MS)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(of_segments, self._settle_mo))
            group.create_task(self._watch(of_receipts, self._settle_receipt))

    async def _watch(self, overdue: Ask, settle: Callable[[Any, Callable[[], None]], None]) -> None:
        while True:
            found = await _told(overdue) or []
            await asyncio.gather(*(_told(partial(self._settle, settle, one)) for one in found))
            if len(found) < AT_ONCE:
                await asyncio.sleep(LOOK_S)

    @staticmethod
    def _settle(
        settle: Callable[[Any, Callable[[], None]], None], due: Any, then: Callable[[], None]
    ) -> None:
        """One that raises must not cost the others their end, nor the worker its life."""
        try:
            settle(due, then)
        except Exception:
            log.exception("deadline.failed")
            then()

    def _settle_mo(self, due: Due, then: Callable[[], None]) -> None:
        parts, lost = readable(due.parts)
        if lost:
            log.error("segments.unreadable", event_id=due.event_id, parts=lost)
        settled = partial(self._segments.published, due.set_key, due.event_id, self._keep_ms, then)
        if not parts:
            settled()
            return
        origin = max(parts, key=lambda part: part.at).origin
        provider = origin.provider or ""
        join = self._join.get(provider)
        if join is None:  # of a configuration that this worker does not have
            log.error("segments.unknown_provider", provider=provider, event_id=due.event_id)
            then()
            return
        mo = join([part.segment for part in parts])
        self._tell(mo_event(mo, origin, due.event_id, time.time()), provider, settled)

    def _settle_receipt(self, due: Overdue, then: Callable[[], None]) -> None:
        settled = partial(self._receipts.settled, due.due, then)
        self._tell(overdue_receipt(due, time.time()), due.entry.provider, settled)

    def _tell(self, event: Event, provider: str, then: Callable[[], None]) -> None:
        self.tally["overdue", event.kind, provider] += 1
        self._outbox.send(event_message(event, self._names, time.time()), then)


def _told(ask: Ask) -> asyncio.Future[Any]:
    """What it tells when it is done; None if it tells nothing."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def tell(result: Any = None) -> None:
        if not answer.cancelled():
            answer.set_result(result)

    ask(tell)
    return answer
