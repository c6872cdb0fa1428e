"""The ESME's side of one SMPP session, without I/O: octets, calls and `now` in; events and octets out.

The shell around it does four things: it reads into `receive_data` (at the end `receive_eof`), writes
`data_to_send` after every call, calls `tick` at `next_deadline`, and hands events on. `state.py` has the theory
and the tables, `window.py` the submits in flight, `owed.py` the answers we owe, `timers.py` the clocks.

Promises, whatever the peer does
1. Each accepted submit ends in exactly one SubmitAnswered or SubmitLost; once CLOSED none is open.
2. In flight never exceeds the window; a sequence number in flight is unique and within 1..0x7FFFFFFF.
3. Any cutting of the same octets into reads gives the same events.
4. Receiving never raises. A bad PDU is refused and told; a broken stream ends the session.
5. Each request of the peer gets exactly one response, unless the session closed first (outbind and
   alert_notification have none).
6. After `tick(now)`, `next_deadline()` is None or later than `now`.
7. After SessionClosed, `data_to_send` gives at most a farewell, once, and never a submit in it.
8. Late, doubled and unknown responses are events, never errors.
"""

from collections.abc import Callable, Mapping

from bridge.smpp import cold
from bridge.smpp.codec import read_message_id
from bridge.smpp.consts import (
    ESME_RINVCMDID,
    ESME_RINVCMDLEN,
    ESME_ROK,
    ESME_RUNKNOWNERR,
    describe_command,
    describe_status,
)
from bridge.smpp.events import (
    AlertReceived,
    BadPduReceived,
    BindRefused,
    Bound,
    Event,
    LateAnswer,
    OutbindReceived,
    PeerUnbound,
    SubmitAnswered,
    UnknownAnswer,
)
from bridge.smpp.framing import Frame, Framer
from bridge.smpp.lifecycle import NO_NUMBER, Lifecycle, NotBound, WindowFull, WrongState
from bridge.smpp.settings import BindMode, SessionSettings
from bridge.smpp.state import REACTIONS, Reaction, SessionState, Turn, strange

__all__ = [
    "BindMode",
    "EsmeSession",
    "NotBound",
    "SessionSettings",
    "SessionState",
    "WindowFull",
    "WrongState",
]

_ACCEPTED: Mapping[BindMode, Turn] = {
    BindMode.TRANSMITTER: Turn.ACCEPTED_TX,
    BindMode.RECEIVER: Turn.ACCEPTED_RX,
    BindMode.TRANSCEIVER: Turn.ACCEPTED_TRX,
}
_MOST_UNREAD = 50_000
"""How many of our PDUs may wait to be written: several times what one read can ask for."""


class EsmeSession(Lifecycle):
    """One session over one connection, from connect to close. Not to be used again."""

    def __init__(self, settings: SessionSettings, now: float) -> None:
        super().__init__(settings, now)
        self._framer = Framer()

    def answer(self, sequence_number: int, command_status: int) -> bool:
        """Answers a DeliverReceived. False if no answer is owed (any more): nothing is sent then."""
        return self._owed.answer(sequence_number, command_status)

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """What the octets of one read mean. Never raises for what the peer sent."""
        self._now = now
        if self.state is not SessionState.CLOSED:
            self._hear(self._framer.feed(data))
        return self._told()

    def _hear(self, frames: list[Frame]) -> None:
        if frames:
            self._timers.heard(self._now)
        for frame in frames:
            handlers = _HANDLERS.get(self.state)
            if handlers is None:  # closed: the rest is not heard
                return
            if len(self._out) > _MOST_UNREAD:
                self._close("peer reads no answers")
                return
            command_id = frame.command_id
            handler = handlers.get(command_id) or _HANDLER[strange(command_id)]
            handler(self, frame)
        if self._framer.broken is not None and self.state is not SessionState.CLOSED:
            nack = cold.build_generic_nack(NO_NUMBER, ESME_RINVCMDLEN)
            self._close(f"broken stream: {self._framer.broken}", farewell=nack)

    # What the peer says: one method for each Reaction

    def _bind_answer(self, frame: Frame) -> None:
        if frame.sequence_number != self._bind_number:
            self._strange_answer(frame)
        elif frame.command_status != ESME_ROK:
            self._bind_refused(frame.command_status)
        else:
            self._turn(_ACCEPTED[self._settings.mode])
            self._timers.bound(self._now)
            self._events.append(Bound(*cold.decode_bind_resp(frame.body)))

    def _bind_refused(self, status: int) -> None:
        self._events.append(BindRefused(status))
        self._close(f"bind refused: {describe_status(status)}")

    def _submit_answer(self, frame: Frame) -> None:
        # A refusal may carry an id all the same; it names nothing that was accepted.
        message_id = read_message_id(frame.body) if frame.command_status == ESME_ROK else ""
        self._answered(frame.sequence_number, frame.command_status, message_id)

    def _answered(self, number: int, status: int, message_id: str) -> None:
        entry = self._window.answer(number)
        if entry is not None:
            self._events.append(SubmitAnswered(entry.ref, number, status, message_id))
        else:
            entry = self._window.answer_late(number)
            if entry is None:
                self._events.append(UnknownAnswer(number, status))
                return
            self._events.append(LateAnswer(entry.ref, number, status, message_id))
        self._peer_answers_submits()

    def _enquiry_answer(self, frame: Frame) -> None:
        if frame.sequence_number == self._enquiry_number:
            self._enquiry_number = NO_NUMBER
        else:
            self._strange_answer(frame)

    def _unbind_answer(self, frame: Frame) -> None:
        if frame.sequence_number == self._unbind_number:
            self._close("unbound")
        else:
            self._strange_answer(frame)

    def _nack(self, frame: Frame) -> None:
        """generic_nack refuses the request whose number it has; with 0 the peer cannot tell: the stream is lost."""
        number = frame.sequence_number
        # Its status is an error by nature: 0 must not make an accepted message of it.
        status = frame.command_status or ESME_RUNKNOWNERR
        if self.state is SessionState.BINDING and number in (NO_NUMBER, self._bind_number):
            self._bind_refused(status)
        elif number == NO_NUMBER:
            self._close(f"generic_nack without a number: {describe_status(status)}")
        elif number == self._unbind_number:
            self._close("unbound")
        elif number == self._enquiry_number:
            self._enquiry_number = NO_NUMBER
        else:
            self._answered(number, status, "")

    def _take(self, frame: Frame) -> None:
        self._timers.worked(self._now)
        event = self._owed.take(frame)
        if event is not None:
            self._events.append(event)

    def _refuse_for_now(self, frame: Frame) -> None:
        self._owed.refuse(frame)

    def _echo(self, frame: Frame) -> None:
        self._out.append(cold.build_enquire_link_resp(frame.sequence_number))

    def _peer_leaves(self, frame: Frame) -> None:
        self._events.append(PeerUnbound())
        self._close("peer unbound", farewell=cold.build_unbind_resp(frame.sequence_number))

    def _outbind(self, _frame: Frame) -> None:
        self._events.append(OutbindReceived())

    def _alert(self, _frame: Frame) -> None:
        self._events.append(AlertReceived())

    def _strange_answer(self, frame: Frame) -> None:
        self._events.append(UnknownAnswer(frame.sequence_number, frame.command_status))

    def _strange_request(self, frame: Frame) -> None:
        self._out.append(cold.build_generic_nack(frame.sequence_number, ESME_RINVCMDID))
        reason = f"{describe_command(frame.command_id)} is no request to an ESME"
        self._events.append(BadPduReceived(frame.command_id, frame.sequence_number, reason))


_Handler = Callable[[EsmeSession, Frame], None]
_HANDLER: Mapping[Reaction, _Handler] = {
    kind: getattr(EsmeSession, f"_{kind.name.lower()}") for kind in Reaction
}
_HANDLERS: Mapping[SessionState, Mapping[int, _Handler]] = {
    state: {command_id: _HANDLER[kind] for command_id, kind in row.items()}
    for state, row in REACTIONS.items()
}
