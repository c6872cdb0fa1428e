"""The target: a stream of octets, as a bound session reads it, all the way to the bodies of events.

Framing, session, codec, dialect, alphabets, receipts and joining are run as the worker runs them. Nothing of that
may raise, whatever comes in; what comes out must be what events can carry.
"""

from collections.abc import Iterator, Mapping

import orjson

from bridge.dialects import SMPP_DIALECTS
from bridge.dialects.deliver import ReadOptions, join_segments, read_inbound
from bridge.model.events import NO_ORIGIN, dr_event, mo_event
from bridge.model.inbound import Dr, Inbound, Mo, MoSegment
from bridge.smpp.consts import BIND_TRANSCEIVER_RESP, ESME_ROK
from bridge.smpp.events import DeliverReceived, SessionClosed
from bridge.smpp.framing import build_pdu
from bridge.smpp.pdus import DeliverSm
from bridge.smpp.session import EsmeSession, SessionSettings

ACCOUNTS: Mapping[str, ReadOptions] = {
    f"{dialect.name}/{alphabet}": ReadOptions(default_alphabet=alphabet, dialect=dialect)
    for dialect in SMPP_DIALECTS.values()
    for alphabet in ("gsm", "gsm-packed", "ascii", "latin1", "utf-8", "shift_jis")
}
"""Every way an account may be read, by name."""

_RECEIPT_BITS = 0x3C
_READS = 3


def run(stream: bytes, account: str) -> int:
    """Read this stream as that account's bind would; how many messages came of it. Raises for any breach."""
    options = ACCOUNTS[account]
    held: list[MoSegment] = []
    messages = 0
    for pdu in _delivered(stream):
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


def _delivered(stream: bytes) -> Iterator[DeliverSm]:
    """What a session makes of the stream, in reads of several sizes. Every message is answered."""
    session = EsmeSession(SessionSettings(system_id="fuzz", password="fuzz"), 0.0)
    session.bind(0.0)
    session.data_to_send()
    session.receive_data(build_pdu(BIND_TRANSCEIVER_RESP, ESME_ROK, 1, b"smsc\0"), 0.0)
    size = len(stream) // _READS + 1
    closed = 0
    for read in range(_READS):
        for event in session.receive_data(stream[read * size : (read + 1) * size], float(read)):
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
        assert all(inbound.ids)
        assert len(set(inbound.ids)) == len(inbound.ids)
        event = dr_event(inbound, None, NO_ORIGIN, "dr-1", 0.0, stale=False, joined=False)
        assert orjson.loads(orjson.dumps(event.body))["state"] == inbound.state
    elif isinstance(inbound, Mo):
        check_mo(inbound)
    else:
        assert 1 <= inbound.concat.seq <= inbound.concat.total
        assert inbound.concat.total > 1


def check_mo(mo: Mo) -> None:
    """What holds of every message from a phone."""
    assert (mo.text is None) != (mo.data is None)
    body = orjson.loads(orjson.dumps(mo_event(mo, NO_ORIGIN, "mo-1", 0.0).body))
    assert body["text"] == mo.text, "an event carries the text as it was read"
