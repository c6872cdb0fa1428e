"""MTs in doubt whose receipts are known to the provider by a name of ours: the receipt is an answer, too.

Over HTTP the provider is told what to call a message. When no answer came, that name is remembered for the MT, so
that a receipt finds it; and the receipt shows that the provider has the message (contract 7.3). Then the claim is
finished as by an answer, so that no copy is sent that has not left yet; and of what had been parked `resolved` is
published. Not responsible for the receipt's own event.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import structlog

from bridge.broker.outbox import event_message
from bridge.model.events import MtReport, Origin, mt_event
from bridge.model.names import Names
from bridge.outbound.flight import Flight, key_of
from bridge.outbound.ports import OutboxPort
from bridge.outbound.record import correlation_of, dump_accepted
from bridge.outbound.recorder import Recorder
from bridge.outbound.tell import outcome_id
from bridge.store.claims import Recorded
from bridge.store.correlation import Correlation

log = structlog.get_logger(__name__)


class Expectations:
    """What receipts may still tell."""

    def __init__(self, names: Names, outbox: OutboxPort, recorder: Recorder) -> None:
        self._names = names
        self._outbox = outbox
        self._recorder = recorder

    def expect(self, flight: Flight, *, parked: bool) -> None:
        """Its answer is not known: remember the names under which receipts may speak of it."""
        for provider, name in flight.names:
            entry = replace(correlation_of(flight, name, provider), unanswered=flight.route if parked else "")
            self._recorder.expected(flight, entry, partial(self._overtaken, entry))

    def _overtaken(self, entry: Correlation, recorded: Recorded) -> None:
        """Receipts that came before are matched now, and are as good as one that comes later."""
        if recorded.unmatched:
            self._resolve(entry, Origin(entry.provider, via="http"), _nothing, told=True)

    def resolve(self, found: Correlation, origin: Origin, then: Callable[[], None]) -> None:
        """A receipt speaks of this MT, whose answer is not known; `origin`: of the receipt. `then` when all is safe."""
        self._resolve(found, origin, then, told=False)

    def _resolve(self, found: Correlation, origin: Origin, then: Callable[[], None], *, told: bool) -> None:
        record = partial(self._record, found, origin, then, told)
        if not found.unanswered:
            record()
            return
        log.info("mt.resolved", id=found.mt_id, provider=found.provider)
        mt_key, now = key_of(found.mt_id, found.generation), time.time()
        report = MtReport(
            outcome="resolved",
            reason="a receipt shows that it was accepted",
            smsc_ids=(found.smsc_id,),
            possible_duplicate=found.possible_duplicate,
            origin=origin,
        )
        event = mt_event(
            found.mt_id, found.link, found.unanswered, report, outcome_id(mt_key, "resolved"), now
        )
        self._outbox.send_all([event_message(event, self._names, now)], record)

    def _record(self, found: Correlation, origin: Origin, then: Callable[[], None], told: bool) -> None:
        mt_key = key_of(found.mt_id, found.generation)
        info = dump_accepted(found.smsc_id, origin, possible_duplicate=found.possible_duplicate)
        entry = replace(found, unanswered=None)
        self._recorder.shown(mt_key, info, entry, lambda _recorded: then(), told=told)


def _nothing() -> None:
    """Nothing waits for this step."""
