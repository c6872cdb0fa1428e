"""The faults by name: which there are, which can be played, which were asked for."""

from collections.abc import Mapping
from inspect import getdoc

from tests.chaos.fault import Fault, Need
from tests.chaos.faults import rabbit, redis, smscs, webs, workers
from tests.chaos.steps import STEPS

FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        workers.Killed(),
        workers.Paused(),
        workers.Rolling(),
        workers.Crashes(),
        workers.ThirtyCrashes(),
        *map(workers.DiesAt, STEPS),
        workers.ClockJumps(),
        rabbit.Killed(),
        rabbit.Hung(),
        rabbit.Alarm(),
        rabbit.ConnectionsClosed(),
        rabbit.QueueDeleted(),
        rabbit.ConfirmsLost(),
        rabbit.Delayed(),
        rabbit.NodeKilled(),
        rabbit.QuorumLost(),
        redis.Killed(),
        redis.Hung(),
        redis.ReadOnly(),
        redis.NoReplicas(),
        redis.Full(),
        redis.RepliesLost(),
        redis.ReplyCut(),
        redis.Emptied(),
        redis.FailedOver(),
        smscs.Cut(),
        smscs.CutInAnswer(),
        smscs.HalfOpen(),
        smscs.HalfClosed(),
        smscs.AnswersLost(),
        smscs.Late(),
        smscs.SiteKilled(),
        smscs.BothAway(),
        webs.Cut(),
        webs.Hung(),
        webs.AnswersLost(),
        webs.ServerErrors(),
        webs.ServerErrorsTaken(),
        webs.Late(),
        webs.Garbage(),
        webs.SiteKilled(),
        webs.BothAway(),
        webs.CallbacksCut(),
        webs.CallbacksUnanswered(),
    )
}


class UnknownFault(ValueError):
    """A fault that there is not, or that cannot be played; the message says which and why."""


def chosen(names: str | None, *, cluster: bool, replica: bool, long: bool = False) -> tuple[Fault, ...]:
    """The faults of a list such as `redis-full,smsc-cut`, each once; without a list all that can be played, and only
    with `long` those that take long. Raises UnknownFault.
    """
    there = {None} | ({Need.CLUSTER} if cluster else set()) | ({Need.REPLICA} if replica else set())
    if names is None:
        return tuple(fault for fault in FAULTS.values() if fault.need in there and (long or not fault.long))
    found: dict[str, Fault] = {}
    for name in names.split(","):
        if name not in FAULTS:
            raise UnknownFault(f"no fault {name!r}; there are: {', '.join(FAULTS)}")
        fault = FAULTS[name]
        if fault.need not in there:
            raise UnknownFault(f"{name} needs {fault.need.value if fault.need else ''}")
        found[name] = fault
    return tuple(found.values())


def described() -> str:
    """A line for each fault: name, what it needs, what it does."""
    width = max(map(len, FAULTS))
    lines = []
    for name, fault in FAULTS.items():
        purpose = (getdoc(fault) or "").partition("\n\n")[0].replace("\n", " ")
        remarks = [fault.need.value] if fault.need else []
        remarks += ["only with --long, or if asked for"] if fault.long else []
        remarks += ["what Redis forgets by it is known, and no failure"] if fault.forgets else []
        lines.append(f"{name:{width}}  {purpose}{_aside(remarks)}")
    return "\n".join(lines)


def _aside(remarks: list[str]) -> str:
    return f" ({', '.join(remarks)})" if remarks else ""
