"""A provider: what its SMSCs took, and the MOs and receipts that it owes until each is answered OK.

It may refuse, keep silent, answer late, repeat; it forgets nothing that was not answered OK. Not responsible for the
binds it is reached by (`bind`).
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from bridge.inbound.receive import _key
from bridge.model.inbound import Dr, Inbound
from bridge.model.outcome import Accepted, Outcome, Rejected, RetryLater, Throttled
from bridge.outbound.flight import Flight, SegmentRef
from tests.inbound.messages import dr

if TYPE_CHECKING:
    from tests.model_run.bind import Bind, Session
    from tests.model_run.world import World

REPEAT_S = 15.0
"""An MO or receipt that was neither answered nor its bind lost is sent again."""


@dataclass(eq=False, slots=True)
class Submit:
    """What was written to a provider: an MT, or one segment of a copy of it. Lost: nobody knows what became of it."""

    ref: Flight | SegmentRef
    provider: str
    fate: Literal["open", "taken", "refused", "lost"] = "open"
    smsc_id: str = ""

    @property
    def flight(self) -> Flight:
        return self.ref if isinstance(self.ref, Flight) else self.ref.flight

    @property
    def number(self) -> int:
        return 1 if isinstance(self.ref, Flight) else self.ref.number

    @property
    def of(self) -> int:
        return 1 if isinstance(self.ref, Flight) else self.ref.count

    @property
    def copy(self) -> Hashable:
        """Which a phone can tell apart."""
        return id(self) if isinstance(self.ref, Flight) else (self.provider, self.ref.reference)

    def __str__(self) -> str:
        return f"{self.flight.mt_key} {self.number}/{self.of} {self.smsc_id}"


@dataclass(eq=False, slots=True)
class Owed:
    """An MO, a segment of one, or a receipt.

    `word`: what nothing else says. `arrivals`: when it came and when it was answered OK, by Redis's clock.
    """

    inbound: Inbound
    word: str
    key: bytes
    submit: Submit | None = None
    arrivals: list[float] = field(default_factory=list)
    attempt: int = 0
    done: bool = False
    session: "Session | None" = None


class Provider:
    """One account."""

    def __init__(self, world: "World", name: str) -> None:
        self._world = world
        self.name = name
        self.owed: list[Owed] = []
        self.taken: list[Submit] = []
        self._numbers = count(1)

    # MTs

    def take(self, submit: Submit) -> Outcome:
        """A submit arrives: what it is answered."""
        weather, at = self._world.weather, self._world.chance.random()
        answers: tuple[tuple[float, Outcome], ...] = (
            (weather.rejects, Rejected(0x0B, "bad number")),
            (weather.throttles, Throttled(0x58, "too fast")),
            (weather.busy, RetryLater(0x14, "queue full")),
        )
        for likely, answer in answers:
            if at < likely:
                submit.fate = "refused"
                self._world.note(self.name, f"refuses {submit}: {answer}")
                return answer
            at -= likely
        submit.fate = "taken"
        submit.smsc_id = f"{self.name}x{next(self._numbers)}z"
        self.taken.append(submit)
        self._world.note(self.name, f"takes {submit}")
        self._plan_receipts(submit)
        return Accepted(submit.smsc_id)

    def _plan_receipts(self, submit: Submit) -> None:
        chance, after = self._world.chance, self._world.agenda.after
        due = chance.choice((0.001, 0.02, 1.0, 4.0)) * chance.uniform(0.5, 1.5)
        states: list[Any] = ["enroute"] if chance.random() < 0.3 else []
        states.append("delivered" if chance.random() < 0.8 else "undeliverable")
        for state in states:
            after(due, partial(self._receipt, submit, state))
            due += chance.uniform(0.001, 2.0)

    def _receipt(self, submit: Submit, state: Any) -> None:
        self.owe(dr(submit.smsc_id, state=state), f"{submit.smsc_id} {state}", submit)

    # What it owes

    def owe(self, inbound: Inbound, word: str, submit: Submit | None = None) -> None:
        owed = Owed(inbound, word, _key(self.name, inbound), submit)
        self.owed.append(owed)
        self._offer(owed)

    def _offer(self, owed: Owed) -> None:
        """On any bind, of any worker."""
        binds = [bind for bind in self._world.binds(self.name) if bind.session is not None]
        if not binds:
            self._world.agenda.after(1.0, partial(self._offer, owed))
            return
        bind = self._world.chance.choice(binds)
        assert bind.session is not None
        owed.session = bind.session
        owed.attempt += 1
        bind.session.to_worker(partial(self._arrives, owed, bind, bind.session))
        self._world.agenda.after(REPEAT_S, partial(self._still_open, owed, owed.attempt))

    def _arrives(self, owed: Owed, bind: "Bind", session: "Session") -> None:
        owed.arrivals.append(self._world.redis_now)
        self._world.note(bind.worker.name, f"gets {owed.word}")
        bind.worker.receiver.received(bind, owed.inbound, partial(bind.answer, session, owed, owed.attempt))

    def heard(self, owed: Owed, attempt: int, safe: bool) -> None:
        """The worker's answer arrives."""
        chance, after = self._world.chance, self._world.agenda.after
        if safe:
            owed.done = True
            if chance.random() < self._world.weather.repeats:
                after(chance.uniform(0.001, 4.0), partial(self._offer, owed))
        elif attempt == owed.attempt and not owed.done:
            owed.session = None
            after(chance.uniform(0.3, 2.0), partial(self._offer, owed))

    def _still_open(self, owed: Owed, attempt: int) -> None:
        if not owed.done and owed.attempt == attempt and owed.session is not None:
            self._offer(owed)

    def lost(self, session: "Session") -> None:
        """A bind is gone, and with it all answers on it."""
        for owed in self.owed:
            if owed.session is session and not owed.done:
                owed.session = None
                self._world.agenda.after(self._world.chance.uniform(0.05, 1.0), partial(self._offer, owed))

    @property
    def idle(self) -> bool:
        return all(owed.done for owed in self.owed)


def is_final(owed: Owed) -> bool:
    return isinstance(owed.inbound, Dr) and owed.inbound.final
