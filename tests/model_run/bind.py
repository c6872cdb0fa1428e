"""A bind as the rest of a worker sees one: submits with exactly one end each, late answers, MOs and receipts with one
answer each; and the connection behind it, on which nothing overtakes and all that is under way is lost together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from bridge.model.mt import Mt
from bridge.model.outcome import Doubt, NotSent, Outcome, Rejected
from bridge.outbound.flight import Flight, SegmentRef
from bridge.outbound.ports import LongBody
from tests.model_run.provider import Owed, Provider, Submit
from tests.model_run.weather import LOST, Passage

if TYPE_CHECKING:
    from tests.model_run.worker import Worker

WINDOW = 3
RESPONSE_S = 5.0
REBIND_S = 6.0


@dataclass(frozen=True)
class Segments:
    """A long MT as one provider cuts it."""

    mt_id: str
    count: int
    fingerprint: str
    counter: str = "12345>447700900123"

    def body(self, number: int, reference: int) -> bytes:
        return f"{number}/{self.count} of {reference}: {self.mt_id}".encode()


class Session:
    """One connection to an SMSC, in order both ways."""

    def __init__(self, bind: "Bind") -> None:
        self._worker = bind.worker
        self._world = bind.worker.world
        self.live = self.reaches = True
        self._there = self._back = 0.0

    def to_smsc(self, act: Callable[[], object]) -> None:
        self._there = max(self._there, self._world.agenda.now + self._world.delay())
        self._world.agenda.at(self._there, lambda: act() if self.reaches else None)

    def to_worker(self, act: Callable[[], object]) -> None:
        self._back = max(self._back, self._world.agenda.now + self._world.delay())
        self._world.agenda.at(
            self._back, lambda: self._worker.do(act) if self.live and not self._worker.left else None
        )


class Bind:
    """See `outbound.ports.LinkPort` and `inbound.ports.LinkPort`."""

    via: Literal["smpp", "http"] = "smpp"
    window = WINDOW
    lease_s = RESPONSE_S + 10.0
    rank = 0
    sound = True
    resubmit_s: float | None = None

    def __init__(self, worker: "Worker", provider: Provider, site: str) -> None:
        self.worker = worker
        self._provider = provider
        self.provider = provider.name
        self.site = site
        self.name = f"{provider.name}.{site}"
        self.session: Session | None = None
        self.active = False
        self.open: list[Submit] = []
        self.given_up: list[Submit] = []

    # For outbound

    @property
    def free(self) -> int:
        return self.window - len(self.open) if self.active else 0

    def carries(self, _mt: Mt) -> bool:
        return True

    def known_as(self, _mt_key: str) -> str | None:
        return None

    def prepare(self, mt: Mt, _mt_key: str, from_: str, _now: float) -> bytes | LongBody | Rejected:
        """The text is the provider that cannot say it, or tells of how many segments it is at each."""
        if mt.text == self.provider:
            return Rejected(None, "not in this provider's words")
        counts = dict(part.split("=") for part in (mt.text or "").split(",") if "=" in part)
        count = int(counts.get(self.provider, 1))
        if count > 1:
            return Segments(mt.id, count, self.worker.cut + self.provider)
        return f"{from_} {mt.id}".encode()

    def submit(self, _body: bytes, ref: object, _failures: int = 0) -> bool:
        session, world = self.session, self.worker.world
        if self.free <= 0 or session is None or not self.worker.alive:
            return False
        assert isinstance(ref, Flight | SegmentRef)
        submit = Submit(ref, self.provider)
        passage = world.step(self.worker, "smsc", "submits", submit, "over", self.name)
        if passage is Passage.DIES_BEFORE:
            return True
        world.audit.writes(submit, self.worker)
        self.open.append(submit)
        if passage is not Passage.NEVER:
            session.to_smsc(partial(self._taken, session, submit))
        if passage in LOST:
            world.agenda.after(world.delay(), partial(self.cut, session))
        self.worker.loop.call_later(RESPONSE_S, self._give_up, submit)
        return True

    def _taken(self, session: Session, submit: Submit) -> None:
        world = self.worker.world
        outcome = self._provider.take(submit)
        late_s = 0.0
        if world.chance.random() < world.weather.silent:
            late_s = world.chance.choice((1.0, RESPONSE_S, 3 * RESPONSE_S)) * world.chance.uniform(0.5, 1.5)
            world.troubles += 1
        world.agenda.after(
            late_s, lambda: session.to_worker(partial(self._answered, session, submit, outcome))
        )

    def _answered(self, session: Session, submit: Submit, outcome: Outcome) -> None:
        if session is not self.session:
            return
        if submit in self.open:
            self.open.remove(submit)
            self.worker.dispatcher.attempt_ended(self, submit.ref, outcome)
        elif submit in self.given_up:
            self.given_up.remove(submit)
            self.worker.dispatcher.answered_late(self, submit.ref, outcome)

    def _give_up(self, submit: Submit) -> None:
        if submit in self.open:
            self.open.remove(submit)
            self.given_up.append(submit)
            self._in_doubt(submit, Doubt("response timeout"))

    def _in_doubt(self, submit: Submit, outcome: Outcome) -> None:
        if submit.fate == "open":
            submit.fate = "lost" if isinstance(outcome, Doubt) else "refused"
        self.worker.dispatcher.attempt_ended(self, submit.ref, outcome)

    # For inbound

    def answer(self, session: Session, owed: Owed, attempt: int, safe: bool) -> None:
        """The worker's answer to an MO or receipt."""
        world = self.worker.world
        if not self.worker.alive or not session.live:
            return
        world.audit.answers(owed, safe)
        heard = partial(self._provider.heard, owed, attempt, safe)
        passage = world.step(self.worker, "smsc", "answers", owed.word, "OK" if safe else "later")
        if passage is Passage.DIES_BEFORE:
            return
        if passage is not Passage.NEVER:
            session.to_smsc(heard)
        if passage in LOST:
            world.agenda.after(world.delay(), partial(self.cut, session))

    # The bind itself

    def up(self) -> None:
        """Bound again."""
        if self.session is None and self.worker.alive and not self.worker.leaving:
            self.session = Session(self)
            self.active = True
            self.worker.dispatcher.link_changed(self)

    def cut(self, session: Session | None) -> None:
        """The connection is lost; the worker notices a little later, and binds again after a while."""
        if session is None or not session.live:
            return
        world = self.worker.world
        world.note(self.worker.name, f"loses {self.name}")
        session.live = session.reaches = False
        self._provider.lost(session)
        world.agenda.after(world.delay(), lambda: self.worker.do(partial(self._lost, session)))

    def die(self) -> None:
        """The worker is no more: what it has sent arrives, and then the SMSC notices."""
        session, self.session = self.session, None
        if session is not None and session.live:
            session.live = False
            session.to_smsc(partial(self._provider.lost, session))

    def _lost(self, session: Session) -> None:
        if session is not self.session:
            return
        world = self.worker.world
        self.session = None
        self.active = False
        self.given_up.clear()
        lost, self.open = self.open, []
        for submit in lost:
            unwritten = submit.fate == "open" and world.chance.random() < 0.2
            self._in_doubt(submit, NotSent("never written") if unwritten else Doubt("link lost"))
        self.worker.dispatcher.link_changed(self)
        rebind_s = REBIND_S * world.chance.uniform(0.2, 1.2)
        world.agenda.after(rebind_s, lambda: self.worker.do(self.up))
