"""One MT in this worker's hands: from its delivery to the acknowledgement. Plain data, changed by the dispatcher."""

from collections.abc import Callable
from dataclasses import dataclass
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
    HEADER_TOLD,
    HEADER_TROUBLE,
    Lane,
)
from bridge.model.outcome import Outcome, Rejected
from bridge.outbound.bequest import Bequest, copy_name
from bridge.outbound.parts import Parts
from bridge.outbound.ports import Body, LinkPort, LongBody
from bridge.outbound.retry import dump_attempts, load_attempts
from bridge.outbound.trouble import Trouble

NO_LINK = ("", "")


class Stage(Enum):
    """Where the MT is. Only a WAITING one may be given back to RabbitMQ or be overtaken by a late answer."""

    WAITING = auto()
    CLAIMING = auto()
    SUBMITTED = auto()
    SETTLING = auto()


class Long:
    """What a flight of several segments has beside the others.

    `parts`: its copy, and `reference` what the segments of that have in common; `counter`: what a new one is drawn
    from. `volley`: the segments that its claim allows to be written, or that are; `before`: the copy before that.
    `unanswered`: how many of them are. `failed`: their outcomes by number, but for accepted ones.
    `holder`: the owner under which Redis last knew of our claim. `link`: that brought the last answer.
    `unsure`: taken segments whose answers have to be recorded once more in the end.
    `unrecorded`: answers that are not yet recorded, and `when_recorded` what waits for the last of them.
    """

    __slots__ = (
        "before",
        "counter",
        "failed",
        "holder",
        "link",
        "parts",
        "reference",
        "unanswered",
        "unrecorded",
        "unsure",
        "volley",
        "when_recorded",
    )

    def __init__(self, parts: Parts) -> None:
        self.parts = self.before = parts
        self.reference = 0
        self.counter = ""
        self.volley: list[int] = []
        self.unanswered = 0
        self.failed: dict[int, Outcome] = {}
        self.holder = ""
        self.link: LinkPort | None = None
        self.unsure: set[int] = set()
        self.unrecorded = 0
        self.when_recorded: Callable[[], None] | None = None


class Flight:
    """One MT on its way.

    `deliveries`: every delivery of this id that this worker holds; all are settled together.
    `arrived`: what its delivery says of it: attempts counted, doubt, providers that refused it, trouble.
    `avoid`: provider and name of the link that failed it last. `trouble`: with the HTTP sites of one provider.
    `choosy`: not every link of its route has words for it. `prepared`: it, in the words of the link it is to leave by.
    `names`: the providers that may have it in doubt, and what their receipts will call it.
    `bounced`: a link refused it for the link's own sake; of a second such refusal the message is the cause.
    `claimed_at`: loop time at which the claim was asked for, None while Redis holds none of ours.
    `copy`: that which a provider has, or may have, if any has. `told`: the one of whose doubt was told last.
    `takeover`: the next claim may take what was left (`seen`: and still says so); the last one may have done so
    unheard.
    `unsettled`: why what it takes over is in doubt; empty if it is not. To be settled before anything is sent.
    `doubt`: a copy may already be with a provider: every later event says possible_duplicate.
    `parked`: its end was `parked`, so a late answer resolves it.
    `late`: the smsc_id of an answer that came after the doubt was declared, and the link that brought it.
    `long`: of an MT that leaves as several segments; None for all others.
    """

    __slots__ = (
        "arrived",
        "attempts",
        "avoid",
        "bounced",
        "choosy",
        "claimed_at",
        "copy",
        "counted",
        "deliveries",
        "doubt",
        "generation",
        "lane",
        "late",
        "long",
        "mt",
        "mt_key",
        "names",
        "owner",
        "parked",
        "prepared",
        "refused_by",
        "route",
        "seen",
        "stage",
        "takeover",
        "told",
        "trouble",
        "unsettled",
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
        self.told = _text(headers.get(HEADER_TOLD)) if headers else ""
        self.refused_by = _names(headers.get(HEADER_REFUSED)) if headers else frozenset[str]()
        self.trouble = Trouble.load(headers.get(HEADER_TROUBLE)) if headers else None
        self.arrived = self._known
        self.avoid = (self.attempts[-1].provider, self.attempts[-1].link) if self.attempts else NO_LINK
        if self.trouble is not None and self.trouble.home == self.avoid:
            self.avoid = NO_LINK
        self.choosy = False
        self.names: tuple[tuple[str, str], ...] = ()
        self.stage = Stage.WAITING
        self.prepared: Body | LongBody | Rejected = b""
        self.copy = ""
        self.bounced = False
        self.claimed_at: float | None = None
        self.takeover = False
        self.seen = ""
        self.unsettled = ""
        self.parked = False
        self.late: tuple[str, LinkPort] | None = None
        self.long: Long | None = None

    @property
    def picky(self) -> bool:
        """Whether not every link of the route will do."""
        return (
            self.avoid != NO_LINK
            or bool(self.refused_by)
            or self.long is not None
            or self.trouble is not None
            or self.choosy
        )

    @property
    def begun(self) -> Parts | None:
        """The copy of which the rest can only go to the same provider, if there is one."""
        return self.long.parts if self.long is not None and self.long.parts.begun else None

    @property
    def complete(self) -> bool:
        """Whether all segments of a long MT are taken."""
        return self.long is not None and self.long.parts.complete

    @property
    def _known(self) -> tuple[object, ...]:
        return (self.counted, self.doubt, self.refused_by, self.trouble)

    @property
    def learned(self) -> bool:
        """Whether we know what its delivery will not say when it comes again: it may not go back as it came."""
        return self.doubt or self.arrived != self._known

    @property
    def redelivered(self) -> bool:
        """Whether RabbitMQ has delivered it before, to whomever."""
        return any(delivery.redelivered for delivery in self.deliveries)

    @property
    def needs_claim(self) -> bool:
        """Whether nothing but the claim tells others of a copy that may be with a provider.

        Were it released, another delivery of this id would be sent as one that never was.
        """
        return self.takeover or self.doubt

    def failures_at(self, provider: str) -> int:
        """How often HTTP sites of this provider have failed it, one after another."""
        trouble = self.trouble
        return trouble.failures if trouble is not None and trouble.provider == provider else 0

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
        if self.told:
            headers[HEADER_TOLD] = self.told
        if self.refused_by:
            headers[HEADER_REFUSED] = ",".join(sorted(self.refused_by))
        if self.trouble is not None:
            headers[HEADER_TROUBLE] = self.trouble.dump()
        elif self.arrived[-1] is not None:
            headers[HEADER_TROUBLE] = ""  # it is over, and what is not said again stays
        return headers

    def begin_copy(self) -> None:
        """One is about to be written, under a claim of ours."""
        self.copy = copy_name(self.owner, self.counted)

    def bequest(self, parts: Parts | None) -> str:
        """What our claim says now; `parts`: of a long MT."""
        return Bequest(self.counted, self.copy, self.doubt, parts).dump(self.owner)

    def give_up_claim(self) -> str:
        """The owner to let the claim go under; from now on the flight claims, and writes copies, under another name."""
        owner, self.owner = self.owner, self.owner + "+"
        self.claimed_at = None
        return owner


@dataclass(frozen=True, slots=True, eq=False)
class SegmentRef:
    """What a link is handed with a segment; a single-segment MT is handed over as its flight."""

    flight: Flight
    number: int
    count: int
    reference: int

    def is_current(self, provider: str) -> bool:
        """Whether it speaks of the copy that the flight is still about."""
        long = self.flight.long
        return long is not None and (provider, self.reference) == (long.parts.provider, long.reference)


def key_of(mt_id: str, generation: int) -> str:
    """What names an MT among all: its id, of a replayed one with its generation. No id has a tab."""
    return f"{mt_id}\t{generation}" if generation else mt_id


def generation_of(delivery: Delivery) -> int:
    """The generation of a replayed MT; 0 for what a producer published."""
    return _count(delivery.headers.get(HEADER_GENERATION)) if delivery.headers else 0


def _count(header: object) -> int:
    return header if isinstance(header, int) and header > 0 else 0


def _text(header: object) -> str:
    return header if isinstance(header, str) else ""


def _names(header: object) -> frozenset[str]:
    return frozenset(filter(None, header.split(","))) if isinstance(header, str) else frozenset()
