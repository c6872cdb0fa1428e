"""Bodies of the PDUs that carry messages, both directions, and the answers to them. Bounds-checked and fast.

Two errors, two culprits: `BadField` is ours (a PDU that must not be built), `BadPdu` the peer's (a body that
cannot be read). Reading is as tolerant as real SMSCs demand: values beyond the specification's limits are
taken, a broken TLV ends the list quietly. Only what would shift or cut fields is refused. Nothing here knows
the state of a session.
"""

from struct import Struct
from typing import TypeVar

from bridge.smpp.consts import (
    DATA_SM_RESP,
    DELIVER_SM_RESP,
    ESME_ROK,
    MAX_PDU_OCTETS,
    SUBMIT_SM_RESP,
    TLV_MESSAGE_PAYLOAD,
)
from bridge.smpp.framing import HEADER_OCTETS, build_pdu
from bridge.smpp.pdus import DataSm, DeliverSm, ShortMessage, SubmitSm, Tlv

_TLV_HEAD = Struct(">HH")
_MAX_SHORT_MESSAGE = 254
_MAX_TLV_VALUE = 0xFFFF
_TIME_CHARACTERS = 16
_OCTET_FIELDS = (
    "source_addr_ton",
    "source_addr_npi",
    "dest_addr_ton",
    "dest_addr_npi",
    "esm_class",
    "protocol_id",
    "priority_flag",
    "registered_delivery",
    "replace_if_present_flag",
    "data_coding",
    "sm_default_msg_id",
)


class BadField(ValueError):
    """A field we were asked to send breaks a limit of SMPP 3.4."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class BadPdu(ValueError):
    """A body the peer sent cannot be read; the header could, so that it can still be answered."""


def c_octets(field: str, value: str, longest: int) -> bytes:
    """A C-octet string (3.1) and its NUL: ASCII, at most `longest` characters. Raises BadField."""
    if len(value) > longest:
        raise BadField(field, f"{len(value)} characters, at most {longest} are allowed")
    if not value.isascii() or "\0" in value:
        raise BadField(field, "only ASCII without NUL is allowed")
    return value.encode() + b"\0"


def _time(field: str, value: str) -> bytes:
    """A time (7.1.1): empty or 16 characters."""
    if not value:
        return b"\0"
    if len(value) != _TIME_CHARACTERS:
        raise BadField(field, f"{len(value)} characters, must be {_TIME_CHARACTERS} or none")
    return c_octets(field, value, _TIME_CHARACTERS)


def _tlvs(tlvs: tuple[Tlv, ...]) -> bytes:
    pieces: list[bytes] = []
    for tag, value in tlvs:
        if not 0 <= tag <= 0xFFFF:
            raise BadField("tlvs", f"{tag} is not a tag")
        if len(value) > _MAX_TLV_VALUE:
            raise BadField("tlvs", f"0x{tag:04X} has {len(value)} octets, at most {_MAX_TLV_VALUE} fit")
        pieces += (_TLV_HEAD.pack(tag, len(value)), value)
    return b"".join(pieces)


def _bad_octet(pdu: ShortMessage) -> BadField:
    """Names the number that does not fit into its octet."""
    field = next(name for name in _OCTET_FIELDS if not 0 <= getattr(pdu, name) <= 0xFF)
    return BadField(field, f"{getattr(pdu, field)} does not fit into one octet")


def _bounded(body: bytes) -> bytes:
    if len(body) > MAX_PDU_OCTETS - HEADER_OCTETS:
        raise BadField(
            "tlvs", f"the PDU would have {len(body) + HEADER_OCTETS} octets, at most {MAX_PDU_OCTETS}"
        )
    return body


def _encode(pdu: ShortMessage) -> bytes:
    text = pdu.short_message
    if len(text) > _MAX_SHORT_MESSAGE:
        raise BadField("short_message", f"{len(text)} octets, at most {_MAX_SHORT_MESSAGE} are allowed")
    try:
        return b"".join(
            (
                c_octets("service_type", pdu.service_type, 5),
                bytes((pdu.source_addr_ton, pdu.source_addr_npi)),
                c_octets("source_addr", pdu.source_addr, 20),
                bytes((pdu.dest_addr_ton, pdu.dest_addr_npi)),
                c_octets("destination_addr", pdu.destination_addr, 20),
                bytes((pdu.esm_class, pdu.protocol_id, pdu.priority_flag)),
                _time("schedule_delivery_time", pdu.schedule_delivery_time),
                _time("validity_period", pdu.validity_period),
                bytes(
                    (
                        pdu.registered_delivery,
                        pdu.replace_if_present_flag,
                        pdu.data_coding,
                        pdu.sm_default_msg_id,
                        len(text),
                    )
                ),
                text,
                _tlvs(pdu.tlvs) if pdu.tlvs else b"",
            )
        )
    except BadField:
        raise
    except ValueError:
        raise _bad_octet(pdu) from None


def encode_submit_sm(pdu: SubmitSm) -> bytes:
    """The body of a submit_sm, without header. Raises BadField for what 4.4.1 does not allow."""
    if pdu.short_message and pdu.tlv(TLV_MESSAGE_PAYLOAD) is not None:
        raise BadField("short_message", "excludes message_payload (0x0424)")
    return _bounded(_encode(pdu))


def encode_deliver_sm(pdu: DeliverSm) -> bytes:
    """The body of a deliver_sm (4.6.1). Text beside a payload is let through. Raises BadField."""
    return _bounded(_encode(pdu))


def encode_data_sm(pdu: DataSm) -> bytes:
    """The body of a data_sm (4.7.1), without header; its text must be in the TLVs. Raises BadField."""
    if pdu.short_message:
        raise BadField("short_message", "data_sm has none: use message_payload (0x0424)")
    try:
        return _bounded(
            b"".join(
                (
                    c_octets("service_type", pdu.service_type, 5),
                    bytes((pdu.source_addr_ton, pdu.source_addr_npi)),
                    c_octets("source_addr", pdu.source_addr, 64),
                    bytes((pdu.dest_addr_ton, pdu.dest_addr_npi)),
                    c_octets("destination_addr", pdu.destination_addr, 64),
                    bytes((pdu.esm_class, pdu.registered_delivery, pdu.data_coding)),
                    _tlvs(pdu.tlvs),
                )
            )
        )
    except BadField:
        raise
    except ValueError:
        raise _bad_octet(pdu) from None


_Message = TypeVar("_Message", SubmitSm, DeliverSm)


def _decode(kind: type[_Message], body: bytes) -> _Message:
    """Walks the body once. Decoded whole as Latin-1, an octet is a character and every string a slice."""
    text = body.decode("latin-1")
    try:
        service = text.index("\0")
        source = text.index("\0", service + 3)
        dest = text.index("\0", source + 3)
        schedule = text.index("\0", dest + 4)
        validity = text.index("\0", schedule + 1)
        registered, replace, coding, default_id, length = body[validity + 1 : validity + 6]
    except ValueError:
        raise BadPdu(f"{len(body)} octets end inside the mandatory fields") from None
    start = validity + 6
    end = start + length
    if end > len(body):
        raise BadPdu(f"sm_length is {length}, {len(body) - start} octets are there")
    return kind(
        text[:service],
        body[service + 1],
        body[service + 2],
        text[service + 3 : source],
        body[source + 1],
        body[source + 2],
        text[source + 3 : dest],
        body[dest + 1],
        body[dest + 2],
        body[dest + 3],
        text[dest + 4 : schedule],
        text[schedule + 1 : validity],
        registered,
        replace,
        coding,
        default_id,
        body[start:end],
        read_tlvs(body, end) if end < len(body) else (),
    )


def decode_submit_sm(body: bytes) -> SubmitSm:
    """Reads the body of a submit_sm (4.4.1). Raises BadPdu."""
    return _decode(SubmitSm, body)


def decode_deliver_sm(body: bytes) -> DeliverSm:
    """Reads the body of a deliver_sm (4.6.1). Raises BadPdu."""
    return _decode(DeliverSm, body)


def decode_data_sm(body: bytes) -> DataSm:
    """Reads the body of a data_sm (4.7.1). Raises BadPdu."""
    text = body.decode("latin-1")
    try:
        service = text.index("\0")
        source = text.index("\0", service + 3)
        dest = text.index("\0", source + 3)
        esm_class, registered, coding = body[dest + 1 : dest + 4]
    except ValueError:
        raise BadPdu(f"{len(body)} octets end inside the mandatory fields") from None
    return DataSm(
        service_type=text[:service],
        source_addr_ton=body[service + 1],
        source_addr_npi=body[service + 2],
        source_addr=text[service + 3 : source],
        dest_addr_ton=body[source + 1],
        dest_addr_npi=body[source + 2],
        destination_addr=text[source + 3 : dest],
        esm_class=esm_class,
        registered_delivery=registered,
        data_coding=coding,
        tlvs=read_tlvs(body, dest + 4),
    )


def read_tlvs(body: bytes, at: int) -> tuple[Tlv, ...]:
    """The TLVs from `at` on, in order. One running past the end, or a rest under 4 octets, ends them."""
    found: list[Tlv] = []
    size = len(body)
    while at + 4 <= size:
        tag, length = _TLV_HEAD.unpack_from(body, at)
        at += 4
        end = at + length
        if end > size:
            break
        found.append((tag, body[at:end]))
        at = end
    return tuple(found)


def read_message_id(body: bytes) -> str:
    """The message_id of a submit_sm_resp: up to its NUL or the end, blanks at the ends removed."""
    return body.partition(b"\0")[0].decode("latin-1").strip()


def build_submit_sm_resp(sequence_number: int, command_status: int = ESME_ROK, message_id: str = "") -> bytes:
    """A whole submit_sm_resp (4.4.2). A refusal has no body. Raises BadField."""
    if command_status != ESME_ROK:
        return build_pdu(SUBMIT_SM_RESP, command_status, sequence_number)
    return build_pdu(SUBMIT_SM_RESP, command_status, sequence_number, c_octets("message_id", message_id, 64))


def build_deliver_sm_resp(sequence_number: int, command_status: int = ESME_ROK) -> bytes:
    """A whole deliver_sm_resp (4.6.2). Its message_id stays empty: some peers close at any other."""
    return build_pdu(DELIVER_SM_RESP, command_status, sequence_number, b"\0")


def build_data_sm_resp(sequence_number: int, command_status: int = ESME_ROK) -> bytes:
    """A whole data_sm_resp (4.7.2), with an empty message_id like deliver_sm_resp."""
    return build_pdu(DATA_SM_RESP, command_status, sequence_number, b"\0")
