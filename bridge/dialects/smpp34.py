"""SMPP 3.4 as most providers speak it, as data; and what its statuses mean for an MT and for its bind.

Writing an MT is `submit.py`'s, reading what comes in `deliver.py`'s; what follows from an outcome is decided above.
"""

from collections.abc import Mapping
from enum import Enum

from bridge.dialects.dialect import Dialect
from bridge.model.outcome import Accepted, NotSent, Outcome, Rejected, RetryLater, Throttled
from bridge.smpp.consts import describe_status
from bridge.smpp.status import StatusGroup, status_group
from bridge.text.alphabets import SMPP34_CODINGS

SMPP34 = Dialect(name="smpp34", codings=SMPP34_CODINGS, ids_from_text=True)


def outcome_of(status: int, message_id: str, overrides: Mapping[int, StatusGroup]) -> Outcome:
    """What a submit_sm_resp says of its MT. What its link is to do about it: `link_effect`."""
    group = status_group(status, overrides)
    if group is StatusGroup.OK:
        return Accepted(message_id)
    reason = describe_status(status)
    if group is StatusGroup.RETRY_LATER:
        return RetryLater(status, reason)
    if group is StatusGroup.THROTTLED:
        return Throttled(status, reason)
    if group in (StatusGroup.BIND_DOWN, StatusGroup.ACCOUNT):
        return NotSent(reason, status)
    return Rejected(status, reason)


class LinkEffect(Enum):
    """What a status asks of the bind it came on."""

    NONE = "none"
    PAUSE = "pause"
    REBIND = "rebind"
    STOP = "stop"


_EFFECTS: Mapping[StatusGroup, LinkEffect] = {
    StatusGroup.THROTTLED: LinkEffect.PAUSE,
    StatusGroup.BIND_DOWN: LinkEffect.REBIND,
    StatusGroup.ACCOUNT: LinkEffect.STOP,
}


def link_effect(status: int, overrides: Mapping[int, StatusGroup]) -> LinkEffect:
    """What the bind is to do after an answer with this status."""
    return _EFFECTS.get(status_group(status, overrides), LinkEffect.NONE)
