"""How one attempt to send an MT ended. The phase decides money: not sent, sent and answered, or doubt.

No attempt ends in an exception: a link hands back exactly one of these. What may follow is decided in
`outbound/settle.py` and nowhere else.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it and named it. `smsc_id` may be empty: some providers name only some segments."""

    smsc_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Refused for good by this provider; another provider may still take it."""

    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Refused for now; the same message may be offered again after a while. Counts as an attempt."""

    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """Refused because we are too fast. Says nothing about the message: costs it no attempt."""

    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely not taken: no bind, never written, or refused for the link's own sake (bind or account status).

    May go to another link at once. `link_failed`: the way to the provider did not work, whatever the message.
    """

    reason: str
    status: int | None = None
    link_failed: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """Written, and no answer known: the provider may or may not have it. A policy decides, never a default.

    `link_failed` as of NotSent.
    """

    reason: str
    link_failed: bool = False


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The provider says that it has had a message of this name. After a doubt: ours, so it took it; else who knows."""

    smsc_id: str
    status: int | None
    reason: str


Outcome = Accepted | Rejected | RetryLater | Throttled | NotSent | Doubt | Duplicate
