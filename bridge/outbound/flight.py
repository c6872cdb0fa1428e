"""One MT in this worker's hands: from its delivery to the acknowledgement. Plain data, changed by the dispatcher."""

from enum import Enum, auto

from bridge.broker.message import Delivery
from bridge.model.attempt import KEPT_ATTEMPTS, Attempt
from bridge.model.mt import Mt
from bridge.model.names import (
    HEADER_ATTEMPT,
    HEADER_ATTEMPTS,
    HEADER_DOUBT,
    HEADER_GENERATION,
    HEADER_REFUSED,
    Lane,
)
from bridge.model.outcome import Rejected
from bridge.outbound.ports import LinkPort
from bridge.outbound.retry import dump_attempts, load_attempts

NO_LINK = ("", "")


class Stage(Enum):
    """Where the MT is. Only a WAITING one may be given back to RabbitMQ or be overtaken by a late answer."""

    WAITING = auto()
    CLAIMING = auto()
    SUBMITTED = auto()
    SETTLING = auto()


class Flight:
    """One MT on its way.

    `deliveries`: every delivery of this id that this worker holds; all are settled together.
    `arrived`: what its delivery says of it: attempts counted, doubt, providers that refused it.
    `avoid`: provider and name of the link that failed it last.
    `bounced`: a link refused it for the link's own sake; of a second such refusal the message is the cause.
    `claimed_at`: loop time at which the claim was asked for, None while Redis holds none of ours.
    `resend_due`: it comes off the ladder to be sent once more: the doubt its claim tells of is counted and told.
    `takeover`: the next claim may take what a dead worker left; the last one may have done so unheard.
    `doubt`: a copy may already be with a provider: every later event says possible_duplicate.
    `parked`: its end was `parked`, so a late answer resolves it.
    `late`: the smsc_id of an answer that came after the doubt was declared, and the link that brought it.
    """

    __slots__ = (
        "arrived",
        "attempts",
        "avoid",
        "bounced",
        "claimed_at",
        "counted",
        "deliveries",
        "doubt",
        "generation",
        "lane",
        "late",
        "mt",
        "mt_key",
        "owner",
        "parked",
        "pdu",
        "refused_by",
        "resend_due",
        "route",
        "stage",
        "takeover",
    )

    def __init__(self, mt: Mt, route: str, lane: Lane, delivery: Delivery, mt_key: str, owner: str) -> None:
        headers = delivery.headers
        self.mt = mt
        self.route = route
        self.lane = lane
        self.deliveries = [delivery]
        self.mt_key = mt_key
        self.generation = generation_of(delivery)
        self.owner = owner
        self.attempts: list[Attempt] = load_attempts(headers.get(HEADER_ATTEMPTS)) if headers else []
        self.counted = _count(headers.get(HEADER_ATTEMPT)) if headers else 0
        self.doubt = bool(headers) and headers.get(HEADER_DOUBT) is True
        self.refused_by = _names(headers.get(HEADER_REFUSED)) if headers else frozenset[str]()
        self.arrived = (self.counted, self.doubt, self.refused_by)
        self.avoid = (self.attempts[-1].provider, self.attempts[-1].link) if self.attempts else NO_LINK
        self.stage = Stage.WAITING
        self.pdu: bytes | Rejected = b""
        self.bounced = False
        self.resend_due = self.doubt and not delivery.redelivered
        self.claimed_at: float | None = None
        self.takeover = False
        self.parked = False
        self.late: tuple[str, LinkPort] | None = None

    @property
    def picky(self) -> bool:
        """Whether not every link of the route will do."""
        return self.avoid is not NO_LINK or bool(self.refused_by)

    @property
    def learned(self) -> bool:
        """Whether we know what its delivery will not say when it comes again: it may not go back as it came."""
        return self.doubt or self.arrived != (self.counted, self.doubt, self.refused_by)

    @property
    def needs_claim(self) -> bool:
        """Whether nothing but the claim tells others of a copy that may be with a provider.

        Were it released, another delivery of this id would be sent as one that never was.
        """
        return self.takeover or self.doubt

    def note(self, attempt: Attempt) -> None:
        """One more attempt; the oldest is forgotten."""
        self.attempts.append(attempt)
        del self.attempts[:-KEPT_ATTEMPTS]

    def travel_headers(self) -> dict[str, object]:
        """What travels with the message along the ladder, for whoever tries next."""
        headers: dict[str, object] = {
            HEADER_ATTEMPTS: dump_attempts(self.attempts),
            HEADER_ATTEMPT: self.counted,
        }
        if self.doubt:
            headers[HEADER_DOUBT] = True
        if self.refused_by:
            headers[HEADER_REFUSED] = ",".join(sorted(self.refused_by))
        return headers

    def give_up_claim(self) -> str:
        """The owner to release the claim under; from now on the flight claims under another name.

        A release that Redis executes late, from a connection given up, can then never undo a newer claim.
        """
        owner, self.owner = self.owner, self.owner + "+"
        self.claimed_at = None
        return owner


def generation_of(delivery: Delivery) -> int:
    """The generation of a replayed MT; 0 for what a producer published."""
    return _count(delivery.headers.get(HEADER_GENERATION)) if delivery.headers else 0


def _count(header: object) -> int:
    return header if isinstance(header, int) and header > 0 else 0


def _names(header: object) -> frozenset[str]:
    return frozenset(filter(None, header.split(","))) if isinstance(header, str) else frozenset()
