"""One listener: serves an application on a socket, within the worker's own loop, and stops in two levels."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import uvicorn

from bridge.listeners.connection import Connection, CutOff
from bridge.listeners.crowd import Crowd
from bridge.listeners.handles import affordable
from bridge.listeners.limits import ConnectionLimits

LAST_WORDS_S = 1.0


class Listener:
    """`run` it once. `application`: ASGI; `told`: of connections that are ended for a reason."""

    def __init__(self, application: object, limits: ConnectionLimits, told: CutOff) -> None:
        most = affordable(limits.connections)
        self._crowd: Crowd[Connection] = Crowd(most, min(most, limits.per_address))
        connection = partial(Connection, limits, self._crowd, told)
        self._server = _Server(
            uvicorn.Config(
                cast("Any", application),
                interface="asgi3",
                http=cast("type[asyncio.Protocol]", connection),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,  # whom to believe is a setting of ours
                server_header=False,
                timeout_keep_alive=cast("int", limits.idle_s),
                timeout_graceful_shutdown=cast("int", limits.drain_s),
            )
        )

    @property
    def connections(self) -> int:
        """How many stand."""
        return len(self._crowd)

    async def run(self, taken: socket.socket) -> None:
        """Serve until told to `stop`, and until what is under way then is answered. Cancelled: end at once."""
        serving = asyncio.create_task(self._server.serve(sockets=[taken]), name="listener")
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            self._server.end()
            await serving
            raise

    def stop(self) -> None:
        """Take no more connections, and end when those under way are answered."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: stopping is the application's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then end whatever is left."""
        if self.force_exit:
            self._end_requests()
        await super().shutdown(sockets)
        if self.server_state.tasks:  # cancelled, and about to say so to their peers
            await asyncio.wait(self.server_state.tasks, timeout=LAST_WORDS_S)
        self._end_requests()

    def end(self) -> None:
        """Stop without waiting for anybody."""
        self.should_exit = self.force_exit = True
        self._end_requests()

    def _end_requests(self) -> None:
        for connection in list(self.server_state.connections):
            cast("Connection", connection).transport.abort()
        for task in self.server_state.tasks:
            task.cancel()
