"""What is not settled yet and cannot go on now: up the wait ladder, or back to RabbitMQ, with its claim let go.

Not responsible for when that is so (`dispatch`, `settle`), nor for how long a refused message waits (`retry`).
"""

from collections.abc import Callable
from functools import partial

from bridge.broker.message import forward
from bridge.model.names import WAIT_RUNGS_S, Names
from bridge.outbound.flight import Flight, Stage
from bridge.outbound.ports import ClaimsPort, OutboxPort
from bridge.outbound.retry import rung_after, rung_for_lease

NO_CARRIER_RUNG_S = 5
"""How long a message waits that only providers without a link up may still carry."""


class Waiting:
    """Sets flights aside."""

    def __init__(
        self,
        names: Names,
        claims: ClaimsPort,
        outbox: OutboxPort,
        done: Callable[[Flight], None],
        forget: Callable[[Flight], None],
    ) -> None:
        """`done`: its deliveries are to be acknowledged; `forget`: they were given back."""
        self._names = names
        self._claims = claims
        self._outbox = outbox
        self._done = done
        self._forget = forget

    def climb(self, flight: Flight) -> None:
        """A message that was refused for now, or has no other link to be sent again over."""
        self._climb(flight, rung_after(flight.counted))

    def wait_for_lease(self, flight: Flight, wait_ms: int) -> None:
        """Another worker may be sending it: it comes back when that worker's lease may have passed."""
        flight.claimed_at = None
        self._climb(flight, rung_for_lease(wait_ms))

    def wait_for_link(self, flight: Flight) -> None:
        """Only providers without a link up, or too busy, may still carry it: it waits in RabbitMQ, not here."""
        self._climb(flight, NO_CARRIER_RUNG_S)

    def wait_for_site(self, flight: Flight) -> None:
        """It goes to the HTTP site that failed it once more, after a while, whichever worker has it then.

        As many rungs of the ladder as that takes, one after another.
        """
        assert flight.trouble is not None  # noqa: S101
        left_s = flight.trouble.wait_s or 0.0
        rung_s = rung_for_lease(int(left_s * 1000))
        self.send_home(flight, left_s - rung_s)
        self._climb(flight, rung_s)

    @staticmethod
    def send_home(flight: Flight, after_s: float) -> None:
        assert flight.trouble is not None  # noqa: S101
        flight.trouble = flight.trouble.goes_home_after(after_s)

    def _climb(self, flight: Flight, rung_s: int) -> None:
        """Onto the ladder, with what we know of it."""
        flight.stage = Stage.SETTLING
        self.let_go(flight)
        delivery = flight.deliveries[-1]
        message = forward(
            delivery,
            self._names.wait(rung_s),
            self._names.route_key(flight.route, flight.lane),
            flight.travel_headers(),
        )
        self._outbox.send_all([message], partial(self._climbed, flight))

    def _climbed(self, flight: Flight) -> None:
        if flight.claimed_at is not None and flight.doubt:
            # The claim goes on telling of the doubt, to the copy and to any other of this id, but its lease ends now.
            state = flight.bequest(None)
            self._claims.claim(flight.mt_key, flight.owner, 0, lambda _claim: None, state=state)
        self._done(flight)

    def give_back(self, flight: Flight) -> None:
        """To RabbitMQ, where any other worker may take it; its claim first, so that none mistakes it for doubt.

        What has happened to it travels with a copy only: such a one goes by the lowest rung.
        """
        flight.stage = Stage.SETTLING
        if flight.learned:
            self._climb(flight, WAIT_RUNGS_S[0])
        elif not self.let_go(flight, partial(self._requeue, flight)):
            self._requeue(flight)

    def _requeue(self, flight: Flight) -> None:
        for delivery in flight.deliveries:
            delivery.requeue()
        self._forget(flight)

    def let_go(self, flight: Flight, then: Callable[[], None] | None = None) -> bool:
        """While it waits its claim is nobody's: given up, or, where it tells what others must know, left.

        False if there is nothing to do: there is no claim of ours, or it has to stay as it is.
        """
        done = then or _nothing
        if flight.claimed_at is None:
            return False
        long = flight.long
        if long is not None and (flight.needs_claim or long.parts.begun):
            state = flight.bequest(long.parts)
            flight.takeover, flight.seen = True, state
            self._claims.leave(flight.mt_key, flight.give_up_claim(), long.reference, state, done)
            return True
        if flight.needs_claim:
            return False
        self._claims.release(flight.mt_key, flight.give_up_claim(), done)
        return True


def _nothing() -> None:
    """Nothing waits for this step."""
