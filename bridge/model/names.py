"""The names of RabbitMQ objects and headers (contract, section 2). One prefix makes them all."""

from dataclasses import dataclass
from typing import Literal

Lane = Literal["interactive", "bulk"]

WAIT_RUNGS_S = (1, 5, 30, 120, 600)
"""The delays of the wait ladder, in seconds: one fanout exchange and queue each."""

HEADER_REASON = "bridge-reason"
HEADER_DETAIL = "bridge-detail"
HEADER_AT = "bridge-at"
HEADER_ATTEMPTS = "bridge-attempts"
"""JSON list of the last 16 attempts, oldest first."""
HEADER_ATTEMPT = "bridge-attempt"
"""How many attempts counted towards max_attempts so far."""
HEADER_DOUBT = "bridge-doubt"
"""True once an MT was resent in doubt: all its later events say possible_duplicate."""
HEADER_TOLD = "bridge-told"
"""Of which copy in doubt `resent` was told last (`outbound/bequest`)."""
HEADER_REFUSED = "bridge-refused-by"
"""Comma-separated providers that refused the MT for good."""
HEADER_TROUBLE = "bridge-http-trouble"
"""How often HTTP endpoints failed the MT one after another, and when it goes to the same one again."""
HEADER_GENERATION = "bridge-generation"
HEADER_ORIGINAL = "bridge-original-"
"""Prefix of the headers that keep user_id, expiration, CC and BCC of a republished MT."""


@dataclass(frozen=True, slots=True)
class Names:
    """Every name of the topology."""

    prefix: str = "bridge"

    @property
    def mt(self) -> str:
        """Topic exchange producers publish MTs to."""
        return f"{self.prefix}.mt"

    @property
    def retry(self) -> str:
        """Topic exchange that brings what waited back to its queue."""
        return f"{self.prefix}.retry"

    @property
    def events(self) -> str:
        """Fanout exchange every event is published to."""
        return f"{self.prefix}.events"

    @property
    def inbound(self) -> str:
        """Topic exchange consumers bind their queues to."""
        return f"{self.prefix}.inbound"

    @property
    def tap(self) -> str:
        """Fanout exchange for tail, send and demo."""
        return f"{self.prefix}.tap"

    @property
    def unrouted(self) -> str:
        """Topic exchange and queue of events nobody had bound for yet."""
        return f"{self.prefix}.unrouted"

    @property
    def dead(self) -> str:
        """Fanout exchange and queue of MTs that ended badly."""
        return f"{self.prefix}.dead"

    @property
    def early(self) -> str:
        """Queue of receipts whose MT is not known yet, back from a wait; bound to `retry`."""
        return f"{self.prefix}.early"

    def wait(self, rung_s: int) -> str:
        """Fanout exchange and queue of one rung of the ladder."""
        return f"{self.prefix}.wait.{rung_s}"

    def route_queue(self, route: str, lane: Lane) -> str:
        """The queue of one lane of a route."""
        return f"{self.prefix}.{self.route_key(route, lane)}"

    @staticmethod
    def route_key(route: str, lane: Lane) -> str:
        """The routing key of one lane of a route."""
        return f"mt.{route}.interactive" if lane == "interactive" else f"mt.{route}"

    @staticmethod
    def early_key(provider: str) -> str:
        """The routing key under which a receipt waits for its MT."""
        return f"early.{provider}"
