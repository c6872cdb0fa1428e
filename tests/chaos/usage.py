"""The command line of `python -m tests.chaos`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from random import SystemRandom

from tests.chaos.asked import Asked
from tests.chaos.catalogue import UnknownFault, chosen

CLUSTER_NODES = (1, 3)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The whole command line: the run, and how it is told. `listing`: only the catalogue is asked for."""

    run: Asked
    as_json: bool
    listing: bool


def read(arguments: Sequence[str] | None = None) -> Wanted:
    """Read the command line; wrong usage ends the program."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Worker processes under load, and everything around them broken; exit code 1 if anything was "
        "lost, or doubled without being marked.",
    )
    parser.add_argument(
        "--minutes", type=_positive, default=5.0, help="how long to break things (default: 5)"
    )
    parser.add_argument(
        "--seed", type=int, default=SystemRandom().randrange(1 << 32), help="for the same faults again"
    )
    parser.add_argument("--only", metavar="FAULT,...", help="these faults (default: all that can be played)")
    parser.add_argument("--list", action="store_true", help="tell which faults there are, and nothing else")
    parser.add_argument(
        "--workers", type=int, default=3, choices=range(2, 17), metavar="N", help="default: 3"
    )
    parser.add_argument("--rate", type=_positive, default=50.0, help="MTs a second (default: 50)")
    parser.add_argument(
        "--cluster", type=int, default=1, choices=CLUSTER_NODES, help="nodes of RabbitMQ (default: 1)"
    )
    parser.add_argument("--replica", action="store_true", help="a Redis that follows the other")
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")
    found = parser.parse_args(arguments)
    try:
        faults = chosen(found.only, cluster=found.cluster > 1, replica=found.replica)
    except UnknownFault as error:
        parser.error(f"--only: {error}")
    run = Asked(
        minutes=found.minutes,
        seed=found.seed,
        faults=faults,
        workers=found.workers,
        rate=found.rate,
        cluster=found.cluster,
        replica=found.replica,
    )
    return Wanted(run, found.json, found.list)


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return number
