"""For long runs: `python -m tests.model_run --seeds 0-100000`. Ends with the first breach, and tells its story.

A seed that broke a promise is lived again with `--seeds N`; `--deaths` kills one worker at each step of each story, the
only trouble there is, before and after what crosses.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.model_run.story import Breach, Size, judge, judge_deaths

REPORT_S = 10.0
AT_ONCE = 50
"""Seeds that a process is given together."""


def main() -> int:
    """0: all promises kept; 1: a breach."""
    parser = argparse.ArgumentParser(prog="python -m tests.model_run", description=__doc__)
    parser.add_argument("--seeds", default="0-1000", help="one, or first-last (default: 0-1000)")
    parser.add_argument("--steps", type=int, default=1, metavar="N", help="N times as much in each story")
    parser.add_argument("--processes", type=int, default=1, help="that live stories side by side")
    parser.add_argument("--deaths", action="store_true", help="kill a worker at each step instead")
    asked = parser.parse_args()
    first, _, last = asked.seeds.partition("-")
    times = asked.steps
    size = Size(mts=6 * times, mos=3 * times, seconds=20.0 * times)
    return _search(range(int(first), int(last or first) + 1), size, asked.processes, asked.deaths)


def _search(seeds: range, size: Size, processes: int, deaths: bool) -> int:
    began = reported = time.monotonic()
    some = [seeds[place : place + AT_ONCE] for place in range(0, len(seeds), AT_ONCE)]
    with ProcessPoolExecutor(processes) as pool:
        for number, breach in enumerate(pool.map(partial(_first_breach, size, deaths), some), 1):
            if breach is not None:
                pool.shutdown(wait=False, cancel_futures=True)
                _tell(breach)
                return 1
            if (now := time.monotonic()) - reported >= REPORT_S:
                reported = now
                print(f"{now - began:6.0f} s  {min(number * AT_ONCE, len(seeds))} stories", flush=True)
    print(f"{len(seeds)} stories in {time.monotonic() - began:.0f} s, all promises kept")
    return 0


def _first_breach(size: Size, deaths: bool, seeds: range) -> Breach | None:
    return next(_breaches(size, deaths, seeds), None)


def _breaches(size: Size, deaths: bool, seeds: range) -> Iterator[Breach]:
    for seed in seeds:
        breach = judge_deaths(seed, size) if deaths else judge(seed, size)
        if breach is not None:
            yield breach


def _tell(breach: Breach) -> None:
    print("\n".join(breach.story))
    print(breach.what)
    print(f"seed {breach.seed}{f', {breach.death}' if breach.death else ''}")


if __name__ == "__main__":
    sys.exit(main())
