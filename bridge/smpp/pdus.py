"""The PDUs that carry messages, and the bind request, as slotted data. Their octets are `codec.py`'s."""

from dataclasses import dataclass, field
from typing import Any

from bridge.smpp.consts import INTERFACE_VERSION, TLV_MESSAGE_PAYLOAD

Tlv = tuple[int, bytes]
"""An optional parameter: tag and octets as on the wire."""


@dataclass(slots=True)
class ShortMessage:
    """What submit_sm and deliver_sm share: the fields of 4.4.1 and 4.6.1, in the order of the wire.

    Strings are C-octet strings read as Latin-1 (never fails), without NUL. sm_length is `len(short_message)`.
    """

    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: tuple[Tlv, ...] = ()

    def tlv(self, tag: int) -> bytes | None:
        """The value of the first TLV with this tag, None without one."""
        for found, value in self.tlvs:
            if found == tag:
                return value
        return None

    @property
    def payload(self) -> bytes:
        """The message's octets: short_message, or message_payload (0x0424) where that is empty."""
        return self.short_message or self.tlv(TLV_MESSAGE_PAYLOAD) or b""

    @property
    def raw(self) -> dict[str, Any]:
        """The PDU for an event's `raw`: {data_coding, esm_class, short_message: hex, tlvs: {"0x001E": hex}}.

        Of a tag that occurs twice the first is kept, as in `tlv`.
        """
        tlvs: dict[str, str] = {}
        for tag, value in self.tlvs:
            tlvs.setdefault(f"0x{tag:04X}", value.hex())
        return {
            "data_coding": self.data_coding,
            "esm_class": self.esm_class,
            "short_message": self.short_message.hex(),
            "tlvs": tlvs,
        }


@dataclass(slots=True)
class SubmitSm(ShortMessage):
    """submit_sm (4.4.1): ESME to SMSC."""


@dataclass(slots=True)
class DeliverSm(ShortMessage):
    """deliver_sm (4.6.1): an MO or a receipt, SMSC to ESME."""


@dataclass(slots=True)
class DataSm(DeliverSm):
    """data_sm (4.7.1) as a DeliverSm: the fields it does not have keep their defaults, its text is a TLV."""


@dataclass(slots=True, kw_only=True)
class BindRequest:
    """The body of bind_transmitter, bind_receiver and bind_transceiver (4.1)."""

    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    interface_version: int = INTERFACE_VERSION
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""
