"""What the PDU classes say of themselves."""

from bridge.smpp.pdus import BindRequest, DeliverSm


def test_of_a_tag_that_occurs_twice_the_first_counts() -> None:
    pdu = DeliverSm(tlvs=((0x001E, b"first"), (0x0427, b"\x02"), (0x001E, b"second")))
    assert pdu.tlv(0x001E) == b"first"
    assert pdu.tlv(0x0424) is None
    assert pdu.raw["tlvs"] == {"0x001E": b"first".hex(), "0x0427": "02"}


def test_the_payload_is_the_text_or_else_the_tlv() -> None:
    tlvs = ((0x0424, b"payload"),)
    assert DeliverSm(short_message=b"text", tlvs=tlvs).payload == b"text"
    assert DeliverSm(tlvs=tlvs).payload == b"payload"
    assert DeliverSm().payload == b""


def test_raw_is_what_events_carry() -> None:
    pdu = DeliverSm(data_coding=8, esm_class=0x40, short_message=b"\x00a", tlvs=((0x1401, b""),))
    assert pdu.raw == {"data_coding": 8, "esm_class": 0x40, "short_message": "0061", "tlvs": {"0x1401": ""}}


def test_a_password_is_never_shown() -> None:
    assert "hidden" not in repr(BindRequest(system_id="esme", password="hidden"))
