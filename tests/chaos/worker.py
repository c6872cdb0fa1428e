"""A worker as the harness starts it: `bridge` itself, whose wall clock can be set wrong, and that may have to die.

    python -m tests.chaos.worker VITALS [--dies-at STEP:PASSAGE] run -c bridge.yaml ...

Nothing of the bridge is changed but what `time.time` says to it, and, in one that is to die, the step at which it does.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from bridge.app import Worker
from bridge.cli import main
from tests.chaos import steps
from tests.chaos.vitals import Vitals

LOOK_S = 1.0


def set_clock(vitals: Vitals) -> None:
    """From now on the time of day is as wrong as it is told to be; that of the loop is not."""
    true_s, true_ns = time.time, time.time_ns
    time.time = lambda: true_s() + vitals.offset_s
    time.time_ns = lambda: true_ns() + int(vitals.offset_s * 1e9)


def count_tasks(vitals: Vitals) -> None:
    """The worker tells how many tasks it has, this one left out."""
    run = Worker.run

    async def count() -> None:
        while True:
            vitals.tasks = len(asyncio.all_tasks()) - 1
            await asyncio.sleep(LOOK_S)

    async def counted(self: Worker, *arguments: Any) -> None:
        counting = asyncio.create_task(count())
        try:
            await run(self, *arguments)
        finally:
            counting.cancel()

    Worker.run = counted  # type: ignore[assignment, method-assign]


def start(vitals_file: str, *arguments: str) -> None:
    """Become the worker."""
    vitals = Vitals(Path(vitals_file))
    set_clock(vitals)
    count_tasks(vitals)
    if arguments[0] == "--dies-at":
        name, _, passage = arguments[1].partition(":")
        steps.arm(name, int(passage))
        arguments = arguments[2:]
    main(arguments, prog_name="bridge")


if __name__ == "__main__":
    start(*sys.argv[1:])
