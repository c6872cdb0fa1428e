"""One HTTP/1.1 connection to a site: one exchange at a time, and whether there may be another.

Responsible for knowing whether anything of a request was written, which decides what its failure means. Not for
connecting (`dial.py`), for keeping connections (`lot.py`), nor for what an answer means.
"""

import asyncio
import select
from collections.abc import Callable
from functools import partial
from typing import cast

import h11

from bridge.links.http.errors import AnswerLost, NotConnected
from bridge.links.http.ordinary import read_answer
from bridge.model.web import HttpAnswer

LONGEST_HEAD = LONGEST_BODY = 64 * 1024
LONGEST_ANSWER = 3 * 64 * 1024
"""All of it, chunk by chunk and with whatever comes before or after: it would be read for as long as it comes."""

Told = Callable[[HttpAnswer | AnswerLost], None]
"""How an exchange ended. It must not raise."""


class Connection(asyncio.Protocol):
    """A connection and its exchange, if there is one."""

    __slots__ = (
        "_body",
        "_closed",
        "_head",
        "_heard",
        "_http",
        "_length",
        "_poll",
        "_spent",
        "_told",
        "_transport",
        "gone",
    )

    def __init__(self) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the socket is closed."""
        self._transport: asyncio.Transport
        self._poll: select.poll | None = None
        self._closed = False
        self._spent = False
        """Whether there has been an exchange after which there may be no other."""
        self._told: Told | None = None
        self._http: h11.Connection | None = None
        """Reads the answer, where that is not ordinary."""
        self._heard = 0
        self._head: h11.Response | None = None
        self._body: list[bytes] = []
        self._length = 0

    @property
    def idle(self) -> bool:
        """Whether it can have an exchange now."""
        return not (self._closed or self._spent)

    def peer_spoke(self) -> bool:
        """Whether the kernel holds an end, or octets, that the loop has not brought yet. Costs a system call."""
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(self._poll.poll(0))

    def ask(self, octets: bytes, told: Told) -> None:
        """Write an ordinary request (`ordinary.py`). It must be idle; `told` follows once, unless `give_up` does."""
        self._begin(octets, told, None)

    def give_up(self) -> None:
        """Nobody wants the answer any more: no more is told of it, and the connection is closed."""
        self._told = None
        self.close()

    async def exchange(self, head: h11.Request, body: bytes, limit_s: float) -> HttpAnswer:
        """Write a request and wait for the whole answer. Raises NotConnected, AnswerLost.

        If it is not idle afterwards (cancelled, say), it has to be closed by whoever asked.
        """
        if not self.idle:
            raise NotConnected("the connection was closed before anything was written")
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        events = (head, h11.Data(data=body), h11.EndOfMessage())
        octets = b"".join(http.send(event) or b"" for event in events)
        answer: asyncio.Future[HttpAnswer] = asyncio.get_running_loop().create_future()
        self._begin(octets, partial(_settle, answer), http)
        try:
            async with asyncio.timeout(limit_s):
                return await answer
        except TimeoutError:
            raise AnswerLost(f"no whole answer within {limit_s:g} s") from None
        finally:
            self._told = None

    def _begin(self, octets: bytes, told: Told, http: h11.Connection | None) -> None:
        self._spent = True  # until the answer is whole, and lets there be another
        self._told, self._http = told, http
        self._heard, self._head, self._body, self._length = 0, None, [], 0
        self._transport.write(octets)

    def close(self) -> None:
        """Close it now, whatever it is doing."""
        if not self._closed:
            self._lose("the connection was closed by us")
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, TLS included."""
        # What create_connection makes; uvloop's own class is no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Octets of the answer. Without a question there is none, and what follows could be taken for the next."""
        if self._told is None:
            self.close()
            return
        self._heard += len(data)
        if self._heard > LONGEST_ANSWER:
            self._fail(_too_long(LONGEST_ANSWER))
        elif self._http is not None:
            self._http.receive_data(data)
            self._read("the answer is no HTTP")
        else:
            self._read_first(data)

    def eof_received(self) -> None:
        """The peer says no more, which may be how an answer ends. asyncio closes the socket then."""
        self._end_of_octets()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whomever."""
        if exc is None:
            self._end_of_octets()
        self._lose("the connection was lost before the whole answer came")
        if not self.gone.done():
            self.gone.set_result(None)

    # the answer

    def _end_of_octets(self) -> None:
        reason = "the answer was cut short" if self._heard else "the connection was closed without an answer"
        if self._told is not None and self._http is not None:
            self._http.receive_data(b"")
            self._read(reason)
        self._lose(reason)

    def _read_first(self, data: bytes) -> None:
        """The first octets of an answer, all of it where it is ordinary."""
        found = read_answer(data)
        if found is not None and len(found[0].body) <= LONGEST_BODY:
            self._end(*found)
            return
        self._http = _reader()
        self._http.receive_data(data)
        self._read("the answer is no HTTP")

    def _read(self, if_not_http: str) -> None:
        try:
            self._read_events()
        except h11.RemoteProtocolError:
            self._fail(if_not_http)

    def _read_events(self) -> None:
        assert self._http is not None  # noqa: S101 - it has octets
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Response):
                self._head = event
            elif isinstance(event, h11.Data):
                self._length += len(event.data)
                if self._length > LONGEST_BODY:
                    self._fail(_too_long(LONGEST_BODY))
                    return
                self._body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._complete(self._http)
                return
            elif not isinstance(event, h11.InformationalResponse):  # more is needed, or no more will come
                return

    def _complete(self, http: h11.Connection) -> None:
        if self._head is None:
            return
        # Octets beyond the answer would be read as the next one.
        kept = http.our_state is h11.DONE and http.their_state is h11.DONE and not http.trailing_data[0]
        self._end(_answer(self._head, b"".join(self._body)), kept)

    def _end(self, answer: HttpAnswer, kept: bool) -> None:
        told, self._told, self._http = self._told, None, None
        # A request that is not yet read may never be.
        self._spent = not kept or bool(self._transport.get_write_buffer_size())
        if told is not None:
            told(answer)

    def _fail(self, reason: str) -> None:
        self._lose(reason)
        self._transport.abort()

    def _lose(self, reason: str) -> None:
        """No further octets will be exchanged."""
        self._closed = True
        told, self._told = self._told, None
        if told is not None:
            told(AnswerLost(reason))


def _reader() -> h11.Connection:
    """What reads the answer to an ordinary request: of that, it need not know more than that it was sent."""
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
    http.send(h11.Request(method="GET", target="/", headers=[("Host", "")]))
    http.send(h11.EndOfMessage())
    return http


def _settle(answer: asyncio.Future[HttpAnswer], found: HttpAnswer | AnswerLost) -> None:
    if answer.done():
        return
    if isinstance(found, AnswerLost):
        answer.set_exception(found)
    else:
        answer.set_result(found)


def _too_long(most: int) -> str:
    return f"the answer is longer than {most // 1024} KiB"


def _answer(head: h11.Response, body: bytes) -> HttpAnswer:
    status = head.status_code
    location = b""
    if 300 <= status < 400:
        location = next((value for name, value in head.headers if name == b"location"), b"")
    return HttpAnswer(status=status, body=body, location=location.decode("latin-1"))
