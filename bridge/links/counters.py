"""What a link counts: plain integers, incremented on the hot path and read by `ops`."""

from collections import Counter
from dataclasses import dataclass, field

from bridge.model.outcome import Outcome

KINDS = ("Accepted", "Rejected", "RetryLater", "Throttled", "NotSent", "Doubt")


@dataclass(slots=True)
class LinkCounters:
    """One link since start. The field names are the metrics' names."""

    submitted: int = field(default=0, metadata={"help": "submit_sm, or requests, handed over"})
    outcomes: Counter[str] = field(
        default_factory=lambda: Counter(dict.fromkeys(KINDS, 0)),
        metadata={"help": "Attempts by how they ended", "label": "outcome"},
    )
    late_answers: int = field(default=0, metadata={"help": "Answers after the attempt had ended in doubt"})
    strange_answers: int = field(default=0, metadata={"help": "Answers to nothing that was asked"})
    received: int = field(default=0, metadata={"help": "deliver_sm and data_sm received"})
    put_off: int = field(default=0, metadata={"help": "deliver_sm answered busy, to come again"})
    bad_pdus: int = field(default=0, metadata={"help": "PDUs that could not be read"})
    binds: int = field(default=0, metadata={"help": "Successful binds"})
    failed_attempts: int = field(default=0, metadata={"help": "Connects, binds and requests that failed"})

    def ended(self, outcome: Outcome) -> None:
        """Count an attempt's end."""
        self.outcomes[outcome.__class__.__name__] += 1
