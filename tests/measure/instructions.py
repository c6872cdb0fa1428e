"""What a life of an MT costs the worker, in instructions: they hardly differ from run to run, as its seconds do.

    python -m tests.measure.instructions [--lives 2000]

The worker runs under valgrind (`apt-get install valgrind`), fifty times slower, once with few lives and once with so
many more; the difference is theirs alone. About two minutes. Good for telling a gain of one part in a hundred, not for
what the machine does beside: waiting, caches, the kernel.
"""

import argparse
import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import uvloop

from bridge.ops import logs
from bridge.proof import bench_course
from bridge.proof.bench import FAILURES, Told, opened
from bridge.proof.bench_rounds import peak
from bridge.proof.bench_setting import Setting
from bridge.proof.bench_stage import bench_servers

FEW = 300
PATIENCE_S = 600.0

# Only the worker, of all that the bench starts. One of a pool would be found by the same words.
_PYTHON = """#!/bin/sh
case "$*" in
    *" run --config"*) exec valgrind --quiet --tool=callgrind --callgrind-out-file={directory}/%p {python} "$@" ;;
    *) exec {python} "$@" ;;
esac
"""


async def live(lives: int) -> None:
    """One worker, which has so many lives. Raises what the bench raises."""
    told = Told(lambda _: None, lambda _: None, lambda _: None)
    async with bench_servers(None, None, told.say) as servers, opened(servers, Setting(), told) as course:
        await peak(course, "bridge", "mt", lives)


def counted(lives: int, directory: Path) -> int:
    """The instructions of a worker that had so many lives, which valgrind writes there."""
    uvloop.run(live(lives))
    (counts,) = directory.iterdir()
    found = re.search(r"^(?:totals|summary): (\d+)", counts.read_text(), re.MULTILINE)
    counts.unlink()
    assert found is not None
    return int(found[1])


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(prog="python -m tests.measure.instructions", description=__doc__)
    parser.add_argument("--lives", type=int, default=2000, help="that are measured")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is not there: apt-get install valgrind")
    logs.configure("console", "critical")
    bench_course.STALL_S = PATIENCE_S
    with tempfile.TemporaryDirectory() as place:
        counts, python = Path(place, "counts"), Path(place, "python")
        counts.mkdir()
        python.write_text(
            _PYTHON.format(directory=shlex.quote(str(counts)), python=shlex.quote(sys.executable))
        )
        python.chmod(0o755)
        sys.executable = str(python)
        try:
            few = counted(FEW, counts)
            print(f"a start, and {FEW} lives: {few / 1e6:,.0f} million instructions", flush=True)
            many = counted(FEW + options.lives, counts)
        except FAILURES as error:
            raise SystemExit(str(error)) from None
    print(f"a life: {(many - few) / options.lives:,.0f} instructions")


if __name__ == "__main__":
    main()
