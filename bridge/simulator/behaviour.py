"""How a simulated SMSC may be told to misbehave: the hooks, and the plan for one submit_sm that they change.

The misbehaviours themselves are in `faults/`. An SMSC without behaviours is a good one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.model.inbound import Concat
from bridge.simulator.records import Way

if TYPE_CHECKING:
    from bridge.simulator.session import SmscSession
    from bridge.smpp.pdus import SubmitSm

DELIVERED = "DELIVRD"


@dataclass(slots=True)
class Plan:
    """What is going to be done about one submit_sm. Behaviours change it, one after another, before it is done.

    `session`, `sequence_number` and `pdu` say who asked what, `segment` which one of a long message. `number` is the
    message id as a number, `answer_id` and `receipt_id` how it is spelt in submit_sm_resp and in receipts. `status` is
    ESME_ROK, or why it is refused, or None: no answer at all. `then` is done to the link last, when all else has been
    done.
    """

    session: "SmscSession"
    sequence_number: int
    pdu: "SubmitSm"
    segment: Concat | None
    number: int
    answer_id: str
    receipt_id: str
    receipt_delay_s: float
    taken: bool = True
    status: int | None = 0
    answer_delay_s: float = 0.0
    receipt_first: bool = False
    receipt_copies: int = 1
    receipt_gap_s: float = 0.0
    state: str = DELIVERED
    error: str = "000"
    way: Way = Way.SAME
    then: "list[Callable[[SmscSession], None]]" = field(default_factory=list)

    def refuse(self, status: int) -> None:
        """Not taken, answered with this status."""
        self.taken = False
        self.status = status

    def hush(self, *, taken: bool) -> None:
        """No answer, ever. Whether it was taken is known to the provider alone."""
        self.taken = self.taken and taken
        self.status = None


class Behaviour:
    """One way to misbehave. Subclasses override the hooks they need; an instance may serve one SMSC or several.

    `patience_s` set: a deliver_sm without an answer is sent again after so long. `answers_enquire_link` False: it
    does not.
    """

    patience_s: float | None = None
    answers_enquire_link = True

    def on_connect(self, session: "SmscSession") -> None:
        """A TCP connection was made."""

    def on_bind(self, session: "SmscSession") -> int | None:
        """A bind with the right credentials came in. A status refuses it."""
        raise NotImplementedError

    def on_submit(self, plan: Plan) -> None:
        """A submit_sm came in on a bind that may transmit: change the plan for it."""

    def write(self, session: "SmscSession", data: bytes, onward: Callable[[bytes], None]) -> None:
        """Everything of one loop turn is about to be written: hand it onward, whole or in pieces, now or later."""
        raise NotImplementedError


class Hooks:
    """The behaviours of one SMSC by what they override: a hook that nobody uses costs nothing."""

    __slots__ = ("answers_enquire_link", "on_bind", "on_connect", "on_submit", "patience_s", "write")

    def __init__(self, behaviours: Iterable[Behaviour]) -> None:
        everyone = tuple(behaviours)
        self.answers_enquire_link = all(b.answers_enquire_link for b in everyone)
        self.on_connect = [b.on_connect for b in everyone if _overrides(b, "on_connect")]
        self.on_bind = [b.on_bind for b in everyone if _overrides(b, "on_bind")]
        self.on_submit = [b.on_submit for b in everyone if _overrides(b, "on_submit")]
        self.write = [b.write for b in everyone if _overrides(b, "write")]
        self.patience_s = min((b.patience_s for b in everyone if b.patience_s is not None), default=None)


def _overrides(behaviour: Behaviour, hook: str) -> bool:
    return getattr(type(behaviour), hook) is not getattr(Behaviour, hook)
