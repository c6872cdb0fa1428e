"""One HTTP endpoint of a provider's site: MTs as requests, their answers as outcomes.

Responsible for saying how much it can carry now, for the time limits of requests, and for finding out whether a site
that failed works again. Not for one exchange (`client.py`), for when it may be used (`circuit.py`), for choosing
among endpoints or submitting anything twice (`outbound`), nor for what comes back (`inbound.callbacks`).
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Literal

import structlog

from bridge.dialects.http import Effect, Reading
from bridge.links.counters import LinkCounters
from bridge.links.events import LinkEvents
from bridge.links.http.attempt import Attempt
from bridge.links.http.circuit import Circuit, State
from bridge.links.http.client import HttpClient
from bridge.links.http.names import names_of
from bridge.links.http.patience import Patience
from bridge.links.http.plan import EndpointPlan
from bridge.links.http.probe import probe
from bridge.links.http.readings import reading_of
from bridge.links.trust import Trust
from bridge.model.mt import Mt
from bridge.model.outcome import Accepted, Doubt, Duplicate, NotSent, Outcome, Rejected
from bridge.model.web import HttpAnswer, HttpRequest

log = structlog.get_logger()

LEASE_MARGIN_S = 10.0
"""A claim outlives the time limit of its request by this much (contract, section 7.2)."""


class Endpoint:
    """A URL that MTs are posted to. `run` owns its probes and connections; everything else is synchronous."""

    via: Literal["http"] = "http"
    transmits = True
    tried = True

    def __init__(self, plan: EndpointPlan, events: LinkEvents) -> None:
        self.plan = plan
        self.provider = plan.provider
        self.site = plan.site
        self.name = plan.name
        self.node = plan.url
        self.rank = plan.rank
        self.window = plan.window
        self.resubmit_s = plan.resubmit_s
        self.lease_s = plan.timeout_s + LEASE_MARGIN_S
        self.counters = LinkCounters()
        self.siblings: Sequence[Endpoint] = (self,)
        """All endpoints of its provider."""
        self._loop = asyncio.get_running_loop()
        self._events = events
        self._client = HttpClient(
            plan.url,
            timeout_s=plan.timeout_s,
            window=plan.window,
            tls=plan.tls,
            resolver=names_of(plan.nameservers),
        )
        self._circuit = Circuit(plan.window, plan.probe_s)
        self._trust = Trust()
        self._open: Patience[Attempt] = Patience(plan.timeout_s, self._out_of_time)
        self._late: Patience[Attempt] = Patience(plan.timeout_s, self._give_up)
        self._trouble = ""
        self._changed = asyncio.Event()
        self._probe_at = 0.0
        self._probing: list[asyncio.Task[None]] = []
        self._stopping = self._aborting = False
        self._resume: asyncio.TimerHandle | None = None
        self._told = (True, True, True, "")
        self._told_free = True
        self._log = log.bind(provider=plan.provider, site=plan.site, link=plan.name)

    @property
    def bound(self) -> bool:
        """Whether the site works, as far as is known: what a bind's being bound is to a bind."""
        return self._circuit.state is not State.OPEN

    @property
    def active(self) -> bool:
        """The contract's *up*, throttling aside: its circuit is closed, and the account not stopped."""
        return self.bound and not self._trust.stopped and not self._stopping

    @property
    def sound(self) -> bool:
        """Not on trial."""
        return self._circuit.state is State.CLOSED and not self._trust.probation

    @property
    def in_flight(self) -> int:
        """Requests without an answer."""
        return len(self._open)

    @property
    def free(self) -> int:
        """Requests it would take now."""
        if self._stopping:
            return 0
        in_flight = len(self._open)
        return self._trust.allows(self._circuit.allows(in_flight), in_flight)

    @property
    def reason(self) -> str:
        """Why it is not up; empty while it is."""
        if self._trust.stopped:
            return "account stopped"
        if not self.bound:
            return self._trouble
        return "leaving" if self._stopping else ""

    def carries(self, mt: Mt) -> bool:
        """Whether its provider has words for this kind of MT."""
        return self.plan.dialect.carries(mt)

    def known_as(self, mt_key: str) -> str | None:
        """What receipts will call the MT, where that is known without an answer."""
        return self.plan.dialect.known_as(mt_key)

    def prepare(self, mt: Mt, mt_key: str, from_: str, _now_epoch: float) -> HttpRequest | Rejected:
        """The MT as a request, or why this provider can never carry it."""
        return self.plan.dialect.write(mt, mt_key, from_)

    def submit(self, request: HttpRequest, ref: object, failures: int = 0) -> bool:
        """Send a prepared request. False: surely not sent. True: `attempt_ended` follows exactly once with `ref`."""
        free = self.free
        if free <= 0:
            return False
        attempt = Attempt(ref, request.ident, failures, self._circuit.opened)
        attempt.asked = self._client.ask(request, partial(self._answered, attempt))
        if attempt.asked is None:
            attempt.task = self._loop.create_task(self._exchange(attempt, request))
        self._open.begin(attempt)
        self.counters.submitted += 1
        self._told_free = free > 1
        return True

    # life

    async def run(self) -> None:
        """Probe it when its circuit is open, until `stop`. Cancelled: what is open is reported lost."""
        try:
            while not (self._aborting or (self._stopping and not self._open)):
                self._changed.clear()
                if self.bound or self._stopping:
                    await self._changed.wait()
                else:
                    await self._probe_when_due()
        finally:
            self._stopping = self._aborting = True
            if self._resume is not None:
                self._resume.cancel()
            attempts = (*self._open, *self._late)
            tasks = [*(one.task for one in attempts if one.task is not None), *self._probing]
            for attempt in attempts:
                self._give_up(attempt)
            for probing in self._probing:
                probing.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._end_what_had_not_begun()
            self._open.close()
            self._late.close()
            await self._client.close()

    def stop(self) -> None:
        """Leave when nothing is in flight, at once when told again. `run` then returns."""
        self._aborting = self._stopping
        self._stopping = True
        self._changed.set()
        for probing in self._probing:
            probing.cancel()
        self._tell()

    async def _probe_when_due(self) -> None:
        """Or wait until something changes."""
        try:
            async with asyncio.timeout_at(self._probe_at):
                await self._changed.wait()
        except TimeoutError:
            self._probing = [self._loop.create_task(self._probe())]
            await asyncio.wait(self._probing)
            self._probe_at = self._loop.time() + self._circuit.probe_s

    async def _probe(self) -> None:
        found = await probe(self.plan)
        self._log.info("endpoint.probe", works=found.works, detail=found.detail)
        if found.works and self._circuit.probed():
            self._tell()

    # requests

    async def _exchange(self, attempt: Attempt, request: HttpRequest) -> None:
        found: HttpAnswer | Exception
        try:
            found = await self._client.exchange(request)
        except asyncio.CancelledError:
            self._cancelled(attempt)
            raise
        except Exception as error:  # noqa: BLE001
            found = error
        self._answered(attempt, found)

    def _answered(self, attempt: Attempt, found: HttpAnswer | Exception) -> None:
        reading = reading_of(found, attempt.ident, self.plan.dialect, self._log)
        if attempt.given_up:
            self._late.end(attempt)
            self._answered_late(attempt, reading)
        else:
            self._open.end(attempt)
            self._heed(reading, attempt)
            self._ended(attempt, reading.outcome)

    def _give_up(self, attempt: Attempt) -> None:
        """Nobody wants its answer any more: we leave, or too much or too long is waited for."""
        if attempt.asked is not None:
            attempt.asked.give_up()
            self._cancelled(attempt)
        elif attempt.task is not None:
            attempt.task.cancel()

    def _cancelled(self, attempt: Attempt) -> None:
        self._late.end(attempt)
        if self._open.end(attempt):
            self._ended(attempt, Doubt("the worker stopped before the answer came"))

    def _end_what_had_not_begun(self) -> None:
        """A task that is cancelled before its first turn never runs."""
        for attempt in tuple(self._open):
            self._open.end(attempt)
            self._ended(attempt, NotSent("the worker stopped before it was sent"))

    def _out_of_time(self, attempt: Attempt) -> None:
        """Its answer may come yet, and is listened for as long again; but the message waits no longer."""
        attempt.given_up = True
        self._late.begin(attempt)
        if len(self._late) > self.window:
            oldest = next(iter(self._late))
            self._late.end(oldest)
            self._give_up(oldest)
        outcome = Doubt(f"no answer within {self.plan.timeout_s:g} s", link_failed=True)
        self._failed(outcome, attempt)
        self._ended(attempt, outcome)

    def _ended(self, attempt: Attempt, outcome: Outcome) -> None:
        self.counters.ended(outcome)
        self._changed.set()
        with self._unharmed("attempt_ended"):
            self._events.attempt_ended(self, attempt.ref, outcome)
        self._tell()

    def _answered_late(self, attempt: Attempt, reading: Reading) -> None:
        if reading.effect is Effect.FAILED:
            return  # it was told already that no answer came
        self.counters.late_answers += 1
        outcome = reading.outcome
        if isinstance(outcome, Duplicate):  # of a copy, while this one was in doubt
            outcome = Accepted(outcome.smsc_id)
        self._log.info("link.late_answer", outcome=outcome.__class__.__name__)
        self._heed(reading, attempt)
        with self._unharmed("answered_late"):
            self._events.answered_late(self, attempt.ref, outcome)
        self._tell()

    # what an answer says of the endpoint

    def _heed(self, reading: Reading, attempt: Attempt) -> None:
        if reading.effect is Effect.FAILED:
            self._failed(reading.outcome, attempt)
        elif reading.effect is Effect.STOP:
            self._stop_account(reading.outcome)
        elif not self._circuit.untroubled or self._trust.wary:
            self._trust.answered()
            if self._circuit.answered():
                self._log.info("endpoint.works")

    def _failed(self, outcome: Outcome, attempt: Attempt) -> None:
        reason = str(getattr(outcome, "reason", ""))
        self.counters.failed_attempts += 1
        if self._circuit.untroubled:
            self._log.warning("endpoint.failed", reason=reason)
        if not self._circuit.failed(attempt.failures > 0, attempt.opened):
            return
        self._trouble = reason
        self._probe_at = self._loop.time() + self._circuit.probe_s
        self._log.warning("endpoint.failing", reason=reason, next_probe_s=self._circuit.probe_s)
        self._changed.set()
        if not any(endpoint.bound for endpoint in self.siblings):
            with self._unharmed("alarm"):
                self._events.alarm(self, f"no HTTP site works; the last: {reason}")

    def _stop_account(self, outcome: Outcome) -> None:
        pause_s = self._trust.account_refused()
        if pause_s is None:
            return
        reason = str(getattr(outcome, "reason", ""))
        self._log.error("link.account_stopped", status=reason, for_seconds=pause_s)
        self._resume = self._loop.call_later(pause_s, self._resume_account)
        with self._unharmed("alarm"):
            self._events.alarm(self, f"account stopped: {reason}")

    def _resume_account(self) -> None:
        self._resume = None
        self._trust.resume()
        self._log.info("link.account_resumed")
        self._tell()

    def _tell(self) -> None:
        """Report a change, if there is one."""
        now, free = (self.bound, self.active, self.sound, self.reason), self.free > 0
        before, freed = self._told, free and not self._told_free
        self._told, self._told_free = now, free
        if now == before and not freed:
            return
        with self._unharmed("link_changed"):
            self._events.link_changed(self)

    @contextmanager
    def _unharmed(self, kind: str) -> Iterator[None]:
        """A fault above is not the link's."""
        try:
            yield
        except Exception:  # noqa: BLE001
            self._log.exception("link.event_failed", kind=kind)
