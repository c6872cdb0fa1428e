"""`python -m tests.chaos`: progress goes to standard error, the table (or JSON) to standard output."""

import asyncio
import json
import logging
import signal
import sys
import time
from random import Random
from typing import Any

import uvloop

from tests.chaos import catalogue, telling
from tests.chaos.application import is_lost
from tests.chaos.asked import Asked
from tests.chaos.report import Verdict
from tests.chaos.run import Run
from tests.chaos.usage import read
from tests.chaos.world import raised


def main() -> int:
    """0: all promises kept; 1: not."""
    wanted = read()
    if wanted.listing:
        print(catalogue.described())
        return 0
    print(f"seed {wanted.run.seed}: {wanted.run.command}", file=sys.stderr, flush=True)
    for library in ("aio_pika", "aiormq"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # that connections break is no news here
    found = uvloop.run(_play(wanted.run))
    if wanted.as_json:
        print(json.dumps({"seed": wanted.run.seed, **telling.as_json(found)}))
    else:
        print("\n".join([*telling.table(found), "", *telling.sentences(found)]))
    if not found.passed:
        print(f"again: {wanted.run.command}", file=sys.stderr)
    return 0 if found.passed else 1


async def _play(asked: Asked) -> Verdict:
    began = time.monotonic()

    def say(text: str) -> None:
        clock = time.strftime("%H:%M:%SZ", time.gmtime())
        print(f"{clock} {time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True)

    chance = Random(asked.seed)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_report)
    async with raised(asked, chance) as world:
        run = Run(asked, world, chance, say)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, _stop, run, number)
        found = await run.play()
        if not found.passed:
            say(f"the logs of all processes are kept in {world.keep_logs()}")
        return found


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What went wrong in a task that nobody asks; that a connection was lost under it is no news here."""
    if not is_lost(context.get("exception")):
        loop.default_exception_handler(context)


def _stop(run: Run, number: signal.Signals) -> None:
    """The first time in an orderly way, the second time at once."""
    run.stop()
    asyncio.get_running_loop().remove_signal_handler(number)


if __name__ == "__main__":
    sys.exit(main())
