"""What a command_status means for the MT and for its bind."""

import pytest

from bridge.dialects import SMPP_DIALECTS
from bridge.dialects.smpp34 import LinkEffect, link_effect, outcome_of
from bridge.model.outcome import Accepted, NotSent, Outcome, Rejected, RetryLater, Throttled
from bridge.smpp.consts import describe_status
from bridge.smpp.status import StatusGroup


@pytest.mark.parametrize(
    ("status", "kind", "effect"),
    [
        (0x0B, Rejected, LinkEffect.NONE),
        (0x11, Rejected, LinkEffect.NONE),
        (0x14, RetryLater, LinkEffect.NONE),
        (0x58, Throttled, LinkEffect.PAUSE),
        (0x04, NotSent, LinkEffect.REBIND),
        (0x0E, NotSent, LinkEffect.STOP),
        (0x7FF, Rejected, LinkEffect.NONE),
        (0x3F0, RetryLater, LinkEffect.NONE),
    ],
)
def test_refusals(status: int, kind: type[Outcome], effect: LinkEffect) -> None:
    outcome = outcome_of(status, "ignored", {})
    assert isinstance(outcome, kind)
    assert not isinstance(outcome, Accepted)
    assert outcome == kind(status=status, reason=describe_status(status))  # type: ignore[call-arg]
    assert link_effect(status, {}) is effect


@pytest.mark.parametrize("message_id", ["0f7a", ""])
def test_accepted(message_id: str) -> None:
    assert outcome_of(0, message_id, {}) == Accepted(message_id)
    assert link_effect(0, {}) is LinkEffect.NONE


def test_a_provider_may_mean_something_else() -> None:
    overrides = {0x45: StatusGroup.PERMANENT, 0x400: StatusGroup.ACCOUNT}
    assert outcome_of(0x45, "", overrides) == Rejected(0x45, describe_status(0x45))
    assert outcome_of(0x400, "", overrides) == NotSent(describe_status(0x400), 0x400)
    assert link_effect(0x400, overrides) is LinkEffect.STOP


def test_dialects_are_found_by_the_configuration_s_words() -> None:
    assert {name: dialect.name for name, dialect in SMPP_DIALECTS.items()} == {
        "smpp34": "smpp34",
        "genesys": "genesys",
    }
