"""For hours: `python -m tests.fuzz --minutes 60`. Ends with the first breach, and says how to see it again."""

import argparse
import faulthandler
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from random import Random, SystemRandom

from tests.fuzz.targets import TARGETS

REPORT_S = 10.0
LONGEST_S = 30
"""An input that takes longer is a breach too: it is shown where it hangs, and the run ends."""


def main() -> int:
    """0: nothing found; 1: a breach."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to go on (default: 1)")
    parser.add_argument(
        "--target", choices=TARGETS, action="append", help="only this one (default: all in turn)"
    )
    parser.add_argument(
        "--seed", type=int, default=SystemRandom().randrange(1 << 32), help="for the same inputs again"
    )
    parser.add_argument("--input", metavar="HEX", help="run this one input of the target and nothing else")
    parser.add_argument("--way", help="for --input: how the target is set up")
    asked = parser.parse_args()
    names = asked.target or list(TARGETS)
    if asked.input is not None:
        target = TARGETS[names[0]]
        print(target.run(bytes.fromhex(asked.input), asked.way or target.ways[0]), "read")
        return 0
    return _search(names, asked.minutes * 60, asked.seed)


def _search(names: Sequence[str], seconds: float, seed: int) -> int:
    print(f"seed {seed}, targets {', '.join(names)}", flush=True)
    random, inputs, read = Random(seed), 0, Counter[str]()
    began = reported = time.monotonic()
    while (now := time.monotonic()) - began < seconds:
        name = names[inputs % len(names)]
        way = random.choice(TARGETS[name].ways)
        octets = TARGETS[name].make(random, way)
        again = f"python -m tests.fuzz --target {name} --way '{way}' --input {octets.hex()}"
        faulthandler.dump_traceback_later(LONGEST_S, exit=True)
        try:
            read[name] += TARGETS[name].run(octets, way)
        except Exception:  # noqa: BLE001  whatever it is, it is what is looked for
            traceback.print_exc()
            print(f"\n{again}")
            return 1
        inputs += 1
        if now - reported >= REPORT_S:
            reported = now
            print(f"{now - began:6.0f} s  {inputs} inputs, read: {dict(read)}", flush=True)
    faulthandler.cancel_dump_traceback_later()
    print(f"{inputs} inputs, read: {dict(read)}; nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
