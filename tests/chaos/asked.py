"""What a run is asked for. How that is said on the command line, `usage.py` knows."""

from dataclasses import dataclass

from tests.chaos.fault import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """A run is over when it has reached all of these; None: that is no goal."""

    minutes: float | None = None
    messages: int | None = None
    """MTs that RabbitMQ confirmed."""
    strikes: int | None = None
    """Faults that were played."""

    def reached(self, minutes: float, messages: int, strikes: int) -> float:
        """How much of the goal that is farthest away, from 0 to 1."""
        pairs = (self.minutes, minutes), (self.messages, messages), (self.strikes, strikes)
        return min((min(1.0, done / goal) for goal, done in pairs if goal is not None), default=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One run. `faults`: those it draws from; `cluster`: nodes of RabbitMQ; `rate`: MTs a second at most.

    `backlog`: while so many MTs are under way, no more are published. `mo_share`: MOs for each MT. `http_share`: of
    MTs and MOs, so many go over HTTP. `spare`: the first
    worker is never ended, so that its memory can be watched.
    """

    goals: Goals
    seed: int
    faults: tuple[Fault, ...]
    workers: int
    rate: float
    backlog: int
    mo_share: float
    http_share: float
    cluster: int
    replica: bool
    spare: bool

    @property
    def command(self) -> str:
        """How to have the same faults again."""
        goals = self.goals
        parts = [
            f"python -m tests.chaos --seed {self.seed}",
            f"--minutes {goals.minutes:g}" if goals.minutes is not None else "",
            f"--messages {goals.messages}" if goals.messages is not None else "",
            f"--faults {goals.strikes}" if goals.strikes is not None else "",
            f"--workers {self.workers} --rate {self.rate:g} --backlog {self.backlog}",
            f"--mo-share {self.mo_share:g} --http-share {self.http_share:g}",
            f"--only {','.join(fault.name for fault in self.faults)}",
            f"--cluster {self.cluster}" if self.cluster > 1 else "",
            "--replica" if self.replica else "",
            "--spare" if self.spare else "",
        ]
        return " ".join(filter(None, parts))
