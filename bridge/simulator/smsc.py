"""A node of the simulated provider: one listening port. And a site: several nodes that live and die together."""

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from itertools import count

from bridge.simulator.behaviour import Behaviour, Hooks
from bridge.simulator.network import Network
from bridge.simulator.session import SmscSession

STOP_S = 2.0
"""How long a graceful stop waits for the ESMEs to answer unbind."""


class SimulatedSmsc:
    """One SMSC. It may be started again after `stop` or `kill`, and keeps its port then.

    Without a `network` it is a provider of its own. `port` 0 takes a free one. Anyone may bind who has the
    `system_id` and `password`, as often as they like.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        network: Network | None = None,
        behaviours: Iterable[Behaviour] = (),
        site: str = "site",
        system_id: str = "bridge",
        password: str = "secret",  # noqa: S107 - of a toy
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.network = network if network is not None else Network()
        self.hooks = Hooks(behaviours)
        self.site = site
        self.system_id = system_id
        self.password = password
        self.sessions: set[SmscSession] = set()
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._names = count(1)

    @property
    def node(self) -> str:
        """`host:port`, as the bridge names it too."""
        return f"{self.host}:{self.port}"

    @property
    def up(self) -> bool:
        """Listening."""
        return self._server is not None

    def behave(self, *behaviours: Behaviour) -> None:
        """Has these behaviours from now on, and no others. None at all: it is a good SMSC again."""
        self.hooks = Hooks(behaviours)

    async def start(self) -> None:
        """Listens. Raises OSError where the port is taken."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._session, self.host, self.port, ssl=self._tls, backlog=1000
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self.network.start()
        self.network.noted("up", self)

    async def stop(self) -> None:
        """Takes no more connections, unbinds those there are, and closes them, answered or not, within 2 s."""
        self._deafen()
        for session in tuple(self.sessions):
            if session.transmits or session.receives:
                session.unbind()
            else:
                session.close()
        try:
            async with asyncio.timeout(STOP_S):
                await self.network.until(lambda: not self.sessions)
        except TimeoutError:
            for session in tuple(self.sessions):
                session.cut()

    def kill(self) -> None:
        """The machine is gone: no port, no connections, no farewell."""
        self._deafen()
        for session in tuple(self.sessions):
            session.cut()

    def _deafen(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            self.network.noted("down", self)

    def _session(self) -> SmscSession:
        return SmscSession(self, f"{self.node}#{next(self._names)}")


class SimulatedSite:
    """A data centre: its nodes share the provider's network, and whatever is done to the site is done to each."""

    def __init__(self, name: str, nodes: Sequence[SimulatedSmsc]) -> None:
        self.name = name
        self.nodes = tuple(nodes)
        for node in nodes:
            node.site = name

    async def start(self) -> None:
        """Starts all nodes that are down."""
        for node in self.nodes:
            await node.start()

    async def stop(self) -> None:
        """Stops all nodes gracefully, together."""
        async with asyncio.TaskGroup() as group:
            for node in self.nodes:
                group.create_task(node.stop())

    def kill(self) -> None:
        """Kills all nodes at once."""
        for node in self.nodes:
            node.kill()
