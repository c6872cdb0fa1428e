"""What the target is fed with: real PDUs, damaged in the ways that streams and peers damage them."""

from collections.abc import Sequence
from random import Random

from bridge.smpp.codec import encode_data_sm, encode_deliver_sm
from bridge.smpp.consts import DATA_SM, DELIVER_SM, SUBMIT_SM_RESP
from bridge.smpp.framing import HEADER, build_pdu
from bridge.smpp.pdus import DataSm
from tests.corpus.cases import cases

_TELLING = (
    b"id:",
    b"stat:",
    b"text:",
    b"\x00",
    b"\xff\xfe",
    b"\x1b",
    b"\x05\x00\x03\x01\x02\x01",
    b"\x06\x08\x04\x00\x01\x02\x02",
    b"\x03\x24\x01\x01",
    b"\x03\x25\x01\x0d",
    b"\x04\x24\x00\x03",
    b"\xd8\x3d",
    b"\x00\x1e\x00\x01",
)
"""Octets that mean something to one reader or another."""


def seeds() -> list[bytes]:
    """The corpus as PDUs, header and all, and an answer or two."""
    whole = [build_pdu(SUBMIT_SM_RESP, 0, 1, b"id\0"), build_pdu(SUBMIT_SM_RESP, 0x58, 1)]
    for number, case in enumerate(cases(), start=1):
        pdu = case.pdu()
        if isinstance(pdu, DataSm):
            whole.append(build_pdu(DATA_SM, 0, number, encode_data_sm(pdu)))
        else:
            whole.append(build_pdu(DELIVER_SM, 0, number, encode_deliver_sm(pdu)))
    return whole


def stream(random: Random, pdus: Sequence[bytes]) -> bytes:
    """One to four PDUs, most of them damaged; mostly with lengths that still add up, for the readers' sake."""
    return b"".join(_damaged(random, random.choice(pdus)) for _ in range(random.randint(1, 4)))


def _damaged(random: Random, pdu: bytes) -> bytes:
    octets = bytearray(pdu)
    for _ in range(random.choice((0, 1, 1, 2, 4, 16))):
        _damage(random, octets)
    if random.random() < 0.9 and len(octets) >= HEADER.size:
        octets[:4] = len(octets).to_bytes(4, "big")
    return bytes(octets)


def _damage(random: Random, octets: bytearray) -> None:
    at = random.randrange(min(16, len(octets)), len(octets) + 1)
    match random.randrange(5):
        case 0 if at < len(octets):
            octets[at] = random.randrange(256)
        case 1:
            octets[at:at] = random.choice(_TELLING)
        case 2:
            del octets[at : at + random.randint(1, 8)]
        case 3:
            octets[at:at] = octets[at : at + random.randint(1, 20)]
        case _ if at < len(octets):
            octets[at] ^= 1 << random.randrange(8)
