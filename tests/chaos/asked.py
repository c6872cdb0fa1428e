"""What a run is asked for. How that is said on the command line, `usage.py` knows."""

from dataclasses import dataclass

from tests.chaos.fault import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One run. `faults`: those it draws from; `cluster`: nodes of RabbitMQ; `rate`: MTs a second."""

    minutes: float
    seed: int
    faults: tuple[Fault, ...]
    workers: int
    rate: float
    cluster: int
    replica: bool

    @property
    def command(self) -> str:
        """How to have the same faults again."""
        parts = [
            "python -m tests.chaos",
            f"--seed {self.seed} --minutes {self.minutes:g} --workers {self.workers} --rate {self.rate:g}",
            f"--only {','.join(fault.name for fault in self.faults)}",
            f"--cluster {self.cluster}" if self.cluster > 1 else "",
            "--replica" if self.replica else "",
        ]
        return " ".join(filter(None, parts))
