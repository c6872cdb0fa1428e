"""The answers we owe: one each, bounded, of the right kind."""

from bridge.smpp.codec import encode_data_sm, encode_deliver_sm
from bridge.smpp.consts import DATA_SM, DATA_SM_RESP, DELIVER_SM, DELIVER_SM_RESP, ESME_RX_R_APPN
from bridge.smpp.events import BadPduReceived, DeliverReceived
from bridge.smpp.framing import Frame, Framer
from bridge.smpp.owed import Owed
from bridge.smpp.pdus import DataSm, DeliverSm

BUSY = 0x14
MO = DeliverSm(source_addr="447700900123", short_message=b"hi")
DATA = DataSm(source_addr="447700900123", tlvs=((0x0424, b"hi"),))


def deliver(number: int) -> Frame:
    return Frame(DELIVER_SM, 0, number, encode_deliver_sm(MO))


def sent(out: list[bytes]) -> list[tuple[int, int, int]]:
    """Command id, status and number of what was written, which is then gone."""
    frames = Framer().feed(b"".join(out))
    assert all(frame.body == b"\0" for frame in frames)
    out.clear()
    return [frame[:3] for frame in frames]


def test_each_is_answered_once_in_its_own_kind() -> None:
    out: list[bytes] = []
    owed = Owed(out, 10, BUSY)
    assert owed.take(deliver(7)) == DeliverReceived(7, MO)
    assert owed.take(Frame(DATA_SM, 0, 0, encode_data_sm(DATA))) == DeliverReceived(0, DATA)
    assert sent(out) == []
    assert [owed.answer(number, 0) for number in (0, 7, 7, 8)] == [True, True, False, False]
    assert sent(out) == [(DATA_SM_RESP, 0, 0), (DELIVER_SM_RESP, 0, 7)]


def test_too_many_are_refused_for_now() -> None:
    out: list[bytes] = []
    owed = Owed(out, 1, BUSY)
    owed.take(deliver(1))
    assert owed.take(deliver(2)) is None
    assert sent(out) == [(DELIVER_SM_RESP, BUSY, 2)]
    owed.answer(1, 0)
    assert owed.take(deliver(2)) == DeliverReceived(2, MO)


def test_a_number_in_use_is_refused_for_now() -> None:
    out: list[bytes] = []
    owed = Owed(out, 10, BUSY)
    owed.take(deliver(1))
    assert owed.take(deliver(1)) is None
    assert owed.answer(1, 0)
    assert not owed.answer(1, 0)
    assert sent(out) == [(DELIVER_SM_RESP, BUSY, 1), (DELIVER_SM_RESP, 0, 1)]


def test_what_cannot_be_read_is_refused_for_good() -> None:
    out: list[bytes] = []
    owed = Owed(out, 10, BUSY)
    event = owed.take(Frame(DELIVER_SM, 0, 5, b"\0\1\1447700"))
    assert isinstance(event, BadPduReceived)
    assert (event.command_id, event.sequence_number) == (DELIVER_SM, 5)
    assert not owed.answer(5, 0)
    assert sent(out) == [(DELIVER_SM_RESP, ESME_RX_R_APPN, 5)]


def test_nothing_is_owed_to_a_peer_that_is_gone() -> None:
    out: list[bytes] = []
    owed = Owed(out, 10, BUSY)
    owed.take(deliver(1))
    owed.clear()
    assert not owed.answer(1, 0)
    assert sent(out) == []
