"""What a session is told about its account and its limits."""

from dataclasses import dataclass, field
from enum import Enum

from bridge.smpp.consts import BIND_RECEIVER, BIND_TRANSCEIVER, BIND_TRANSMITTER, ESME_RMSGQFUL
from bridge.smpp.pdus import BindRequest


class BindMode(Enum):
    """Which of the three binds; the value is its command_id."""

    TRANSCEIVER = BIND_TRANSCEIVER
    TRANSMITTER = BIND_TRANSMITTER
    RECEIVER = BIND_RECEIVER


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """Lengths are checked when the bind is built; times are seconds and above 0, `window` is at least 1.

    `inactivity_s`: unbind after so long without a message, None never. `busy_status`: the refusal that makes the
    provider keep a message for later. `inbound_window`: how many messages may await our answer before more are
    refused with it.
    """

    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    address_range: str = ""
    addr_ton: int = 0
    addr_npi: int = 0
    mode: BindMode = BindMode.TRANSCEIVER
    window: int = 10
    session_init_s: float = 10.0
    enquire_link_s: float = 30.0
    response_timeout_s: float = 30.0
    inactivity_s: float | None = None
    busy_status: int = ESME_RMSGQFUL
    inbound_window: int = 1000

    def bind_request(self) -> BindRequest:
        """The body of our bind."""
        return BindRequest(
            system_id=self.system_id,
            password=self.password,
            system_type=self.system_type,
            addr_ton=self.addr_ton,
            addr_npi=self.addr_npi,
            address_range=self.address_range,
        )
