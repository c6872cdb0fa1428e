"""Every state against every input: what the peer may say, what we may ask, what time and the connection bring.

The grid is the specification; a session is brought into each state and given each input.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from bridge.smpp import cold, consts
from bridge.smpp.codec import build_submit_sm_resp, encode_data_sm, encode_deliver_sm
from bridge.smpp.events import Event
from bridge.smpp.framing import Framer, build_pdu
from bridge.smpp.pdus import DataSm, DeliverSm
from bridge.smpp.session import BindMode, EsmeSession, NotBound, SessionSettings, SessionState, WrongState
from bridge.smpp.state import REACTIONS, TRANSITIONS, Turn

OPEN, BINDING, BOUND_TX, BOUND_RX, BOUND_TRX, DRAINING, UNBINDING, CLOSED = SessionState
MODES = {
    BOUND_TX: BindMode.TRANSMITTER,
    BOUND_RX: BindMode.RECEIVER,
    BOUND_TRX: BindMode.TRANSCEIVER,
}
BIND, SUBMIT, LEAVE = 1, 2, 3
"""The sequence numbers of our bind, of the submit in flight where there is one, and of our unbind."""


def session_in(state: SessionState) -> EsmeSession:
    """A session in this state, everything it had to say taken; a submit in flight where it can have one."""
    mode = MODES.get(state, BindMode.TRANSCEIVER)
    session = EsmeSession(SessionSettings(system_id="esme", password="secret", mode=mode), 0.0)
    if state is not OPEN:
        session.bind(0.0)
    if state not in (OPEN, BINDING):
        session.receive_data(cold.build_bind_resp(mode.value, BIND), 0.0)
        if session.can_submit:
            assert session.submit(b"body", "ref", 0.0) == SUBMIT
    if state in (DRAINING, UNBINDING):
        session.unbind(0.0)
    if state is UNBINDING:
        session.unbind(0.0)
    if state is CLOSED:
        session.receive_eof(0.0)
    session.data_to_send()
    assert session.state is state
    return session


Input = Callable[[EsmeSession], list[Event]]


def pdu(octets: bytes) -> Input:
    return lambda session: session.receive_data(octets, 1.0)


def call(name: str) -> Input:
    def run(session: EsmeSession) -> list[Event]:
        try:
            match name:
                case "bind":
                    session.bind(1.0)
                case "submit":
                    session.submit(b"body", "other", 1.0)
                case "unbind":
                    return session.unbind(1.0)
        except NotBound:
            return ["NotBound"]  # type: ignore[list-item]
        except WrongState:
            return ["WrongState"]  # type: ignore[list-item]
        return []

    return run


MO = encode_deliver_sm(DeliverSm(short_message=b"hi"))
INPUTS: dict[str, Input] = {
    "bind_resp": pdu(cold.build_bind_resp(consts.BIND_TRANSCEIVER, BIND)),
    "bind_tx_resp": pdu(cold.build_bind_resp(consts.BIND_TRANSMITTER, BIND)),
    "bind_rx_resp": pdu(cold.build_bind_resp(consts.BIND_RECEIVER, BIND)),
    "bind_other": pdu(cold.build_bind_resp(consts.BIND_TRANSCEIVER, 9)),
    "bind_refused": pdu(cold.build_bind_resp(consts.BIND_TRANSCEIVER, BIND, 0x0D)),
    "submit_resp": pdu(build_submit_sm_resp(SUBMIT, message_id="id")),
    "submit_error": pdu(build_submit_sm_resp(SUBMIT, 0x58)),
    "submit_other": pdu(build_submit_sm_resp(9, message_id="id")),
    "deliver_sm": pdu(build_pdu(consts.DELIVER_SM, 0, 5, MO)),
    "deliver_bad": pdu(build_pdu(consts.DELIVER_SM, 0, 5, MO[:9])),
    "data_sm": pdu(build_pdu(consts.DATA_SM, 0, 5, encode_data_sm(DataSm()))),
    "enquire_link": pdu(cold.build_enquire_link(5)),
    "enquire_resp": pdu(cold.build_enquire_link_resp(9)),
    "peer_unbind": pdu(cold.build_unbind(5)),
    "unbind_resp": pdu(cold.build_unbind_resp(LEAVE)),
    "unbind_other": pdu(cold.build_unbind_resp(9)),
    "outbind": pdu(build_pdu(consts.OUTBIND, 0, 5, b"smsc\0secret\0")),
    "alert": pdu(build_pdu(consts.ALERT_NOTIFICATION, 0, 5, b"\1\0011\0\1\0012\0")),
    "nack_bind": pdu(cold.build_generic_nack(BIND, 3)),
    "nack_submit": pdu(cold.build_generic_nack(SUBMIT, 3)),
    "nack_unbind": pdu(cold.build_generic_nack(LEAVE, 3)),
    "nack_other": pdu(cold.build_generic_nack(9, 3)),
    "nack_nothing": pdu(cold.build_generic_nack(0, 2)),
    "submit_sm": pdu(build_pdu(consts.SUBMIT_SM, 0, 5, MO)),
    "bind_request": pdu(build_pdu(consts.BIND_RECEIVER, 0, 5, b"")),
    "command_99": pdu(build_pdu(0x99, 0, 5, b"")),
    "response_99": pdu(build_pdu(0x80000099, 0, 5, b"")),
    "broken": pdu(b"\0\0\0\5"),
    "nothing": pdu(b""),
    "eof": lambda session: session.receive_eof(1.0),
    "bind": call("bind"),
    "submit": call("submit"),
    "unbind": call("unbind"),
    "answer": lambda session: [] if not session.answer(5, 0) else ["answered"],  # type: ignore[list-item]
    "tick_early": lambda session: session.tick(1.0),
    "tick_init": lambda session: session.tick(10.0),
    "tick_late": lambda session: session.tick(30.0),
}


class Expected(NamedTuple):
    """Events by name; what is sent as command:status:sequence; the state after it (None: the same)."""

    events: str = ""
    sent: str = ""
    state: SessionState | None = None


LOST = "SubmitLost SessionClosed"
WORDS: dict[str, Expected] = {
    ".": Expected(),
    "unknown": Expected("UnknownAnswer"),
    "bound": Expected("Bound", state=BOUND_TRX),
    "refused": Expected("BindRefused SessionClosed", state=CLOSED),
    "answered": Expected("SubmitAnswered"),
    "drained": Expected("SubmitAnswered", "unbind:0:3", UNBINDING),
    "busy": Expected(sent="deliver_sm_resp:14:5"),
    "busy-data": Expected(sent="data_sm_resp:14:5"),
    "taken": Expected("DeliverReceived"),
    "bad": Expected("BadPduReceived", "deliver_sm_resp:66:5"),
    "echo": Expected(sent="enquire_link_resp:0:5"),
    "left": Expected("PeerUnbound SessionClosed", "unbind_resp:0:5", CLOSED),
    "left-lost": Expected(f"PeerUnbound {LOST}", "unbind_resp:0:5", CLOSED),
    "outbind": Expected("OutbindReceived"),
    "alert": Expected("AlertReceived"),
    "nacked": Expected("BadPduReceived", "generic_nack:3:5"),
    "broken": Expected("SessionClosed", "generic_nack:2:0", CLOSED),
    "broken-lost": Expected(LOST, "generic_nack:2:0", CLOSED),
    "closed": Expected("SessionClosed", state=CLOSED),
    "lost": Expected(LOST, state=CLOSED),
    "binding": Expected(sent="bind_transceiver:0:1", state=BINDING),
    "submitted": Expected(sent="submit_sm:0:3"),
    "not-bound": Expected("NotBound"),
    "wrong": Expected("WrongState"),
    "draining": Expected(state=DRAINING),
    "unbinding": Expected(sent="unbind:0:3", state=UNBINDING),
    "unbinding-rx": Expected(sent="unbind:0:2", state=UNBINDING),
    "enquires": Expected(sent="enquire_link:0:2"),
    "timeout": Expected("SubmitLost", "enquire_link:0:3"),
    "timeout-drain": Expected("SubmitLost", "unbind:0:3", UNBINDING),
}

GRID = """
              OPEN      BINDING   BOUND_TX     BOUND_RX      BOUND_TRX    DRAINING       UNBINDING    CLOSED
bind_resp     unknown   bound     unknown      unknown       unknown      unknown        unknown      .
bind_tx_resp  unknown   bound     unknown      unknown       unknown      unknown        unknown      .
bind_rx_resp  unknown   bound     unknown      unknown       unknown      unknown        unknown      .
bind_other    unknown   unknown   unknown      unknown       unknown      unknown        unknown      .
bind_refused  unknown   refused   unknown      unknown       unknown      unknown        unknown      .
submit_resp   unknown   unknown   answered     unknown       answered     drained        answered     .
submit_error  unknown   unknown   answered     unknown       answered     drained        answered     .
submit_other  unknown   unknown   unknown      unknown       unknown      unknown        unknown      .
deliver_sm    busy      busy      taken        taken         taken        taken          busy         .
deliver_bad   busy      busy      bad          bad           bad          bad            busy         .
data_sm       busy-data busy-data taken        taken         taken        taken          busy-data    .
enquire_link  echo      echo      echo         echo          echo         echo           echo         .
enquire_resp  unknown   unknown   unknown      unknown       unknown      unknown        unknown      .
peer_unbind   left      left      left-lost    left          left-lost    left-lost      left-lost    .
unbind_resp   unknown   unknown   unknown      unknown       unknown      unknown        lost         .
unbind_other  unknown   unknown   unknown      unknown       unknown      unknown        unknown      .
outbind       outbind   outbind   outbind      outbind       outbind      outbind        outbind      .
alert         alert     alert     alert        alert         alert        alert          alert        .
nack_bind     unknown   refused   unknown      unknown       unknown      unknown        unknown      .
nack_submit   unknown   unknown   answered     unknown       answered     drained        answered     .
nack_unbind   unknown   unknown   unknown      unknown       unknown      unknown        lost         .
nack_other    unknown   unknown   unknown      unknown       unknown      unknown        unknown      .
nack_nothing  closed    refused   lost         closed        lost         lost           lost         .
submit_sm     nacked    nacked    nacked       nacked        nacked       nacked         nacked       .
bind_request  nacked    nacked    nacked       nacked        nacked       nacked         nacked       .
command_99    nacked    nacked    nacked       nacked        nacked       nacked         nacked       .
response_99   unknown   unknown   unknown      unknown       unknown      unknown        unknown      .
broken        broken    broken    broken-lost  broken        broken-lost  broken-lost    broken-lost  .
nothing       .         .         .            .             .            .              .            .
eof           closed    closed    lost         closed        lost         lost           lost         .
bind          binding   wrong     wrong        wrong         wrong        wrong          wrong        wrong
submit        not-bound not-bound submitted    not-bound     submitted    not-bound      not-bound    not-bound
unbind        closed    closed    draining     unbinding-rx  draining     unbinding      .            .
answer        .         .         .            .             .            .              .            .
tick_early    .         .         .            .             .            .              .            .
tick_init     closed    closed    .            .             .            .              .            .
tick_late     closed    closed    timeout      enquires      timeout      timeout-drain  timeout-end  .
"""
WORDS["timeout-end"] = Expected("SubmitLost SessionClosed", state=CLOSED)

HEAD, *ROWS = [line.split() for line in GRID.strip().splitlines()]
CASES = [
    pytest.param(name, SessionState[state], WORDS[word], id=f"{name}-{state}")
    for name, *words in ROWS
    for state, word in zip(HEAD, words, strict=True)
]


def name_of(event: object) -> str:
    return event if isinstance(event, str) else type(event).__name__


@pytest.mark.parametrize(("name", "state", "expected"), CASES)
def test_each_state_and_each_input(name: str, state: SessionState, expected: Expected) -> None:
    session = session_in(state)
    events = INPUTS[name](session)
    sent = [
        f"{consts.describe_command(frame.command_id)}:{frame.command_status:x}:{frame.sequence_number}"
        for frame in Framer().feed(session.data_to_send())
    ]
    assert " ".join(map(name_of, events)) == expected.events
    assert " ".join(sent) == expected.sent
    assert session.state is (expected.state or state)


def test_the_grid_is_whole() -> None:
    assert set(HEAD) == {state.name for state in SessionState}
    assert {name for name, *_ in ROWS} == set(INPUTS)


@pytest.mark.parametrize("state", MODES, ids=lambda state: state.name)
def test_the_mode_decides_what_bound_means(state: SessionState) -> None:
    session = session_in(state)
    assert session.can_submit == (state is not BOUND_RX)


def test_the_tables_speak_of_every_state_and_turn() -> None:
    assert set(REACTIONS) == set(SessionState) - {CLOSED}
    assert {turn for _, turn in TRANSITIONS} == set(Turn)
    assert {state for state, turn in TRANSITIONS if turn is Turn.END} == set(SessionState)
    assert all(target is CLOSED for (state, _), target in TRANSITIONS.items() if state is CLOSED)
