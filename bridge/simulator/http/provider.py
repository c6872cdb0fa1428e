"""A simulated HTTP provider: what all its sites share. It takes messages, owes receipts, brings MOs.

One memory of message names and one record of everything, whichever site a message came to. It knows nothing of
sockets, and of the provider's ways only what its `Style` says.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.simulator.agenda import Agenda
from bridge.simulator.http.behaviour import DELIVERED, Plan
from bridge.simulator.http.callbacks import Callbacks
from bridge.simulator.http.connection import HEAD_ANSWER
from bridge.simulator.http.genesys import GenesysStyle
from bridge.simulator.http.journal import HttpJournal
from bridge.simulator.http.records import Answer, Asked, Attachment, Callback, Kind, Message, Request, Sent
from bridge.simulator.http.style import Account, Style
from bridge.simulator.http.twilio import TwilioStyle
from bridge.simulator.mos import MoSource
from bridge.simulator.turn import Turn

if TYPE_CHECKING:
    from bridge.simulator.http.connection import HttpConnection
    from bridge.simulator.http.site import HttpSite

HANDSET = "447700900123"
SHORT_CODE = "12345"
AGAIN_S = 600.0
REPEATS = 25

STYLES: Mapping[str, Callable[[Account], Style]] = {"genesys": GenesysStyle, "twilio": TwilioStyle}


class HttpProvider:
    """The provider.

    `style`: its kind, one of STYLES; `login`, `password`: who may send.
    `callback_urls`: called in turn for receipts and MOs, with `callback_token` as Bearer token; a token in a query,
    or a user and password before the host, are part of the URL. Without a URL receipts and MOs are owed for ever.
    `receipt_delay_s`: from taking a message to its receipt. `mo_rate`: texts from phones a second.
    `again_s`, `most_times`: a callback not answered 2XX is sent again after so long, so many times at most.
    `log`: a file of JSON lines (`journal.py`) appended to. `keep_records`: remember every request, message and
    callback in `requests`, `taken` and `callbacks`; off for long runs.
    `backlog`: so many callbacks may be open; above it messages are refused as too fast.
    Raises ValueError for a URL that is none, and OSError for a log that cannot be written.
    """

    def __init__(
        self,
        *,
        style: str = "genesys",
        login: str = "bridge",
        password: str = "secret",  # noqa: S107 - of a toy
        callback_urls: Sequence[str] = (),
        callback_token: str = "",
        receipt_delay_s: float = 0.05,
        mo_rate: float = 0.0,
        again_s: float = AGAIN_S,
        most_times: int = REPEATS,
        callback_timeout_s: float = 30.0,
        parallel: int = 50,
        log: Path | None = None,
        keep_records: bool = True,
        backlog: int = 1_000_000,
    ) -> None:
        self.requests: list[Request] = []
        self.taken: list[Request] = []
        self.callbacks: list[Sent] = []
        self.sites: list[HttpSite] = []
        self.request_counts: dict[str, int] = {"received": 0, "taken": 0, "refused": 0, "unanswered": 0}
        self.style = STYLES[style](Account(login, password))
        self.journal = HttpJournal(log) if log else None
        self.turn = Turn(self.journal)
        self.agenda = Agenda()
        self.outbox = Callbacks(
            self.agenda,
            self.turn,
            self.journal,
            urls=callback_urls,
            token=callback_token,
            again_s=again_s,
            timeout_s=callback_timeout_s,
            parallel=parallel,
            sends_again=self._sends_again,
        )
        self._keep_records = keep_records
        if keep_records:
            self.outbox.log = self.callbacks
        self._receipt_delay_s = receipt_delay_s
        self._repeats = most_times
        self._backlog = backlog
        self._numbers = count(time.time_ns() // 1000)
        self._times: Counter[str] = Counter()
        self._remembered: set[str] = set()
        self._mos = MoSource(
            self.agenda,
            mo_rate,
            write=lambda _, phone: self._write(phone),
            room=lambda: not self.full,
        )

    def start(self) -> None:
        """A site is up: callbacks and MOs begin to flow. Calling it again does nothing."""
        self.outbox.start()
        self._mos.start()

    async def close(self) -> None:
        """Kills the sites, forgets what is still owed, ends all that runs and closes the log."""
        for site in self.sites:
            site.kill()
        self._mos.stop()
        self.agenda.clear()
        await self.outbox.close()
        self.turn.end()
        if self.journal is not None:
            self.journal.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns as soon as the condition is true. It is asked after each thing that happens here."""
        await self.turn.until(condition)

    def noted(self, event: str, site: "HttpSite") -> None:
        """Something happened to a site: for the journal and for those who wait."""
        if self.journal is not None:
            self.journal.note(event, time.time(), site=site.site, node=site.node)
        self.turn.touch()

    # -- what comes in ------------------------------------------------------------------------------------------

    def asked(self, connection: "HttpConnection", asked: Asked) -> None:
        """A request for a message came in: plan it, take it, owe its receipts, answer it."""
        message = self.style.read(asked, next(self._numbers))
        plan = Plan(connection, self.style, message, message.code, taken=message.code == 0)
        if plan.taken and self.style.duplicate is not None and message.ident in self._remembered:
            plan.refuse(self.style.duplicate)
        for behaviour in connection.site.behaviours:
            behaviour.on_request(plan)
        if plan.taken and self.full:
            plan.refuse(self.style.throttled)
        answer = plan.instead or self.style.answer(message, plan.code)
        request = self._record(plan, message, answer)
        if plan.taken and message.wants_receipt:
            for promise in plan.promises:
                fields = self.style.receipt(message, promise.state, promise.code)
                delay_s = self._receipt_delay_s + promise.after_s
                self._promise("receipt", message.ident, request.site, fields, delay_s)
        self._answer_when_due(plan, answer, request)

    def looked_for(self, connection: "HttpConnection") -> None:
        """A HEAD came in."""
        plan = Plan(connection, self.style, None, 0, taken=False)
        for behaviour in connection.site.behaviours:
            behaviour.on_request(plan)
        self._answer_when_due(plan, plan.instead or HEAD_ANSWER, None)

    def _record(self, plan: Plan, message: Message, answer: Answer) -> Request:
        self._times[message.ident] += 1
        request = Request(
            time.time(),
            plan.connection.site.site,
            message.ident,
            message.fields,
            message.attachments,
            plan.taken,
            self._times[message.ident],
        )
        if plan.answered and not plan.answer_delay_s:
            _note_answer(request, plan, answer)
        counts = self.request_counts
        counts["received"] += 1
        if plan.taken:
            counts["taken"] += 1
            self._remembered.add(message.ident)
        if not plan.answered:
            counts["unanswered"] += 1
        elif not plan.taken:
            counts["refused"] += 1
        if self._keep_records:
            self.requests.append(request)
            if plan.taken:
                self.taken.append(request)
        if self.journal is not None:
            self.journal.request(request)
        self.turn.touch()
        return request

    def _answer_when_due(self, plan: Plan, answer: Answer, request: Request | None) -> None:
        if plan.answer_delay_s:
            self.agenda.after(plan.answer_delay_s, self._answer_late, plan, answer, request)
        else:
            _answer(plan, answer)

    def _answer_late(self, plan: Plan, answer: Answer, request: Request | None) -> None:
        if not plan.connection.alive:
            return
        if plan.answered and request is not None:
            _note_answer(request, plan, answer)
            if self.journal is not None:
                self.journal.answer(request)
        self.turn.touch()
        _answer(plan, answer)

    # -- what goes out ------------------------------------------------------------------------------------------

    def send_mo(
        self,
        text: str | None = None,
        *,
        source: str = HANDSET,
        destination: str = SHORT_CODE,
        attachments: Sequence[Attachment] = (),
        ident: str | None = None,
    ) -> Callback:
        """A text from a phone, by each site in turn; by default it says its own name. Raises ValueError."""
        number = next(self._numbers)
        ident = ident or self.style.mo_ident(number)
        fields = self.style.mo(ident, ident if text is None else text, source, destination, attachments)
        site = self.sites[number % len(self.sites)].site if self.sites else ""
        return self._promise("mo", ident, site, fields)

    def send_receipt(self, ident: str, *, state: int = DELIVERED, code: int = 0, site: str = "") -> Callback:
        """A receipt on demand, also of a message that nobody sent."""
        return self._promise(
            "receipt", ident, site, self.style.receipt(Message(ident=ident, fields={}), state, code)
        )

    def send_strange_receipts(self, number: int) -> list[str]:
        """So many receipts at once, of messages that nobody sent; tells their names."""
        idents = [f"nobodys-{next(self._numbers)}" for _ in range(number)]
        for ident in idents:
            self.send_receipt(ident)
        return idents

    def _promise(
        self, kind: Kind, ident: str, site: str, fields: Mapping[str, str], after_s: float = 0.0
    ) -> Callback:
        callback = Callback(kind, ident, site, fields, self._repeats)
        self.outbox.promise(callback, after_s)
        self.turn.touch()
        return callback

    def _write(self, phone: str) -> None:
        self.send_mo(source=phone)

    def _sends_again(self, callback: Callback) -> bool:
        asked = [
            behaviour.sends_again(callback)
            for site in self.sites
            if site.site == callback.site
            for behaviour in site.behaviours
        ]
        return any(asked)

    @property
    def full(self) -> bool:
        """No more can be owed."""
        return self.outbox.counts.open >= self._backlog

    def stats(self) -> dict[str, Any]:
        """Counters since the start, for progress lines and the control port."""
        return {
            "requests": dict(self.request_counts),
            "mos": self._mos.sent,
            "callbacks": asdict(self.outbox.counts),
        }


def _note_answer(request: Request, plan: Plan, answer: Answer) -> None:
    request.status = answer.status
    request.code = None if plan.instead is not None else plan.code


def _answer(plan: Plan, answer: Answer) -> None:
    """Answers, in the plan's own way if it has one; without an answer only that way is gone."""
    if plan.answered or plan.leave is not None:
        plan.connection.answer(answer, plan.leave)
