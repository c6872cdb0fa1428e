"""Misbehaviours that meet one segment of long messages only, so that a message is taken in part."""

from bridge.simulator.behaviour import Behaviour, Plan
from bridge.smpp import consts


class NthSegment(Behaviour):
    """Acts on segment `n` of long messages: of the first `times` that come, 0: of all."""

    def __init__(self, n: int = 2, times: int = 0) -> None:
        if n < 1:
            raise ValueError("n: must be at least 1")
        self._n = n
        self._times = times
        self._done = 0

    def on_submit(self, plan: Plan) -> None:
        """Acts when it is this one."""
        if plan.segment is None or plan.segment.seq != self._n or 0 < self._times <= self._done:
            return
        self._done += 1
        self.act(plan)

    def act(self, plan: Plan) -> None:
        """What is done to the segment."""
        raise NotImplementedError


class SegmentRefused(NthSegment):
    """Refuses segment `n` of long messages with `status`, of the first `times` of them (0: of all)."""

    def __init__(self, n: int = 2, status: int = consts.ESME_RSUBMITFAIL, times: int = 0) -> None:
        super().__init__(n, times)
        self._status = status

    def act(self, plan: Plan) -> None:
        """Refused, and not taken."""
        plan.refuse(self._status)


class SegmentSilent(NthSegment):
    """Never answers segment `n` of long messages. Takes it all the same, unless `taken` is no."""

    def __init__(self, n: int = 2, times: int = 0, taken: bool = True) -> None:
        super().__init__(n, times)
        self._taken = taken

    def act(self, plan: Plan) -> None:
        """No answer."""
        plan.hush(taken=self._taken)
