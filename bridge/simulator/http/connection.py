"""One connection at a simulated HTTP site: octets in, requests judged, everything of a loop turn written at once.

It keeps HTTP's manners and asks the provider what to do with messages. One request at a time: what a client sends
before it has its answer waits.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import h11

from bridge.simulator.http.records import Answer, Asked

if TYPE_CHECKING:
    from bridge.simulator.http.site import HttpSite

MAX_BODY = 16 * 1024 * 1024

NOT_HERE = Answer(status=404, body=b"no such path\n")
NOT_SO = Answer(status=405, body=b"only GET, HEAD and POST\n")
TOO_LARGE = Answer(status=413, body=b"too large\n")
UNREADABLE = Answer(status=400, body=b"no HTTP\n")
HEAD_ANSWER = Answer(status=200)


class HttpConnection(asyncio.Protocol):
    """A client's connection. `busy` while a request waits for its answer."""

    def __init__(self, site: "HttpSite") -> None:
        self.site = site
        self.alive = False
        self.busy = False
        self._reading = False
        self._retired = False
        self._provider = site.provider
        self._http = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._body: list[bytes] = []
        self._octets = 0
        self._gathered: list[bytes] = []

    # -- asyncio's side -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connected."""
        self._transport = cast("asyncio.Transport", transport)
        self.alive = True
        self.site.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Gone, whoever ended it."""
        self.alive = False
        self.site.connections.discard(self)
        self._provider.turn.touch()

    def data_received(self, data: bytes) -> None:
        """Octets of any number of requests, or of a part of one."""
        self._http.receive_data(data)
        if not self.busy:
            self._read()
            return
        self._octets += len(data)
        if self._octets > MAX_BODY:
            self.cut()

    def _read(self) -> None:
        self._reading = True
        try:
            self._read_on()
        finally:
            self._reading = False

    def _read_on(self) -> None:
        while self.alive and not self.busy:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError:
                self._give_up(UNREADABLE)
                return
            match event:
                case h11.Request():
                    self._begin(event)
                case h11.Data():
                    self._octets += len(event.data)
                    if self._octets > MAX_BODY:
                        self._give_up(TOO_LARGE)
                        return
                    self._body.append(event.data)
                case h11.EndOfMessage():
                    self._judge()
                case _:  # more is needed, or no more will come
                    if isinstance(event, h11.ConnectionClosed):
                        self.close()
                    return

    def _begin(self, request: h11.Request) -> None:
        self._request = request
        self._body = []
        self._octets = 0
        if self._http.they_are_waiting_for_100_continue:
            head = h11.InformationalResponse(status_code=100, headers=[])
            self.gather(self._http.send(head) or b"")

    def _judge(self) -> None:
        request = cast("h11.Request", self._request)
        self.busy = True
        path, _, query = request.target.decode("latin-1").partition("?")
        if path != self._provider.style.path:
            self.answer(NOT_HERE)
            return
        method = request.method.decode("latin-1")
        if method == "HEAD":
            self._provider.looked_for(self)
        elif method in ("GET", "POST"):
            self._provider.asked(self, self._asked(method, query, request))
        else:
            self.answer(NOT_SO)

    def _asked(self, method: str, query: str, request: h11.Request) -> Asked:
        content_type = authorization = ""
        for name, value in request.headers:
            if name == b"content-type":
                content_type = value.decode("latin-1")
            elif name == b"authorization":
                authorization = value.decode("latin-1")
        return Asked(
            method=method,
            query=query,
            content_type=content_type,
            authorization=authorization,
            body=b"".join(self._body),
        )

    def _give_up(self, answer: Answer) -> None:
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.gather(self._octets_of(answer, closes=True))
        self.close()

    # -- what the site does -------------------------------------------------------------------------------------

    def answer(self, answer: Answer, leave: "Callable[[HttpConnection, bytes], None] | None" = None) -> None:
        """Answers the request that waits; `leave`, if anything, sees to how the octets get out."""
        octets = self._octets_of(answer)
        if leave is not None:
            leave(self, octets)
        else:
            self.gather(octets)
            self.answered()

    def _octets_of(self, answer: Answer, *, closes: bool = False) -> bytes:
        headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
        headers += answer.headers
        if closes:
            headers.append(("Connection", "close"))
        http = self._http
        octets = http.send(h11.Response(status_code=answer.status, headers=headers)) or b""
        if answer.body and not self._asks_for_head:
            octets += http.send(h11.Data(data=answer.body)) or b""
        return octets + (http.send(h11.EndOfMessage()) or b"")

    @property
    def _asks_for_head(self) -> bool:
        return self._request is not None and self._request.method == b"HEAD"

    def answered(self) -> None:
        """The answer has been gathered, all of it: the next request's turn."""
        self.busy = False
        self._request = None
        if self._retired or self._http.our_state is h11.MUST_CLOSE:
            self.close()
            return
        self._http.start_next_cycle()
        if not self._reading:
            self._read()

    def later(self, delay_s: float, act: "Callable[[HttpConnection, bytes], None]", octets: bytes) -> None:
        """Does that after a while, unless the client has gone by then."""
        self._provider.agenda.after(delay_s, self._act, act, octets)

    def _act(self, act: "Callable[[HttpConnection, bytes], None]", octets: bytes) -> None:
        if self.alive:
            act(self, octets)

    def gather(self, octets: bytes) -> None:
        """These octets leave at the end of this loop turn."""
        if not self._gathered:
            self._provider.turn.flush_later(self)
        self._gathered.append(octets)

    def flush(self) -> None:
        """Writes what was gathered."""
        data = b"".join(self._gathered)
        self._gathered.clear()
        if self.alive and data:
            self._transport.write(data)

    def retire(self) -> None:
        """Closes as soon as no answer is owed."""
        self._retired = True
        if not self.busy:
            self.close()

    def close(self) -> None:
        """Closes when all that was gathered has been written."""
        self._provider.turn.end()
        self.alive = False
        self._transport.close()

    def cut(self) -> None:
        """Ends the connection without another word; what was gathered before has been handed to the kernel."""
        self._provider.turn.end()
        self.alive = False
        self._transport.abort()
