"""MOs and DRs from links: claim, publish with confirm, commit, and only then the answer (contract 7.4).

    verdict of the claim      what is done
    new, taken, mine          publish, commit, answer OK; if it cannot be published: give the claim up, refuse
    repeat, waiting           answer OK: it is safe already
    busy                      refuse: another worker is at it
    (no answer from Redis)    refuse

A receipt whose MT is not known yet is put into a wait queue instead, confirmed there, and answered OK (`early`).
No task and no timer of its own for a message; one sweep a second refuses what has waited too long.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from uuid import uuid4

import structlog

from bridge.broker.message import Confirmation, Outgoing
from bridge.broker.outbox import event_message
from bridge.inbound.early import EarlyReceipt, early_message
from bridge.inbound.matching import early_rung, matched_event, rematched_event
from bridge.inbound.pending import Entry, Pending
from bridge.inbound.ports import Answer, LinkPort, OutboxPort, PublisherPort, ReceiptsPort
from bridge.model.events import Event, Origin, dr_event, mo_event
from bridge.model.ids import digest, event_id
from bridge.model.inbound import Dr, Inbound, Mo
from bridge.model.names import Names
from bridge.store.claims import Unmatched
from bridge.store.correlation import Correlation
from bridge.store.receipts import MessageClaim, ReceiptClaim

log = structlog.get_logger(__name__)

SWEEP_S = 1.0


class Receiver:
    """All MOs and DRs this worker is working on."""

    def __init__(
        self,
        names: Names,
        receipts: ReceiptsPort,
        publisher: PublisherPort,
        outbox: OutboxPort,
        *,
        worker: str,
        early_wait_s: float,
        mo_repeat_s: float,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._names = names
        self._receipts = receipts
        self._publisher = publisher
        self._outbox = outbox
        self._worker = worker
        self._early_wait_s = early_wait_s
        self._mo_repeat_ms = int(mo_repeat_s * 1000)
        self._pending: Pending[Inbound] = Pending()
        self.tally: Counter[tuple[str, ...]] = Counter()

    @property
    def unanswered(self) -> int:
        """How many MOs and DRs wait for their verdict."""
        return len(self._pending)

    async def run(self) -> None:
        """Refuse what waits too long; until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            refused = self._pending.refuse_overdue(self._loop.time())
            if refused:
                log.warning("inbound.overdue", refused=refused)

    def received(self, link: LinkPort, inbound: Inbound, answer: Answer) -> None:
        """One MO or DR from a link; `answer` is called once, when it is safe or cannot be made so."""
        kind = "dr" if isinstance(inbound, Dr) else "mo"
        self.tally["received", kind, link.provider] += 1
        key = _key(link.provider, inbound)
        known = self._pending.get(key)
        if known is not None:
            self.tally["repeat", kind, link.provider] += 1
            known.answers.append(answer)
            return
        if self._pending.full:
            self.tally["refused", kind, link.provider] += 1
            answer(False)
            return
        origin = Origin(link.provider, link.site, link.via, link.name)
        now = self._loop.time()
        if isinstance(inbound, Dr):
            entry: Entry[Inbound] = Entry(key, inbound, origin, event_id("dr", key), answer, now)
            self._pending.add(entry)
            addresses = (inbound.from_, inbound.to)
            self._receipts.receipt(
                key,
                self._worker,
                entry.event_id,
                link.provider,
                inbound.ids,
                addresses,
                inbound.final,
                partial(self._receipt_claimed, entry, inbound),
            )
        else:
            # Without an id of its own nothing of an MO tells it from its twin a minute later: the id is minted.
            ident = event_id("mo", key) if inbound.id is not None else f"mo-{uuid4().hex}"
            entry = Entry(key, inbound, origin, ident, answer, now)
            self._pending.add(entry)
            self._receipts.message(key, self._worker, ident, partial(self._message_claimed, entry, inbound))

    # Messages

    def _message_claimed(self, entry: Entry[Inbound], mo: Mo, claim: MessageClaim | None) -> None:
        if not self._ours(entry, claim):
            return
        self._publish_event(entry, mo_event(mo, entry.origin, entry.event_id, time.time()))

    def _ours(self, entry: Entry[Inbound], claim: MessageClaim | ReceiptClaim | None) -> bool:
        """Whether the claim says that it is for us to publish; if not, it is answered here."""
        kind, provider = _kind(entry), entry.origin.provider or ""
        if claim is None or claim.verdict == "busy":
            self.tally["refused", kind, provider] += 1
            self._pending.answer(entry, safe=False)
            return False
        if claim.verdict in ("repeat", "waiting"):
            self.tally["repeat", kind, provider] += 1
            self._pending.answer(entry, safe=True)
            return False
        entry.event_id = claim.event_id
        return True

    # Receipts

    def _receipt_claimed(self, entry: Entry[Inbound], dr: Dr, claim: ReceiptClaim | None) -> None:
        if not self._ours(entry, claim) or claim is None:
            return
        entry.epoch = claim.epoch
        if claim.entry is None:
            self._unknown(entry, dr)
        else:
            found, now = claim.entry, time.time()
            event = matched_event(dr, found, entry.origin, entry.event_id, now, stale=claim.stale)
            if event is None:
                self._commit(entry)
            else:
                self._publish_event(entry, event)

    def _unknown(self, entry: Entry[Inbound], dr: Dr) -> None:
        """Its MT is not known: perhaps not yet."""
        rung_s = early_rung(0, self._early_wait_s) if dr.ids else None
        if rung_s is not None:
            receipt = EarlyReceipt(dr, entry.origin, entry.key, entry.event_id, time.time())
            message = early_message(receipt, self._names, rung_s)
            self._publish(entry, message, partial(self._waits, entry))
            return
        event = dr_event(dr, None, entry.origin, entry.event_id, time.time(), stale=False, joined=False)
        message = event_message(event, self._names, time.time())
        self._publish(entry, message, partial(self._went_unmatched, entry, dr, message.body))

    def _waits(self, entry: Entry[Inbound]) -> None:
        self.tally["early", "dr", entry.origin.provider or ""] += 1
        self._receipts.waiting(entry.key, entry.event_id, partial(self._pending.answer, entry, True))

    def _went_unmatched(self, entry: Entry[Inbound], dr: Dr, body: bytes) -> None:
        self.tally["unmatched", "dr", entry.origin.provider or ""] += 1
        if not dr.ids:
            self._commit(entry)
            return

        def committed(claim: ReceiptClaim | None) -> None:
            answer = partial(self._pending.answer, entry, True)
            if claim is not None and claim.entry is not None:
                self.matched_late([Unmatched(body, claim.stale)], claim.entry, answer)
            else:
                answer()

        self._receipts.unmatched(
            entry.key,
            entry.origin.provider or "",
            dr.ids,
            body,
            entry.event_id,
            committed,
            addresses=(dr.from_, dr.to),
            final=dr.final,
        )

    def matched_late(
        self, receipts: Sequence[Unmatched], found: Correlation, then: Callable[[], None]
    ) -> None:
        """DR events that went out unmatched, and whose MT is now known: once more, under their own ids."""
        self.tally["matched_late", "dr", found.provider] += len(receipts)
        now = time.time()
        events = [rematched_event(late, found) for late in receipts]
        self._outbox.send_all([event_message(event, self._names, now) for event in events], then)

    # Publishing and committing

    def _publish_event(self, entry: Entry[Inbound], event: Event) -> None:
        self._publish(entry, event_message(event, self._names, time.time()), partial(self._commit, entry))

    def _publish(self, entry: Entry[Inbound], message: Outgoing, then: partial[None]) -> None:
        self._publisher.publish(message, partial(self._published, entry, then))

    def _published(self, entry: Entry[Inbound], then: partial[None], confirmation: Confirmation) -> None:
        if confirmation is Confirmation.CONFIRMED:
            then()
            return
        self.tally["refused", _kind(entry), entry.origin.provider or ""] += 1
        self._receipts.abandon(
            entry.key, entry.epoch, self._worker, partial(self._pending.answer, entry, False)
        )

    def _commit(self, entry: Entry[Inbound]) -> None:
        what = entry.what
        self.tally["safe", _kind(entry), entry.origin.provider or ""] += 1
        ttl_ms = self._mo_repeat_ms if isinstance(what, Mo) and what.id is None else None
        answer = partial(self._pending.answer, entry, True)
        self._receipts.commit(entry.key, entry.epoch, entry.event_id, ttl_ms, answer)


def _key(provider: str, inbound: Inbound) -> bytes:
    """What makes this MO or DR itself, whichever link brought it."""
    if isinstance(inbound, Dr):
        return digest("dr", provider, inbound.identity)
    if inbound.id is not None:
        return digest("mo", provider, inbound.id)
    return digest("mo?", provider, inbound.identity)


def _kind(entry: Entry[Inbound]) -> str:
    return "dr" if isinstance(entry.what, Dr) else "mo"
