"""Misbehaviours that come back with every nth submit_sm. This is their count, not their doing."""

from bridge.simulator.behaviour import Behaviour, Plan


class EveryNth(Behaviour):
    """Acts on every nth submit_sm of the SMSCs it serves; `every` 1: on each."""

    def __init__(self, every: int = 1) -> None:
        if every < 1:
            raise ValueError("every: must be at least 1")
        self._every = every
        self._count = 0

    def on_submit(self, plan: Plan) -> None:
        """Counts, and acts when it is time."""
        self._count += 1
        if self._count % self._every == 0:
            self.act(plan)

    def act(self, plan: Plan) -> None:
        """What is done to the nth."""
        raise NotImplementedError
