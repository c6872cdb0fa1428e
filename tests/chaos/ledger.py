"""The audit's ledger with a clock, for runs of millions: when each thing was heard of, what is under way, what is over.

What is over and right is closed after a while: it takes few octets then (`closed.py`), and an audit looks at the rest
alone. Whatever is heard of it later takes it up again. Not responsible for the verdict (`bridge.proof.audit`) nor for
whom to blame (`report.py`).
"""

from collections import ChainMap, Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any

from bridge.model.inbound import Concat
from bridge.proof.audit import ENDED_UNSENT, WHOLE, Audit, Ledger, Submission
from tests.chaos.closed import Closed, ClosedMt

_TOLD = ("type", "event_id", "possible_duplicate", "id", "mt_id", "outcome", "smsc_id", "matched", "joined")
_TOLD_OF_MOS = ("text", "segments")


class TimedLedger(Ledger):
    """A ledger that remembers when. Of events it keeps what the audit reads; those of sites it does not keep."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self.under_way: dict[str, float] = {}
        """MTs that RabbitMQ has and nobody took or ended yet, with the instant of its word; the oldest first."""
        self.lives: dict[str, tuple[float, float]] = {}
        """When MTs (by id), submissions (by the provider's id) and MOs (by text) were first and last heard of. Not of
        what is closed."""
        self.sent = 0
        """MTs that RabbitMQ confirmed, those that were published twice counted twice."""
        self.freshest = clock()
        """When RabbitMQ confirmed the newest MT of those that were taken."""
        self.closed = Closed()
        self._clock = clock
        self._moved_at = clock()
        self._stall_s = 0.0
        self._over: set[str] = set()
        self._parcels: set[int] = set()
        self._again = 0

    @property
    def known_lives(self) -> Mapping[str, tuple[float, float]]:
        """When each thing that an audit speaks of was first and last heard of."""
        return ChainMap(self.lives, self.closed.doubled)

    @property
    def mts(self) -> int:
        """MTs that RabbitMQ confirmed, each counted once."""
        return len(self._published) + self.closed.published

    def published(self, mt_id: str, *, confirmed: bool = True) -> None:
        """An MT was published."""
        if confirmed:
            self.sent += 1
            self._again += mt_id in self._published or mt_id in self.closed.mts
        if mt_id in self.closed.mts:
            if confirmed and not self.closed.mts[mt_id].confirmed:
                self._reopen(mt_id)
            else:
                return
        super().published(mt_id, confirmed=confirmed)
        now = self._heard_of(mt_id)
        if confirmed:
            if mt_id in self._over:
                self.freshest = now
            else:
                self.under_way.setdefault(mt_id, now)

    def taken(
        self,
        mt_id: str,
        smsc_id: str,
        link: str,
        *,
        receipt: bool = True,
        segment: Concat | None = None,
        spelt: str | None = None,
    ) -> None:
        """The provider took a submission."""
        if mt_id in self.closed.mts:
            self._reopen(mt_id)
        super().taken(mt_id, smsc_id, link, receipt=receipt, segment=segment, spelt=spelt)
        now = self._heard_of(mt_id)
        self._heard_of(smsc_id)
        self._stall_s = max(self._stall_s, now - self._moved_at)
        self._moved_at = now
        self._end(mt_id)

    def mo_sent(self, text: str) -> None:
        """The provider has an MO with this text."""
        if text not in self.closed.mos:
            super().mo_sent(text)
            self._heard_of(text)

    def delivered(self, parcel: Hashable) -> None:
        """The bridge answered OK to a receipt or an MO."""
        before = len(self._parcels)
        self._parcels.add(hash(parcel))
        self._again += len(self._parcels) == before

    def event(self, body: Mapping[str, Any]) -> None:
        """An event came out of RabbitMQ."""
        kind = body["type"]
        if kind == "site":
            return
        if self.closed.knows(body["event_id"]):
            self._repeated += 1
            self._mark(body)
            return
        about = {"mt": "id", "dr": "smsc_id", "mo": "text"}[kind]
        self._take_up(kind, body)
        keys = (*_TOLD, *_TOLD_OF_MOS) if kind == "mo" else _TOLD
        super().event({key: body[key] for key in keys if key in body})
        for thing in [body[about], *(self._mos_of(body["text"]) if body.get("complete") is False else ())]:
            self._heard_of(thing)
        if kind == "mt" and body["outcome"] in ENDED_UNSENT:
            self._end(body["id"])

    def stall_s(self) -> float:
        """The longest time in which the provider took nothing, since this was last asked for."""
        now = self._clock()
        worst = max(self._stall_s, now - self._moved_at)
        self._stall_s, self._moved_at = 0.0, now
        return worst

    def audit(self) -> Audit:
        """Compare the sides as they are now; nothing is held against what is closed."""
        found, closed = super().audit(), self.closed
        return replace(
            found,
            published=self.mts,
            accepted=found.accepted + len(closed.mts),
            long=found.long + closed.long,
            receipts=found.receipts + closed.receipts,
            mos=found.mos + len(closed.mos),
            unmatched=found.unmatched + closed.unmatched,
            long_mos=found.long_mos + closed.long_mos,
            doubled_marked=found.doubled_marked | closed.doubled.keys(),
            suppressed=max(0, self._again - self._repeated),
        )

    def close(self, quiet_s: float) -> Audit:
        """Close what the audit has nothing against, and nothing was heard of for so long; the audit before that."""
        found = super().audit()
        limit = self._clock() - quiet_s
        wrong = set[str]().union(*(complaint.about for complaint in found.complaints))
        wrong |= {event["id"] for event in self._of("mt") if event["outcome"] in ENDED_UNSENT}

        def is_over(thing: str) -> bool:
            return thing not in wrong and self.lives[thing][1] < limit

        told: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for event in self._of("mt"):
            told[event["id"]].append(event)
        for event in self._of("dr"):
            told[self._mt_of(self._as_answered(event)["smsc_id"]) or ""].append(event)
        submissions: defaultdict[str, list[str]] = defaultdict(list)
        for smsc_id, submission in self._submissions.items():
            submissions[submission.mt_id].append(smsc_id)
        for mt_id, smsc_ids in submissions.items():
            mixed = WHOLE in self._taken[mt_id] and len(self._taken[mt_id]) > 1
            if not mixed and is_over(mt_id) and all(map(is_over, smsc_ids)):
                if mt_id in found.doubled_marked:
                    self.closed.doubled[mt_id] = self.lives[mt_id]
                self._close(mt_id, smsc_ids, told[mt_id])
        for event in self._of("mo"):
            if event["text"] in self._mos_sent and is_over(event["text"]):
                self._close_mo(event)
        return found

    def _close(self, mt_id: str, smsc_ids: list[str], told: list[Mapping[str, Any]]) -> None:
        taken = self._taken.pop(mt_id)
        receipts = [self._as_answered(event) for event in told if event["type"] == "dr"]
        mt = ClosedMt(
            first=self.lives[mt_id][0],
            confirmed=self._published.pop(mt_id, 0) > 0,
            smsc_ids=tuple(smsc_ids),
            segments=() if WHOLE in taken else tuple(taken.elements()),
            told=tuple(event["smsc_id"] for event in receipts if not event["joined"]),
            joined=tuple(event["smsc_id"] for event in receipts if event["joined"]),
        )
        self._perhaps_published.discard(mt_id)
        self._over.discard(mt_id)
        for thing in {mt_id, *smsc_ids}:
            self.lives.pop(thing, None)
        for smsc_id in smsc_ids:
            del self._submissions[smsc_id]
        self._settle(told)
        self.closed.close(mt_id, mt)
        self.closed.unmatched += sum(not event["matched"] for event in receipts)

    def _close_mo(self, event: Mapping[str, Any]) -> None:
        text = event["text"]
        self._mos_sent.discard(text)
        self.closed.mos[text] = self.lives.pop(text)[0]
        self.closed.long_mos += event["segments"] > 1
        self._settle([event])

    def _settle(self, events: list[Mapping[str, Any]]) -> None:
        for event in events:
            del self._events[event["event_id"]]
            self.closed.told(event["event_id"])

    def _take_up(self, kind: str, body: Mapping[str, Any]) -> None:
        """An event that is new speaks of something that is closed, perhaps."""
        closed = self.closed
        if kind == "mo":
            whole = body.get("complete") is not False
            for text in [body["text"]] if whole else [it for it in closed.mos if body["text"] in it]:
                if text in closed.mos:
                    self._reopen_mo(text, body["segments"])
            return
        named = body["id"] if kind == "mt" else body["mt_id"]
        for mt_id in {named, closed.mt_of.get(body.get("smsc_id", ""))}:
            if mt_id in closed.mts:
                self._reopen(mt_id)

    def _reopen(self, mt_id: str) -> None:
        mt = self.closed.reopen(mt_id)
        if mt.confirmed:
            self._published[mt_id] = 1
        else:
            self._perhaps_published.add(mt_id)
        self._over.add(mt_id)
        self._taken[mt_id] = Counter(mt.segments or {WHOLE: len(mt.smsc_ids)})
        for smsc_id in mt.smsc_ids:
            self._submissions[smsc_id] = Submission(
                mt_id, bool(mt.segments), receipt=bool(mt.told or mt.joined)
            )
        for event in mt.events(mt_id):
            self._events[event["event_id"]] = event
        for thing in (mt_id, *mt.smsc_ids):
            self.lives[thing] = mt.first, self._clock()

    def _reopen_mo(self, text: str, segments: int) -> None:
        self.lives[text] = self.closed.mos.pop(text), self._clock()
        self.closed.long_mos -= segments > 1
        self._mos_sent.add(text)
        earlier = f"closed {text}"
        self._events[earlier] = {"type": "mo", "event_id": earlier, "text": text, "segments": segments}

    def _end(self, mt_id: str) -> None:
        self._over.add(mt_id)
        self.freshest = max(self.freshest, self.under_way.pop(mt_id, self.freshest))

    def _heard_of(self, thing: str) -> float:
        now = self._clock()
        self.lives[thing] = (self.lives[thing][0] if thing in self.lives else now, now)
        return now
