"""How a session lives: what we ask of it, what time brings, how it moves on and how it ends.

What the peer says is `session.py`'s. Everything that changes the state is here, through TRANSITIONS.
"""

from collections.abc import Mapping

from bridge.smpp import cold
from bridge.smpp.events import Event, SessionClosed, SubmitLost
from bridge.smpp.owed import Owed
from bridge.smpp.settings import SessionSettings
from bridge.smpp.state import TRANSITIONS, TRANSMITTING, SessionState, Turn
from bridge.smpp.timers import Alarm, Timers
from bridge.smpp.window import NEVER, Window

NO_NUMBER = 0
"""No request has this sequence number (3.2): it stands for none."""

_FATAL_ALARMS: Mapping[Alarm, str] = {
    Alarm.NOT_BOUND: "not bound in time",
    Alarm.NOT_UNBOUND: "peer answers no unbind",
    Alarm.SILENT: "peer answers no enquire_link",
    Alarm.STALLED: "peer answers no submit_sm",
}


class WrongState(Exception):
    """A call that this state of the session does not allow."""


class NotBound(WrongState):
    """A submit while the session cannot take one: not bound for it, leaving, or stalled. Nothing was sent."""


class WindowFull(Exception):
    """A submit while every slot is taken. Nothing was sent."""


class Lifecycle:
    """The half of EsmeSession that does not depend on what PDUs come. Its public calls are EsmeSession's.

    `can_submit`: bound to transmit and not stalled (the window may be full all the same). `stalled`: a submit had
    no answer in time while none at all came since it was written; ends with the next answer, or the session.
    """

    def __init__(self, settings: SessionSettings, now: float) -> None:
        self.state = SessionState.OPEN
        self.stalled = False
        self.can_submit = False
        self._settings = settings
        self._now = now  # of the current call
        self._events: list[Event] = []  # of the current call
        self._out: list[bytes] = []
        self._owed = Owed(self._out, settings.inbound_window, settings.busy_status)
        self._window = Window(settings.window)
        self._timers = Timers(
            session_init_s=settings.session_init_s,
            enquire_link_s=settings.enquire_link_s,
            response_timeout_s=settings.response_timeout_s,
            inactivity_s=settings.inactivity_s,
            now=now,
        )
        self._bind_number = NO_NUMBER
        self._enquiry_number = NO_NUMBER
        self._unbind_number = NO_NUMBER

    @property
    def in_flight(self) -> int:
        """Submits without an answer."""
        return len(self._window)

    @property
    def free(self) -> int:
        """Submits that would be taken now."""
        return self._window.free if self.can_submit else 0

    # What we want

    def bind(self, now: float) -> None:
        """Sends the bind. Raises WrongState unless OPEN, BadField where the settings make no valid bind."""
        number = self._window.next_sequence()
        pdu = cold.build_bind(self._settings.mode.value, number, self._settings.bind_request())
        self._turn(Turn.BIND)
        self._timers.binding(now)
        self._bind_number = number
        self._out.append(pdu)

    def submit(self, body: bytes, ref: object, now: float) -> int:
        """Sends a submit_sm with this encoded body; `ref` comes back in its one end event.

        Gives the sequence number. Raises NotBound or WindowFull: then nothing was sent, and no event follows.
        """
        if not self.can_submit:
            raise NotBound("stalled" if self.stalled else f"session is {self.state.name}")
        if self._window.free <= 0:
            raise WindowFull(f"{len(self._window)} submits await their answers")
        self._timers.worked(now)
        return self._window.begin(body, ref, now + self._settings.response_timeout_s)

    def unbind(self, now: float) -> list[Event]:
        """Leaves: no new submits, and unbinds when the window is empty; at once when told again.

        Before it is bound a session has nobody to say goodbye to: it closes, and the events say so.
        """
        self._now = now
        if self.state in (SessionState.OPEN, SessionState.BINDING):
            self._close("unbound before it was bound")
        elif self.state is SessionState.DRAINING:
            self._send_unbind(Turn.LEAVE)
        else:
            self._leave()
        return self._told()

    # What happens to us

    def receive_eof(self, now: float, reason: str = "connection lost") -> list[Event]:
        """The connection is gone, by whose hand ever."""
        self._now = now
        if self.state is not SessionState.CLOSED:
            self._close(reason)
        return self._told()

    def tick(self, now: float) -> list[Event]:
        """What the time brings. To be called at `next_deadline()`; earlier it does nothing."""
        self._now = now
        if self.state is not SessionState.CLOSED:
            self._expire()
            while (alarm := self._timers.ring(now)) is not None:
                self._alarmed(alarm)
        return self._told()

    def next_deadline(self) -> float | None:
        """When `tick` is to be called next, on the clock of `now`; None when nothing is waited for."""
        deadline = min(self._timers.deadline(), self._window.next_expiry())
        return None if deadline == NEVER else deadline

    def data_to_send(self) -> bytes:
        """The octets to write now; each is given once. Submits in them count as written."""
        pdus = self._window.take_unwritten()
        pdus += self._out
        self._out.clear()
        return b"".join(pdus)

    # How the session moves

    def _told(self) -> list[Event]:
        events = self._events
        self._events = []
        return events

    def _turn(self, turn: Turn) -> None:
        state = TRANSITIONS.get((self.state, turn))
        if state is None:
            raise WrongState(f"{turn.name} while {self.state.name}")
        self.state = state
        self.can_submit = state in TRANSMITTING

    def _leave(self) -> None:
        self._turn(Turn.LEAVE)
        self._timers.leaving()
        self._unbind_when_drained()

    def _unbind_when_drained(self) -> None:
        if self.state is SessionState.DRAINING and not self._window:
            self._send_unbind(Turn.DRAINED)

    def _send_unbind(self, turn: Turn) -> None:
        self._turn(turn)
        self._timers.unbinding(self._now)
        self._unbind_number = self._window.next_sequence()
        self._out.append(cold.build_unbind(self._unbind_number))

    def _close(self, reason: str, farewell: bytes = b"") -> None:
        """Ends the session, and each open submit with it. Answers not yet taken go along with a farewell only."""
        self._turn(Turn.END)
        self._timers.stop()
        self._owed.clear()
        self._events += [
            SubmitLost(entry.ref, entry.sequence_number, reason, entry.written)
            for entry in self._window.abandon()
        ]
        if farewell:
            self._out.append(farewell)
        else:
            self._out.clear()
        self._events.append(SessionClosed(reason))

    def _expire(self) -> None:
        """Reports the submits whose time is over, and sees whether the peer has stopped answering at all."""
        for entry in self._window.expire(self._now):
            lost = SubmitLost(entry.ref, entry.sequence_number, "response timeout", entry.written)
            self._events.append(lost)
            if entry.written and entry.answers_before == self._window.answers:
                self.stalled = True
                self.can_submit = False
                self._timers.stalled(self._now)
        self._unbind_when_drained()

    def _peer_answers_submits(self) -> None:
        """One answer came, in time or late: that ends a stall, and may empty a window that drains."""
        if self.stalled:
            self.stalled = False
            self.can_submit = self.state in TRANSMITTING
            self._timers.answered()
        self._unbind_when_drained()

    def _alarmed(self, alarm: Alarm) -> None:
        if alarm is Alarm.ENQUIRE:
            self._enquiry_number = self._window.next_sequence()
            self._out.append(cold.build_enquire_link(self._enquiry_number))
        elif alarm is Alarm.INACTIVE:
            self._leave()
        else:
            self._close(_FATAL_ALARMS[alarm])
