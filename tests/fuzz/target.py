"""What a target is: a reader of the bridge's, what it is fed with, and what must hold whatever that is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Target:
    """`ways`: how the reader may be set up, by name. `make`: one input for one of them, damaged or not.

    `run`: feed an input to the reader set up that way. It gives how much came through (messages, events, settings),
    and raises for any breach.
    """

    ways: Sequence[str]
    make: Callable[[Random, str], bytes]
    run: Callable[[bytes, str], int]
