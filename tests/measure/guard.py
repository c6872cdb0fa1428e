"""Has a message become dearer? CPU a life, as a ratio to the bare loop of the same run, beside the last accepted one.

    python -m tests.measure.guard            prints it; never fails for it: these ratios differ by a tenth or two
    python -m tests.measure.guard --accept   makes what was found the accepted one, to be committed with its reason

A run of its own of `bridge bench`, short, over SMPP, without latencies. What was tried and found is in LOG.md.
"""

import argparse
import datetime as dt
import json
from pathlib import Path
from typing import Any

import uvloop

from bridge.ops import logs
from bridge.proof.bench import FAILURES, Plan, Told, bench
from bridge.proof.bench_report import PARTS, Report, summary

ACCEPTED = Path(__file__).with_name("accepted.json")
TELLING = 0.25
"""So much more is said aloud."""


def found(report: Report) -> dict[str, Any]:
    """What is compared: the ratio to the bare loop, and for people the microseconds and this machine's rate."""
    mts = summary(report)["mt"]
    return {
        "ratio": mts["ratio"]["cpu_us"],
        "us": mts["bridge"]["cpu_us"],
        "lives_per_s": mts["bridge"]["per_s"],
        "bare_per_s": mts["bare"]["per_s"],
    }


def lines(now: dict[str, Any], accepted: dict[str, Any]) -> list[str]:
    """What is printed: a line for each who spends CPU."""
    said = [f"CPU of a life, as a ratio to the bare loop (accepted {accepted['on']}):"]
    for part in PARTS:
        new, old = now["ratio"][part], accepted["ratio"][part]
        if new is None or not old:
            continue
        change = new / old - 1
        louder = "  <- dearer: see tests/measure/LOG.md" if change > TELLING else ""
        said.append(f"  {part:<7} {new:6.2f}  accepted {old:6.2f}  {change:+4.0%}{louder}")
    return said


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(prog="python -m tests.measure.guard", description=__doc__)
    parser.add_argument("--accept", action="store_true", help="make this the accepted figure")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each round")
    parser.add_argument("--pairs", type=int, default=2, help="rounds of each")
    options = parser.parse_args()
    logs.configure("console", "critical")
    plan = Plan(
        seconds=options.seconds,
        pairs=options.pairs,
        latencies=False,
    )
    try:
        report = uvloop.run(bench(plan, Told(lambda _: None, lambda _: None, lambda _: None)))
    except FAILURES as error:
        raise SystemExit(str(error)) from None
    now = found(report)
    print("\n".join(lines(now, json.loads(ACCEPTED.read_text()))), flush=True)
    if not report.findings.clean:
        raise SystemExit(f"something was lost, doubled or wrong: {report.findings.example}")
    if options.accept:
        ACCEPTED.write_text(json.dumps({"on": f"{dt.datetime.now(dt.UTC):%F}", **now}, indent=1) + "\n")


if __name__ == "__main__":
    main()
