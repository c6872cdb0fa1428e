"""The asyncio shell of an SMPP session. It does four things only: reads into `receive_data`, writes
`data_to_send`, keeps one timer at `next_deadline`, and hands events on.

Not responsible for what the events mean (`bind.py`), for connecting or for trying again (`binder.py`), nor for
any rule of SMPP (`bridge.smpp`).

Writing: what is gathered leaves in one write (`pace`). Octets are drawn from the session only while the
transport's own buffer is empty, so that what the kernel never took is still "never written" when the link
dies, and not in doubt.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from bridge.links.reasons import reason_of
from bridge.pace import Pace
from bridge.smpp.events import Event
from bridge.smpp.session import EsmeSession, SessionSettings, SessionState

LINGER_S = 2.0
"""How long a closing socket may try to deliver its last octets (an unbind_resp to a peer that does not read)."""


class SessionShell(asyncio.Protocol):
    """One session on one socket. `on_events(shell, events)` is called in order; the last event is SessionClosed."""

    def __init__(
        self,
        settings: SessionSettings,
        on_events: Callable[["SessionShell", list[Event]], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._loop = loop
        self._on_events = on_events
        self.session = EsmeSession(settings, loop.time())
        self.leaving = False
        """Whether it was we who wanted to go."""
        self.gone = loop.create_future()
        """Done when the socket is closed."""
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._pace = Pace(self._flush)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    @property
    def free(self) -> int:
        """Slots left in the window; 0 while the peer does not read what was written before."""
        return 0 if self._paused else self.session.free

    def submit(self, body: bytes, ref: object) -> None:
        """Queue a submit_sm of this encoded body; it is written soon, with what else there is by then (`pace`)."""
        self.session.submit(body, ref, self._loop.time())
        self._pace.want()

    def answer(self, sequence_number: int, command_status: int) -> bool:
        """Answer a deliver_sm. False, and nothing sent, when the session is gone or it was answered before."""
        owed = self.session.answer(sequence_number, command_status)
        if owed:
            self._pace.want()
        return owed

    def leave(self) -> None:
        """Leave politely: unbind when the window is empty, at once when told again."""
        self.leaving = True
        self._hand_on(self.session.unbind(self._loop.time()))

    def abort(self) -> None:
        """Leave now. What is open is reported lost before this returns."""
        self.leaving = True
        self._hand_on(self.session.receive_eof(self._loop.time()))
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected: bind at once (some SMSCs give ten seconds)."""
        # What create_connection makes; uvloop's own class is no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=1, low=0)
        self.session.bind(self._loop.time())
        self._pace.want()

    def data_received(self, data: bytes) -> None:
        """Octets from the peer."""
        self._hand_on(self.session.receive_data(data, self._loop.time()))

    def eof_received(self) -> None:
        """The peer says no more, so it is gone: its answers cannot come. asyncio closes the socket then."""
        self._hand_on(self.session.receive_eof(self._loop.time()))

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whomever. Only TLS has more to say of it than the session knows."""
        if self._timer is not None:
            self._timer.cancel()
        words = (reason_of(exc, 0.0),) if isinstance(exc, ssl.SSLError) else ()
        self._hand_on(self.session.receive_eof(self._loop.time(), *words))
        self._transport = None
        if not self.gone.done():
            self.gone.set_result(None)

    def pause_writing(self) -> None:
        """The kernel takes no more: the peer reads too slowly, or not at all."""
        self._paused = True
        self._hand_on([])

    def resume_writing(self) -> None:
        """Everything written before is with the kernel."""
        self._paused = False
        self._hand_on([])

    # the four things

    def _hand_on(self, events: list[Event]) -> None:
        self._on_events(self, events)
        self._pace.want()

    def _flush(self) -> None:
        transport = self._transport
        if transport is None:
            return
        if not self._paused and not transport.is_closing():
            data = self.session.data_to_send()
            if data:
                transport.write(data)
        if self.session.state is SessionState.CLOSED:
            transport.close()  # which waits until the peer has read what was written: some never do
            self._loop.call_later(LINGER_S, transport.abort)
        else:
            self._arm()

    def _arm(self) -> None:
        """Keep the timer no later than the next deadline. It may ring too early, and then only looks again."""
        deadline = self.session.next_deadline()
        if deadline is None:
            return
        if self._timer is not None:
            if self._timer_at <= deadline:
                return
            self._timer.cancel()
        self._timer_at = deadline
        self._timer = self._loop.call_at(deadline, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._hand_on(self.session.tick(self._loop.time()))
