"""MOs and DRs from links: claim, publish with confirm, commit, and only then the answer (contract 7.4).

    verdict of the claim      what is done
    new, taken, mine          publish, commit, answer OK; if it cannot be published: give the claim up, refuse
    repeat, waiting           answer OK: it is safe already
    busy                      refuse: another worker is at it
    (no answer from Redis)    refuse

An MO without an id that was read just after this worker had slept is refused before that (`slumber`).

A receipt whose MT is not known yet is put into a wait queue instead, confirmed there, and answered OK (`early`).
A segment of a long MO is held in Redis until the others are there (`segments`).
No task and no timer of its own for a message; one sweep a second refuses what has waited too long.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog

from bridge.broker.message import Outgoing
from bridge.broker.outbox import PublisherPort, event_message
from bridge.inbound.confirm import publish_all
from bridge.inbound.early import EarlyReceipt, early_message
from bridge.inbound.matching import early_rung, matched_events, question_of, rematched_events
from bridge.inbound.parts import Join, can_be_held, set_key, tag
from bridge.inbound.pending import Entry, Pending, octets_of
from bridge.inbound.ports import (
    Answer,
    LinkPort,
    OutboxPort,
    ReceiptsPort,
    Resolve,
    SegmentsPort,
)
from bridge.inbound.relations import Relations
from bridge.inbound.segments import LongMos, new_event_id
from bridge.inbound.slumber import Slumber
from bridge.model.events import dr_event, mo_event, origin_at
from bridge.model.ids import digest, event_id
from bridge.model.inbound import Dr, Inbound, Mo, MoSegment
from bridge.model.names import Names
from bridge.store.claims import Unmatched
from bridge.store.correlation import Correlation
from bridge.store.receipts import MessageClaim, Question, ReceiptClaim

log = structlog.get_logger(__name__)

SWEEP_S = 1.0


class Receiver:
    """All MOs and DRs this worker is working on."""

    def __init__(
        self,
        names: Names,
        receipts: ReceiptsPort,
        segments: SegmentsPort,
        publisher: PublisherPort,
        outbox: OutboxPort,
        *,
        worker: str,
        join: Mapping[str, Join],
        relations: Relations,
        resolve: Resolve,
        early_wait_s: float,
        mo_repeat_s: float,
        segment_wait_s: float,
    ) -> None:
        """`join`: how the segments of each provider become its MO."""
        self._loop = asyncio.get_running_loop()
        self._names = names
        self._receipts = receipts
        self._publisher = publisher
        self._outbox = outbox
        self._worker = worker
        self._join = join
        self._relations = relations
        self._resolve = resolve
        self._early_wait_s = early_wait_s
        self._mo_repeat_ms = int(mo_repeat_s * 1000)
        self._pending: Pending[Inbound] = Pending()
        self._slumber = Slumber(max(mo_repeat_s / 2, 3 * SWEEP_S))
        self.tally: Counter[tuple[str, ...]] = Counter()
        self._long_mos = LongMos(
            names,
            segments,
            publisher,
            self._pending,
            self.tally,
            worker=worker,
            join=join,
            segment_wait_s=segment_wait_s,
            mo_repeat_s=mo_repeat_s,
        )

    @property
    def unanswered(self) -> int:
        """How many MOs and DRs wait for their verdict."""
        return len(self._pending)

    async def run(self) -> None:
        """Refuse what waits too long; until cancelled."""
        while True:
            self._slumber.beat(self._loop.time())
            await asyncio.sleep(SWEEP_S)
            refused = self._pending.refuse_overdue(self._loop.time())
            if refused:
                log.warning("inbound.overdue", refused=refused)

    def received(self, link: LinkPort, inbound: Inbound, answer: Answer) -> None:
        """One MO or DR from a link; `answer` is called once, when it is safe or cannot be made so."""
        kind = "dr" if isinstance(inbound, Dr) else "mo"
        self.tally["received", kind, link.provider] += 1
        if isinstance(inbound, MoSegment) and not can_be_held(inbound):
            inbound = self._join[link.provider]([inbound])  # it goes out by itself, not complete
        key = _key(link.provider, inbound)
        known = self._pending.get(key)
        if known is not None:
            self.tally["repeat", kind, link.provider] += 1
            known.answers.append(answer)
            return
        if self._pending.full or (_nameless(inbound) and self._slumber.over(self._loop.time())):
            self.tally["refused", kind, link.provider] += 1
            answer(False)
            return
        origin = origin_at(link.provider, link.site, link.via, link.name)
        entry: Entry[Inbound] = Entry(
            key, inbound, origin, _event_id(key, inbound), answer, self._loop.time(), octets_of(inbound.raw)
        )
        self._pending.add(entry)
        if isinstance(inbound, Dr):
            self._receipts.receipt(
                key,
                self._worker,
                entry.event_id,
                self._question(entry, inbound, last_chance=early_rung(0, self._early_wait_s) is None),
                partial(self._receipt_claimed, entry, inbound),
            )
        elif isinstance(inbound, MoSegment):
            self._long_mos.take(entry, inbound)
        else:
            claimed = partial(self._message_claimed, entry, inbound)
            self._receipts.message(key, self._worker, entry.event_id, claimed)

    # Messages

    def _message_claimed(self, entry: Entry[Inbound], mo: Mo, claim: MessageClaim | None) -> None:
        if not self._ours(entry, claim):
            return
        now = time.time()
        event = mo_event(mo, entry.origin, entry.event_id, now)
        self._publish(entry, [event_message(event, self._names, now)], partial(self._commit, entry))

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
        entry.epoch, entry.held = claim.epoch, claim.held
        found = claim.entry
        if found is None:
            self._unknown(entry, dr)
            return
        self._relations.matched(found.provider, dr.ids, found.smsc_id)
        events = matched_events(dr, claim, found, entry.origin, entry.event_id, time.time())
        messages = [event_message(event, self._names, time.time()) for event in events]
        self._publish(entry, messages, partial(self._matched, entry, found, claim.due))

    def _matched(self, entry: Entry[Inbound], found: Correlation, due: bytes) -> None:
        commit = partial(self._commit, entry, due)
        if found.unanswered is None:
            commit()
        else:
            self._resolve(found, entry.origin, commit)

    def _unknown(self, entry: Entry[Inbound], dr: Dr) -> None:
        """Its MT is not known: perhaps not yet."""
        rung_s = early_rung(0, self._early_wait_s) if dr.ids else None
        if rung_s is not None:
            receipt = EarlyReceipt(dr, entry.origin, entry.key, entry.event_id, time.time())
            message = early_message(receipt, self._names, rung_s)
            self._publish(entry, [message], partial(self._waits, entry))
            return
        event = dr_event(dr, None, entry.origin, entry.event_id, time.time(), stale=False, joined=False)
        message = event_message(event, self._names, time.time())
        self._publish(entry, [message], partial(self._went_unmatched, entry, dr, message.body))

    def _waits(self, entry: Entry[Inbound]) -> None:
        self.tally["early", "dr", entry.origin.provider or ""] += 1
        self._receipts.waiting(entry.key, entry.event_id, partial(self._pending.answer, entry, True))

    def _went_unmatched(self, entry: Entry[Inbound], dr: Dr, body: bytes) -> None:
        self.tally["unmatched", "dr", entry.origin.provider or ""] += 1
        if not dr.ids:
            self._commit(entry)
            return

        def committed(claim: ReceiptClaim | None) -> None:
            if claim is None or claim.entry is None:
                self._pending.answer(entry, True)
                return
            entry.epoch, entry.held = claim.epoch, claim.held
            self._relations.matched(claim.entry.provider, dr.ids, claim.entry.smsc_id)
            late = Unmatched(body, claim.stale, claim.extra, claim.joined)
            self.matched_late([late], claim.entry, partial(self._matched, entry, claim.entry, claim.due))

        question = self._question(entry, dr, last_chance=True)
        self._receipts.unmatched(entry.key, question, body, committed)

    def matched_late(
        self, receipts: Sequence[Unmatched], found: Correlation, then: Callable[[], None]
    ) -> None:
        """DR events that went out unmatched, and whose MT is now known: once more, under their own ids."""
        self.tally["matched_late", "dr", found.provider] += len(receipts)
        now = time.time()
        events = [event for late in receipts for event in rematched_events(late, found)]
        self._outbox.send_all([event_message(event, self._names, now) for event in events], then)

    def _question(self, entry: Entry[Inbound], dr: Dr, *, last_chance: bool) -> Question:
        provider = entry.origin.provider or ""
        guesses = self._relations.guesses(provider, dr.ids, fresh=not last_chance, last_chance=last_chance)
        return question_of(dr, provider, guesses)

    # Publishing and committing

    def _publish(self, entry: Entry[Inbound], messages: Sequence[Outgoing], then: partial[None]) -> None:
        publish_all(self._publisher, messages, partial(self._published, entry, then))

    def _published(self, entry: Entry[Inbound], then: partial[None], safe: bool) -> None:
        if safe:
            then()
            return
        self.tally["refused", _kind(entry), entry.origin.provider or ""] += 1
        answer = partial(self._pending.answer, entry, False)
        self._receipts.abandon(entry.key, entry.epoch, self._worker, answer, held=entry.held)

    def _commit(self, entry: Entry[Inbound], due: bytes = b"") -> None:
        what = entry.what
        self.tally["safe", _kind(entry), entry.origin.provider or ""] += 1
        ttl_ms = self._mo_repeat_ms if isinstance(what, Mo) and what.id is None else None
        answer = partial(self._pending.answer, entry, True)
        self._receipts.commit(entry.key, entry.epoch, ttl_ms, answer, due=due, held=entry.held)


def _key(provider: str, inbound: Inbound) -> bytes:
    """What makes this MO or DR itself, whichever link brought it."""
    if isinstance(inbound, Dr):
        return digest("dr", provider, inbound.identity)
    if isinstance(inbound, MoSegment):
        return digest("segment", set_key(provider, inbound), f"{inbound.concat.seq}", tag(inbound))
    if inbound.id is not None:
        return digest("mo", provider, inbound.id)
    return digest("mo?", provider, inbound.identity)


def _nameless(inbound: Inbound) -> bool:
    """Whether only the time tells its repeat from another one."""
    return isinstance(inbound, MoSegment) or (isinstance(inbound, Mo) and inbound.id is None)


def _event_id(key: bytes, inbound: Inbound) -> str:
    if isinstance(inbound, Dr):
        return event_id("dr", key)
    if isinstance(inbound, Mo) and inbound.id is not None:
        return event_id("mo", key)
    return new_event_id()


def _kind(entry: Entry[Inbound]) -> str:
    return "dr" if isinstance(entry.what, Dr) else "mo"
