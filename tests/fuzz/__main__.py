"""For hours: `python -m tests.fuzz --minutes 60`. Ends with the first breach, and says how to see it again."""

import argparse
import sys
import time
import traceback
from random import Random, SystemRandom

from tests.fuzz.inputs import seeds, stream
from tests.fuzz.target import ACCOUNTS, run

REPORT_S = 10.0


def main() -> int:
    """0: nothing found; 1: a breach."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to go on (default: 1)")
    parser.add_argument(
        "--seed", type=int, default=SystemRandom().randrange(1 << 32), help="for the same inputs again"
    )
    parser.add_argument("--input", metavar="HEX", help="run this one stream and nothing else")
    parser.add_argument(
        "--account", choices=sorted(ACCOUNTS), default=next(iter(ACCOUNTS)), help="for --input"
    )
    asked = parser.parse_args()
    if asked.input:
        print(f"{run(bytes.fromhex(asked.input), asked.account)} messages")
        return 0
    return _search(asked.minutes * 60, asked.seed)


def _search(seconds: float, seed: int) -> int:
    print(f"seed {seed}, {len(ACCOUNTS)} kinds of account", flush=True)
    random, pdus, accounts = Random(seed), seeds(), list(ACCOUNTS)
    began = reported = time.monotonic()
    inputs = messages = 0
    while (now := time.monotonic()) - began < seconds:
        octets, account = stream(random, pdus), random.choice(accounts)
        try:
            messages += run(octets, account)
        except Exception:  # noqa: BLE001  whatever it is, it is what is looked for
            traceback.print_exc()
            print(f"\npython -m tests.fuzz --account {account} --input {octets.hex()}")
            return 1
        inputs += 1
        if now - reported >= REPORT_S:
            reported = now
            print(f"{now - began:6.0f} s  {inputs} streams  {messages} messages", flush=True)
    print(f"{inputs} streams, {messages} messages read, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
