"""A site of the simulated HTTP provider: one listening port and its connections."""

import asyncio
import ssl
from collections.abc import Iterable

from bridge.simulator.http.behaviour import HttpBehaviour
from bridge.simulator.http.connection import HttpConnection
from bridge.simulator.http.provider import HttpProvider

STOP_S = 2.0
"""How long a graceful stop waits for answers that are still owed."""


class HttpSite:
    """One site. It may be started again after `stop` or `kill`, and keeps its port then. `port` 0 takes a free one."""

    def __init__(
        self,
        provider: HttpProvider,
        *,
        site: str = "site",
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Iterable[HttpBehaviour] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.provider = provider
        self.site = site
        self.host = host
        self.port = port
        self.behaviours = tuple(faults)
        self.connections: set[HttpConnection] = set()
        self._tls = tls
        self._server: asyncio.Server | None = None
        provider.sites.append(self)

    @property
    def node(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where messages are posted."""
        return f"{'https' if self._tls else 'http'}://{self.node}{self.provider.style.path}"

    @property
    def up(self) -> bool:
        """Listening."""
        return self._server is not None

    def behave(self, *behaviours: HttpBehaviour) -> None:
        """Has these behaviours from now on, and no others. None at all: it is a good site again."""
        self.behaviours = behaviours

    async def start(self) -> None:
        """Listens. Raises OSError where the port is taken."""
        if self._server is not None:
            return
        self._server = await asyncio.get_running_loop().create_server(
            lambda: HttpConnection(self), self.host, self.port, ssl=self._tls, backlog=1000
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self.provider.start()
        self.provider.noted("up", self)

    async def stop(self) -> None:
        """Takes no more connections, and closes those there are as soon as they have their answers, within 2 s."""
        self._deafen()
        for connection in tuple(self.connections):
            connection.retire()
        try:
            async with asyncio.timeout(STOP_S):
                await self.provider.until(lambda: not self.connections)
        except TimeoutError:
            self.kill()

    def kill(self) -> None:
        """The machine is gone: no port, no connections, no farewell."""
        self._deafen()
        for connection in tuple(self.connections):
            connection.cut()

    def _deafen(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            self.provider.noted("down", self)
