"""One bind to one node: an identity that survives rebinding.

Responsible for saying how much it can carry now, and for turning what its sessions tell into outcomes, inbound
messages and changes for the rooms above. Not for keeping itself bound (`binder.py`), for choosing links or
pacing them (`outbound`), nor for what becomes of an MO or DR (`inbound`).
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import structlog

from bridge.dialects.deliver import read_inbound
from bridge.dialects.smpp34 import LinkEffect, link_effect, outcome_of
from bridge.dialects.submit import LongSubmit, build_submit
from bridge.links.binder import Binder
from bridge.links.counters import LinkCounters
from bridge.links.events import LinkEvents
from bridge.links.plan import BindPlan
from bridge.links.shell import SessionShell
from bridge.links.sparingly import Sparingly
from bridge.links.trust import Trust
from bridge.model.mt import Mt
from bridge.model.outcome import Doubt, NotSent, Outcome, Rejected
from bridge.smpp import events as smpp
from bridge.smpp.consts import ESME_RALYBND, ESME_RBINDFAIL, ESME_ROK, describe_status
from bridge.smpp.session import BindMode
from bridge.smpp.status import StatusGroup, status_group

log = structlog.get_logger()

LEASE_MARGIN_S = 10.0
"""A claim outlives the response timeout by this much (contract, section 7.2)."""


class Bind:
    """A bind of a provider's account to a node. `run` owns its connection; everything else is synchronous."""

    via: Literal["smpp"] = "smpp"
    rank = 0
    sound = True
    resubmit_s = None

    def __init__(self, plan: BindPlan, events: LinkEvents) -> None:
        self.plan = plan
        self.provider = plan.provider
        self.site = plan.site
        self.name = plan.name
        self.node = str(plan.node)
        self.transmits = plan.session.mode is not BindMode.RECEIVER
        self.window = plan.session.window
        self.lease_s = plan.session.response_timeout_s + LEASE_MARGIN_S
        self.bound = False
        self.tried = False
        """Whether the first attempt has come to an end, good or bad."""
        self.counters = LinkCounters()
        self._events = events
        self._trust = Trust()
        self._shell: SessionShell | None = None
        self._binder = Binder(plan.node, plan.rebind_s, self._make_shell, self._unreachable, self._waits)
        self._resume: asyncio.TimerHandle | None = None
        self._reason = "not tried yet"
        self._refused_with = ESME_ROK
        self._just_refused = False
        self._told = (False, False, False, self._reason)
        self._told_free = False
        self._log = log.bind(provider=plan.provider, site=plan.site, link=plan.name)
        self._sparingly = Sparingly(self._log)

    @property
    def free(self) -> int:
        """Submits it would take now. 0 unless bound, transmitting and trusted."""
        shell = self._shell
        return 0 if shell is None else self._trust.allows(shell.free, shell.session.in_flight)

    @property
    def in_flight(self) -> int:
        """Submits without an answer."""
        return 0 if self._shell is None else self._shell.session.in_flight

    @property
    def active(self) -> bool:
        """The contract's *up*, throttling aside: bound, and if it transmits neither stalled, stopped nor leaving."""
        if self._shell is None:
            return False
        return not self.transmits or (self._shell.session.can_submit and not self._trust.stopped)

    @property
    def reason(self) -> str:
        """Why it is not active; empty while it is."""
        if self._shell is None:
            return self._reason
        if self._trust.stopped:
            return "account stopped"
        if self._shell.session.stalled:
            return "peer answers no submit_sm"
        return "leaving" if self._shell.leaving else ""

    def carries(self, mt: Mt) -> bool:
        """Whether SMPP has words for it: for all but MMS."""
        return not mt.media

    def known_as(self, _mt_key: str) -> None:
        """Only the answer tells what receipts will call it."""

    def prepare(self, mt: Mt, _mt_key: str, from_: str, now_epoch: float) -> bytes | LongSubmit | Rejected:
        """The MT as the body of a submit_sm, as those of its segments, or why this provider can never carry it."""
        return build_submit(mt, from_, self.plan.submit, now_epoch)

    def submit(self, body: bytes, ref: object, _failures: int = 0) -> bool:
        """Send a prepared body. False: surely not sent. True: `attempt_ended` follows exactly once with `ref`."""
        shell = self._shell
        free = self.free
        if shell is None or free <= 0:
            return False
        shell.submit(body, ref)
        self.counters.submitted += 1
        self._told_free = free > 1
        return True

    async def run(self) -> None:
        """Keep it bound until `stop`. Cancelled: leaves at once, and what is open is reported lost."""
        try:
            await self._binder.run()
        finally:
            if self._resume is not None:
                self._resume.cancel()

    def stop(self) -> None:
        """Leave: unbind when nothing is in flight, at once when told again. `run` then returns."""
        self._binder.stop()
        self._tell()

    # what the binder and its sessions tell

    def _make_shell(self) -> SessionShell:
        return SessionShell(self.plan.session, self._take, asyncio.get_running_loop())

    def _unreachable(self, reason: str) -> None:
        self._log.warning("bind.unreachable", reason=reason)
        self._failed(reason)
        self._tell()

    def _waits(self, seconds: float) -> None:
        self._log.info("bind.retry", in_seconds=round(seconds, 1))

    def _failed(self, reason: str) -> None:
        self.counters.failed_attempts += 1
        self._reason = reason
        self.tried = True

    def _take(self, shell: SessionShell, events: list[smpp.Event]) -> None:
        """A fault above must not swallow the other events of this read: each ref is owed its end."""
        for event in events:
            try:
                HANDLERS[event.__class__](self, shell, event)
            except Exception:  # noqa: BLE001
                self._log.exception("link.event_failed", kind=event.__class__.__name__)
        self._tell()

    def _tell(self) -> None:
        """Report a change, once per batch of events."""
        now, free = (self.bound, self.active, self.tried, self.reason), self.free > 0
        before, freed = self._told, free and not self._told_free
        self._told, self._told_free = now, free
        if now == before and not freed:
            return
        if now[0] and before[0] and now[1] != before[1]:
            expected = now[1] or (self._shell is not None and self._shell.leaving)
            level = logging.INFO if expected else logging.WARNING
            self._log.log(level, "link.active", active=now[1], reason=now[3])
        try:
            self._events.link_changed(self)
        except Exception:  # noqa: BLE001
            self._log.exception("link.event_failed", kind="link_changed")

    # submits

    def _answered(self, _shell: SessionShell, event: smpp.SubmitAnswered) -> None:
        if event.status != ESME_ROK:
            self._heed(event.status)
        elif self._trust.wary:
            self._trust.answered()
        self._ended(event.ref, outcome_of(event.status, event.message_id, self.plan.statuses))

    def _lost(self, _shell: SessionShell, event: smpp.SubmitLost) -> None:
        self._ended(event.ref, Doubt(event.reason) if event.written else NotSent(event.reason))

    def _ended(self, ref: object, outcome: Outcome) -> None:
        self.counters.ended(outcome)
        self._events.attempt_ended(self, ref, outcome)

    def _late(self, _shell: SessionShell, event: smpp.LateAnswer) -> None:
        self.counters.late_answers += 1
        outcome = outcome_of(event.status, event.message_id, self.plan.statuses)
        self._log.info("link.late_answer", outcome=outcome.__class__.__name__)
        self._events.answered_late(self, event.ref, outcome)

    def _strange(self, _shell: SessionShell, event: smpp.UnknownAnswer) -> None:
        self.counters.strange_answers += 1
        self._warn(
            "link.strange_answer", sequence=event.sequence_number, status=describe_status(event.status)
        )

    def _heed(self, status: int) -> None:
        """What a refusal says about the link itself. Throttling is for outbound's pacing."""
        match link_effect(status, self.plan.statuses):
            case LinkEffect.STOP:
                self._stop_account(status)
            case LinkEffect.REBIND:
                self._rebind(status)
            case _:
                if self._trust.wary:
                    self._trust.answered()

    def _stop_account(self, status: int) -> None:
        pause_s = self._trust.account_refused()
        if pause_s is None:
            return
        reason = f"account stopped: {describe_status(status)}"
        self._log.error("link.account_stopped", status=describe_status(status), for_seconds=pause_s)
        self._resume = asyncio.get_running_loop().call_later(pause_s, self._resume_account)
        self._events.alarm(self, reason)

    def _resume_account(self) -> None:
        self._resume = None
        self._trust.resume()
        self._log.info("link.account_resumed")
        self._tell()

    def _rebind(self, status: int) -> None:
        """The peer holds us for unbound: let the window empty, leave, and come back after the wait."""
        if self._shell is not None and not self._shell.leaving and self._trust.bind_refused():
            self._log.warning("bind.renew", status=describe_status(status))
            self._binder.sent_away()
            self._shell.leave()

    # inbound

    def _received(self, shell: SessionShell, event: smpp.DeliverReceived) -> None:
        self.counters.received += 1
        answer = partial(self._answer, shell, event.sequence_number)
        self._events.received(self, read_inbound(event.pdu, self.plan.read), answer)

    def _answer(self, shell: SessionShell, sequence_number: int, safe: bool) -> None:
        sent = shell.answer(sequence_number, ESME_ROK if safe else self.plan.busy_status)
        if sent and not safe:
            self.counters.put_off += 1

    # the bind itself

    def _bound(self, shell: SessionShell, event: smpp.Bound) -> None:
        self._shell = shell
        self.bound = self.tried = True
        self._refused_with = ESME_ROK
        self.counters.binds += 1
        self._log.info("bind.up", smsc=event.system_id, on_probation=self._trust.probation)

    def _refused(self, _shell: SessionShell, event: smpp.BindRefused) -> None:
        status = describe_status(event.status)
        self._log.warning("bind.refused", status=status)
        if event.status != self._refused_with and needs_a_person(event.status, self.plan.statuses):
            self._events.alarm(self, f"bind refused: {status}")
        self._refused_with = event.status
        self._just_refused = True

    def _sent_away(self, _shell: SessionShell, _event: smpp.PeerUnbound) -> None:
        self._log.warning("bind.unbound_by_peer")
        self._binder.sent_away()

    def _closed(self, shell: SessionShell, event: smpp.SessionClosed) -> None:
        if shell is not self._shell:
            if not self._just_refused:
                self._log.warning("bind.failed", reason=event.reason)
            self._just_refused = False
            self._failed(event.reason)
            return
        self._shell = None
        self.bound = False
        self._reason = event.reason
        if shell.session.stalled:
            self._trust.stalled()
        self._log.log(logging.INFO if shell.leaving else logging.WARNING, "bind.lost", reason=event.reason)

    # what needs no answer of ours

    def _bad_pdu(self, _shell: SessionShell, event: smpp.BadPduReceived) -> None:
        self.counters.bad_pdus += 1
        self._warn(
            "link.bad_pdu",
            command=f"0x{event.command_id:08X}",
            sequence=event.sequence_number,
            reason=event.reason,
        )

    def _outbind(self, _shell: SessionShell, _event: smpp.OutbindReceived) -> None:
        self._warn("link.outbind_ignored")

    def _alert(self, _shell: SessionShell, _event: smpp.AlertReceived) -> None:
        """That a phone can be reached (again): nothing waits for that here."""

    def _warn(self, event: str, **fields: object) -> None:
        self._sparingly.warning(asyncio.get_running_loop().time(), event, **fields)


HANDLERS: Mapping[type[smpp.Event], Callable[[Bind, SessionShell, Any], None]] = {
    smpp.Bound: Bind._bound,
    smpp.BindRefused: Bind._refused,
    smpp.SubmitAnswered: Bind._answered,
    smpp.SubmitLost: Bind._lost,
    smpp.LateAnswer: Bind._late,
    smpp.UnknownAnswer: Bind._strange,
    smpp.DeliverReceived: Bind._received,
    smpp.PeerUnbound: Bind._sent_away,
    smpp.OutbindReceived: Bind._outbind,
    smpp.AlertReceived: Bind._alert,
    smpp.BadPduReceived: Bind._bad_pdu,
    smpp.SessionClosed: Bind._closed,
}


def needs_a_person(status: int, overrides: Mapping[int, StatusGroup]) -> bool:
    """Whether a bind refused with this status will not heal by waiting (smpp 5.1.3: credentials, too many binds)."""
    return status in (ESME_RALYBND, ESME_RBINDFAIL) or status_group(status, overrides) is StatusGroup.ACCOUNT
