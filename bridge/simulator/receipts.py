"""Builds the deliver_sm of receipts and MOs: pure functions of what they are to say.

The form of receipts is that of SMPP 3.4, appendix B, with the TLVs receipted_message_id (5.3.2.12) and
message_state (5.3.2.35).
"""

import time

from bridge.smpp.consts import (
    ESM_CLASS_INTERMEDIATE,
    ESM_CLASS_RECEIPT,
    ESM_CLASS_UDHI,
    TLV_MESSAGE_STATE,
    TLV_RECEIPTED_MESSAGE_ID,
)
from bridge.smpp.pdus import DeliverSm, SubmitSm

MESSAGE_STATES = {
    "ENROUTE": 1,
    "DELIVRD": 2,
    "EXPIRED": 3,
    "DELETED": 4,
    "UNDELIV": 5,
    "ACCEPTD": 6,
    "UNKNOWN": 7,
    "REJECTD": 8,
}
"""The words of appendix B with their numbers of 5.2.28."""


def wants_receipt(registered_delivery: int, state: str) -> bool:
    """Does this registered_delivery (5.2.17) ask for a receipt of this final state?"""
    match registered_delivery & 0b11:
        case 1:
            return True
        case 2:
            return state != "DELIVRD"
        case _:
            return False


def build_receipt(
    receipt_id: str, state: str, *, handset: str, sender: str, submitted_at: float, done_at: float,
    error: str = "000", text: bytes = b"",
) -> DeliverSm:  # fmt: skip
    """The receipt of one message: it comes from the handset and goes to whoever had sent the message."""
    delivered = 1 if state == "DELIVRD" else 0
    head = (
        f"id:{receipt_id} sub:001 dlvrd:{delivered:03} submit date:{_minutes(submitted_at)} "
        f"done date:{_minutes(done_at)} stat:{state} err:{error} text:"
    )
    return DeliverSm(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=handset,
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=sender,
        esm_class=ESM_CLASS_INTERMEDIATE if state == "ENROUTE" else ESM_CLASS_RECEIPT,
        short_message=head.encode() + text[:20],
        tlvs=(
            (TLV_RECEIPTED_MESSAGE_ID, receipt_id.encode() + b"\0"),
            (TLV_MESSAGE_STATE, bytes((MESSAGE_STATES[state],))),
        ),
    )


def receipt_of(pdu: SubmitSm, receipt_id: str, state: str, error: str, submitted_at: float) -> DeliverSm:
    """The receipt of a submit_sm, done now. It quotes the text only where it can be read as it stands."""
    return build_receipt(
        receipt_id,
        state,
        handset=pdu.destination_addr,
        sender=pdu.source_addr,
        submitted_at=submitted_at,
        done_at=time.time(),
        error=error,
        text=pdu.short_message if pdu.data_coding == 0 and not pdu.esm_class & ESM_CLASS_UDHI else b"",
    )


def _minutes(epoch_s: float) -> str:
    return time.strftime("%y%m%d%H%M", time.gmtime(epoch_s))
