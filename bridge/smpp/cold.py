"""The PDUs of which a session sends few: binds, unbind, enquire_link, generic_nack, and their answers.

smpplib builds them. What it would cut short without a word is checked before; what it misreads (answers with
odd TLVs, strings without NUL) is read here.
"""

from typing import Any

from smpplib import smpp
from smpplib.command import Param

from bridge.smpp.codec import BadPdu, c_octets, read_tlvs
from bridge.smpp.consts import (
    ESME_ROK,
    RESPONSE,
    TLV_SC_INTERFACE_VERSION,
    describe_command,
)
from bridge.smpp.framing import build_pdu
from bridge.smpp.pdus import BindRequest

_LONGEST_PASSWORD = 64
"""SMPP 3.4 allows 8 characters; real accounts have longer ones."""


def _generate(name: str, sequence_number: int, command_status: int = ESME_ROK) -> bytes:
    return _octets(smpp.make_pdu(name, sequence=sequence_number, status=command_status), sequence_number)


def _octets(pdu: Any, sequence_number: int) -> bytes:
    """smpplib's PDU as octets. It takes a sequence number as keyword, and drops it: it must be assigned."""
    pdu.sequence = sequence_number
    octets: bytes = pdu.generate()
    return octets


def build_bind(command_id: int, sequence_number: int, request: BindRequest) -> bytes:
    """A whole bind_transmitter, bind_receiver or bind_transceiver (4.1). Raises BadField."""
    c_octets("system_id", request.system_id, 15)
    c_octets("password", request.password, _LONGEST_PASSWORD)
    c_octets("system_type", request.system_type, 12)
    c_octets("address_range", request.address_range, 40)
    pdu: Any = smpp.make_pdu(
        describe_command(command_id),
        sequence=sequence_number,
        system_id=request.system_id,
        password=request.password,
        system_type=request.system_type,
        addr_ton=request.addr_ton,
        addr_npi=request.addr_npi,
        address_range=request.address_range,
    )
    pdu.params = {**pdu.params, "password": Param(type=str, max=_LONGEST_PASSWORD + 1)}
    pdu.interface_version = request.interface_version
    return _octets(pdu, sequence_number)


def decode_bind(body: bytes) -> BindRequest:
    """Reads the body of any of the three binds, with strings of any length. Raises BadPdu."""
    text = body.decode("latin-1")
    try:
        system_id = text.index("\0")
        password = text.index("\0", system_id + 1)
        system_type = text.index("\0", password + 1)
        version, ton, npi = body[system_type + 1 : system_type + 4]
        address_range = text.index("\0", system_type + 4)
    except ValueError:
        raise BadPdu(f"{len(body)} octets end inside the mandatory fields") from None
    return BindRequest(
        system_id=text[:system_id],
        password=text[system_id + 1 : password],
        system_type=text[password + 1 : system_type],
        interface_version=version,
        addr_ton=ton,
        addr_npi=npi,
        address_range=text[system_type + 4 : address_range],
    )


def build_bind_resp(
    bind_command_id: int,
    sequence_number: int,
    command_status: int = ESME_ROK,
    system_id: str = "",
    interface_version: int | None = None,
) -> bytes:
    """The whole answer to a bind (4.1.2), with sc_interface_version if given; a refusal has no body."""
    command_id = bind_command_id | RESPONSE
    if command_status != ESME_ROK:
        return build_pdu(command_id, command_status, sequence_number)
    c_octets("system_id", system_id, 15)
    pdu: Any = smpp.make_pdu(
        describe_command(command_id),
        sequence=sequence_number,
        system_id=system_id,
        sc_interface_version=interface_version,
    )
    return _octets(pdu, sequence_number)


def decode_bind_resp(body: bytes) -> tuple[str, int | None]:
    """system_id and sc_interface_version of the answer to a bind; "" and None where they are not there."""
    system_id, _, _ = body.partition(b"\0")
    for tag, value in read_tlvs(body, len(system_id) + 1):
        if tag == TLV_SC_INTERFACE_VERSION and len(value) == 1:
            return system_id.decode("latin-1"), value[0]
    return system_id.decode("latin-1"), None


def build_unbind(sequence_number: int) -> bytes:
    """A whole unbind (4.2)."""
    return _generate("unbind", sequence_number)


def build_unbind_resp(sequence_number: int, command_status: int = ESME_ROK) -> bytes:
    """A whole unbind_resp (4.2)."""
    return _generate("unbind_resp", sequence_number, command_status)


def build_enquire_link(sequence_number: int) -> bytes:
    """A whole enquire_link (4.11)."""
    return _generate("enquire_link", sequence_number)


def build_enquire_link_resp(sequence_number: int) -> bytes:
    """A whole enquire_link_resp (4.11)."""
    return _generate("enquire_link_resp", sequence_number)


def build_generic_nack(sequence_number: int, command_status: int) -> bytes:
    """A whole generic_nack (4.3). Sequence number 0 where the PDU's own could not be read."""
    return _generate("generic_nack", sequence_number, command_status)
