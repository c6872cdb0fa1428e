"""Octets on a connection to one of the worker's HTTP listeners, whole: parser, limits, application, answers.

Whatever comes, what is answered is HTTP, nothing breaks inside, and when the connection is over nothing of it is left.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from uvicorn.server import ServerState

from bridge.inbound.callbacks.application import Application
from bridge.inbound.callbacks.callers import Callers
from bridge.inbound.callbacks.limits import Limits
from bridge.inbound.callbacks.refusals import Refusals
from bridge.listeners.connection import ONLY_ERRORS
from bridge.listeners.server import Listener
from bridge.ops.metrics import registry_of
from bridge.ops.server import LIMITS, application
from tests.fuzz.damage import damaged
from tests.fuzz.target import Target
from tests.inbound.callers import BEARER, DIALECTS, SITES, TOKEN, Script, form, request
from tests.ops.test_ops_server import Worker

_SEEDS: Mapping[str, tuple[bytes, ...]] = {
    "callbacks": (
        request(form(), BEARER),
        request(b'{"from": "447", "to": "1", "text": "hi"}', BEARER, "Content-Type: application/json"),
        request(b"", BEARER, "Transfer-Encoding: chunked", length=False)
        + b"5\r\nfrom=\r\n4;x=y\r\n1&to\r\n0\r\nX: y\r\n\r\n",
        request(
            form(),
            "Authorization: Basic OmszeS8rw7w=",
            "Expect: 100-continue",
            path="/callbacks/p/one?token=x",
        ),
        request(b"--b--\r\n", BEARER, "Content-Type: multipart/form-data; boundary=b", path="/callbacks/q"),
        request(form(), "Content-Encoding: gzip", "Connection: close", method="PUT"),
    ),
    "ops": tuple(
        request(body, "Accept: */*", path=path, method=method)
        for path in ("/healthz", "/readyz", "/metrics", "/api/state", "/", "/nothing")
        for method, body in (("GET", b""), ("HEAD", b""), ("POST", b"x=y"))
    ),
}
_TELLING = (
    *b"%00 % /.. ? # \xff HTTP/1.1 HTTP/2.0 http://[ &token=".split(),
    *(b"\r\n", b"\n", b"\r\n\r\n", b"\x00", b" ", b": ", b"0\r\n\r\n", b"ffffffff\r\n", b"GET "),
    *(
        b"Content-Length: 5\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
    ),
    *(b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"Expect: 100-continue\r\n", b"Authorization: Basic =\r\n"),
    *(b"POST /callbacks/p HTTP/1.1\r\n\r\n", b"X: " + b"x" * 40_000),
)
_HEAD = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [^\r\n]*\r\n((?:[!-9;-~]+: [^\r\n]*\r\n)*)\r\n")
_LENGTH = re.compile(rb"content-length: ([0-9]+)\r\n")


def requests(random: Random, listener: str) -> bytes:
    """One to three requests, pipelined, most of them damaged."""
    return b"".join(
        damaged(random, random.choice(_SEEDS[listener]), _TELLING) for _ in range(random.choice((1, 1, 2, 3)))
    )


class _Faults(logging.Handler):
    """What uvicorn makes a line of the log of is a breach here."""

    def emit(self, record: logging.LogRecord) -> None:
        _faults.append(record.getMessage())


_faults: list[str] = []


@dataclass
class _Served:
    """A listener without a socket. `callbacks`: its application, where it has one of ours."""

    listener: Listener
    callbacks: Application | None


@cache
def _served(name: str) -> _Served:
    """Inside the running loop, which is the same for all inputs."""
    callbacks = None
    if name == "callbacks":
        limits = Limits(body_bytes=10_000)
        callbacks = Application(DIALECTS, SITES, Script(), Callers(TOKEN), Refusals(), limits)
        listener = Listener(callbacks, limits, lambda _status, _reason: None)
    else:
        listener = Listener(application(Worker(), registry_of([])), LIMITS, lambda _status, _reason: None)
    ONLY_ERRORS.addHandler(_Faults())
    ONLY_ERRORS.propagate = False
    return _Served(listener, callbacks)


class _Wire(asyncio.Transport):
    """A socket that takes everything and remembers it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1), "sockname": ("192.0.2.2", 2)})
        self.protocol: Any = None
        self.said = bytearray()
        self.paused = self.lost = self._closing = False

    def write(self, data: Any) -> None:
        self.said += data

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self.lose)

    abort = close

    def lose(self) -> None:
        self._closing = True
        if not self.lost:
            self.lost = True
            self.protocol.connection_lost(None)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, context: _faults.append(repr(context)))
    return loop


def run(octets: bytes, listener: str) -> int:
    """Say it to that listener; how many answers there were."""
    _faults.clear()
    said = _loop().run_until_complete(_exchange(octets, listener))
    assert not _faults, _faults
    return len(_statuses(said))


async def _exchange(octets: bytes, name: str) -> bytes:
    served = _served(name)
    server, state = served.listener._server, ServerState()
    if not server.config.loaded:
        server.config.load()
    wire = _Wire()
    make: Any = server.config.http_protocol_class
    wire.protocol = make(config=server.config, server_state=state, app_state={}, _loop=_loop())
    wire.protocol.connection_made(wire)
    size = len(octets) // 3 + 1
    for at in range(0, len(octets), size):
        await _settled(lambda: not wire.paused)
        if wire.is_closing():
            break
        wire.protocol.data_received(octets[at : at + size])
    await _settled(lambda: False)
    wire.lose()
    await _settled(lambda: not state.tasks)
    assert not state.tasks, "all requests ended"
    assert not state.connections
    assert not served.listener.connections
    if served.callbacks is not None:
        assert (served.callbacks._in_hand, served.callbacks._bodies.held) == (0, 0)
        assert not served.callbacks.tally["500", "q"]
    return bytes(wire.said)


async def _settled(holds: Any) -> None:
    for _ in range(30):
        if holds():
            return
        await asyncio.sleep(0)


def _statuses(said: bytes) -> list[int]:
    """The answers, each of which has to be whole, and HTTP."""
    statuses = []
    while said:
        head = _HEAD.match(said)
        assert head is not None, said[:200]
        status, said = int(head[1]), said[head.end() :]
        statuses.append(status)
        assert status < 500 or status == 503
        length = _LENGTH.search(head[2])
        if length is not None and not said.startswith(b"HTTP/1.1 "):  # to HEAD there is none
            said = said[int(length[1]) :]
    return statuses


LISTENERS = Target(ways=tuple(_SEEDS), make=requests, run=run)
