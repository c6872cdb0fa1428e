"""One seed, one story: lived, and told if it ended badly."""

import traceback
from dataclasses import dataclass

from tests.model_run.weather import CALM, Weather
from tests.model_run.world import Death, Size, World

__all__ = ["Breach", "Death", "Size", "judge", "judge_deaths", "live"]

USUAL = Size()


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that was broken. `story`: who did what, in order."""

    seed: int
    death: Death | None
    what: str
    story: tuple[str, ...]


def live(
    seed: int, size: Size = USUAL, *, weather: Weather | None = None, death: Death | None = None
) -> World:
    """The story of a seed, told if `World.telling` says so. Raises what broke."""
    world = World(seed, size, weather=weather, death=death)
    world.live()
    return world


def judge(
    seed: int, size: Size = USUAL, *, weather: Weather | None = None, death: Death | None = None
) -> Breach | None:
    """None if all promises were kept. Else the story is lived once more, and told."""
    try:
        live(seed, size, weather=weather, death=death)
    except Exception:  # noqa: BLE001  whatever it is, it is what is looked for
        return _told(World(seed, size, weather=weather, death=death), seed, death)
    return None


def _told(world: World, seed: int, death: Death | None) -> Breach:
    world.telling = []
    what = "the second time all went well"
    try:
        world.live()
    except Exception:  # noqa: BLE001
        what = traceback.format_exc()
    return Breach(seed, death, what, tuple(world.telling))


def judge_deaths(seed: int, size: Size = USUAL) -> Breach | None:
    """The story of a seed in calm weather, once for each step: a worker dies there, before or after."""
    for step in range(1, live(seed, size, weather=CALM).steps + 1):
        for before in (True, False):
            breach = judge(seed, size, death=Death(step, before))
            if breach is not None:
                return breach
    return None
