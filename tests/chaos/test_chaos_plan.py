"""The plan: the same for the same seed, fair to every fault, and never two at once that hurt the same."""

from collections import Counter
from itertools import islice
from random import Random

from tests.chaos.catalogue import FAULTS
from tests.chaos.plan import draws

ALL = list(FAULTS.values())
SEEDS = range(50)


def test_the_same_seed_gives_the_same_plan() -> None:
    one, same, other = (list(islice(draws(ALL, Random(seed)), 100)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_every_fault_strikes_once_before_any_strikes_again() -> None:
    for seed in SEEDS:
        drawn = [strike.fault.name for draw in islice(draws(ALL, Random(seed)), 200) for strike in draw]
        for start in range(0, len(drawn) - len(ALL), len(ALL)):
            assert Counter(drawn[start : start + len(ALL)]) == Counter(FAULTS.keys())


def test_some_strike_together_and_hurt_different_victims() -> None:
    together = [draw for seed in SEEDS for draw in islice(draws(ALL, Random(seed)), 60) if len(draw) > 1]
    assert 300 < len(together) < 900, "about a fifth of 3000"
    for draw in together:
        assert len({strike.fault.victim for strike in draw}) == len(draw)


def test_the_length_is_within_the_limits_of_the_fault() -> None:
    for draw in islice(draws(ALL, Random(3)), 500):
        for strike in draw:
            least, most = strike.fault.seconds
            assert least <= strike.seconds <= most


def test_a_single_fault_strikes_alone_again_and_again() -> None:
    fault = FAULTS["smsc-cut"]
    for draw in islice(draws([fault], Random(4)), 20):
        assert [strike.fault for strike in draw] == [fault]
