"""The listener: takes the port, serves it within the worker's own loop, and stops in two levels.

All workers of a machine listen on the same port (SO_REUSEPORT): the kernel spreads the connections over them. What
is answered to a callback is the application's.
"""

import errno
import socket
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import structlog

from bridge.config.settings import HostPort
from bridge.dialects.http import HttpDialect
from bridge.inbound.callbacks.application import Application, Received
from bridge.inbound.callbacks.callers import Callers
from bridge.inbound.callbacks.errors import CannotListen
from bridge.inbound.callbacks.limits import Limits
from bridge.inbound.callbacks.refusals import Refusals
from bridge.listeners.server import Listener

log = structlog.get_logger(__name__)


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
        limits = limits or Limits()
        if callers.behind_proxy:
            limits = replace(limits, per_address=limits.connections)  # they all come from the proxy's
        self._refusals = Refusals()
        self._app = Application(dialects, sites, received, callers, self._refusals, limits)
        self._listener = Listener(self._app, limits, self._cut_off)
        self._socket: socket.socket | None = None
        self.port = listen.port
        """The port in use: with port 0 in the settings, once it is open, the one the system chose."""

    @property
    def connections(self) -> int:
        """How many stand."""
        return self._listener.connections

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
        log.info("callbacks.listening", place=str(HostPort(self._listen.host, self.port)))
        await self._listener.run(self._socket)

    def stop(self) -> None:
        """Take no more: what begins from now on is refused, and what is under way is answered."""
        self._app.stopping = True
        self._listener.stop()

    def close(self) -> None:
        """Give the port back, if `run` never had it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _cut_off(self, status: int | None, reason: str) -> None:
        self.tally["cut_off" if status is None else str(status), ""] += 1
        self._refusals.tell("", status, reason)
