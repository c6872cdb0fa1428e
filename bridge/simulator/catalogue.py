"""The misbehaviours of SMSCs by name; `naming.py` has the grammar."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from bridge.simulator.behaviour import Behaviour
from bridge.simulator.faults import answers, links, receipts, segments
from bridge.simulator.naming import NamedFault, UnknownFault

__all__ = ["FAULTS", "Fault", "UnknownFault", "describe_faults"]

FAULTS: Mapping[str, type[Behaviour]] = {
    "slow": answers.Slow,
    "late": answers.Late,
    "silent-on-submit": answers.SilentOnSubmit,
    "silent-on-enquire": links.SilentOnEnquire,
    "throttle": answers.Throttle,
    "queue-full": answers.QueueFull,
    "reject": answers.Reject,
    "segment-refused": segments.SegmentRefused,
    "segment-silent": segments.SegmentSilent,
    "drop": links.Drop,
    "unbind": links.Unbind,
    "refuse-bind": links.RefuseBind,
    "black-hole": links.BlackHole,
    "garbage": links.Garbage,
    "split-writes": links.SplitWrites,
    "merge-writes": links.MergeWrites,
    "receipts-first": receipts.ReceiptsFirst,
    "receipts-twice": receipts.ReceiptsTwice,
    "receipts-elsewhere": receipts.ReceiptsElsewhere,
    "hex-ids": receipts.HexIds,
    "undelivered": receipts.Undelivered,
    "impatient": receipts.Impatient,
}


@dataclass(frozen=True, slots=True)
class Fault(NamedFault[Behaviour]):
    """A fault of SMSCs as written."""

    KINDS: ClassVar[Mapping[str, type[Behaviour]]] = FAULTS


def describe_faults() -> str:
    """One paragraph per fault for the help: name, parameters with their defaults, what it does."""
    return Fault.describe()
