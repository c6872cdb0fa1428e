"""The store: one connection to Redis that comes back by itself, and the operations on claims and receipts over it.

Any call that is not answered as it should be (connection lost, time-out, Redis loading, read-only, full) takes
the store down; a probe that writes, after a short pause, brings it up. Not responsible for what the operations
mean (`lua/`, `claims`, `receipts`, `segments`) nor for how they are gathered (`batcher`).
"""

import asyncio
import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

import hiredis
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from bridge.config.settings import HostPort, RedisSettings
from bridge.config.tls import OF_REDIS, tls_trouble
from bridge.store.batcher import Batcher, NoAnswer, Operation, Word
from bridge.store.claims import Claims
from bridge.store.fitness import untold, warnings_of
from bridge.store.receipts import Receipts
from bridge.store.segments import Segments

ANSWER_LIMIT_S = 2.0
"""For one call, connecting included."""
HEARTBEAT_S = 2.0
"""How often a store with nothing to do looks whether Redis is still there."""
PAUSE_S = (0.1, 2.0)
"""Between probes while it is not: the first pause, doubled up to the last."""

FILES = (
    "base",
    "correlation",
    "joining",
    "unmatched",
    "claims",
    "answers",
    "receipts",
    "overdue",
    "segments",
    "run",
)
"""Of the script, in this order: each may use what stands before it."""
SCRIPT = b"\n".join(
    resources.files(__package__).joinpath("lua", f"{name}.lua").read_bytes() for name in FILES
)
SHA = hashlib.sha1(SCRIPT, usedforsecurity=False).hexdigest()
PROBE = (b"probe",)
"""The first words of each turn."""

log = structlog.get_logger(__name__)


class StoreUnavailable(Exception):
    """Redis cannot be used just now; the message says why, in one line."""


class Store:
    """What all workers together must remember. `run` must be running for anything to be answered."""

    def __init__(self, settings: RedisSettings, *, worker: str) -> None:
        self._globals = (int(settings.retention_hours * 3_600_000), settings.prefix, worker)
        self._turn = 1
        """One more after each call without an answer: what of that comes late is refused (`lua/run.lua`)."""
        self._client = Redis.from_url(
            settings.url.get_secret_value(),
            client_name=f"{settings.prefix}-{worker}",
            single_connection_client=True,
            # Whether to ask again is decided here; the limit is set around the whole call.
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            socket_connect_timeout=None,
            socket_keepalive=True,
        )
        self._batcher = Batcher(self._call)
        self._callbacks: list[Callable[[bool], None]] = []
        self._heart: asyncio.TimerHandle | None = None
        self._used: bool | None = None
        """Whether it must have been told something; None: nobody has said."""
        self.up = False
        self.last_error = ""
        self.claims = Claims(self._batcher, settings.prefix)
        self.receipts = Receipts(self._batcher, settings.prefix)
        self.segments = Segments(self._batcher, settings.prefix)

    def on_change(self, callback: Callable[[bool], None]) -> None:
        """Have `callback` told each time `up` changes."""
        self._callbacks.append(callback)

    async def open(self) -> None:
        """Try once whether Redis is there and takes writes. Raises StoreUnavailable."""
        try:
            await self._call(PROBE)
        except NoAnswer as error:
            self.last_error = str(error)
            raise StoreUnavailable(str(error)) from None

    async def begin(self, *, used_before: bool) -> None:
        """Have Redis mark that it knows all that was told it since now, unless it is marked already.

        `used_before`: something must have been told it before; if it is not marked then, it has lost that. Tried once
        now, and again whenever it comes up: it may be emptied.
        """
        self._used = used_before
        with contextlib.suppress(NoAnswer):
            await self._mark()

    async def _mark(self) -> None:
        """Raises NoAnswer."""
        if self._used is None:
            return
        (lost,) = await self._call((b"begin", int(self._used)))
        self._used = True
        if lost:
            log.warning(
                "redis.lost_data",
                problem="Redis was emptied: MTs that come again from RabbitMQ count as sent in doubt for an hour",
            )

    async def run(self) -> None:
        """Serve the operations, and come back when Redis does; until cancelled."""
        pause_s = PAUSE_S[0]
        try:
            while True:
                try:
                    await self._call(PROBE)
                    await self._mark()
                    pause_s = PAUSE_S[0]
                    self._came_up()
                    await self._batcher.serve()
                except NoAnswer as error:
                    if self.up:
                        log.warning("store.down", reason=str(error))
                self._went_down()
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, PAUSE_S[1])
        finally:
            self._went_down()

    async def idle(self) -> None:
        """Return when nothing is on its way to Redis any more."""
        await self._batcher.idle()

    async def close(self) -> None:
        """After `run` has ended: nothing is sent any more."""
        self._batcher.close()
        await self._hang_up()
        await self._client.aclose()

    async def check(self) -> list[str]:
        """What about this Redis endangers the promises, a line for each. Raises StoreUnavailable."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                facts: dict[str, Any] = await self._client.info()
                return warnings_of(facts, await self._appendfsync())
        except ResponseError as error:
            return [untold(_reason(error))]
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(self._describe(error)) from None

    async def _appendfsync(self) -> str | None:
        """None where that may not be asked: a narrow user, a service that hides its configuration."""
        try:
            return (await self._client.config_get("appendfsync")).get("appendfsync")
        except ResponseError:
            return None

    async def _call(self, words: Sequence[Word]) -> list[Any]:
        """One script call. Raises NoAnswer."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                try:
                    return await self._script(words)
                except NoScriptError:
                    await self._client.script_load(SCRIPT)
                    return await self._script(words)
        except (RedisError, OSError, TimeoutError) as error:
            self._turn += 1
            self.last_error = self._describe(error)
            # A new connection asks the resolver again: the Redis that takes writes may be another by now.
            await self._hang_up()
            raise NoAnswer(self.last_error) from None

    async def _script(self, words: Sequence[Word]) -> list[Any]:
        # What `evalsha` of the client does, without its ways to pack and to try again: they cost more than the rest.
        await self._client.initialize()
        connection = self._client.connection
        assert connection is not None  # noqa: S101 - of a client that has only one
        command: Any = ("EVALSHA", SHA, 0, *self._globals, self._turn, *words)
        await connection.send_packed_command(hiredis.pack_command(command), check_health=False)
        replies: list[Any] = await connection.read_response()
        return replies

    async def _hang_up(self) -> None:
        """Without waiting for a farewell: TLS would give Redis half a minute for its own."""
        if self._client.connection is not None:
            with contextlib.suppress(RedisError, OSError):
                await self._client.connection.disconnect(nowait=True)

    def _describe(self, error: BaseException) -> str:
        at = self._client.connection_pool.connection_kwargs
        place = at.get("path") or HostPort(at.get("host", "localhost"), at.get("port", 6379))
        return f"Redis at {place}: {_reason(error)}"

    def _came_up(self) -> None:
        self.up = True
        self._batcher.open()
        self._heart = asyncio.get_running_loop().call_later(HEARTBEAT_S, self._beat)
        log.info("store.up")
        for callback in self._callbacks:
            callback(True)

    def _went_down(self) -> None:
        """Everybody knows that the store is down before the first operation fails."""
        if not self.up:
            return
        self.up = False
        if self._heart is not None:
            self._heart.cancel()
        for callback in self._callbacks:
            callback(False)
        self._batcher.shut()

    def _beat(self) -> None:
        self._batcher.add(Operation(PROBE, bool, lambda _: None, kept=False))
        self._heart = asyncio.get_running_loop().call_later(HEARTBEAT_S, self._beat)


def _reason(error: BaseException) -> str:
    """Why, in words fit for one line, whatever the client makes of it."""
    if isinstance(error, TimeoutError):
        return f"no answer within {ANSWER_LIMIT_S:g} s"
    if isinstance(error, AuthenticationError):
        return "the user name or password is wrong or missing"
    if trouble := tls_trouble(error, OF_REDIS):
        return trouble
    if isinstance(error, ReadOnlyError):
        return "it is a read only replica: name the primary in redis.url"
    text = " ".join(str(error).split())
    if "cluster" in text and isinstance(error, ResponseError):
        return f"it is a node of a Redis Cluster, which the bridge cannot use ({text})"
    failed = re.search(r"\b(?:Errno|Error) (\d+)\b", text)
    return os.strerror(int(failed[1])) if failed else text or type(error).__name__
