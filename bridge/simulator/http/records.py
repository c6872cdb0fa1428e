"""What the HTTP provider remembers and hands around: messages asked of it, its answers, its callbacks.

Records only. Instants are seconds since the epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["receipt", "mo"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """One part of an MMS."""

    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came. `content_type` and `authorization` are those headers, empty where there is none."""

    method: str
    query: str = ""
    content_type: str = ""
    authorization: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a request asks to be sent, as far as it could be read.

    `code`: 0, or why it cannot be taken, in the provider's numbers. `ident`: the name that receipts will call it by;
    empty where it could not be read. `fields` are all that came, secrets left out.
    """

    ident: str
    fields: Mapping[str, str]
    attachments: tuple[Attachment, ...] = ()
    code: int = 0
    wants_receipt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back. HEAD is answered with the same head and no body."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Request:
    """One request for a message, taken or not.

    `code` and `status` (of HTTP) are those it was answered with, None as long as (or because) no answer went out;
    `code` None with a `status`: an answer without the provider's own number. Taken without an answer is what the
    client calls doubt. `times`: so many requests had this ident up to then, at all sites, this one among them.
    """

    at: float
    site: str
    ident: str
    fields: Mapping[str, str]
    attachments: tuple[Attachment, ...]
    taken: bool
    times: int
    code: int | None = None
    status: int | None = None


@dataclass(slots=True)
class Callback:
    """A receipt or an MO, over as many requests as it takes.

    `ident`: of the message that the receipt speaks of, or the MO's own. `fields` are the same each time. `repeats`:
    how often it may still be sent again. `accepted`: how often it was answered 2XX; `open` while it is still owed.
    """

    kind: Kind
    ident: str
    site: str
    fields: Mapping[str, str]
    repeats: int
    times_sent: int = 0
    accepted: int = 0
    open: bool = True


@dataclass(slots=True)
class Sent:
    """One request of a callback. `status`: how it was answered; None while there is no answer, and then `error` why.

    `attempt` counts the requests of the same callback from 1.
    """

    at: float
    url: str
    attempt: int
    callback: Callback = field(repr=False)
    status: int | None = None
    error: str = ""

    @property
    def kind(self) -> Kind:
        """Receipt or MO."""
        return self.callback.kind

    @property
    def ident(self) -> str:
        """The callback's ident."""
        return self.callback.ident

    @property
    def fields(self) -> Mapping[str, str]:
        """What the callback says."""
        return self.callback.fields
