"""Which fault strikes next, together with which, for how long, and how. Pure: the same seed gives the same plan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tests.chaos.fault import Fault

TOGETHER_SHARE = 0.2
"""Of the draws, so many are of two faults at once, where there are two with different victims."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault, its length, and the seed of the choices it makes itself."""

    fault: Fault
    seconds: float
    seed: int


Draw = tuple[Strike, ...]


def draws(faults: Sequence[Fault], chance: Random) -> Iterator[Draw]:
    """Without end: every fault once in a new order, and all over again; some together with one of other victims."""
    while True:
        deck = list(faults)
        chance.shuffle(deck)
        while deck:
            first = deck.pop()
            others = [fault for fault in deck if fault.victim is not first.victim]
            drawn = [first]
            if others and chance.random() < TOGETHER_SHARE:
                drawn.append(others[-1])
                deck.remove(others[-1])
            yield tuple(_strike(fault, chance) for fault in drawn)


def _strike(fault: Fault, chance: Random) -> Strike:
    return Strike(fault, round(chance.uniform(*fault.seconds), 1), chance.randrange(1 << 32))
