"""Misbehaviours of receipts: where they come from, when, how often, what they say, how they are pressed on us."""

from bridge.simulator.behaviour import Behaviour, Plan
from bridge.simulator.faults.every import EveryNth
from bridge.simulator.receipts import MESSAGE_STATES
from bridge.simulator.records import Way


class ReceiptsElsewhere(EveryNth):
    """Sends receipts through another bind, node (any site's) or site than the message came by, where there is one."""

    def __init__(self, to: str = "node", every: int = 1) -> None:
        super().__init__(every)
        ways = [way.value for way in Way if way is not Way.SAME]
        if to not in ways:
            raise ValueError(f"to: must be one of {', '.join(ways)}")
        self._way = Way(to)

    def act(self, plan: Plan) -> None:
        """Elsewhere."""
        plan.way = self._way


class ReceiptsFirst(EveryNth):
    """Sends the receipt before submit_sm_resp, which follows `seconds` later (0: in the same write)."""

    def __init__(self, seconds: float = 0.0, every: int = 1) -> None:
        super().__init__(every)
        self._seconds = seconds

    def act(self, plan: Plan) -> None:
        """The receipt overtakes the answer."""
        plan.receipt_first = True
        plan.answer_delay_s += self._seconds


class ReceiptsTwice(EveryNth):
    """Sends each receipt `copies` times, `seconds` apart, as deliver_sm of their own, answered or not."""

    def __init__(self, copies: int = 2, seconds: float = 0.0, every: int = 1) -> None:
        super().__init__(every)
        self._copies = copies
        self._seconds = seconds

    def act(self, plan: Plan) -> None:
        """Once more."""
        plan.receipt_copies = self._copies
        plan.receipt_gap_s = self._seconds


class HexIds(Behaviour):
    """Spells one message id in two ways: hex in receipts and decimal in submit_sm_resp; `where` answer: the reverse."""

    def __init__(self, where: str = "receipt", upper: bool = True) -> None:
        if where not in ("receipt", "answer"):
            raise ValueError("where: must be receipt or answer")
        self._in_receipt = where == "receipt"
        self._form = "X" if upper else "x"

    def on_submit(self, plan: Plan) -> None:
        """The same number in hex."""
        spelt = format(plan.number, self._form)
        if self._in_receipt:
            plan.receipt_id = spelt
        else:
            plan.answer_id = spelt


class Undelivered(EveryNth):
    """Takes the message and fails to deliver it: the receipt says `state` and `error`."""

    def __init__(self, every: int = 10, state: str = "UNDELIV", error: str = "001") -> None:
        super().__init__(every)
        if state not in MESSAGE_STATES:
            raise ValueError(f"state: must be one of {', '.join(MESSAGE_STATES)}")
        self._state = state
        self._error = error

    def act(self, plan: Plan) -> None:
        """Not delivered."""
        plan.state = self._state
        plan.error = self._error


class Impatient(Behaviour):
    """Sends a deliver_sm again, by any bind, when it has had no answer for `seconds`: it wants a quick ESME."""

    def __init__(self, seconds: float = 1.0) -> None:
        self.patience_s = seconds
