"""What a fault is. Which there are, `catalogue.py` says; when they strike, `plan.py`."""

from abc import ABC, abstractmethod
from enum import Enum
from random import Random
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from tests.chaos.world import World


class Victim(Enum):
    """Whom a fault hurts. Two faults strike together only if they hurt different ones."""

    WORKER = "worker"
    RABBIT = "rabbitmq"
    REDIS = "redis"
    SMSC = "smsc"
    HTTP = "http"


class Need(Enum):
    """What a fault can only be played with."""

    CLUSTER = "--cluster"
    REPLICA = "--replica"


class Fault(ABC):
    """One way to break something: its docstring's first line says which.

    `seconds`: between which limits its length is drawn; `long`: played only when asked for. `forgets`: Redis loses
    what it had answered for, so that what was under way at that instant may be doubled, or its receipts and the
    segments of MOs lost; that is told and not held against the bridge.
    """

    name: ClassVar[str]
    victim: ClassVar[Victim]
    seconds: ClassVar[tuple[float, float]] = (2.0, 8.0)
    long: ClassVar[bool] = False
    need: ClassVar[Need | None] = None
    forgets: ClassVar[bool] = False

    @abstractmethod
    async def strike(self, world: "World", seconds: float, chance: Random) -> None:
        """Break it, wait (`World.lapse`), and heal it."""
