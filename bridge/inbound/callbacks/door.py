"""The listener: takes the port, serves it within the worker's own loop, and stops in two levels.

All workers of a machine listen on the same port (SO_REUSEPORT): the kernel spreads the connections over them. What
is answered to a callback is the application's.
"""

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import structlog
import uvicorn

from bridge.config.settings import HostPort
from bridge.dialects.http import HttpDialect
from bridge.inbound.callbacks.application import Application, Received
from bridge.inbound.callbacks.callers import Callers
from bridge.inbound.callbacks.connection import Connection
from bridge.inbound.callbacks.limits import Limits
from bridge.inbound.callbacks.refusals import Refusals

log = structlog.get_logger(__name__)


LAST_WORDS_S = 1.0


class CannotListen(Exception):
    """The address of `callbacks.listen` cannot be used. The message is fit for one line and names the setting."""


class CallbackDoor:
    """Where providers bring MOs and DRs. `open` takes the port: a taken one is known before anything starts."""

    def __init__(
        self,
        listen: HostPort,
        callers: Callers,
        dialects: Mapping[str, HttpDialect],
        sites: Mapping[str, frozenset[str]],
        received: Received,
        limits: Limits | None = None,
    ) -> None:
        """`dialects` and the names of `sites`, by provider; `received`: who takes what is brought."""
        self._listen = listen
        self._limits = limits or Limits()
        self._refusals = Refusals()
        self._app = Application(dialects, sites, received, callers, self._refusals, self._limits)
        self._socket: socket.socket | None = None
        self.port = listen.port
        """The port in use: with port 0 in the settings, once it is open, the one the system chose."""
        self._server: _Server | None = None

    @property
    def tally(self) -> Counter[tuple[str, ...]]:
        """Answers by status and provider, empty where it is not known; `gone`, `cut_off` where there was no answer."""
        return self._app.tally

    def open(self) -> None:
        """Take the port, but listen only when running: no caller must wait for it. Raises CannotListen."""
        family = socket.AF_INET6 if ":" in self._listen.host else socket.AF_INET
        self._socket = taken = socket.socket(family, socket.SOCK_STREAM)
        try:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            taken.bind(self._listen)
        except OSError as error:
            self.close()
            reason = "it is taken" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
            place = f"callbacks.listen: cannot listen on {self._listen}"
            raise CannotListen(f"{place}: {reason}") from error
        self.port = int(taken.getsockname()[1])

    async def run(self) -> None:
        """Serve until told to `stop`, and until what is under way then is answered. Cancelled: end at once."""
        assert self._socket is not None, "open() first"  # noqa: S101
        self._server = server = _Server(self._config())
        log.info("callbacks.listening", place=str(HostPort(self._listen.host, self.port)))
        if self._app.stopping:
            server.should_exit = True
        serving = asyncio.create_task(server.serve(sockets=[self._socket]), name="callbacks")
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.end()
            await serving
            raise

    def stop(self) -> None:
        """Take no more: what begins from now on is refused, and what is under way is answered."""
        self._app.stopping = True
        if self._server is not None:
            self._server.should_exit = True

    def close(self) -> None:
        """Give the port back, if `run` never had it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _config(self) -> uvicorn.Config:
        connection = partial(Connection, self._limits, self._cut_off)
        return uvicorn.Config(
            cast("Any", self._app),
            interface="asgi3",
            http=cast("type[asyncio.Protocol]", connection),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # whom to believe is a setting of ours
            server_header=False,
            timeout_keep_alive=cast("int", self._limits.idle_s),
            timeout_graceful_shutdown=cast("int", self._limits.drain_s),
        )

    def _cut_off(self, status: int | None, reason: str) -> None:
        self.tally["cut_off" if status is None else str(status), ""] += 1
        self._refusals.tell("", status, reason)


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
