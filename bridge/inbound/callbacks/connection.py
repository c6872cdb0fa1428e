"""A connection of uvicorn's, with the limits that uvicorn leaves to a proxy before it.

uvicorn limits how long a connection may idle between an answer and the next octet, and no more. Here too: the time
and the size of a head, of trailers, of what is pipelined, and how many connections there are. A peer beyond a limit
is cut off without an answer: it would not read one. The time of a body is the application's.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bridge.inbound.callbacks.limits import Limits

# uvicorn warns once for every malformed request: those are counted and told of in `refusals`.
ONLY_ERRORS = logging.getLogger(__name__)
ONLY_ERRORS.setLevel(logging.ERROR)

CutOff = Callable[[int | None, str], None]
"""Told of a connection that is ended for a reason, with the status the peer got, if any."""


class Connection(HttpToolsProtocol):
    """One connection, and its requests one after the other."""

    def __init__(self, limits: Limits, told: CutOff, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self.logger = ONLY_ERRORS
        self.access_log = False  # it would show the token of a query
        self._limits = limits
        self._told = told
        self._head_timer: asyncio.TimerHandle | None = None
        self._since_body = 0
        """Octets since the last piece of a body, or the last request's end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a head, unless there are too many who want to be waited for."""
        super().connection_made(cast("asyncio.Transport", transport))
        if len(self.connections) > self._limits.connections:
            self._cut_off("too many connections")
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, whoever ended it."""
        self._head_came()
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

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._since_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._since_body = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What came is not HTTP."""
        self._told(400, "not HTTP")
        super().send_400_response(msg)

    def pause_writing(self) -> None:
        """An answer is a few octets: whoever lets them heap up does not read."""
        self._cut_off("it does not read its answers")

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(
            self._limits.head_within_s, self._cut_off, "the head took too long"
        )

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _cut_off(self, reason: str) -> None:
        self._told(None, reason)
        self.transport.abort()
