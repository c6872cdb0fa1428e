"""Some thousand stories, each from a seed: nothing is lost, nothing doubled without a word; and the model sees it when
it is not so. More of them: `python -m tests.model_run`.
"""

import pytest

from bridge.build import is_compiled
from tests.model_run.mutants import IN_WEATHER, MUTANTS, Mutant
from tests.model_run.story import Size, judge, judge_deaths, live
from tests.model_run.weather import CALM
from tests.model_run.world import World

AT_ONCE = 25
USUAL, SHORT, SMALL = Size(), Size(mts=3, mos=1, seconds=12.0), Size(mts=2, mos=2, seconds=6.0)
STORIES = ((USUAL, 400), (SHORT, 800))
CALM_STORIES = 40
SEEDS_FOR_A_MUTANT = 250


@pytest.mark.parametrize(
    ("size", "first"),
    [(size, first) for size, stories in STORIES for first in range(0, stories, AT_ONCE)],
    ids=lambda of: "short" if of is SHORT else "usual" if of is USUAL else f"{of}",
)
def test_whatever_goes_wrong_nothing_is_lost_and_nothing_doubled_without_a_word(
    size: Size, first: int
) -> None:
    for seed in range(first, first + AT_ONCE):
        breach = judge(seed, size)
        assert breach is None, "\n".join([*breach.story, breach.what, f"seed {seed}"])


@pytest.mark.parametrize("seed", range(4))
def test_a_worker_may_die_at_every_step(seed: int) -> None:
    breach = judge_deaths(seed, SMALL)
    assert breach is None, "\n".join([*breach.story, breach.what, f"seed {seed}, {breach.death}"])


def test_if_nothing_goes_wrong_nothing_is_told_twice_and_nobody_is_warned() -> None:
    for seed in range(CALM_STORIES):
        world = live(seed, weather=CALM)
        assert not world.troubles
        ids = [event["event_id"] for event in world.rabbit.events]
        assert len(ids) == len(set(ids))
        assert not [event for event in world.rabbit.events if event.get("outcome") == "resent"]


def test_the_same_seed_is_the_same_story() -> None:
    for seed in (1, 2, 3):
        first, second = World(seed, Size()), World(seed, Size())
        first.telling, second.telling = [], []
        first.live()
        second.live()
        assert first.telling == second.telling


@pytest.mark.skipif(is_compiled(), reason="what is compiled cannot be broken on purpose")
@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_model_sees_a_worker_that(mutant: Mutant) -> None:
    with mutant():
        weather = IN_WEATHER.get(mutant)
        assert any(judge(seed, weather=weather) is not None for seed in range(SEEDS_FOR_A_MUTANT))
