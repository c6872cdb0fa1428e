"""What comes back by SMPP, as most providers send it: deliver_sm and data_sm to Mo, MoSegment or Dr.

How a PDU looks as octets is the codec's; what alphabets, headers and receipts mean is told by the room `text`.
Segments are told apart and put together here; waiting for the missing ones is done above.
"""

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count, groupby

from bridge.dialects.dialect import Dialect
from bridge.dialects.smpp34 import SMPP34
from bridge.model.ids import digest
from bridge.model.inbound import FINAL_STATES, Concat, Dr, DrState, Inbound, Mo, MoSegment, Ports
from bridge.smpp.consts import (
    ESM_CLASS_UDHI,
    TLV_DESTINATION_PORT,
    TLV_MESSAGE_STATE,
    TLV_NETWORK_ERROR_CODE,
    TLV_RECEIPTED_MESSAGE_ID,
    TLV_SAR_MSG_REF_NUM,
    TLV_SAR_SEGMENT_SEQNUM,
    TLV_SAR_TOTAL_SEGMENTS,
    TLV_SOURCE_PORT,
)
from bridge.smpp.pdus import DeliverSm
from bridge.text.alphabets import Alphabets, Decoded
from bridge.text.packing import unpack
from bridge.text.receipt import ReceiptPdu, is_receipt, read_receipt
from bridge.text.udh import Udh, read_udh, segment_of

_NO_HEADER = Udh(0)
_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadOptions:
    """How to read one provider's deliver_sm. `final_states`: nothing follows these, beside the usual."""

    default_alphabet: str = "gsm"
    final_states: frozenset[DrState] = frozenset()
    dialect: Dialect = SMPP34
    alphabets: Alphabets = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "alphabets", Alphabets(self.default_alphabet, self.dialect.codings))


def read_inbound(pdu: DeliverSm, options: ReadOptions) -> Inbound:
    """A deliver_sm or data_sm as what it is: a receipt, a message from a phone, or a part of one. Never raises."""
    payload = pdu.payload
    header = (read_udh(payload) if pdu.esm_class & ESM_CLASS_UDHI else None) or _NO_HEADER
    body = payload[header.octets :]
    receipt = ReceiptPdu(
        esm_class=pdu.esm_class,
        body=body,
        message_id=pdu.tlv(TLV_RECEIPTED_MESSAGE_ID),
        message_state=pdu.tlv(TLV_MESSAGE_STATE),
        network_error=pdu.tlv(TLV_NETWORK_ERROR_CODE),
    )
    if is_receipt(receipt):
        return _read_dr(pdu, receipt, options)
    octets = unpack(body, header.octets) if options.alphabets.packed(pdu.data_coding) else body
    concat = header.concat or _sar(pdu)
    if concat and concat.total > 1:
        return _read_segment(pdu, header, concat, octets)
    return _read_mo(pdu, header, octets, options)


def _read_dr(pdu: DeliverSm, parts: ReceiptPdu, options: ReadOptions) -> Dr:
    receipt = read_receipt(
        parts,
        lambda octets: options.alphabets.decode_quoted(octets, pdu.data_coding),
        ids_from_text=options.dialect.ids_from_text,
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


def _read_mo(pdu: DeliverSm, header: Udh, octets: bytes, options: ReadOptions) -> Mo:
    decoded = options.alphabets.decode(octets, pdu.data_coding, header.shifts)
    return Mo(
        id=None,
        from_=pdu.source_addr,
        to=pdu.destination_addr,
        text=decoded.text,
        data=decoded.data,
        encoding=decoded.encoding,
        identity=_whole_content(pdu),
        ports=header.ports or _ports(pdu),
        raw=pdu.raw,
    )


def _read_segment(pdu: DeliverSm, header: Udh, concat: Concat, octets: bytes) -> MoSegment:
    return MoSegment(
        from_=pdu.source_addr,
        to=pdu.destination_addr,
        concat=concat,
        octets=octets,
        data_coding=pdu.data_coding,
        identity=_whole_content(pdu),
        shifts=header.shifts,
        ports=header.ports or _ports(pdu),
        raw=pdu.raw,
    )


def _sar(pdu: DeliverSm) -> Concat | None:
    """The segment by TLVs, where there is no header to tell (SMPP 3.4, 5.3.2.22-24)."""
    ref, total, seq = map(pdu.tlv, (TLV_SAR_MSG_REF_NUM, TLV_SAR_TOTAL_SEGMENTS, TLV_SAR_SEGMENT_SEQNUM))
    if not (ref and total and seq):
        return None
    return segment_of(int.from_bytes(ref, "big"), int.from_bytes(total, "big"), int.from_bytes(seq, "big"))


def _ports(pdu: DeliverSm) -> Ports | None:
    """The ports by TLVs, where there is no header to tell (SMPP 3.4, 5.3.2.20-21). The source may be left out."""
    dst, src = pdu.tlv(TLV_DESTINATION_PORT), pdu.tlv(TLV_SOURCE_PORT) or b""
    if not dst or len(dst) > 2 or len(src) > 2:
        return None
    return Ports(dst=int.from_bytes(dst, "big"), src=int.from_bytes(src, "big"))


def _whole_content(pdu: DeliverSm) -> bytes:
    """All that a sender put into it, and nothing that a bind or a moment adds."""
    numbers = bytes((pdu.esm_class, pdu.protocol_id, pdu.data_coding))
    tlvs = (part for tag, value in pdu.tlvs for part in (tag.to_bytes(2, "big"), value))
    return digest("pdu", pdu.source_addr, pdu.destination_addr, numbers, pdu.short_message, *tlvs)


def join_segments(segments: Sequence[MoSegment], options: ReadOptions) -> Mo:
    """The MO that these segments make, at least one of them, given in any order.

    Characters cut in two come together again wherever both halves are there. Not `complete` unless all are.
    """
    present = sorted({segment.concat.seq: segment for segment in reversed(segments)}.values(), key=_seq)
    first = present[0]
    octets = b"".join(segment.octets for segment in present)
    text, data, encoding = _joined(octets, [_decode_run(run, options) for run in _runs(present)])
    return Mo(
        id=None,
        from_=first.from_,
        to=first.to,
        text=text,
        data=data,
        encoding=encoding,
        identity=digest("segments", *(segment.identity for segment in present)),
        segments=first.concat.total,
        complete=len(present) == first.concat.total,
        ports=first.ports,
        raw={**first.raw, "short_message": octets.hex()},
    )


def _seq(segment: MoSegment) -> int:
    return segment.concat.seq


def _runs(segments: Sequence[MoSegment]) -> Iterator[list[MoSegment]]:
    """Neighbours without a gap that are written alike: their octets are decoded as one.

    One that brings a byte order mark of its own was written by itself.
    """
    marks = accumulate(int(segment.octets.startswith(_BYTE_ORDER_MARKS)) for segment in segments)
    alike = [
        (segment.concat.seq - place, marked, segment.data_coding, segment.shifts)
        for place, marked, segment in zip(count(), marks, segments, strict=False)
    ]
    for _, run in groupby(zip(alike, segments, strict=True), lambda pair: pair[0]):
        yield [segment for _, segment in run]


def _decode_run(run: Sequence[MoSegment], options: ReadOptions) -> Decoded:
    octets = b"".join(segment.octets for segment in run)
    return options.alphabets.decode(octets, run[0].data_coding, run[0].shifts)


def _joined(octets: bytes, parts: Sequence[Decoded]) -> Decoded:
    """One message of its runs: text if all of them are, under the encoding of the first; else all the octets."""
    for part in parts:
        if part.text is None:
            return Decoded(None, octets, part.encoding)
    return Decoded("".join(part.text or "" for part in parts), None, parts[0].encoding)
