"""The seldom PDUs: byte-exact, both directions, at their limits."""

from typing import Any

import pytest
import smpp34
from hypothesis import given
from hypothesis import strategies as st

from bridge.smpp import cold, consts
from bridge.smpp.codec import BadField, BadPdu
from bridge.smpp.framing import Frame, Framer
from bridge.smpp.pdus import BindRequest

ASCII = st.characters(min_codepoint=0x01, max_codepoint=0x7F)
OCTET = st.integers(0, 255)
BIND_REQUESTS = st.builds(
    BindRequest,
    system_id=st.text(ASCII, max_size=15),
    password=st.text(ASCII, max_size=64),
    system_type=st.text(ASCII, max_size=12),
    interface_version=OCTET,
    addr_ton=OCTET,
    addr_npi=OCTET,
    address_range=st.text(ASCII, max_size=40),
)
BINDS = [consts.BIND_RECEIVER, consts.BIND_TRANSMITTER, consts.BIND_TRANSCEIVER]


def frame_of(pdu: bytes) -> Frame:
    (frame,) = Framer().feed(pdu)
    return frame


def test_a_bind_byte_by_byte() -> None:
    request = BindRequest(
        system_id="SMPP3TEST", password="secret08", system_type="SUBMIT1", addr_ton=1, addr_npi=1
    )
    assert cold.build_bind(consts.BIND_TRANSMITTER, 1, request) == bytes.fromhex("""
        0000002f 00000002 00000000 00000001
        534d5050335445535400 736563726574303800 5355424d49543100 34 01 01 00
    """)


@given(command_id=st.sampled_from(BINDS), number=st.integers(1, consts.MAX_SEQUENCE), request=BIND_REQUESTS)
def test_a_bind_survives_the_way(command_id: int, number: int, request: BindRequest) -> None:
    frame = frame_of(cold.build_bind(command_id, number, request))
    assert frame[:3] == (command_id, 0, number)
    assert cold.decode_bind(frame.body) == request


@pytest.mark.parametrize(
    "change",
    [
        {"system_id": "s" * 16},
        {"password": "p" * 65},
        {"system_type": "t" * 13},
        {"address_range": "r" * 41},
        {"password": "gehört"},
        {"system_id": "a\0b"},
    ],
    ids=str,
)
def test_a_bind_that_would_be_cut_is_not_built(change: dict[str, Any]) -> None:
    request = BindRequest(**{"system_id": "esme", "password": "secret", **change})
    with pytest.raises(BadField) as caught:
        cold.build_bind(consts.BIND_TRANSCEIVER, 1, request)
    assert caught.value.field == next(iter(change))
    assert request.password not in str(caught.value)


def test_long_passwords_leave_smpplib_as_it_was() -> None:
    from smpplib.command import BindTransmitter

    before = BindTransmitter.params["password"].max
    cold.build_bind(consts.BIND_TRANSMITTER, 1, BindRequest(system_id="esme", password="p" * 64))
    assert BindTransmitter.params["password"].max == before


def test_every_cut_of_a_bind_is_a_bad_pdu() -> None:
    body = frame_of(cold.build_bind(9, 1, BindRequest(system_id="esme", password="secret"))).body
    for end in range(len(body)):
        with pytest.raises(BadPdu):
            cold.decode_bind(body[:end])


@pytest.mark.parametrize("command_id", BINDS)
def test_the_answer_to_a_bind(command_id: int) -> None:
    frame = frame_of(cold.build_bind_resp(command_id, 7, system_id="SMSC", interface_version=0x34))
    assert frame == Frame(command_id | consts.RESPONSE, 0, 7, bytes.fromhex("534d5343000210000134"))
    assert cold.decode_bind_resp(frame.body) == ("SMSC", 0x34)
    assert frame_of(cold.build_bind_resp(command_id, 7, system_id="SMSC")).body == b"SMSC\0"
    assert frame_of(cold.build_bind_resp(command_id, 7, consts.ESME_RINVPASWD, "SMSC")).body == b""


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"", ("", None)),
        (b"SMSC", ("SMSC", None)),
        (b"SMSC\0", ("SMSC", None)),
        (b"\0\x02\x10\x00\x01\x34", ("", 0x34)),
        (b"S\0\x02\x10\x00\x00", ("S", None)),
        (b"S\0\x02\x10\x00\x02\x00\x34", ("S", None)),
        (b"S\0\x14\x00\x00\x01x\x02\x10\x00\x01\x33", ("S", 0x33)),
        (b"\xe9\0\x02\x10\x00\x09\x34", ("é", None)),
    ],
    ids=repr,
)
def test_odd_answers_to_a_bind_are_read(body: bytes, read: tuple[str, int | None]) -> None:
    assert cold.decode_bind_resp(body) == read


@pytest.mark.parametrize(
    ("pdu", "frame"),
    [
        (cold.build_unbind(5), Frame(consts.UNBIND, 0, 5, b"")),
        (cold.build_unbind_resp(6), Frame(consts.UNBIND_RESP, 0, 6, b"")),
        (cold.build_unbind_resp(6, 4), Frame(consts.UNBIND_RESP, 4, 6, b"")),
        (cold.build_enquire_link(0x7FFFFFFF), Frame(consts.ENQUIRE_LINK, 0, 0x7FFFFFFF, b"")),
        (cold.build_enquire_link_resp(0xFFFFFFFF), Frame(consts.ENQUIRE_LINK_RESP, 0, 0xFFFFFFFF, b"")),
        (cold.build_generic_nack(0, 2), Frame(consts.GENERIC_NACK, 2, 0, b"")),
    ],
    ids=lambda value: consts.describe_command(value.command_id) if isinstance(value, Frame) else "",
)
def test_pdus_without_body(pdu: bytes, frame: Frame) -> None:
    assert frame_of(pdu) == frame
    other = smpp34.decode(pdu)
    assert isinstance(other, smpp34.RawPdu)
    assert (other.command_id, other.command_status, other.sequence_number) == frame[:3]
