"""What one bench may have otherwise than another, within what the worker's configuration allows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.proof.bench_bare import WINDOW
from bridge.proof.stage import ROUTE

MOST_BINDS = 64
MOST_OF_A_BIND = 1000
"""Unanswered submit_sm."""
MOST_OF_A_ROUTE = 2000
"""MTs that a worker holds: RabbitMQ gives a consumer of a quorum queue no more."""
MOST_ROUTES = 64
MOST_SEGMENTS = 10
MOST_IN_FLIGHT = MOST_BINDS * MOST_OF_A_BIND


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """`binds`: of each worker. `routes`: of the one provider. `segments`: of each MT.

    `window`: unanswered submit_sm of all binds of a worker together, at least; usually that of the bare loop.
    """

    workers: int = 1
    binds: int = 4
    routes: int = 1
    segments: int = 1
    window: int = WINDOW

    @classmethod
    def with_in_flight(cls, count: int) -> "Setting":
        """One worker that can have so many MTs in flight, on as few binds and routes as that takes."""
        return cls(binds=-(-count // MOST_OF_A_BIND), routes=-(-count // MOST_OF_A_ROUTE), window=count)

    @property
    def window_of_a_bind(self) -> int:
        """Unanswered submit_sm."""
        return -(-self.window // self.binds)


def route_names(count: int) -> Sequence[str]:
    """The first is that of the bare loop."""
    return (ROUTE, *(f"{ROUTE}-{number}" for number in range(2, count + 1)))
