"""Receipts whose MT is not known yet: they wait in RabbitMQ, not in a worker, and come back to any worker.

Providers send receipts that overtake the answer to the submit, on another bind, to another worker. No answer to the
provider is held for that: the receipt is confirmed in a wait queue, comes back through `bridge.early`, and is
published matched, or waits again, or, when `early_dr_wait_seconds` are over, goes out unmatched.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import orjson
import structlog

from bridge.broker.message import Delivery, Outgoing, forward
from bridge.broker.outbox import event_message
from bridge.inbound.matching import early_rung, matched_event, rematched_event
from bridge.inbound.ports import OutboxPort, ReceiptsPort
from bridge.model.events import Origin, dr_event
from bridge.model.inbound import Dr
from bridge.model.names import HEADER_AT, HEADER_DETAIL, HEADER_REASON, Names
from bridge.model.times import rfc3339
from bridge.store.claims import Unmatched
from bridge.store.correlation import Correlation
from bridge.store.receipts import ReceiptClaim

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
        needed = (*ids, dr["from_"], dr["to"], receipt.event_id)
        others = [*origin.values(), *(dr[name] for name in dr if name not in ("ids", "final", "raw"))]
        if not ids or not all(isinstance(word, str) for word in (*needed, *filter(None, others))):
            raise ValueError("not a waiting receipt: an id is missing, or what should be text is not")
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
        self, names: Names, receipts: ReceiptsPort, outbox: OutboxPort, *, early_wait_s: float
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._names = names
        self._receipts = receipts
        self._outbox = outbox
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
        dr = receipt.dr
        provider = receipt.origin.provider or ""
        asked = partial(self._asked, delivery, receipt)
        self._receipts.lookup(receipt.key, provider, dr.ids, (dr.from_, dr.to), dr.final, asked)

    def _asked(self, delivery: Delivery, receipt: EarlyReceipt, claim: ReceiptClaim | None) -> None:
        if claim is None:
            if delivery.alive:  # else RabbitMQ delivers it again
                self._loop.call_later(ASK_AGAIN_S, self._ask, delivery, receipt)
        elif claim.verdict == "repeat":
            delivery.ack()
        elif claim.entry is not None:
            self._found(delivery, receipt, claim, claim.entry)
        else:
            self._still_unknown(delivery, receipt)

    def _found(
        self, delivery: Delivery, receipt: EarlyReceipt, claim: ReceiptClaim, found: Correlation
    ) -> None:
        self.tally["matched_early", "dr", found.provider] += 1
        now = time.time()
        event = matched_event(receipt.dr, found, receipt.origin, receipt.event_id, now, stale=claim.stale)
        commit = partial(
            self._receipts.commit, receipt.key, claim.epoch, receipt.event_id, None, delivery.ack
        )
        if event is None:
            commit()
        else:
            self._outbox.send(event_message(event, self._names, now), commit)

    def _still_unknown(self, delivery: Delivery, receipt: EarlyReceipt) -> None:
        now = time.time()
        rung_s = early_rung(now - receipt.since, self._early_wait_s)
        if rung_s is not None:
            self._outbox.send(early_message(receipt, self._names, rung_s), delivery.ack)
            return
        provider = receipt.origin.provider or ""
        self.tally["unmatched", "dr", provider] += 1
        event = dr_event(receipt.dr, None, receipt.origin, receipt.event_id, now, stale=False, joined=False)
        message = event_message(event, self._names, now)

        def committed(claim: ReceiptClaim | None) -> None:
            if claim is None or claim.entry is None:
                delivery.ack()
            else:
                late = rematched_event(Unmatched(message.body, claim.stale), claim.entry)
                self._outbox.send(event_message(late, self._names, time.time()), delivery.ack)

        dr = receipt.dr
        remember = partial(
            self._receipts.unmatched,
            receipt.key,
            provider,
            dr.ids,
            message.body,
            receipt.event_id,
            committed,
            addresses=(dr.from_, dr.to),
            final=dr.final,
        )
        self._outbox.send(message, remember)
