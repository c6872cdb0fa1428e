"""The codec against smpp34, an independent implementation of SMPP 3.4: same octets, same reading."""

from dataclasses import fields
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from smpp34 import DeliverSm as OtherDeliverSm
from smpp34 import SubmitSm as OtherSubmitSm
from smpp34 import Tlv, decode

from bridge.smpp import codec, consts
from bridge.smpp.framing import HEADER_OCTETS, build_pdu
from bridge.smpp.pdus import DeliverSm, ShortMessage, SubmitSm
from tests.smpp.strategies import short_message_fields

ASCII = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
TIME = st.sampled_from(["", "261122160000000+", "000001000000000R"])
FIELDS = short_message_fields(ASCII, TIME, st.integers(0x1400, 0x3FFF))


def values_of(pdu: object) -> dict[str, Any]:
    values = {field.name: getattr(pdu, field.name) for field in fields(ShortMessage)}
    values["tlvs"] = tuple((tlv.tag, tlv.value) if isinstance(tlv, Tlv) else tlv for tlv in values["tlvs"])
    return values


def arguments_of(pdu: ShortMessage) -> dict[str, Any]:
    return values_of(pdu) | {"tlvs": [Tlv(tag, value) for tag, value in pdu.tlvs]}


@given(submit=st.builds(SubmitSm, **FIELDS), number=st.integers(1, consts.MAX_SEQUENCE))
def test_submit_sm(submit: SubmitSm, number: int) -> None:
    ours = build_pdu(consts.SUBMIT_SM, consts.ESME_ROK, number, codec.encode_submit_sm(submit))
    theirs = OtherSubmitSm(**arguments_of(submit), sequence_number=number)
    assert ours == theirs.encode()
    assert values_of(decode(ours)) == values_of(submit)
    assert codec.decode_submit_sm(theirs.encode()[HEADER_OCTETS:]) == submit


@given(deliver=st.builds(DeliverSm, **FIELDS), number=st.integers(1, consts.MAX_SEQUENCE))
def test_deliver_sm(deliver: DeliverSm, number: int) -> None:
    ours = build_pdu(consts.DELIVER_SM, consts.ESME_ROK, number, codec.encode_deliver_sm(deliver))
    theirs = OtherDeliverSm(**arguments_of(deliver), sequence_number=number)
    assert ours == theirs.encode()
    assert values_of(decode(ours)) == values_of(deliver)
    assert codec.decode_deliver_sm(theirs.encode()[HEADER_OCTETS:]) == deliver
