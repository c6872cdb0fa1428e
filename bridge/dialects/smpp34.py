"""SMPP 3.4 as most providers speak it: Mt to submit_sm, deliver_sm to Mo or Dr, status to Outcome.

How a PDU looks as octets is the codec's; what alphabets, addresses and receipts mean is told by the room
`text`; what follows from an outcome is decided above. One segment only: long messages are not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Literal, NamedTuple

from bridge.dialects.dialect import Dialect
from bridge.model.ids import digest
from bridge.model.inbound import FINAL_STATES, Concat, Dr, DrState, Inbound, Mo
from bridge.model.mt import Mt
from bridge.model.outcome import Accepted, NotSent, Outcome, Rejected, RetryLater, Throttled
from bridge.smpp.codec import BadField, encode_submit_sm
from bridge.smpp.consts import (
    ESM_CLASS_UDHI,
    TLV_MESSAGE_STATE,
    TLV_NETWORK_ERROR_CODE,
    TLV_RECEIPTED_MESSAGE_ID,
    TLV_SAR_MSG_REF_NUM,
    TLV_SAR_SEGMENT_SEQNUM,
    TLV_SAR_TOTAL_SEGMENTS,
    describe_status,
)
from bridge.smpp.pdus import DeliverSm, SubmitSm
from bridge.smpp.status import StatusGroup, status_group
from bridge.text.addresses import Address, BadAddress, read_number, read_sender
from bridge.text.alphabets import SMPP34_CODINGS, Alphabets, Decoded, Unencodable, capacity
from bridge.text.dates import absolute_time
from bridge.text.receipt import ReceiptPdu, is_receipt, read_receipt
from bridge.text.udh import Udh, read_udh, segment_of

SMPP34 = Dialect(name="smpp34", codings=SMPP34_CODINGS, ids_from_text=True)

_SENDERS_REMEMBERED = 4096
_EARLIEST_VALIDITY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SubmitOptions:
    """How one provider wants its submit_sm. Fields are named as in the configuration."""

    source_ton: int | Literal["auto"] = "auto"
    source_npi: int | Literal["auto"] = "auto"
    dest_ton: int | Literal["auto"] = "auto"
    dest_npi: int | Literal["auto"] = "auto"
    number_format: Literal["digits", "plus"] = "digits"
    default_alphabet: str = "gsm"
    dialect: Dialect = SMPP34
    alphabets: Alphabets = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "alphabets", Alphabets(self.default_alphabet, self.dialect.codings))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadOptions:
    """How to read one provider's deliver_sm. `final_states`: nothing follows these, beside the usual."""

    default_alphabet: str = "gsm"
    final_states: frozenset[DrState] = frozenset()
    dialect: Dialect = SMPP34
    alphabets: Alphabets = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "alphabets", Alphabets(self.default_alphabet, self.dialect.codings))


class _Unsendable(ValueError):
    """An MT that no submit_sm can carry; the text says why."""


class _Payload(NamedTuple):
    octets: bytes
    data_coding: int
    esm_class: int


class _Endpoint(NamedTuple):
    ton: int
    npi: int
    address: str


def build_submit(mt: Mt, from_: str, options: SubmitOptions, now_epoch: float) -> bytes | Rejected:
    """The MT as the body of a submit_sm (SMPP 3.4, 4.4.1), or why this provider can never carry it.

    Whether it has expired is for the caller to see: the validity never ends before it is on the wire.
    """
    source = _source(from_, options)
    if isinstance(source, Rejected):
        return source
    try:
        destination = _endpoint(read_number(mt.to), options.dest_ton, options.dest_npi, options)
        payload = _payload(mt, options.alphabets)
        return encode_submit_sm(
            SubmitSm(
                source_addr_ton=source.ton,
                source_addr_npi=source.npi,
                source_addr=source.address,
                dest_addr_ton=destination.ton,
                dest_addr_npi=destination.npi,
                destination_addr=destination.address,
                esm_class=payload.esm_class,
                priority_flag=mt.priority,
                validity_period=_validity_period(mt.expires_at, now_epoch),
                registered_delivery=0 if mt.receipt == "none" else 1,
                data_coding=payload.data_coding,
                short_message=payload.octets,
                tlvs=mt.tlvs,
            )
        )
    except (BadAddress, BadField, Unencodable, _Unsendable) as error:
        return Rejected(None, str(error))


@lru_cache(maxsize=_SENDERS_REMEMBERED)
def _source(from_: str, options: SubmitOptions) -> _Endpoint | Rejected:
    """The sender, checked once: a route has few and sends much."""
    try:
        return _endpoint(read_sender(from_), options.source_ton, options.source_npi, options)
    except BadAddress as error:
        return Rejected(None, str(error))


def _endpoint(
    address: Address, ton: int | Literal["auto"], npi: int | Literal["auto"], options: SubmitOptions
) -> _Endpoint:
    auto_ton, auto_npi = address.shape.value
    return _Endpoint(
        auto_ton if ton == "auto" else ton,
        auto_npi if npi == "auto" else npi,
        address.written(options.number_format),
    )


def _validity_period(expires_at: float | None, now_epoch: float) -> str:
    """Cut to whole seconds an expiry just ahead would lie behind, and SMSCs refuse that as a bad field."""
    return "" if expires_at is None else absolute_time(max(expires_at, now_epoch + _EARLIEST_VALIDITY_S))


def _payload(mt: Mt, alphabets: Alphabets) -> _Payload:
    """The octets of the one segment. Raises Unencodable and _Unsendable."""
    if mt.data is not None:
        return _binary(mt.data, mt.udh or b"", mt.encoding, alphabets)
    if mt.text is None:
        raise _Unsendable("media: SMPP carries only text and data")
    if mt.udh:
        raise _Unsendable("udh: goes with data, never with text")
    if mt.encoding == "binary":
        raise _Unsendable("encoding: binary is for data, not for text")
    encoded = alphabets.encode(mt.text, mt.encoding)
    _check_room(len(encoded.octets), encoded.encoding)
    return _Payload(encoded.octets, encoded.data_coding, 0)


def _binary(data: bytes, udh: bytes, encoding: str, alphabets: Alphabets) -> _Payload:
    if encoding not in ("auto", "binary"):
        raise _Unsendable(f"encoding: data is sent as it is, {encoding} is for text")
    if udh:
        header = read_udh(udh)
        if header is None or header.octets != len(udh):
            raise _Unsendable("udh: not a user data header: its lengths do not add up")
    data_coding = alphabets.coding_of("binary")
    _check_room(len(data), "binary", len(udh))
    return _Payload(udh + data, data_coding, ESM_CLASS_UDHI if udh else 0)


def _check_room(octets: int, encoding: str, udh_octets: int = 0) -> None:
    room = capacity(encoding, udh_octets)
    if octets > room:
        beside = f" beside {udh_octets} octets of udh" if udh_octets else ""
        raise _Unsendable(
            f"{octets} octets in {encoding}, one segment holds {room}{beside}:"
            " long messages are not supported yet"
        )


def read_inbound(pdu: DeliverSm, options: ReadOptions) -> Inbound:
    """A deliver_sm or data_sm as what it is: a receipt or a message from a phone. Never raises."""
    payload = pdu.payload
    header = read_udh(payload) if pdu.esm_class & ESM_CLASS_UDHI else None
    body = payload[header.octets :] if header else payload
    receipt = ReceiptPdu(
        esm_class=pdu.esm_class,
        body=body,
        message_id=pdu.tlv(TLV_RECEIPTED_MESSAGE_ID),
        message_state=pdu.tlv(TLV_MESSAGE_STATE),
        network_error=pdu.tlv(TLV_NETWORK_ERROR_CODE),
    )
    if is_receipt(receipt):
        return _read_dr(pdu, receipt, options)
    return _read_mo(pdu, header, body, options)


def _read_dr(pdu: DeliverSm, parts: ReceiptPdu, options: ReadOptions) -> Dr:
    receipt = read_receipt(
        parts, options.alphabets.decode_default, ids_from_text=options.dialect.ids_from_text
    )
    state, error, ids = receipt.state, receipt.error, receipt.ids
    known = (*ids, state or "", error or "", pdu.source_addr, pdu.destination_addr)
    return Dr(
        ids=ids,
        state=state,
        final=not receipt.intermediate and (state in FINAL_STATES or state in options.final_states),
        error=error,
        network_error=receipt.network_error,
        submitted_at=receipt.submitted_at,
        done_at=receipt.done_at,
        to=pdu.destination_addr,
        from_=pdu.source_addr,
        text=receipt.text,
        identity=digest(*known) if ids else _whole_content(pdu),
        raw=pdu.raw,
    )


def _read_mo(pdu: DeliverSm, header: Udh | None, body: bytes, options: ReadOptions) -> Mo:
    decoded = options.alphabets.decode(body, pdu.data_coding)
    if header and header.national and decoded.encoding == "gsm":
        decoded = Decoded(None, body, "gsm-national")  # the basic table would show other letters
    return Mo(
        id=None,
        from_=pdu.source_addr,
        to=pdu.destination_addr,
        text=decoded.text,
        data=decoded.data,
        encoding=decoded.encoding,
        identity=_whole_content(pdu),
        concat=header.concat if header and header.concat else _sar(pdu),
        ports=header.ports if header else None,
        raw=pdu.raw,
    )


def _sar(pdu: DeliverSm) -> Concat | None:
    """The segment by TLVs, where there is no header to tell (SMPP 3.4, 5.3.2.22-24)."""
    ref, total, seq = map(pdu.tlv, (TLV_SAR_MSG_REF_NUM, TLV_SAR_TOTAL_SEGMENTS, TLV_SAR_SEGMENT_SEQNUM))
    if not (ref and total and seq):
        return None
    return segment_of(int.from_bytes(ref, "big"), int.from_bytes(total, "big"), int.from_bytes(seq, "big"))


def _whole_content(pdu: DeliverSm) -> bytes:
    """All that a sender put into it, and nothing that a bind or a moment adds."""
    numbers = bytes((pdu.esm_class, pdu.protocol_id, pdu.data_coding))
    tlvs = (part for tag, value in pdu.tlvs for part in (tag.to_bytes(2, "big"), value))
    return digest("pdu", pdu.source_addr, pdu.destination_addr, numbers, pdu.short_message, *tlvs)


def outcome_of(status: int, message_id: str, overrides: Mapping[int, StatusGroup]) -> Outcome:
    """What a submit_sm_resp says of its MT. What its link is to do about it: `link_effect`."""
    group = status_group(status, overrides)
    if group is StatusGroup.OK:
        return Accepted(message_id)
    reason = describe_status(status)
    if group is StatusGroup.RETRY_LATER:
        return RetryLater(status, reason)
    if group is StatusGroup.THROTTLED:
        return Throttled(status, reason)
    if group in (StatusGroup.BIND_DOWN, StatusGroup.ACCOUNT):
        return NotSent(reason, status)
    return Rejected(status, reason)


class LinkEffect(Enum):
    """What a status asks of the bind it came on."""

    NONE = "none"
    PAUSE = "pause"
    REBIND = "rebind"
    STOP = "stop"


_EFFECTS: Mapping[StatusGroup, LinkEffect] = {
    StatusGroup.THROTTLED: LinkEffect.PAUSE,
    StatusGroup.BIND_DOWN: LinkEffect.REBIND,
    StatusGroup.ACCOUNT: LinkEffect.STOP,
}


def link_effect(status: int, overrides: Mapping[int, StatusGroup]) -> LinkEffect:
    """What the bind is to do after an answer with this status."""
    return _EFFECTS.get(status_group(status, overrides), LinkEffect.NONE)
