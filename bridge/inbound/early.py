"""Receipts whose MT is not known yet: they wait in RabbitMQ, not in a worker, and come back to any worker.

Providers send receipts that overtake the answer to the submit, on another bind, to another worker. No answer to the
provider is held for that: the receipt is confirmed in a wait queue, comes back through `bridge.early`, and is
published matched, or waits again, or, when `early_dr_wait_seconds` are over, goes out unmatched.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, get_args

import orjson
import structlog

from bridge.broker.message import Delivery, Outgoing, forward
from bridge.broker.outbox import event_message
from bridge.inbound.matching import early_rung, matched_events, question_of, rematched_events
from bridge.inbound.ports import OutboxPort, ReceiptsPort, Resolve
from bridge.inbound.relations import Relations
from bridge.model.events import Event, Origin, dr_event
from bridge.model.inbound import Dr, DrState
from bridge.model.names import HEADER_AT, HEADER_DETAIL, HEADER_REASON, Names
from bridge.model.times import rfc3339
from bridge.store.claims import Unmatched
from bridge.store.correlation import Correlation
from bridge.store.receipts import Question, ReceiptClaim

log = structlog.get_logger(__name__)

PREFETCH = 500
ASK_AGAIN_S = 1.0
"""How long to leave Redis alone after it could not say whether the MT is known."""


@dataclass(frozen=True, slots=True)
class EarlyReceipt:
    """A receipt on its way round the wait ladder. `since`: when it was first put there, in epoch seconds."""

    dr: Dr
    origin: Origin
    key: bytes
    event_id: str
    since: float

    def dump(self) -> bytes:
        """As the body of the message that waits."""
        dr = asdict(self.dr) | {"identity": self.dr.identity.hex()}
        return orjson.dumps(
            {
                "dr": dr,
                "origin": asdict(self.origin),
                "key": self.key.hex(),
                "event_id": self.event_id,
                "since": self.since,
            }
        )

    @classmethod
    def load(cls, octets: bytes) -> "EarlyReceipt":
        """The reverse. Raises ValueError for a body this bridge did not write."""
        try:
            body: Mapping[str, Any] = orjson.loads(octets)
            dr, origin = body["dr"], body["origin"]
            identity, ids = bytes.fromhex(dr["identity"]), tuple(dr["ids"])
            receipt = cls(
                Dr(**(dr | {"identity": identity, "ids": ids})),
                Origin(**origin),
                bytes.fromhex(body["key"]),
                body["event_id"],
                float(body["since"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a waiting receipt: {error!r}") from error
        needed = (*ids, receipt.event_id)
        others = (
            *origin.values(),
            *(dr[name] for name in dr if name not in ("ids", "state", "final", "raw")),
        )
        if not ids or not all(isinstance(word, str) for word in needed):
            raise ValueError("not a waiting receipt: an id is missing")
        if not all(word is None or isinstance(word, str) for word in others):
            raise ValueError("not a waiting receipt: what should be text is not")
        if dr["state"] not in (None, *get_args(DrState)) or type(dr["final"]) is not bool:
            raise ValueError("not a waiting receipt: it has no state that there is")
        return receipt


def early_message(receipt: EarlyReceipt, names: Names, rung_s: int) -> Outgoing:
    """The receipt for one rung of the wait ladder."""
    return Outgoing(
        exchange=names.wait(rung_s),
        routing_key=names.early_key(receipt.origin.provider or ""),
        body=receipt.dump(),
        message_id=receipt.event_id,
        type="early",
    )


class EarlyReceipts:
    """Takes receipts back from their wait. Bounded by the prefetch of its consumer."""

    def __init__(
        self,
        names: Names,
        receipts: ReceiptsPort,
        outbox: OutboxPort,
        *,
        relations: Relations,
        resolve: Resolve,
        early_wait_s: float,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._names = names
        self._receipts = receipts
        self._outbox = outbox
        self._relations = relations
        self._resolve = resolve
        self._early_wait_s = early_wait_s
        self.tally: Counter[tuple[str, ...]] = Counter()

    def take(self, delivery: Delivery) -> None:
        """A receipt whose wait is over."""
        try:
            receipt = EarlyReceipt.load(delivery.body)
        except ValueError as error:
            log.warning("early.unreadable", error=str(error))
            headers = {HEADER_REASON: "invalid", HEADER_DETAIL: str(error), HEADER_AT: rfc3339(time.time())}
            self._outbox.send(
                forward(delivery, self._names.dead, delivery.routing_key, headers), delivery.ack
            )
            return
        self._ask(delivery, receipt)

    def _ask(self, delivery: Delivery, receipt: EarlyReceipt) -> None:
        now = time.time()
        if receipt.since > now:  # by the clock of a worker that is ahead of ours
            receipt = replace(receipt, since=now)
        rung_s = early_rung(now - receipt.since, self._early_wait_s)
        question = self._question(receipt, last_chance=rung_s is None)
        self._receipts.lookup(receipt.key, question, partial(self._asked, delivery, receipt, rung_s))

    def _question(self, receipt: EarlyReceipt, *, last_chance: bool) -> Question:
        provider = receipt.origin.provider or ""
        guesses = self._relations.guesses(provider, receipt.dr.ids, last_chance=last_chance)
        return question_of(receipt.dr, provider, guesses)

    def _asked(
        self, delivery: Delivery, receipt: EarlyReceipt, rung_s: int | None, claim: ReceiptClaim | None
    ) -> None:
        if claim is None:
            if delivery.alive:  # else RabbitMQ delivers it again
                self._loop.call_later(ASK_AGAIN_S, self._ask, delivery, receipt)
        elif claim.verdict == "repeat":
            delivery.ack()
        elif claim.entry is not None:
            self._found(delivery, receipt, claim, claim.entry)
        elif rung_s is not None:
            self._outbox.send(early_message(receipt, self._names, rung_s), delivery.ack)
        else:
            self._goes_unmatched(delivery, receipt)

    def _found(
        self, delivery: Delivery, receipt: EarlyReceipt, claim: ReceiptClaim, found: Correlation
    ) -> None:
        self.tally["matched_early", "dr", found.provider] += 1
        self._relations.matched(found.provider, receipt.dr.ids, found.smsc_id)
        now = time.time()
        events = matched_events(receipt.dr, claim, found, receipt.origin, receipt.event_id, now)
        self._tell(events, partial(self._told, delivery, receipt, claim, found))

    def _goes_unmatched(self, delivery: Delivery, receipt: EarlyReceipt) -> None:
        self.tally["unmatched", "dr", receipt.origin.provider or ""] += 1
        now = time.time()
        event = dr_event(receipt.dr, None, receipt.origin, receipt.event_id, now, stale=False, joined=False)
        message = event_message(event, self._names, now)

        def committed(claim: ReceiptClaim | None) -> None:
            if claim is None or claim.entry is None:
                delivery.ack()
                return
            self._relations.matched(claim.entry.provider, receipt.dr.ids, claim.entry.smsc_id)
            late = Unmatched(message.body, claim.stale, claim.extra, claim.joined)
            events = rematched_events(late, claim.entry)
            self._tell(events, partial(self._told, delivery, receipt, claim, claim.entry))

        question = self._question(receipt, last_chance=True)
        remember = partial(self._receipts.unmatched, receipt.key, question, message.body, committed)
        self._outbox.send(message, remember)

    def _tell(self, events: Sequence[Event], then: Callable[[], None]) -> None:
        now = time.time()
        self._outbox.send_all([event_message(event, self._names, now) for event in events], then)

    def _told(
        self, delivery: Delivery, receipt: EarlyReceipt, claim: ReceiptClaim, found: Correlation
    ) -> None:
        commit = partial(self._commit, delivery, receipt, claim)
        if found.unanswered is None:
            commit()
        else:
            self._resolve(found, receipt.origin, commit)

    def _commit(self, delivery: Delivery, receipt: EarlyReceipt, claim: ReceiptClaim) -> None:
        self._receipts.commit(receipt.key, claim.epoch, None, delivery.ack, due=claim.due, held=claim.held)
