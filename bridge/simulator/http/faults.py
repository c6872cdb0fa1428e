"""The misbehaviours of HTTP sites, one small class each, and their names on the command line.

Their parameters are keyword arguments. Those with `every` act on every nth message of their site; with `every` 1 a
site misbehaves to a HEAD too, as far as that can be seen there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from bridge.simulator.http.behaviour import HttpBehaviour, Plan, Promise
from bridge.simulator.http.connection import HttpConnection
from bridge.simulator.http.records import Answer, Callback
from bridge.simulator.naming import NamedFault

ACCEPTED = 6
STATES = range(1, 9)
BODILESS = (204, 304)
NO_HTTP = b"\x16\x03\x01 this is no HTTP\r\n\r\n"
NO_RESULT = Answer(status=200, body=b"<html><body>Welcome!</body></html>", content_type="text/html")


class EveryNth(HttpBehaviour):
    """Acts on every nth message of the sites it serves; `every` 1: on each, and on every HEAD."""

    def __init__(self, every: int = 1) -> None:
        if every < 1:
            raise ValueError("every: must be at least 1")
        self._every = every
        self._count = 0

    def on_request(self, plan: Plan) -> None:
        """Counts, and acts when it is time."""
        if plan.message is not None:
            self._count += 1
        elif self._every > 1:
            return
        if self._count % self._every == 0:
            self.act(plan)

    def act(self, plan: Plan) -> None:
        """What is done to the nth."""
        raise NotImplementedError


class Slow(EveryNth):
    """Takes the message at once and answers `seconds` later. The receipt does not wait for the answer."""

    def __init__(self, seconds: float = 0.5, every: int = 1) -> None:
        super().__init__(every)
        self._seconds = seconds

    def act(self, plan: Plan) -> None:
        """The answer waits."""
        plan.answer_delay_s += self._seconds


class Late(Slow):
    """Answers after the client's timeout: it has given up, and yet the message was taken."""

    def __init__(self, seconds: float = 35.0, every: int = 10) -> None:
        super().__init__(seconds, every)


class Hang(EveryNth):
    """Never answers and does not hang up. Takes the message all the same, unless `taken` is no."""

    def __init__(self, every: int = 1, taken: bool = True) -> None:
        super().__init__(every)
        self._taken = taken

    def act(self, plan: Plan) -> None:
        """No answer."""
        plan.hush(taken=self._taken)


class Cut(EveryNth):
    """Cuts the connection instead of answering. Takes the message all the same, unless `taken` is no."""

    def __init__(self, every: int = 10, taken: bool = True) -> None:
        super().__init__(every)
        self._taken = taken

    def act(self, plan: Plan) -> None:
        """No answer and no connection."""
        plan.hush(taken=self._taken)
        plan.leave = lambda connection, _: connection.cut()


class CutBody(EveryNth):
    """Takes the message, promises a longer body than it sends, and closes the connection."""

    def __init__(self, every: int = 10) -> None:
        super().__init__(every)

    def act(self, plan: Plan) -> None:
        """All but the last octets."""
        plan.hush(taken=True)
        plan.leave = self._leave

    @staticmethod
    def _leave(connection: HttpConnection, octets: bytes) -> None:
        connection.gather(octets[:-3])
        connection.close()


class Drip(EveryNth):
    """Sends the answer octet by octet, `seconds` between two of them. Takes the message."""

    def __init__(self, seconds: float = 0.5, every: int = 1) -> None:
        super().__init__(every)
        self._seconds = seconds

    def act(self, plan: Plan) -> None:
        """Drop by drop."""
        plan.leave = self._leave

    def _leave(self, connection: HttpConnection, octets: bytes) -> None:
        connection.gather(octets[:1])
        if len(octets) == 1:
            connection.answered()
        else:
            connection.later(self._seconds, self._leave, octets[1:])


class Status(EveryNth):
    """Answers with HTTP status `code`. Does not take the message, unless `taken` is yes."""

    def __init__(self, code: int = 500, every: int = 1, taken: bool = False) -> None:
        super().__init__(every)
        if not 200 <= code <= 599:
            raise ValueError("code: must be from 200 to 599")
        self._answer = Answer(status=code, body=b"" if code in BODILESS else b"HTTP status %d\n" % code)
        self._taken = taken

    def act(self, plan: Plan) -> None:
        """That status."""
        plan.say(self._answer, taken=self._taken)


class Redirect(EveryNth):
    """Answers 302 with a Location, `to`. Does not take the message."""

    def __init__(self, to: str = "http://127.0.0.1:9/elsewhere", every: int = 1) -> None:
        super().__init__(every)
        if not (to.isascii() and to.isprintable()) or " " in to:
            raise ValueError("to: must be a URL")
        self._answer = Answer(status=302, headers=(("Location", to),))

    def act(self, plan: Plan) -> None:
        """Elsewhere."""
        plan.say(self._answer, taken=False)


class Garbage(EveryNth):
    """Takes the message and answers what nobody can read: no HTTP at all (`kind` octets), or a web page (`page`)."""

    def __init__(self, kind: str = "octets", every: int = 10) -> None:
        super().__init__(every)
        if kind not in ("octets", "page"):
            raise ValueError("kind: must be octets or page")
        self._page = kind == "page"

    def act(self, plan: Plan) -> None:
        """Out with it."""
        if self._page:
            plan.say(NO_RESULT, taken=True)
        else:
            plan.hush(taken=True)
            plan.leave = self._leave

    @staticmethod
    def _leave(connection: HttpConnection, octets: bytes) -> None:  # noqa: ARG004 - in place of these
        connection.gather(NO_HTTP)
        connection.close()


class Code(EveryNth):
    """Refuses the message with the provider's own number `code`: 98, an internal error, unless told otherwise."""

    def __init__(self, code: int = 98, every: int = 10) -> None:
        super().__init__(every)
        self._code = code

    def act(self, plan: Plan) -> None:
        """Refused, and not taken."""
        plan.refuse(self._code)


class Throttle(EveryNth):
    """Refuses the message in the provider's words for: too fast."""

    def __init__(self, every: int = 10) -> None:
        super().__init__(every)

    def act(self, plan: Plan) -> None:
        """Too fast."""
        plan.refuse(plan.style.throttled)


class AcceptedFirst(EveryNth):
    """Sends two receipts: accepted (6) when the one receipt is due, and delivered (2) `seconds` later."""

    def __init__(self, seconds: float = 0.5, every: int = 1) -> None:
        super().__init__(every)
        self._promises = (Promise(ACCEPTED), Promise(after_s=seconds))

    def act(self, plan: Plan) -> None:
        """First the one, then the other."""
        plan.promises = self._promises


class Undelivered(EveryNth):
    """Takes the message and fails to deliver it: the receipt says `state` and `code`."""

    def __init__(self, state: int = 5, code: int = 1, every: int = 10) -> None:
        super().__init__(every)
        if state not in STATES:
            raise ValueError("state: must be from 1 to 8")
        self._promises = (Promise(state, code),)

    def act(self, plan: Plan) -> None:
        """Not delivered."""
        plan.promises = self._promises


class CallbacksTwice(HttpBehaviour):
    """Sends every nth callback once more although it was answered OK."""

    def __init__(self, every: int = 10) -> None:
        if every < 1:
            raise ValueError("every: must be at least 1")
        self._every = every
        self._count = 0

    def sends_again(self, callback: Callback) -> bool:
        """Counts callbacks by their first OK."""
        if callback.accepted > 1:
            return False
        self._count += 1
        return self._count % self._every == 0


HTTP_FAULTS: Mapping[str, type[HttpBehaviour]] = {
    "slow": Slow,
    "late": Late,
    "hang": Hang,
    "cut": Cut,
    "cut-body": CutBody,
    "drip": Drip,
    "status": Status,
    "redirect": Redirect,
    "garbage": Garbage,
    "code": Code,
    "throttle": Throttle,
    "accepted-first": AcceptedFirst,
    "undelivered": Undelivered,
    "callbacks-twice": CallbacksTwice,
}


@dataclass(frozen=True, slots=True)
class HttpFault(NamedFault[HttpBehaviour]):
    """A fault of HTTP sites as written."""

    KINDS: ClassVar[Mapping[str, type[HttpBehaviour]]] = HTTP_FAULTS
