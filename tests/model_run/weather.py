"""What may go wrong, how often, and the one source of chance of a story. Pure.

Each seed has a weather of its own: some kinds of trouble, not all, so that one kind does not hide another.
"""

from dataclasses import dataclass, fields, replace
from enum import Enum, auto
from random import Random


class Passage(Enum):
    """What becomes of one step: something that crosses from a worker to another party."""

    WELL = auto()
    NEVER = auto()
    """It does not arrive."""
    UNHEARD = auto()
    """It arrives and is done, and the answer does not come back."""
    LATE = auto()
    """As unheard, and it is done long after the worker has given it up. Redis only."""
    REFUSED = auto()
    """The other party says no, for no reason of the message's, and does nothing. RabbitMQ may have done it."""
    DIES_BEFORE = auto()
    """The worker is killed before it left."""
    DIES_AFTER = auto()
    """The worker is killed when it had left."""


LOST = (Passage.NEVER, Passage.UNHEARD)


@dataclass(frozen=True, slots=True)
class Weather:
    """Chances: of each step (the first few), of each message at a provider, and in each second (the last two)."""

    kill: float = 0.0
    lose: float = 0.0
    late: float = 0.0
    refuse: float = 0.0
    slow: float = 0.0
    rejects: float = 0.0
    throttles: float = 0.0
    busy: float = 0.0
    silent: float = 0.0
    repeats: float = 0.0
    blows: float = 0.0
    forgets: float = 0.0

    @property
    def calm(self) -> bool:
        return self == CALM


CALM = Weather()

_WORST = Weather(
    kill=0.02,
    lose=0.05,
    late=0.03,
    refuse=0.05,
    slow=0.1,
    rejects=0.1,
    throttles=0.15,
    busy=0.15,
    silent=0.15,
    repeats=0.3,
    blows=0.6,
    forgets=0.2,
)
SELDOM = ("forgets",)
"""Of such a story less can be asked."""


def weather_of(chance: Random) -> Weather:
    """Some of everything, each up to its worst."""
    drawn = {
        one.name: getattr(_WORST, one.name) * chance.random()
        for one in fields(Weather)
        if chance.random() < (0.1 if one.name in SELDOM else 0.5)
    }
    return replace(CALM, **drawn)


def passage_of(chance: Random, weather: Weather, party: str) -> Passage:
    """What becomes of the next step towards this party."""
    at = chance.random()
    for likely, passages in (
        (weather.kill, (Passage.DIES_BEFORE, Passage.DIES_AFTER)),
        (weather.lose, LOST),
        (weather.late if party == "redis" else 0.0, (Passage.LATE,)),
        (weather.refuse if party in ("rabbit", "redis") else 0.0, (Passage.REFUSED,)),
    ):
        if at < likely:
            return chance.choice(passages)
        at -= likely
    return Passage.WELL


def delay_of(chance: Random, weather: Weather) -> float:
    """How long something is on its way, in seconds."""
    if weather.slow and chance.random() < weather.slow:
        return chance.uniform(0.05, 2.0)
    return chance.uniform(0.0005, 0.01)
