"""The audit's ledger with a clock: what is under way, when each thing was first and last heard of, how long all stood.

Not responsible for the verdict (`bridge.proof.audit`) nor for whom to blame (`report.py`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from bridge.model.inbound import Concat
from bridge.proof.audit import ENDED_UNSENT, Ledger

_TOLD = ("type", "event_id", "possible_duplicate", "id", "mt_id", "outcome", "smsc_id", "matched", "joined")
_TOLD_OF_MOS = ("text", "segments")


class TimedLedger(Ledger):
    """A ledger that remembers when. Of events it keeps what the audit reads, so that a run may last for hours."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self.under_way: dict[str, float] = {}
        """MTs that RabbitMQ has and nobody took or ended yet, with the instant of its word; the oldest first."""
        self.lives: dict[str, tuple[float, float]] = {}
        """When MTs (by id), submissions (by the provider's id) and MOs (by text) were first and last heard of."""
        self.sent = 0
        """MTs that RabbitMQ confirmed."""
        self.freshest = clock()
        """When RabbitMQ confirmed the newest MT of those that were taken."""
        self._clock = clock
        self._moved_at = clock()
        self._stall_s = 0.0
        self._over: set[str] = set()

    def published(self, mt_id: str, *, confirmed: bool = True) -> None:
        """An MT was published."""
        super().published(mt_id, confirmed=confirmed)
        now = self._heard_of(mt_id)
        if confirmed:
            self.sent += 1
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
        super().taken(mt_id, smsc_id, link, receipt=receipt, segment=segment, spelt=spelt)
        now = self._heard_of(mt_id)
        self._heard_of(smsc_id)
        self._stall_s = max(self._stall_s, now - self._moved_at)
        self._moved_at = now
        self._end(mt_id)

    def mo_sent(self, text: str) -> None:
        """The provider has an MO with this text."""
        super().mo_sent(text)
        self._heard_of(text)

    def event(self, body: Mapping[str, Any]) -> None:
        """An event came out of RabbitMQ."""
        kind = body["type"]
        keys = (*_TOLD, *_TOLD_OF_MOS) if kind == "mo" else _TOLD
        super().event({key: body[key] for key in keys if key in body})
        if kind == "mt":
            self._heard_of(body["id"])
            if body["outcome"] in ENDED_UNSENT:
                self._end(body["id"])
        elif kind in ("dr", "mo"):
            self._heard_of(body["smsc_id"] if kind == "dr" else body["text"])

    def stall_s(self) -> float:
        """The longest time in which the provider took nothing, since this was last asked for."""
        now = self._clock()
        worst = max(self._stall_s, now - self._moved_at)
        self._stall_s, self._moved_at = 0.0, now
        return worst

    def _end(self, mt_id: str) -> None:
        self._over.add(mt_id)
        self.freshest = max(self.freshest, self.under_way.pop(mt_id, self.freshest))

    def _heard_of(self, thing: str) -> float:
        now = self._clock()
        self.lives[thing] = (self.lives[thing][0] if thing in self.lives else now, now)
        return now
