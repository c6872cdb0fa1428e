"""What the simulated provider remembers: each submit_sm, each receipt or MO on its way, each deliver_sm.

Records only; who fills them is `network.py` and `deliveries.py`. Instants are seconds since the epoch.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal

from bridge.model.inbound import Concat
from bridge.smpp.pdus import Tlv

if TYPE_CHECKING:
    from bridge.simulator.session import SmscSession

Kind = Literal["receipt", "mo"]


class Way(Enum):
    """The bind a receipt prefers. Where no such bind has room, any bind that may receive will do."""

    SAME = "same"
    OTHER_BIND = "bind"
    OTHER_NODE = "node"
    OTHER_SITE = "site"


@dataclass(slots=True)
class Submit:
    """One submit_sm.

    `message_id` is None when the SMSC did not take it; `status` is the one it was answered with, None as long as
    (or because) no answer went out. Taken without an answer is what the ESME calls doubt. `octets` are those of
    short_message or message_payload, a user data header among them; `segment` tells which of a long message.
    `receipt_id` is how receipts spell the message id.
    """

    at: float
    site: str
    node: str
    bind: str
    sequence_number: int
    source: str
    destination: str
    octets: bytes
    data_coding: int
    registered_delivery: int
    esm_class: int = 0
    tlvs: tuple[Tlv, ...] = ()
    segment: Concat | None = None
    message_id: str | None = None
    status: int | None = None
    receipt_id: str | None = None

    @property
    def taken(self) -> bool:
        """The provider is responsible for it from here on, whatever it answered."""
        return self.message_id is not None


@dataclass(slots=True)
class Parcel:
    """A receipt or an MO on its way to the ESME, over as many deliver_sm as it takes.

    `id` is the message id as answered to the submit_sm (receipts), or the MO's own name; `body` the encoded body
    of its deliver_sm, the same each time; `origin` the bind that brought the MT, if any. `done` holds the status
    that ended it, None while the provider still owes it.
    """

    kind: Kind
    id: str
    source: str
    destination: str
    octets: bytes
    body: bytes
    origin: "SmscSession | None" = None
    way: Way = Way.SAME
    times_sent: int = 0
    done: int | None = None

    def likes(self, session: "SmscSession") -> bool:
        """Is this the kind of bind the parcel prefers?"""
        origin = self.origin
        if origin is None:
            return True
        match self.way:
            case Way.SAME:
                return session is origin
            case Way.OTHER_BIND:
                return session is not origin
            case Way.OTHER_NODE:
                return session.smsc is not origin.smsc
            case Way.OTHER_SITE:
                return session.smsc.site != origin.smsc.site


@dataclass(slots=True)
class Delivery:
    """One deliver_sm as it was sent. `status` is the ESME's answer, None while there is none.

    `attempt` counts the deliver_sm of the same parcel from 1.
    """

    at: float
    site: str
    node: str
    bind: str
    sequence_number: int
    attempt: int
    parcel: Parcel = field(repr=False)
    status: int | None = None

    @property
    def kind(self) -> Kind:
        """Receipt or MO."""
        return self.parcel.kind

    @property
    def id(self) -> str:
        """The parcel's id."""
        return self.parcel.id

    @property
    def octets(self) -> bytes:
        """The short_message."""
        return self.parcel.octets
