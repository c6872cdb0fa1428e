"""A connection of uvicorn's, with the limits that uvicorn leaves to a proxy before it.

uvicorn limits how long a connection may idle between an answer and the next octet, and no more. Here too: the time
and the size of a head, of trailers, of what is pipelined, how long an answer may wait for its reader, and how many
connections there are (`crowd`). A peer beyond a limit is cut off without an answer: it would not read one. The time
of a body is the application's.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bridge.listeners.crowd import Crowd
from bridge.listeners.limits import ConnectionLimits

# uvicorn warns once for every malformed request: those are told of by whoever listens.
ONLY_ERRORS = logging.getLogger(__name__)
ONLY_ERRORS.setLevel(logging.ERROR)

CutOff = Callable[[int | None, str], None]
"""Told of a connection that is ended for a reason, with the status the peer got, if any."""


class Connection(HttpToolsProtocol):
    """One connection, and its requests one after the other."""

    def __init__(
        self, limits: ConnectionLimits, crowd: "Crowd[Connection]", told: CutOff, **of_uvicorn: Any
    ) -> None:
        super().__init__(**of_uvicorn)
        self.logger = ONLY_ERRORS
        self.access_log = False  # it would show the token of a query
        self._limits = limits
        self._crowd = crowd
        self._told = told
        self._head_timer: asyncio.TimerHandle | None = None
        self._reader_timer: asyncio.TimerHandle | None = None
        self._since_body = 0
        """Octets since the last piece of a body, or the last request's end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a head. If there are too many, somebody else has to go."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._expect_head()
        goes = self._crowd.enter(self, self.client[0] if self.client else "")
        if goes is not None:
            goes.make_room()

    def make_room(self) -> None:
        """Go: there are too many, and this one has waited longest."""
        self._cut_off("too many connections")

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, whoever ended it."""
        self._crowd.leave(self)
        self._head_came()
        self._reader_came()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Octets of a head, of a body, or of both."""
        self._since_body += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._since_body > self._limits.head_bytes:
            self._cut_off("the head is too large")
        elif self._head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._expect_head()

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._head_came()
        if len(self.pipeline) >= self._limits.pipelined:
            raise OverflowError  # it ends the parsing: uvicorn answers 400, and closes
        super().on_headers_complete()
        self._crowd.works(self)

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._since_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._since_body = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is given. It may be the last, and unread."""
        super().on_response_complete()
        if self.cycle.response_complete:  # else another request is in hand
            self._crowd.waits(self)
        if self.transport.is_closing():
            self._expect_reader()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more is asked."""
        super().timeout_keep_alive_handler()
        self._expect_reader()

    def send_400_response(self, msg: str) -> None:
        """What came is not HTTP."""
        self._told(400, "not HTTP")
        super().send_400_response(msg)
        self._expect_reader()

    def pause_writing(self) -> None:
        """The system takes no more of the answer."""
        super().pause_writing()
        self._expect_reader()

    def resume_writing(self) -> None:
        """The peer reads after all."""
        self._reader_came()
        super().resume_writing()

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(
            self._limits.head_within_s, self._cut_off, "the head took too long"
        )

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _expect_reader(self) -> None:
        """A transport that is closed waits until the peer has read what was written: some never do."""
        if self._reader_timer is None and self in self.connections:
            self._reader_timer = self.loop.call_later(
                self._limits.read_within_s, self._cut_off, "it does not read its answers"
            )

    def _reader_came(self) -> None:
        if self._reader_timer is not None:
            self._reader_timer.cancel()
            self._reader_timer = None

    def _cut_off(self, reason: str) -> None:
        self._told(None, reason)
        self.transport.abort()
