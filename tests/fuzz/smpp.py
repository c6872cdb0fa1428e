"""A stream of octets, as a bound session reads it, all the way to the bodies of events.

Framing, session, codec, dialect, alphabets, receipts and joining are run as the worker runs them. Nothing of that
may raise, whatever comes in; what comes out must be what events can carry.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from random import Random

import orjson

from bridge.dialects import SMPP_DIALECTS
from bridge.dialects.deliver import ReadOptions, join_segments, read_inbound
from bridge.model.events import NO_ORIGIN, dr_event, mo_event
from bridge.model.inbound import Dr, Inbound, Mo, MoSegment
from bridge.smpp.codec import encode_data_sm, encode_deliver_sm
from bridge.smpp.consts import BIND_TRANSCEIVER_RESP, DATA_SM, DELIVER_SM, ESME_ROK, SUBMIT_SM_RESP
from bridge.smpp.events import DeliverReceived, SessionClosed
from bridge.smpp.framing import HEADER, build_pdu
from bridge.smpp.pdus import DataSm, DeliverSm
from bridge.smpp.session import EsmeSession, SessionSettings
from tests.corpus.cases import cases
from tests.fuzz.damage import damaged
from tests.fuzz.target import Target

ACCOUNTS: Mapping[str, ReadOptions] = {
    f"{dialect.name}/{alphabet}": ReadOptions(default_alphabet=alphabet, dialect=dialect)
    for dialect in SMPP_DIALECTS.values()
    for alphabet in ("gsm", "gsm-packed", "ascii", "latin1", "utf-8", "shift_jis")
}
"""Every way an account may be read, by name."""

_RECEIPT_BITS = 0x3C
_READS = 3
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


@cache
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


def stream(random: Random, _account: str) -> bytes:
    """One to four PDUs, most of them damaged; mostly with lengths that still add up, for the readers' sake."""
    return b"".join(_pdu(random) for _ in range(random.randint(1, 4)))


def _pdu(random: Random) -> bytes:
    octets = damaged(random, random.choice(seeds()), _TELLING, spare=HEADER.size)
    if random.random() < 0.1 or len(octets) < HEADER.size:
        return octets
    return len(octets).to_bytes(4, "big") + octets[4:]


def run(octets: bytes, account: str) -> int:
    """Read this stream as that account's bind would; how many messages came of it. Raises for any breach."""
    options = ACCOUNTS[account]
    held: list[MoSegment] = []
    messages = 0
    for pdu in _delivered(octets):
        messages += 1
        inbound = read_inbound(pdu, options)
        check(pdu, inbound)
        if isinstance(inbound, MoSegment):
            held.append(inbound)
            check(pdu, join_segments([inbound], options))
    if held:
        total = held[0].concat.total
        check_mo(join_segments([part for part in held if part.concat.total == total], options))
    return messages


def _delivered(octets: bytes) -> Iterator[DeliverSm]:
    """What a session makes of the stream, in reads of several sizes. Every message is answered."""
    session = EsmeSession(SessionSettings(system_id="fuzz", password="fuzz"), 0.0)
    session.bind(0.0)
    session.data_to_send()
    session.receive_data(build_pdu(BIND_TRANSCEIVER_RESP, ESME_ROK, 1, b"smsc\0"), 0.0)
    size = len(octets) // _READS + 1
    closed = 0
    for read in range(_READS):
        for event in session.receive_data(octets[read * size : (read + 1) * size], float(read)):
            closed += isinstance(event, SessionClosed)
            if isinstance(event, DeliverReceived):
                yield event.pdu
                session.answer(event.sequence_number, ESME_ROK)
        session.data_to_send()
    for event in session.receive_eof(9.0):
        closed += isinstance(event, SessionClosed)
    assert closed == 1, "a session ends once"


def check(pdu: DeliverSm, inbound: Inbound) -> None:
    """What holds of every reading."""
    assert (inbound.from_, inbound.to) == (pdu.source_addr, pdu.destination_addr)
    if pdu.esm_class & _RECEIPT_BITS:
        assert isinstance(inbound, Dr), "what is flagged as a receipt is never taken for an MO"
    if isinstance(inbound, Dr):
        check_dr(inbound)
    elif isinstance(inbound, Mo):
        check_mo(inbound)
    else:
        assert 1 <= inbound.concat.seq <= inbound.concat.total
        assert inbound.concat.total > 1


def check_dr(dr: Dr) -> None:
    """What holds of every receipt."""
    assert all(dr.ids)
    assert len(set(dr.ids)) == len(dr.ids)
    event = dr_event(dr, None, NO_ORIGIN, "dr-1", 0.0, stale=False, joined=False)
    assert orjson.loads(orjson.dumps(event.body))["state"] == dr.state


def check_mo(mo: Mo) -> None:
    """What holds of every message from a phone."""
    assert (mo.text is None) != (mo.data is None)
    body = orjson.loads(orjson.dumps(mo_event(mo, NO_ORIGIN, "mo-1", 0.0).body))
    assert body["text"] == mo.text, "an event carries the text as it was read"


SMPP = Target(ways=tuple(ACCOUNTS), make=stream, run=run)
