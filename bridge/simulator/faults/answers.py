"""Misbehaviours in answering submit_sm: late, never, or with a refusal."""

from bridge.simulator.behaviour import Plan
from bridge.simulator.faults.every import EveryNth
from bridge.smpp import consts


class Slow(EveryNth):
    """Takes the message at once and answers `seconds` later. The receipt does not wait for the answer."""

    def __init__(self, seconds: float = 0.5, every: int = 1) -> None:
        super().__init__(every)
        self._seconds = seconds

    def act(self, plan: Plan) -> None:
        """The answer waits."""
        plan.answer_delay_s += self._seconds


class Late(Slow):
    """Answers after the link's response timeout: the ESME has given up, and yet the message was taken."""

    def __init__(self, seconds: float = 35.0, every: int = 10) -> None:
        super().__init__(seconds, every)


class SilentOnSubmit(EveryNth):
    """Never answers. Takes the message all the same, unless `taken` is no."""

    def __init__(self, every: int = 1, taken: bool = True) -> None:
        super().__init__(every)
        self._taken = taken

    def act(self, plan: Plan) -> None:
        """No answer."""
        plan.hush(taken=self._taken)


class Reject(EveryNth):
    """Refuses with `status`: by default the destination address is not to its liking."""

    def __init__(self, every: int = 10, status: int = consts.ESME_RINVDSTADR) -> None:
        super().__init__(every)
        self._status = status

    def act(self, plan: Plan) -> None:
        """Refused, and not taken."""
        plan.refuse(self._status)


class Throttle(Reject):
    """Says ESME_RTHROTTLED: we are too fast."""

    def __init__(self, every: int = 10) -> None:
        super().__init__(every, consts.ESME_RTHROTTLED)


class QueueFull(Reject):
    """Says ESME_RMSGQFUL: later, perhaps."""

    def __init__(self, every: int = 10) -> None:
        super().__init__(every, consts.ESME_RMSGQFUL)
