"""MTs, and what an SMSC reads of them: an independent implementation of SMPP."""

from typing import Any

import smpp34

from bridge.dialects.submit import LongSubmit
from bridge.model.mt import Mt
from bridge.smpp.consts import ESME_ROK, SUBMIT_SM
from bridge.smpp.framing import build_pdu

REF_NUM, TOTAL, SEQNUM, PAYLOAD = 0x020C, 0x020E, 0x020F, 0x0424
PORTS = bytes.fromhex("06050423f40000")
"""A user data header of an application: a business card."""


def mt(**fields: Any) -> Mt:
    return Mt(**({"id": "1", "to": "+447700900123"} | fields))


def read(body: object) -> smpp34.SubmitSm:
    assert isinstance(body, bytes), body
    pdu = smpp34.decode(build_pdu(SUBMIT_SM, ESME_ROK, 1, body))
    assert isinstance(pdu, smpp34.SubmitSm)
    return pdu


def read_all(built: object, reference: int = 7) -> list[smpp34.SubmitSm]:
    """All segments in turn, or the one there is."""
    if isinstance(built, LongSubmit):
        return [read(built.body(number, reference)) for number in range(1, built.count + 1)]
    return [read(built)]


def tlvs(pdu: smpp34.SubmitSm) -> dict[int, bytes]:
    return {tlv.tag: tlv.value for tlv in pdu.tlvs}
