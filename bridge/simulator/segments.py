"""Which segment of a long message a submit_sm is, as the phone will find out: by its header or by its SAR TLVs."""

from bridge.model.inbound import Concat
from bridge.smpp.consts import (
    ESM_CLASS_UDHI,
    TLV_SAR_MSG_REF_NUM,
    TLV_SAR_SEGMENT_SEQNUM,
    TLV_SAR_TOTAL_SEGMENTS,
)
from bridge.smpp.pdus import SubmitSm
from bridge.text.udh import read_udh, segment_of


def read_segment(pdu: SubmitSm) -> Concat | None:
    """The segment (3GPP TS 23.040, 9.2.3.24.1 and .8; SMPP 3.4, 5.3.2.22-24); None: it is a message by itself."""
    if pdu.esm_class & ESM_CLASS_UDHI:
        header = read_udh(pdu.payload)
        if header is not None and header.concat is not None:
            return header.concat
    if not pdu.tlvs:
        return None
    ref, total, seq = map(pdu.tlv, (TLV_SAR_MSG_REF_NUM, TLV_SAR_TOTAL_SEGMENTS, TLV_SAR_SEGMENT_SEQNUM))
    if not (ref and total and seq):
        return None
    return segment_of(int.from_bytes(ref, "big"), int.from_bytes(total, "big"), int.from_bytes(seq, "big"))
