"""The private HTTP listener: /healthz, /readyz, /metrics, /api/state. Not the callbacks of providers."""

import errno
import socket
from collections import Counter

import orjson
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.config.settings import HostPort
from bridge.listeners.limits import ConnectionLimits
from bridge.listeners.server import Listener
from bridge.ops.health import State, missing, snapshot

log = structlog.get_logger(__name__)

LARGEST_PORT = 65_535
LIMITS = ConnectionLimits(connections=100, per_address=50, head_bytes=16 * 1024, pipelined=1, drain_s=1.0)
"""A few who watch: an operator's browser, a scrape, a probe. Bodies are not read."""

TRIED_PORTS = 64
"""From the configured one on, until one is free."""


class CannotListen(Exception):
    """The address of `ops.listen` cannot be used. The message is fit for one line and names the setting."""


class OpsServer:
    """Serves one worker's state. `open` takes the port: a taken one is known before anything starts."""

    def __init__(self, host: str, port: int, state: State, registry: CollectorRegistry) -> None:
        self._host = host
        self._port = port
        self._app = application(state, registry)
        self._socket: socket.socket | None = None
        self.cut_off: Counter[str] = Counter()
        """Connections that were ended for a reason, by that."""

    @property
    def port(self) -> int:
        """The port in use: with port 0 in the settings, the one the system chose."""
        return int(self._socket.getsockname()[1]) if self._socket else self._port

    @property
    def _place(self) -> str:
        return str(HostPort(self._host, self.port))

    def open(self) -> None:
        """Take the port, or the next free one: another worker on this machine may have it. Raises CannotListen."""
        ports = range(self._port, self._port + TRIED_PORTS) if self._port else (0,)
        for port in ports:
            try:
                self._socket = self._listen(port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise self._cannot((error.strerror or str(error)).partition(" (while")[0]) from error
                continue
            if port != self._port:
                log.warning("ops.port_taken", wanted=self._port, listens_on=port)
            return
        raise self._cannot(f"it is taken, and so are the {TRIED_PORTS - 1} ports after it")

    def _listen(self, port: int) -> socket.socket:
        if port > LARGEST_PORT:  # counted up for the last of several workers
            raise self._cannot(f"a port is at most {LARGEST_PORT}")
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        return socket.create_server((self._host, port), family=family)

    def _cannot(self, reason: str) -> CannotListen:
        return CannotListen(f"ops.listen: cannot listen on {self._place}: {reason}")

    async def run(self) -> None:
        """Serve until cancelled."""
        assert self._socket is not None, "open() first"  # noqa: S101
        log.info("ops.listening", place=self._place)
        await Listener(self._app, LIMITS, self._cut_off).run(self._socket)

    def _cut_off(self, _status: int | None, reason: str) -> None:
        self.cut_off[reason] += 1

    def close(self) -> None:
        """Give the port back, if `run` never had it."""
        if self._socket is not None:
            self._socket.close()


def application(state: State, registry: CollectorRegistry) -> Starlette:
    """The four pages."""

    async def healthz(_request: Request) -> Response:
        return _json({"status": "ok", "worker": state.worker})

    async def readyz(_request: Request) -> Response:
        lacking = missing(state)
        return _json({"ready": not lacking, "missing": lacking}, 503 if lacking else 200)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    async def api_state(_request: Request) -> Response:
        return _json(snapshot(state))

    pages = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics, "/api/state": api_state}
    return Starlette(routes=[Route(path, page) for path, page in pages.items()])


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
