"""Does a message cost the same in every setting? CPU a life in each, as a ratio to the ordinary one measured beside it.

    python -m tests.measure.flat [--only segments] [--rounds 3] [--remembered 5000000]

Each setting is measured between two runs of the ordinary one, and the order turns round with every round, so that a
noise of the machine hits all. How far the ordinary one is from itself, in the first line, tells how much of a
difference means nothing. 1.00 is flat; the goal is 0.9 to 1.1. Nothing fails for being dearer.
"""

import argparse
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from statistics import mean, median

import uvloop

from bridge.ops import logs
from bridge.proof.bench import FAILURES, FEWEST, Told, filled, opened
from bridge.proof.bench_bare import WINDOW
from bridge.proof.bench_report import PARTS, Subject, cpu_of
from bridge.proof.bench_rounds import peak
from bridge.proof.bench_setting import Setting
from bridge.proof.bench_stage import bench_servers
from bridge.proof.ensure import Servers

Cost = Mapping[str, float | None]
"""Microseconds of CPU by who had them; None where that cannot be seen."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured. `remembered`: finished MTs in Redis."""

    name: str
    setting: Setting = field(default_factory=Setting)
    remembered: int = 0
    subject: Subject = "bridge"


ORDINARY = Case("the ordinary one, beside itself")


def cases(remembered: int) -> list[Case]:
    """All but the ordinary one."""
    return [
        Case("16 binds", Setting(binds=16, window=4 * WINDOW)),
        Case("64 binds", Setting(binds=64, window=16 * WINDOW)),
        Case("64 binds, of one window", Setting(binds=64)),
        Case("8 routes", Setting(routes=8)),
        Case("10 segments, each", Setting(segments=10)),
        Case(f"{remembered:,} remembered", remembered=remembered),
        Case("2 workers", Setting(workers=2)),
        Case("the bare loop", subject="bare"),
    ]


def over(cost: Cost, *beside: Cost) -> Cost:
    """The ratio of a cost to the mean of those beside it."""
    return {part: _over(cost[part], [one[part] for one in beside]) for part in PARTS}


def _over(cost: float | None, beside: Sequence[float | None]) -> float | None:
    known = [one for one in beside if one]
    return cost / mean(known) if cost is not None and len(known) == len(beside) else None


def line(name: str, ratios: Sequence[Cost]) -> str:
    """A line of the table: the median of the rounds, and between which they lie."""
    told = f"{name:<32}"
    for part in PARTS:
        known = [one[part] for one in ratios]
        values = [value for value in known if value is not None]
        told += (
            f"{median(values):>6.2f} ({min(values):.2f}-{max(values):.2f})  "
            if values
            else f"{'unknown':>21}"
        )
    return told.rstrip()


async def cost_of(case: Case, servers: Servers, lives: int, told: Told) -> Cost:
    """What a life costs there, or a segment of one, of which there are so many.

    Raises what the bench raises; exits if anything was lost.
    """
    async with AsyncExitStack() as stack:
        course = await stack.enter_async_context(opened(servers, case.setting, told))
        warm = await peak(course, case.subject, "mt", FEWEST)
        if case.remembered:
            await stack.enter_async_context(filled(course, case.remembered, told))
        measured = await peak(course, case.subject, "mt", lives // case.setting.segments)
        findings = warm.findings + measured.findings
        if not findings.clean:
            raise SystemExit(f"{case.name}: lost, doubled or wrong: {findings.example}")
        return {part: cpu_of(part, case.setting.segments)(measured) for part in PARTS}


async def measure(chosen: Sequence[Case], rounds: int, lives: int) -> None:
    """Print what is found, round after round, and the table at the end."""
    told = Told(lambda _: None, lambda _: None, lambda _: None)
    found: dict[str, list[Cost]] = {case.name: [] for case in (ORDINARY, *chosen)}
    async with bench_servers(None, None, print) as private:
        # As if they were somebody's: each case has names of its own, and all of it is removed.
        servers = replace(private, rabbit=None, redis=None)
        before = await cost_of(ORDINARY, servers, lives, told)
        for number in range(rounds):
            for case in chosen if number % 2 == 0 else reversed(chosen):
                cost = await cost_of(case, servers, lives, told)
                after = await cost_of(ORDINARY, servers, lives, told)
                found[case.name].append(over(cost, before, after))
                found[ORDINARY.name].append(over(after, before))
                print(line(case.name, found[case.name][-1:]), flush=True)
                before = after
    print("\nCPU a life, as a ratio to the ordinary setting (4 binds, 1 route, 1 segment, 1 worker):")
    print(f"{'':<32}{'    '.join(f'{part:<17}' for part in PARTS)}".rstrip())
    for name, ratios in found.items():
        print(line(name, ratios))


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(prog="python -m tests.measure.flat", description=__doc__)
    parser.add_argument(
        "--lives", type=int, default=5000, help="of each run: segments, where they are counted"
    )
    parser.add_argument("--rounds", type=int, default=2, help="over all settings")
    parser.add_argument("--remembered", type=int, default=1_000_000, help="finished MTs in Redis")
    parser.add_argument("--only", default="", help="settings with this word in their name")
    options = parser.parse_args()
    logs.configure("console", "critical")
    chosen = [case for case in cases(options.remembered) if options.only in case.name]
    try:
        uvloop.run(measure(chosen, options.rounds, options.lives))
    except FAILURES as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
