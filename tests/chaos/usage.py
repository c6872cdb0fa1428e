"""The command line of `python -m tests.chaos`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from random import SystemRandom

from bridge.proof.load import MO_SHARE
from tests.chaos.asked import Asked, Goals
from tests.chaos.catalogue import UnknownFault, chosen

CLUSTER_NODES = (1, 3)
MINUTES = 5.0
HTTP_SHARE = 0.1


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
        "lost, or doubled without being marked. Of --minutes, --messages and --faults, all that are given must be "
        f"reached; without any it is {MINUTES:g} minutes.",
    )
    goal = parser.add_argument_group("how long")
    goal.add_argument("--minutes", type=_positive, help="break things for so long")
    goal.add_argument("--messages", type=_count, metavar="N", help="until so many MTs were sent")
    goal.add_argument("--faults", type=_count, metavar="N", help="until so many faults were played")
    parser.add_argument(
        "--seed", type=int, default=SystemRandom().randrange(1 << 32), help="for the same faults again"
    )
    parser.add_argument("--only", metavar="FAULT,...", help="these faults (default: all that can be played)")
    parser.add_argument("--long", action="store_true", help="also those that take long")
    parser.add_argument("--list", action="store_true", help="tell which faults there are, and nothing else")
    parser.add_argument(
        "--workers", type=int, default=3, choices=range(2, 17), metavar="N", help="default: 3"
    )
    parser.add_argument("--rate", type=_positive, default=50.0, help="MTs a second at most (default: 50)")
    parser.add_argument(
        "--backlog",
        type=_count,
        default=1000,
        metavar="N",
        help="publish nothing while so many MTs are under way; with a high --rate: as fast as they are taken "
        "(default: 1000)",
    )
    parser.add_argument(
        "--mo-share",
        type=_share,
        default=MO_SHARE,
        metavar="SHARE",
        help=f"MOs for each MT (default: {MO_SHARE:g})",
    )
    parser.add_argument(
        "--http-share",
        type=_share,
        default=HTTP_SHARE,
        metavar="SHARE",
        help=f"so much of all goes over HTTP (default: {HTTP_SHARE:g})",
    )
    parser.add_argument(
        "--cluster", type=int, default=1, choices=CLUSTER_NODES, help="nodes of RabbitMQ (default: 1)"
    )
    parser.add_argument("--replica", action="store_true", help="a Redis that follows the other")
    parser.add_argument(
        "--spare",
        action="store_true",
        help="never end the first worker, to watch its memory over the whole run",
    )
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")
    found = parser.parse_args(arguments)
    try:
        faults = chosen(found.only, cluster=found.cluster > 1, replica=found.replica, long=found.long)
    except UnknownFault as error:
        parser.error(f"--only: {error}")
    goals = Goals(minutes=found.minutes, messages=found.messages, strikes=found.faults)
    run = Asked(
        goals=Goals(minutes=MINUTES) if goals == Goals() else goals,
        seed=found.seed,
        faults=faults,
        workers=found.workers,
        rate=found.rate,
        backlog=found.backlog,
        mo_share=found.mo_share,
        http_share=found.http_share,
        cluster=found.cluster,
        replica=found.replica,
        spare=found.spare,
    )
    return Wanted(run, found.json, found.list)


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError("must be from 0 to 1")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 at least")
    return number
