"""The Genesys SMS Aggregation Service over HTTP: an MT as a form, and the one number that answers it.

Receipts and messages from phones are read in `genesys_callbacks.py`; what its SMPP side does otherwise is
`genesys.py`. The codes of an answer are not those of a receipt: 1 is a bad request here, and there a refusal upstream.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal
from urllib.parse import quote_plus

from bridge.dialects.genesys_callbacks import read_genesys_callback
from bridge.dialects.http import Effect, Reading, ident_of
from bridge.dialects.http_status import reading_of_status
from bridge.dialects.quoted import bare_url
from bridge.model.inbound import Dr, DrState, Mo
from bridge.model.mt import PRIORITIES, Mt
from bridge.model.outcome import Accepted, Doubt, Duplicate, NotSent, Outcome, Rejected, RetryLater, Throttled
from bridge.model.web import Callback, HttpAnswer, HttpRequest
from bridge.text.addresses import BadAddress, read_number, read_sender

MmsNames = Literal["brackets", "plain"]

_FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
_ATTACHMENT: Mapping[MmsNames, str] = {"brackets": "mms_attachment[{}]", "plain": "mms_attachment{}"}
_CODE = re.compile(r"[0-9]{1,9}", re.ASCII)
_DUPLICATE = 7

_REFUSALS: Mapping[int, tuple[str, Callable[[int, str], Outcome]]] = {
    1: ("a parameter is missing or not valid", Rejected),
    2: ("the account was not let in", lambda code, reason: NotSent(reason, code)),
    3: ("the carrier is not known", Rejected),
    4: ("the sender is no number", Rejected),
    5: ("the sender is not approved for this account", Rejected),
    6: ("throttled", Throttled),
    8: ("the message is too long", Rejected),
    98: ("an error inside the service", RetryLater),
}
"""The answers that say no, and how: for good, for now, or for the account's sake."""


_PRIORITIES = tuple(f"priority={word.upper()}" for word in PRIORITIES)


@cache
def _account(login: str, password: str) -> str:
    """The same for each MT of an account. Raises UnicodeEncodeError."""
    return "&".join((_field("login", login), _field("password", password)))


def _field(name: str, value: str) -> str:
    return f"{name}={quote_plus(value)}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GenesysHttp:
    """One account. `mms_names`: how attachments are called; `final_states`: nothing follows these, beside the usual."""

    login: str
    password: str = field(repr=False)
    mms_names: MmsNames = "brackets"
    final_states: frozenset[DrState] = frozenset()

    def carries(self, mt: Mt) -> bool:
        """Text and MMS parts."""
        return _uncarried(mt) is None

    def known_as(self, mt_key: str) -> str:
        """Its receipts carry our own name of the MT."""
        return ident_of(mt_key)

    def write(self, mt: Mt, mt_key: str, from_: str) -> HttpRequest | Rejected:
        """The MT as one form, whatever its length: the service cuts it."""
        uncarried = _uncarried(mt)
        if uncarried is not None:
            return Rejected(None, uncarried)
        ident = ident_of(mt_key)
        try:
            fields = "&".join(self._fields(mt, ident, from_))
        except BadAddress as error:
            return Rejected(None, str(error))
        except UnicodeEncodeError:
            return Rejected(None, "text: is no text that UTF-8 could carry")
        return HttpRequest(ident=ident, headers=(_FORM,), body=fields.encode("ascii"))

    def _fields(self, mt: Mt, ident: str, from_: str) -> Iterator[str]:
        """Each as it is written. Raises BadAddress, UnicodeEncodeError."""
        yield _account(self.login, self.password)
        yield f"phone_number={read_number(mt.to).text}"
        yield _field("sender", read_sender(from_).text)
        yield _field("message", mt.text or "")
        yield _field("message_id", ident)
        if mt.carrier is not None:
            yield _field("carrier", mt.carrier)
        yield "receipt=FALSE" if mt.receipt == "none" else "receipt=TRUE"
        if mt.app_id is not None:
            yield _field("app_id", mt.app_id)
        if mt.conversation_id is not None:
            yield _field("conversation_id", mt.conversation_id)
        yield _PRIORITIES[mt.priority]
        for number, part in enumerate(mt.media):
            attachment = quote_plus(_ATTACHMENT[self.mms_names].format(number))
            yield _field(f"{attachment}.content_type", part["content_type"])
            yield _field(f"{attachment}.content", part["data"])

    def read_answer(self, answer: HttpAnswer, ident: str) -> Reading:
        """The number behind the last = of a success; another status speaks for itself."""
        if not 200 <= answer.status < 300:
            return reading_of_status(answer.status, bare_url(answer.location))
        _, equals, written = answer.body.decode("utf-8", "replace").rpartition("=")
        code = written.strip()
        if not equals or not _CODE.fullmatch(code):
            return Reading(Doubt(f"HTTP {answer.status}: the answer has no number behind a ="))
        return _reading_of_code(int(code), ident)

    def read_callback(self, callback: Callback) -> Mo | Dr:
        """A receipt or a message. Raises BadCallback."""
        return read_genesys_callback(callback, self.final_states)


def _uncarried(mt: Mt) -> str | None:
    """What of this MT the form has no place for."""
    if mt.data is not None or mt.udh is not None:
        return f"{'udh' if mt.udh is not None else 'data'}: Genesys takes only text and media over HTTP"
    return "tlvs: are for SMPP, and Genesys takes none over HTTP" if mt.tlvs else None


def _reading_of_code(code: int, ident: str) -> Reading:
    if code == 0:
        return Reading(Accepted(ident))
    if code == _DUPLICATE:
        return Reading(Duplicate(ident, code, f"{code}: the service has had a message of this id"))
    if code not in _REFUSALS:
        return Reading(Doubt(f"{code}: an error that the service does not tell more of"))
    meaning, kind = _REFUSALS[code]
    outcome = kind(code, f"{code}: {meaning}")
    return Reading(outcome, Effect.STOP if isinstance(outcome, NotSent) else Effect.NONE)
