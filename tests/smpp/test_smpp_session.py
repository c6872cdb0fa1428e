"""A session's life: how submits end, what a stall is, how it drains and leaves, what it says at the end."""

from collections.abc import Callable
from typing import Any

import pytest

from bridge.smpp import cold, consts
from bridge.smpp.codec import BadField, build_submit_sm_resp, encode_deliver_sm
from bridge.smpp.events import (
    BadPduReceived,
    BindRefused,
    Bound,
    DeliverReceived,
    LateAnswer,
    PeerUnbound,
    SessionClosed,
    SubmitAnswered,
    SubmitLost,
    UnknownAnswer,
)
from bridge.smpp.framing import Framer, build_pdu
from bridge.smpp.pdus import DeliverSm
from bridge.smpp.session import BindMode, EsmeSession, NotBound, SessionSettings, SessionState, WindowFull

Make = Callable[..., EsmeSession]
MO = DeliverSm(source_addr="447700900123", destination_addr="12345", short_message=b"hi")


def deliver(number: int) -> bytes:
    return build_pdu(consts.DELIVER_SM, 0, number, encode_deliver_sm(MO))


def sent(session: EsmeSession) -> list[tuple[str, int]]:
    """What the session wrote: command and sequence number of each PDU."""
    frames = Framer().feed(session.data_to_send())
    return [(consts.describe_command(frame.command_id), frame.sequence_number) for frame in frames]


# Binding


def test_the_bind_carries_the_account() -> None:
    settings = SessionSettings(
        system_id="esme",
        password="secret",
        system_type="VMS",
        address_range="^123",
        addr_ton=1,
        addr_npi=2,
        mode=BindMode.RECEIVER,
    )
    session = EsmeSession(settings, 0.0)
    session.bind(0.0)
    (frame,) = Framer().feed(session.data_to_send())
    assert frame[:3] == (consts.BIND_RECEIVER, 0, 1)
    request = cold.decode_bind(frame.body)
    assert request == settings.bind_request()
    assert (request.system_type, request.interface_version, request.addr_ton) == ("VMS", 0x34, 1)
    assert "secret" not in repr(settings)


def test_an_account_that_makes_no_bind_changes_nothing() -> None:
    session = EsmeSession(SessionSettings(system_id="much too long for it", password=""), 0.0)
    with pytest.raises(BadField, match="system_id"):
        session.bind(0.0)
    assert (session.state, session.data_to_send()) == (SessionState.OPEN, b"")


def test_a_refused_bind_names_its_status() -> None:
    session = EsmeSession(SessionSettings(system_id="esme", password="wrong"), 0.0)
    session.bind(0.0)
    assert session.receive_data(cold.build_bind_resp(consts.BIND_TRANSCEIVER, 1, 0x0E), 0.1) == [
        BindRefused(0x0E),
        SessionClosed("bind refused: ESME_RINVPASWD (0x0E)"),
    ]


def test_bound_without_a_version() -> None:
    session = EsmeSession(SessionSettings(system_id="esme", password="x"), 0.0)
    session.bind(0.0)
    answer = build_pdu(consts.BIND_TRANSCEIVER_RESP, 0, 1, b"smsc\0")
    assert session.receive_data(answer, 0.1) == [Bound("smsc", None)]


def test_an_unbound_connection_ends_in_time() -> None:
    session = EsmeSession(SessionSettings(system_id="esme", password="x", session_init_s=7.0), 100.0)
    assert session.next_deadline() == 107.0
    assert session.tick(107.0) == [SessionClosed("not bound in time")]
    assert session.next_deadline() is None


# Submits and their ends


def test_slots_are_counted(bound: Make) -> None:
    session = bound(window=2)
    assert (session.in_flight, session.free) == (0, 2)
    session.submit(b"a", "a", 0.0)
    session.submit(b"b", "b", 0.0)
    assert (session.in_flight, session.free, session.can_submit) == (2, 0, True)
    with pytest.raises(WindowFull):
        session.submit(b"c", "c", 0.0)
    assert sent(session) == [("submit_sm", 2), ("submit_sm", 3)]
    assert session.receive_data(build_submit_sm_resp(3, message_id="id3"), 0.1) == [
        SubmitAnswered("b", 3, 0, "id3")
    ]
    assert session.free == 1


def test_a_refusal_with_an_id_has_none(session: EsmeSession) -> None:
    number = session.submit(b"body", "ref", 0.0)
    session.data_to_send()
    answer = build_pdu(consts.SUBMIT_SM_RESP, 0x0A, number, b"12345\0")
    assert session.receive_data(answer, 0.1) == [SubmitAnswered("ref", number, 0x0A, "")]


def test_a_doubled_answer_is_told_once_as_such(session: EsmeSession) -> None:
    number = session.submit(b"body", "ref", 0.0)
    session.data_to_send()
    answer = build_submit_sm_resp(number, message_id="id")
    assert session.receive_data(answer + answer, 0.1) == [
        SubmitAnswered("ref", number, 0, "id"),
        UnknownAnswer(number, 0),
    ]


def test_a_nack_of_status_zero_accepts_nothing(session: EsmeSession) -> None:
    number = session.submit(b"body", "ref", 0.0)
    session.data_to_send()
    assert session.receive_data(cold.build_generic_nack(number, 0), 0.1) == [
        SubmitAnswered("ref", number, consts.ESME_RUNKNOWNERR, "")
    ]


def test_what_never_left_was_not_written(session: EsmeSession) -> None:
    first = session.submit(b"body", "first", 0.0)
    session.data_to_send()
    second = session.submit(b"body", "second", 0.0)
    assert session.receive_eof(1.0) == [
        SubmitLost("first", first, "connection lost", written=True),
        SubmitLost("second", second, "connection lost", written=False),
        SessionClosed("connection lost"),
    ]
    assert session.data_to_send() == b""


def test_an_answer_to_what_never_left_is_a_strangers(session: EsmeSession) -> None:
    number = session.submit(b"body", "ref", 0.0)
    assert session.receive_data(build_submit_sm_resp(number, message_id="guess"), 0.1) == [
        UnknownAnswer(number, 0)
    ]
    assert sent(session) == [("submit_sm", number)]


def test_a_submit_that_waited_too_long_to_be_written_never_is(session: EsmeSession) -> None:
    number = session.submit(b"body", "ref", 0.0)
    assert session.tick(30.0) == [SubmitLost("ref", number, "response timeout", written=False)]
    assert ("submit_sm", number) not in sent(session)
    assert not session.stalled


# Late answers and stalls


def timed_out(make: Make) -> EsmeSession:
    """A session whose one submit (number 2) had no answer in 30 s; the peer answers enquire_link."""
    session = make(enquire_link_s=1000.0)
    session.submit(b"body", "ref", 0.0)
    session.data_to_send()
    assert session.next_deadline() == 30.0
    assert session.tick(30.0) == [SubmitLost("ref", 2, "response timeout", written=True)]
    return session


def test_no_answer_at_all_stalls(bound: Make) -> None:
    session = timed_out(bound)
    assert (session.stalled, session.can_submit, session.free, session.in_flight) == (True, False, 0, 0)
    with pytest.raises(NotBound, match="stalled"):
        session.submit(b"body", "next", 31.0)
    assert session.next_deadline() == 60.0
    assert session.tick(60.0) == [SessionClosed("peer answers no submit_sm")]


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        (build_submit_sm_resp(2, message_id="id"), LateAnswer("ref", 2, 0, "id")),
        (build_submit_sm_resp(2, 0x58), LateAnswer("ref", 2, 0x58, "")),
        (cold.build_generic_nack(2, 3), LateAnswer("ref", 2, 3, "")),
    ],
    ids=["accepted", "refused", "nack"],
)
def test_a_late_answer_is_told_and_ends_the_stall(bound: Make, answer: bytes, event: LateAnswer) -> None:
    session = timed_out(bound)
    assert session.receive_data(answer, 45.0) == [event]
    assert (session.stalled, session.can_submit, session.free) == (False, True, 10)
    assert session.tick(60.0) == []
    assert session.receive_data(answer, 61.0) == [UnknownAnswer(2, event.status)]


def test_other_answers_since_then_make_it_no_stall(bound: Make) -> None:
    session = bound()
    session.submit(b"body", "slow", 0.0)
    session.submit(b"body", "quick", 0.0)
    session.data_to_send()
    session.receive_data(build_submit_sm_resp(3, message_id="id"), 1.0)
    assert SubmitLost("slow", 2, "response timeout", written=True) in session.tick(30.0)
    assert (session.stalled, session.can_submit) == (False, True)


def test_an_answer_in_time_ends_a_stall_too(bound: Make) -> None:
    session = bound(enquire_link_s=1000.0)
    session.submit(b"body", "slow", 0.0)
    session.submit(b"body", "later", 10.0)
    session.data_to_send()
    session.tick(30.0)
    assert session.stalled
    assert session.receive_data(build_submit_sm_resp(3, message_id="id"), 35.0) == [
        SubmitAnswered("later", 3, 0, "id")
    ]
    assert session.can_submit


# A silent peer


def test_two_unanswered_enquire_links_end_it(bound: Make) -> None:
    session = bound(enquire_link_s=20.0, response_timeout_s=5.0)
    assert session.tick(20.0) == []
    assert session.tick(25.0) == []
    assert sent(session) == [("enquire_link", 2), ("enquire_link", 3)]
    assert session.tick(30.0) == [SessionClosed("peer answers no enquire_link")]


@pytest.mark.parametrize("build", [cold.build_enquire_link_resp, lambda n: cold.build_generic_nack(n, 3)])
def test_an_answered_enquire_link_is_no_event(bound: Make, build: Callable[[int], bytes]) -> None:
    session = bound(enquire_link_s=20.0)
    session.tick(20.0)
    assert sent(session) == [("enquire_link", 2)]
    assert session.receive_data(build(2), 21.0) == []
    assert session.next_deadline() == 41.0
    assert session.receive_data(build(2), 22.0) != []


def test_half_a_pdu_is_silence(bound: Make) -> None:
    session = bound(enquire_link_s=20.0)
    session.receive_data(deliver(1)[:-1], 19.0)
    assert session.next_deadline() == 20.0


# Leaving


def test_it_drains_then_unbinds(session: EsmeSession) -> None:
    number = session.submit(b"body", "ref", 0.0)
    assert session.unbind(1.0) == []
    assert session.state is SessionState.DRAINING
    assert sent(session) == [("submit_sm", number)]
    session.receive_data(build_submit_sm_resp(number, message_id="id"), 2.0)
    assert sent(session) == [("unbind", 3)]
    assert session.next_deadline() == 32.0
    assert session.receive_data(cold.build_unbind_resp(3), 3.0) == [SessionClosed("unbound")]


def test_told_again_it_unbinds_at_once_behind_what_it_had_to_send(session: EsmeSession) -> None:
    number = session.submit(b"body", "ref", 0.0)
    session.unbind(1.0)
    session.unbind(1.0)
    assert sent(session) == [("submit_sm", number), ("unbind", 3)]
    assert session.receive_data(build_submit_sm_resp(number, message_id="id"), 2.0) == [
        SubmitAnswered("ref", number, 0, "id")
    ]


def test_an_unbind_without_answer_ends_it(session: EsmeSession) -> None:
    session.unbind(1.0)
    assert session.next_deadline() == 31.0
    assert session.tick(31.0) == [SessionClosed("peer answers no unbind")]


def test_an_idle_session_unbinds(bound: Make) -> None:
    session = bound(inactivity_s=60.0, enquire_link_s=1000.0)
    session.submit(b"body", "ref", 10.0)
    session.data_to_send()
    session.receive_data(build_submit_sm_resp(2, message_id="id"), 11.0)
    session.receive_data(deliver(1), 20.0)
    session.receive_data(cold.build_enquire_link(9), 79.0)
    assert session.tick(79.9) == []
    session.data_to_send()
    assert session.tick(80.0) == []
    assert sent(session) == [("unbind", 3)]


# The peer's requests


def test_idleness_does_not_cut_a_drain_short(bound: Make) -> None:
    session = bound(inactivity_s=20.0)
    session.submit(b"body", "ref", 0.0)
    session.unbind(0.0)
    session.data_to_send()
    assert session.tick(20.0) == []
    assert session.state is SessionState.DRAINING
    assert sent(session) == []


def test_messages_are_answered_when_we_say_so(session: EsmeSession) -> None:
    assert session.receive_data(deliver(7) + deliver(8), 1.0) == [
        DeliverReceived(7, MO),
        DeliverReceived(8, MO),
    ]
    assert sent(session) == []
    assert session.answer(8, 0)
    assert not session.answer(8, 0)
    assert sent(session) == [("deliver_sm_resp", 8)]


def test_what_is_owed_may_be_answered_until_the_end(session: EsmeSession) -> None:
    session.receive_data(deliver(7), 1.0)
    session.unbind(1.0)
    assert session.answer(7, 0)
    assert sent(session) == [("unbind", 2), ("deliver_sm_resp", 7)]


def test_a_peer_that_is_gone_gets_no_answer(session: EsmeSession) -> None:
    session.receive_data(deliver(7) + deliver(8), 1.0)
    session.answer(7, 0)
    session.receive_eof(2.0)
    assert not session.answer(8, 0)
    assert session.data_to_send() == b""


def test_an_unreadable_message_is_told_and_the_rest_goes_on(session: EsmeSession) -> None:
    bad = build_pdu(consts.DELIVER_SM, 0, 7, b"no such thing")
    events = session.receive_data(bad + deliver(8), 1.0)
    assert isinstance(events[0], BadPduReceived)
    assert events[1:] == [DeliverReceived(8, MO)]
    assert sent(session) == [("deliver_sm_resp", 7)]


def test_the_farewell_has_the_answers_but_no_submit(session: EsmeSession) -> None:
    session.receive_data(deliver(7), 1.0)
    session.answer(7, 0)
    number = session.submit(b"body", "ref", 1.0)
    assert session.receive_data(cold.build_unbind(5) + deliver(8), 1.0) == [
        PeerUnbound(),
        SubmitLost("ref", number, "peer unbound", written=False),
        SessionClosed("peer unbound"),
    ]
    assert sent(session) == [("deliver_sm_resp", 7), ("unbind_resp", 5)]
    assert session.data_to_send() == b""


def test_a_broken_stream_ends_it_behind_what_was_whole(session: EsmeSession) -> None:
    events = session.receive_data(deliver(7) + b"HTTP/1.1 400 Bad Request\r\n\r\n", 1.0)
    assert events == [DeliverReceived(7, MO), SessionClosed(f"broken stream: command_length {0x48545450}")]
    assert sent(session) == [("generic_nack", 0)]


def test_a_stream_that_breaks_behind_the_end_is_not_heard(session: EsmeSession) -> None:
    events = session.receive_data(cold.build_unbind(5) + b"\0\0\0\0", 1.0)
    assert events == [PeerUnbound(), SessionClosed("peer unbound")]
    assert sent(session) == [("unbind_resp", 5)]


def test_a_peer_that_asks_and_never_reads_is_left(session: EsmeSession) -> None:
    flood = b"".join(cold.build_enquire_link(number) for number in range(10_000))
    assert [session.receive_data(flood, 1.0) for _ in range(5)] == [[]] * 5
    assert session.receive_data(flood + cold.build_unbind(5), 1.0) == [SessionClosed("peer reads no answers")]
    assert session.data_to_send() == b""


@pytest.mark.parametrize("limits", [{"inbound_window": 1}, {"inbound_window": 1, "busy_status": 8}], ids=str)
def test_too_many_messages_are_refused_for_now(bound: Make, limits: dict[str, Any]) -> None:
    session = bound(**limits)
    assert session.receive_data(deliver(7) + deliver(8), 1.0) == [DeliverReceived(7, MO)]
    (frame,) = Framer().feed(session.data_to_send())
    assert frame[:3] == (consts.DELIVER_SM_RESP, limits.get("busy_status", 0x14), 8)
