"""One connection to RabbitMQ, from handshake to close. A session never reconnects: when it dies, another is opened.

Not responsible for when to try again (`broker.py`) nor for what its channels carry.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import aio_pika
import aiormq.exceptions as amqp
from aio_pika.connection import make_url
from aiormq.channel import Channel

from bridge.broker.errors import (
    BrokerUnavailable,
    cancelled_by_owner,
    is_of_library,
    library_errors,
    reason_of,
)
from bridge.broker.incoming import Incoming, OnConfirm, OnContent
from bridge.broker.transport import Transport, is_known, takes_transports
from bridge.config.settings import HostPort
from bridge.config.tls import OF_BROKER, tls_trouble

CONNECT_LIMIT_S = 5.0
CLOSE_LIMIT_S = 3.0
CALL_LIMIT_S = 10.0
"""For one synchronous method (declare, consume, ...). The library closes a channel on which a call ended so."""
HEARTBEAT_S = 10
"""A silent peer is given up after three of these. RabbitMQ advises against less than 5."""


class Session:
    """A living connection. `place` names it in logs, without credentials."""

    __slots__ = ("_amqp", "_connection", "_incoming", "opened_at", "place")

    def __init__(
        self, connection: aio_pika.abc.AbstractConnection, place: str, incoming: Incoming | None
    ) -> None:
        """`incoming`: what its socket feeds; None where the library wants to open it itself."""
        assert connection.transport is not None  # noqa: S101 - it was opened a moment ago
        self._incoming = incoming
        self._connection = connection
        self._amqp = connection.transport.connection
        self.place = place
        self.opened_at = asyncio.get_running_loop().time()

    @property
    def alive(self) -> bool:
        """Whether it still reads and writes."""
        return self._amqp.is_opened

    @property
    def age_s(self) -> float:
        """Seconds since it was opened."""
        return asyncio.get_running_loop().time() - self.opened_at

    @property
    def version(self) -> str:
        """RabbitMQ's version, such as 3.10.8; empty if it tells none."""
        version = self._amqp.server_properties.get("version", "")
        return version if isinstance(version, str) else ""

    async def channel(self, *, confirms: bool = False) -> Channel:
        """A new channel; with `confirms` one for publishing, where a returned message fails its publish.

        Raises ChannelLost.
        """
        with library_errors():
            async with asyncio.timeout(CALL_LIMIT_S):
                channel = await self._amqp.channel(publisher_confirms=confirms, on_return_raises=True)
        assert isinstance(channel, Channel)  # noqa: S101 - the library's only class of them
        if self._incoming is not None and self.hears(channel):
            self._incoming.forget(channel.number)
        return channel

    def hears(self, channel: Channel) -> bool:
        """Whether `hear` can be used; else the library is not as we know it, and has to be used as it wants."""
        return self._incoming is not None and is_known(channel)

    def hear(self, channel: Channel, on_content: OnContent, on_confirm: OnConfirm | None = None) -> None:
        """Have the frames of this channel, which `hears`, told as they come (`Incoming.hear`)."""
        assert self._incoming is not None  # noqa: S101 - see `hears`
        self._incoming.hear(channel.number, on_content, on_confirm)

    async def closed(self) -> None:
        """Wait until it is dead."""
        await asyncio.wait([self._amqp.closing])

    @property
    def death(self) -> str:
        """Why it died, as one line; or that it did not."""
        closing = self._amqp.closing
        if not closing.done():
            return "given up, its end was not heard"
        return reason_of(None if closing.cancelled() else closing.exception())

    async def unblocked(self) -> None:
        """Return at once, or, under a memory or disk alarm of the broker, when it is over."""
        await self._amqp.ready()

    async def close(self) -> None:
        """Say goodbye, for 3 s at most. Never raises. What is in flight on it is lost to us."""
        with contextlib.suppress(Exception), library_errors():
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._connection.close()


class Urls:
    """The URLs of a cluster, tried in turn; the one that worked last comes first the next time."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = tuple(urls)
        self._next = 0

    async def connect(self, name: str) -> Session:
        """Open a session with the first URL that answers. `name` shows in RabbitMQ's list of connections.

        Raises BrokerUnavailable when none does, saying for each why.
        """
        reasons = []
        for _ in self._urls:
            try:
                return await _connect(self._urls[self._next], name)
            except BrokerUnavailable as error:
                reasons.append(str(error))
                self._next = (self._next + 1) % len(self._urls)
        raise BrokerUnavailable("; ".join(reasons))


async def _connect(url: str, name: str) -> Session:
    try:
        heartbeat = None if "heartbeat=" in urlsplit(url).query else HEARTBEAT_S
        connection = aio_pika.Connection(make_url(url, name=name, heartbeat=heartbeat))
        incoming = Incoming() if takes_transports() else None
        if incoming is not None:
            connection.kwargs["transport_factory"] = Transport(incoming)
        try:
            async with asyncio.timeout(2 * CONNECT_LIMIT_S):
                await connection.connect(timeout=CONNECT_LIMIT_S)
        except BaseException:
            await connection.close()  # else it does so when it is collected, whatever loop runs then
            raise
    except asyncio.CancelledError as error:
        if cancelled_by_owner():
            raise
        raise BrokerUnavailable(explain(url, error)) from error
    except Exception as error:
        if not is_of_library(error) and not isinstance(error, ValueError):
            raise
        raise BrokerUnavailable(explain(url, error)) from error
    return Session(connection, place_of(url), incoming)


def place_of(url: str) -> str:
    """host:port of an AMQP URL, for people; never its credentials."""
    try:
        parts = urlsplit(url)
        return str(HostPort(parts.hostname or "", parts.port or (5671 if parts.scheme == "amqps" else 5672)))
    except ValueError:
        return "(unreadable URL)"


def explain(url: str, error: BaseException) -> str:
    """Why no connection came about, as one line that tells a person what to look at."""
    where = f"RabbitMQ at {place_of(url)}"
    parts = urlsplit(url)
    if isinstance(error, amqp.ProbableAuthenticationError | amqp.AuthenticationError):
        return f"{where} refuses the user {unquote(parts.username or 'guest')!r} or its password"
    if isinstance(error, amqp.InvalidFrameError) and "Connection.OpenOk" in str(error):
        vhost = unquote(parts.path[1:]) or "/"
        return f"{where} has no virtual host {vhost!r}, or the user may not use it"
    if isinstance(error, TimeoutError):
        return f"{where} does not answer (is it AMQP that listens there?)"
    return f"{where} cannot be reached: {tls_trouble(error, OF_BROKER) or reason_of(error)}"
