"""One HTTP exchange after another with a site, without judging what an answer means.

Responsible for using the right connection, and for telling what surely was not written from what may have been. Not
for the time limit of a message (`endpoint.py`), for redirects, nor for any second try: what was written once is not
written again here.

Two roads. `ask` costs little, and takes an ordinary request over a connection that is idle; `exchange` takes all
others, and finds or makes the connection. On h11, not httpx, whose pool looks at all connections and requests for
every one of them: `make measure` shows what an exchange costs either way.
"""

import asyncio
import ssl
from collections.abc import Sequence

import h11

from bridge.links.http.connection import Connection, Told
from bridge.links.http.dial import dial
from bridge.links.http.errors import AnswerLost, NameNotResolved, NotConnected
from bridge.links.http.lot import Lot
from bridge.links.http.names import Names, SystemNames
from bridge.links.http.ordinary import HAVE_A_BODY, Writer
from bridge.links.http.origin import read_origin
from bridge.links.http.places import Places
from bridge.model.web import HttpAnswer, HttpRequest

LONGEST_CONNECT_S = 10.0
"""Finding the host and connecting to it, TLS included. One exchange may do so twice."""


class HttpClient:
    """The connections to one site. Make it inside a running loop."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout_s: float,
        window: int,
        tls: ssl.SSLContext | None,
        resolver: Names | None,
    ) -> None:
        """`tls`: for https, the system's authorities if None. `resolver` None: the system knows the host.

        Raises ValueError for a URL that is none.
        """
        self._origin = read_origin(base_url)
        self._tls = (tls or ssl.create_default_context()) if self._origin.encrypted else None
        self._names = resolver or SystemNames()
        self._connect_s = min(LONGEST_CONNECT_S, timeout_s / 3)
        # Whoever waits gives up sooner; an answer is listened for all the same, for it may still come.
        self._answer_s = 2 * timeout_s
        self._most = 2 * window
        self._places = Places(self._most)
        self._writer = Writer(self._origin)
        self._loop = asyncio.get_running_loop()
        self._lot: Lot | None = None
        self._open: set[Connection] = set()
        self._closed = False

    def ask(self, request: HttpRequest, told: Told) -> "Asked | None":
        """Write an ordinary request now, if a connection waits for one; None: nothing was written, use `exchange`.

        `told` follows once, and never within this call, unless it is given up. It has no time limit here.
        """
        lot = self._lot
        if lot is None or lot.over:
            return None
        octets = self._writer.write(request)
        if octets is None or not self._places.take():
            return None
        connection = lot.take()
        if connection is None:
            self._places.give_back()
            return None
        asked = Asked(lot, connection, self._places, told)
        connection.ask(octets, asked.end)
        return asked

    async def exchange(self, request: HttpRequest) -> HttpAnswer:
        """Send a request and return the whole answer. Raises NotConnected, AnswerLost.

        Cancelled: the connection is closed. At most two thirds of the timeout pass before something is written.
        """
        until = self._loop.time() + self._connect_s
        try:
            async with asyncio.timeout_at(until):
                await self._places.wait()
        except TimeoutError:
            raise NotConnected(f"all {self._most} connections wait for answers") from None
        try:
            return await self._exchange(request, until)
        finally:
            self._places.give_back()

    async def close(self) -> None:
        """Close every connection; what is under way ends as lost."""
        self._closed = True
        if self._lot is not None:
            self._lot.end()
        connections = [*self._open]
        for connection in connections:
            connection.close()
        await asyncio.gather(*(connection.gone for connection in connections))

    async def _exchange(self, request: HttpRequest, until: float) -> HttpAnswer:
        head = self._head(request)
        lot, connection = await self._connection(until)
        try:
            return await connection.exchange(head, request.body, self._answer_s)
        finally:
            lot.give_back(connection)

    def _head(self, request: HttpRequest) -> h11.Request:
        headers = [*self._origin.headers, *request.headers]
        if request.body or request.method in HAVE_A_BODY:
            headers.append(("Content-Length", str(len(request.body))))
        target = self._origin.target_of(request)
        try:
            return h11.Request(method=request.method, target=target, headers=headers)
        except (h11.LocalProtocolError, UnicodeError):
            # Its own words would show what was to be sent.
            raise NotConnected("the request's target or a header holds what HTTP forbids") from None

    # connections

    async def _connection(self, until: float) -> tuple[Lot, Connection]:
        """One that is idle, else a new one; where no known address takes us, at one found afresh."""
        lot = await self._current(until)
        connection = lot.take()
        if connection is not None:
            return lot, connection
        try:
            return lot, await self._dial(lot.answer.addresses, until)
        except NotConnected as error:
            failure = error
        tried = lot.answer.addresses
        until = self._loop.time() + self._connect_s
        lot = await self._after(lot, until)
        connection = lot.take()
        if connection is not None:
            return lot, connection
        untried = [address for address in lot.answer.addresses if address not in tried]
        if not untried:
            raise failure
        return lot, await self._dial(untried, until)

    async def _dial(self, addresses: Sequence[str], until: float) -> Connection:
        connection = await dial(addresses, self._origin, self._tls, until)
        if self._closed:
            connection.close()
            raise NotConnected("the client was closed")
        self._open.add(connection)
        connection.gone.add_done_callback(lambda _: self._open.discard(connection))
        return connection

    async def _current(self, until: float) -> Lot:
        if self._lot is not None and not self._lot.over:
            return self._lot
        return await self._ask(until, afresh=False)

    async def _after(self, failed: Lot, until: float) -> Lot:
        """The lot of an answer later than this one, which somebody else may have asked for already."""
        if self._lot is not failed:
            return await self._current(until)
        return await self._ask(until, afresh=True)

    async def _ask(self, until: float, *, afresh: bool) -> Lot:
        if self._closed:
            raise NotConnected("the client was closed")
        before = self._lot
        try:
            async with asyncio.timeout_at(until):
                answer = await self._names.resolve(self._origin.host, afresh=afresh)
        except NameNotResolved as error:
            raise NotConnected(str(error)) from error
        except TimeoutError:
            raise NotConnected(f"{self._origin.host} not resolved within {self._connect_s:g} s") from None
        if self._lot is before or self._lot is None or self._lot.over:
            if self._lot is not None:
                self._lot.end()
            self._lot = Lot(answer, self._loop)
        return self._lot  # which somebody else may have renewed meanwhile


class Asked:
    """A request that has left, over a connection that was idle."""

    __slots__ = ("_connection", "_lot", "_places", "_told")

    def __init__(self, lot: Lot, connection: Connection, places: Places, told: Told) -> None:
        self._lot = lot
        self._connection = connection
        self._places = places
        self._told = told

    def end(self, found: HttpAnswer | AnswerLost) -> None:
        """It is answered, or lost."""
        told = self._told
        self._clear()
        told(found)

    def give_up(self) -> None:
        """Nobody wants its answer any more: the connection is closed. Not after its end."""
        self._connection.give_up()
        self._clear()

    def _clear(self) -> None:
        del self._told  # which mostly knows this: a circle would have to be found by the collector
        self._lot.give_back(self._connection)
        self._places.give_back()
