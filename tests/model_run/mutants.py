"""Mistakes that the product might make, one patch each: the model must see every one of them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from bridge.broker.message import Delivery
from bridge.broker.outbox import Outbox
from bridge.inbound.early import EarlyReceipts
from bridge.inbound.receive import Receiver
from bridge.inbound.segments import LongMos
from bridge.model.outcome import Doubt
from bridge.outbound import bequest, flight, sender, settle
from bridge.outbound.dispatch import Dispatcher
from bridge.outbound.parts import Parts
from bridge.outbound.recorder import Recorder
from bridge.outbound.settler import Settler
from bridge.store import claims
from bridge.store.claims import Claim, Recorded
from bridge.store.store import Store
from tests.model_run.weather import Weather

Mutant = Callable[[], AbstractContextManager[Any]]


def goes_on_before_the_confirm() -> AbstractContextManager[Any]:
    """What follows an event or a copy happens before RabbitMQ has it: row 10."""
    send = Outbox.send

    def careless(self: Outbox, message: Any, then: Any) -> None:
        send(self, message, _nothing)
        then()

    return patch.object(Outbox, "send", careless)


def releases_a_claim_in_doubt() -> AbstractContextManager[Any]:
    """Nothing tells the next worker that a copy may be with a provider: rows 3, 4."""
    resend = Settler._resend

    def careless(self: Settler, flight: Any, link: Any, reason: str) -> None:
        self._claims.release(flight.mt_key, flight.owner, _nothing)
        resend(self, flight, link, reason)

    return patch.object(Settler, "_resend", careless)


def takes_doubt_for_not_sent() -> AbstractContextManager[Any]:
    """What was written and not answered goes again at once, unannounced."""
    decide = settle.decide_settlement

    def hopeful(outcome: Any, standing: Any) -> Any:
        return settle.Again(answered=True) if isinstance(outcome, Doubt) else decide(outcome, standing)

    return patch.object(sender, "decide_settlement", hopeful)


def takes_busy_for_new() -> AbstractContextManager[Any]:
    """The lease of another is nothing to it: row 8."""
    read = claims._read_claim

    def rash(reply: bytes) -> Claim:
        claim = read(reply)
        return Claim("new") if claim.verdict == "busy" else claim

    return patch.object(claims, "_read_claim", rash)


def takes_stale_for_new() -> AbstractContextManager[Any]:
    """The claim of a dead worker is nothing to it: row 3."""
    read = claims._read_claim

    def rash(reply: bytes) -> Claim:
        claim = read(reply)
        return Claim("new") if claim.verdict == "stale" and not claim.state else claim

    return patch.object(claims, "_read_claim", rash)


def takes_lost_for_new() -> AbstractContextManager[Any]:
    """That Redis was emptied is nothing to it: row 9."""
    read = claims._read_claim

    def rash(reply: bytes) -> Claim:
        claim = read(reply)
        return Claim("new") if claim.verdict == "lost" else claim

    return patch.object(claims, "_read_claim", rash)


def does_what_comes_late() -> AbstractContextManager[Any]:
    """What Redis does late is done all the same, and undoes what was asked since."""
    return patch.object(Store, "_turn", property(lambda _: 1, lambda _, __: None), create=True)


def names_all_doubts_alike() -> AbstractContextManager[Any]:
    """Two doubts of one MT are one event to whoever drops what he has had."""
    return patch.object(flight, "copy_name", lambda _owner, _counted: "the copy")


def begins_to_count_anew() -> AbstractContextManager[Any]:
    """What a dead worker counted is not counted: the attempts never end."""
    read = bequest.Bequest.load

    def careless(state: str, holder: str) -> bequest.Bequest:
        return replace(read(state, holder), counted=0)

    return patch.object(bequest.Bequest, "load", careless)


def forgets_the_answer() -> AbstractContextManager[Any]:
    """The answer is not recorded: row 4, always."""

    def single(_self: Recorder, _flight: Any, _smsc_id: str, _link: Any, then: Any) -> None:
        then(Recorded(fenced=False, unmatched=[]))

    return patch.object(Recorder, "single", single)


def resends_before_it_is_told() -> AbstractContextManager[Any]:
    """`resent` is published, and the second copy does not wait for that."""
    resend = Settler._resend

    def hasty(self: Settler, flight: Any, link: Any, reason: str) -> None:
        with patch.object(self._outbox, "send_all", lambda _messages, then: then()):
            resend(self, flight, link, reason)

    return patch.object(Settler, "_resend", hasty)


def acks_what_it_gives_back() -> AbstractContextManager[Any]:
    """A message that no link takes is forgotten by RabbitMQ."""
    return patch.object(Delivery, "requeue", Delivery.ack)


def acks_a_second_delivery() -> AbstractContextManager[Any]:
    """A redelivery of what is in hand is taken for done."""
    take = Dispatcher.take

    def forgetful(self: Dispatcher, route: str, lane: Any, delivery: Any) -> None:
        if delivery.redelivered and self.in_hand:
            delivery.ack()
        else:
            take(self, route, lane, delivery)

    return patch.object(Dispatcher, "take", forgetful)


def sends_all_segments_again() -> AbstractContextManager[Any]:
    """A retry of a long MT does not look at what was taken."""
    every = property(lambda self: list(range(1, self.count + 1)))
    return patch.object(Parts, "missing", every)


def commits_before_the_confirm() -> AbstractContextManager[Any]:
    """An MO or receipt is known as published before it is: a crash or a refusal between loses it."""
    publish = Receiver._publish

    def hasty(self: Receiver, entry: Any, messages: Any, then: Any) -> None:
        then()
        publish(self, entry, messages, partial(_nothing))

    return patch.object(Receiver, "_publish", hasty)


def answers_before_the_commit() -> AbstractContextManager[Any]:
    """OK while Redis may not know it yet."""
    commit = Receiver._commit

    def hasty(self: Receiver, entry: Any, due: bytes = b"") -> None:
        self._pending.answer(entry, True)
        commit(self, entry, due)

    return patch.object(Receiver, "_commit", hasty)


def answers_a_repeat_at_once() -> AbstractContextManager[Any]:
    """A repeat is answered OK while the first is being worked on."""
    received = Receiver.received

    def hasty(self: Receiver, link: Any, inbound: Any, answer: Any) -> None:
        before = len(self._pending)
        received(self, link, inbound, answer)
        if before and len(self._pending) == before:
            for entry in self._pending._entries.values():
                if answer in entry.answers:
                    entry.answers.remove(answer)
                    answer(True)

    return patch.object(Receiver, "received", hasty)


def mints_a_new_event_id() -> AbstractContextManager[Any]:
    """What another worker began is published under an id of its own."""
    ours = Receiver._ours

    def proud(self: Receiver, entry: Any, claim: Any) -> bool:
        own = entry.event_id
        found = ours(self, entry, claim)
        entry.event_id = own
        return found

    return patch.object(Receiver, "_ours", proud)


def answers_a_whole_mo_before_it_is_out() -> AbstractContextManager[Any]:
    """The last segment is answered OK, and the whole given up if it cannot be published."""
    complete = LongMos._complete

    def hasty(self: LongMos, entry: Any, segment: Any, key: bytes, claim: Any) -> None:
        self._segments.published(key, claim.event_id, self._keep_ms, _nothing)
        complete(self, entry, segment, key, claim)

    return patch.object(LongMos, "_complete", hasty)


def drops_a_receipt_that_is_early() -> AbstractContextManager[Any]:
    """A receipt that is back from its wait and still has no MT is not put there again."""
    asked = EarlyReceipts._asked

    def careless(self: EarlyReceipts, delivery: Any, receipt: Any, rung_s: Any, claim: Any) -> None:
        if claim is not None and claim.verdict == "waiting" and claim.entry is None:
            delivery.ack()
        else:
            asked(self, delivery, receipt, rung_s, claim)

    return patch.object(EarlyReceipts, "_asked", careless)


MUTANTS: tuple[Mutant, ...] = (
    goes_on_before_the_confirm,
    releases_a_claim_in_doubt,
    takes_doubt_for_not_sent,
    takes_busy_for_new,
    takes_stale_for_new,
    takes_lost_for_new,
    does_what_comes_late,
    names_all_doubts_alike,
    begins_to_count_anew,
    forgets_the_answer,
    resends_before_it_is_told,
    acks_what_it_gives_back,
    acks_a_second_delivery,
    sends_all_segments_again,
    commits_before_the_confirm,
    answers_before_the_commit,
    answers_a_repeat_at_once,
    mints_a_new_event_id,
    answers_a_whole_mo_before_it_is_out,
    drops_a_receipt_that_is_early,
)

IN_WEATHER: Mapping[Mutant, Weather] = {
    does_what_comes_late: Weather(late=0.1, lose=0.05, busy=0.15, silent=0.15, blows=0.3),
    answers_a_repeat_at_once: Weather(lose=0.1, slow=0.3, refuse=0.1),
    takes_lost_for_new: Weather(blows=0.3, forgets=0.1),
}
"""Where it is seen soonest; the others in whatever weather a seed has."""


def _nothing() -> None:
    """Nothing waits for this."""
