"""What a session tells its shell. Each names one thing that happened; none is an instruction."""

from dataclasses import dataclass
from typing import Any

from bridge.smpp.pdus import DeliverSm


@dataclass(slots=True)
class Bound:
    """The peer accepted the bind. `interface_version` is None where it did not say, as many do."""

    system_id: str
    interface_version: int | None


@dataclass(slots=True)
class BindRefused:
    """The peer refused the bind with this command_status; SessionClosed follows."""

    status: int


@dataclass(slots=True)
class SubmitAnswered:
    """The end of a submit: its answer. `message_id` is "" unless accepted, and may be "" even then."""

    ref: Any
    sequence_number: int
    status: int
    message_id: str


@dataclass(slots=True)
class SubmitLost:
    """The other end of a submit: no answer came. Only with `written` False did no octet of it leave."""

    ref: Any
    sequence_number: int
    reason: str
    written: bool


@dataclass(slots=True)
class LateAnswer:
    """The answer to a submit that had been reported lost when its time was over."""

    ref: Any
    sequence_number: int
    status: int
    message_id: str


@dataclass(slots=True)
class UnknownAnswer:
    """A response to nothing we asked: doubled, or of a stranger's sequence number."""

    sequence_number: int
    status: int


@dataclass(slots=True)
class DeliverReceived:
    """An MO or a receipt (deliver_sm or data_sm). Owes one `EsmeSession.answer` with this sequence number."""

    sequence_number: int
    pdu: DeliverSm


@dataclass(slots=True)
class PeerUnbound:
    """The peer unbound, and has been answered; SessionClosed follows."""


@dataclass(slots=True)
class OutbindReceived:
    """The peer asks us to bind (4.1.7). There is no answer to it; nothing was done."""


@dataclass(slots=True)
class AlertReceived:
    """alert_notification (4.12): a handset is reachable again. There is no answer to it."""


@dataclass(slots=True)
class BadPduReceived:
    """A request that cannot be read or is not for us. The session has refused it already."""

    command_id: int
    sequence_number: int
    reason: str


@dataclass(slots=True)
class SessionClosed:
    """The last event of a session. Each open submit has had its SubmitLost before."""

    reason: str


Event = (
    Bound
    | BindRefused
    | SubmitAnswered
    | SubmitLost
    | LateAnswer
    | UnknownAnswer
    | DeliverReceived
    | PeerUnbound
    | OutbindReceived
    | AlertReceived
    | BadPduReceived
    | SessionClosed
)
