"""What happens to an MT after an attempt: the one place that decides it. Pure.

    outcome of the attempt        settlement
    Accepted                      Accept
    Rejected                      Elsewhere while a provider of the route has not refused it, else End(rejected)
    RetryLater                    Wait on the ladder, or End(failed) when max_attempts are used up
    Throttled                     Again: first in line, costs no attempt; its link pauses
    NotSent                       Again: any other link, costs no attempt; but a message that more than one link
                                  blamed on itself (bind or account status) is treated as RetryLater
    Doubt, policy resend          Resend, or End(failed) when max_attempts are used up
    Doubt, policy park            End(parked)
    Duplicate                     Accept if it was in doubt: the provider has that copy; else as Doubt

An HTTP site that failed it (NotSent or Doubt with `link_failed`), where the sites stand in for each other and none
failed it before: Resubmit, or Resend to the same one, after a while (contract 1.5; what follows is told in `trouble`).

Only RetryLater and resends count towards max_attempts (contract, section 4).

The segments of a long MT that leave together have one outcome, the worst of theirs (`parts.combine`). Where
segments were taken, or may have been, the table differs in two lines:

    Accepted, some still missing  Again: the next of them at once, costs no attempt
    Rejected                      as Doubt while another provider of the route has not refused it: that one would have
                                  to get the whole MT, which is a second copy of what this one has

Whether a copy is given up for another provider or gone on with is decided when the way is free (`dispatch.resend`).
"""

from dataclasses import dataclass
from typing import Literal

from bridge.model.mt import DoubtPolicy
from bridge.model.outcome import (
    Accepted,
    Doubt,
    Duplicate,
    NotSent,
    Outcome,
    Rejected,
    RetryLater,
    Throttled,
)

EndOutcome = Literal["rejected", "failed", "parked", "expired"]


@dataclass(slots=True)  # not frozen: one a message, and making it takes three times as long
class Accept:
    """Record the answer, tell if told to, acknowledge."""

    smsc_id: str


@dataclass(frozen=True, slots=True)
class Again:
    """Back to the head of its lane: nothing was sent, or nothing was taken."""

    answered: bool
    """Whether the provider said no. Then the claim is given back: it must not look like doubt to others."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Refused for good by this provider; the route has another."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Onto the ladder; counts as an attempt."""


@dataclass(frozen=True, slots=True)
class Resubmit:
    """Surely not sent: over the same link once more after so long; costs no attempt."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Resend:
    """Say so (`resent`), then over another link, or over the same after so long; counts as an attempt."""

    reason: str
    same_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The MT's one end, but for being accepted."""

    outcome: EndOutcome
    reason: str
    status: int | None = None


Settlement = Accept | Again | Elsewhere | Wait | Resubmit | Resend | End


@dataclass(slots=True)  # not frozen: one a message, and making it takes three times as long
class Standing:
    """Where the MT stands before this outcome: attempts counted so far, and what may still be tried."""

    counted: int
    max_attempts: int
    other_providers: bool
    on_doubt: DoubtPolicy
    bounced: bool = False
    """Whether a link refused it for its own sake before. Two in a row: the message is at fault, or it may wait."""
    begun: bool = False
    """Whether the provider holds, or may hold, a segment of it."""
    missing: bool = False
    """Whether segments of it are not taken yet."""
    doubt: bool = False
    """Whether a copy of it may be with a provider since before."""
    failures: int = 0
    """How often HTTP sites of this provider failed it before, one after another."""
    resubmit_s: float | None = None
    """After how long the HTTP site that failed it first is tried again; None: it is not."""

    @property
    def same_after_s(self) -> float | None:
        """If a site has failed it now: after how long it goes there again; None: it goes elsewhere."""
        return None if self.failures else self.resubmit_s

    @property
    def last(self) -> bool:
        """Whether one more counted attempt uses them up."""
        return self.counted + 1 >= self.max_attempts


def decide_settlement(outcome: Outcome, standing: Standing) -> Settlement:
    """What is to be done with an MT whose attempt ended so."""
    match outcome:
        case Accepted() if standing.missing:
            return Again(answered=True)
        case Accepted(smsc_id):
            return Accept(smsc_id)
        case Rejected(_, reason) if standing.begun and standing.other_providers:
            return _doubtful(f"refused after a part of it was sent: {reason}", standing)
        case Rejected(status, reason):
            return Elsewhere() if standing.other_providers else End("rejected", reason, status)
        case RetryLater(status, reason):
            return _later(status, reason, standing)
        case Throttled():
            return Again(answered=True)
        case NotSent():
            return _not_sent(outcome, standing)
        case Duplicate(smsc_id) if standing.doubt:
            return Accept(smsc_id)
        case Duplicate(_, _, reason):
            return _doubtful(reason, standing)
        case Doubt(reason, link_failed):
            return _doubtful(reason, standing, standing.same_after_s if link_failed else None)


def _not_sent(outcome: NotSent, standing: Standing) -> Resubmit | Again | Wait | End:
    if outcome.link_failed and standing.same_after_s is not None:
        return Resubmit(standing.same_after_s)
    if outcome.status is not None and standing.bounced and not outcome.link_failed:
        return _later(outcome.status, outcome.reason, standing)
    return Again(answered=outcome.status is not None)


def _doubtful(reason: str, standing: Standing, same_after_s: float | None = None) -> Resend | End:
    if standing.on_doubt == "park":
        return End("parked", reason)
    if standing.last:
        return End("failed", f"{standing.max_attempts} attempts, the last in doubt: {reason}")
    return Resend(reason, same_after_s)


def _later(status: int | None, reason: str, standing: Standing) -> Wait | End:
    if standing.last:
        return End("failed", f"{standing.max_attempts} attempts, the last: {reason}", status)
    return Wait()


def result_word(outcome: Outcome) -> str:
    """The outcome as the list of attempts says it: one word, with the status in hex where there is one."""
    word = {
        Accepted: "accepted",
        Rejected: "rejected",
        RetryLater: "retry",
        Throttled: "throttled",
        NotSent: "not sent",
        Doubt: "doubt",
        Duplicate: "duplicate",
    }[type(outcome)]
    status = getattr(outcome, "status", None)
    return word if status is None else f"{word} 0x{status:X}"
