"""What one kind of HTTP provider has to be able to say and read. Pure; the kinds are `genesys_http`, `generic_http`."""

import re
from enum import Enum
from typing import NamedTuple, Protocol

from bridge.model.ids import digest
from bridge.model.inbound import Dr, Mo
from bridge.model.mt import Mt
from bridge.model.outcome import Outcome, Rejected
from bridge.model.web import Callback, HttpAnswer, HttpRequest


class Effect(Enum):
    """What an answer asks of the endpoint that gave it. Throttling is none of these: outbound paces."""

    NONE = "none"
    FAILED = "failed"
    """The site does not work: it counts as a transport failure does."""
    STOP = "stop"
    """The account is at fault: nothing more for a while, and a person has to look."""


class Reading(NamedTuple):
    """What an answer says of its MT, and of its endpoint."""

    outcome: Outcome
    effect: Effect = Effect.NONE


class BadCallback(ValueError):
    """A callback that is none. `field`: the one at fault; `rule`: what is wrong, without what it holds."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)


def ident_of(mt_key: str) -> str:
    """The name to tell a provider: the key itself where any provider could take it, else 32 hex digits for it."""
    return mt_key if _PLAIN_NAME.fullmatch(mt_key) else digest(mt_key).hex()


class HttpDialect(Protocol):
    """One provider's account over HTTP."""

    def carries(self, mt: Mt) -> bool:
        """Whether an MT of this kind (text, data, media, with TLVs) can be said at all."""
        ...

    def known_as(self, mt_key: str) -> str | None:
        """What receipts will call this MT, known before any answer; None where the provider makes up a name.

        `mt_key`: the MT's id, for a replayed one with its generation; each must have a name of its own.
        """
        ...

    def write(self, mt: Mt, mt_key: str, from_: str) -> HttpRequest | Rejected:
        """The MT as a request, the same each time, or why this provider can never carry it."""
        ...

    def read_answer(self, answer: HttpAnswer, ident: str) -> Reading:
        """What the provider says of the request with this `ident`. Never raises."""
        ...

    def read_callback(self, callback: Callback) -> Mo | Dr:
        """The MO or DR that it is. Raises BadCallback, and nothing else."""
        ...
