"""Where a bench takes place: servers of its own (or those named), names, and the configuration of the worker."""

import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import redis.asyncio
import redis.exceptions

from bridge.model.names import Names
from bridge.proof.bench_bare import WINDOW
from bridge.proof.bench_messages import PROVIDER, SENDER
from bridge.proof.bench_process import session_of_listener
from bridge.proof.bench_setting import Setting, route_names
from bridge.proof.bench_site import PATH, TOKEN
from bridge.proof.ensure import Servers
from bridge.proof.machine import MissingProgram, free_ports
from bridge.proof.packages import install
from bridge.proof.servers import PrivateRabbit, PrivateRedis
from bridge.proof.stage import Stage

SITE = "one"
PATIENCE_S = 120
"""How long the worker waits for an answer that is kept back: longer than that is."""
_HERE = ("localhost", "127.0.0.1", "::1")
_PORTS = {"amqp": 5672, "amqps": 5671, "redis": 6379, "rediss": 6379}


Kind = Literal["smpp", "http", "in-flight"]
"""Of a worker's configuration: over SMPP, over HTTP, and over SMPP with many in flight."""


class RedisLost(Exception):
    """Redis does not answer the bench; the message says what happened."""


@asynccontextmanager
async def bench_servers(
    amqp_url: str | None, redis_url: str | None, say: Callable[[str], None]
) -> AsyncIterator[Servers]:
    """Those at the URLs, as they are; private ones where there is no URL. Raises NotInstalled, ServerError."""
    async with AsyncExitStack() as stack:
        rabbit: PrivateRabbit | None = None
        own_redis: PrivateRedis | None = None
        for kind, wanted in ((PrivateRabbit, amqp_url is None), (PrivateRedis, redis_url is None)):
            try:
                if wanted:
                    kind.find_programs()
            except MissingProgram:
                install([kind.package], f"The program {kind.package}", say)
        if amqp_url is None:
            rabbit = await stack.enter_async_context(PrivateRabbit())
            amqp_url = rabbit.url
            say(f"a private RabbitMQ runs at 127.0.0.1:{rabbit.port}")
        if redis_url is None:
            own_redis = await stack.enter_async_context(PrivateRedis())
            redis_url = own_redis.url
            say(f"a private Redis runs at 127.0.0.1:{own_redis.port}")
        yield Servers(amqp_url=amqp_url, redis_url=redis_url, rabbit=rabbit, redis=own_redis)


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything about one bench that has a name or a number."""

    stage: Stage
    smsc_port: int
    site_port: int
    callback_port: int

    @classmethod
    def prepare(
        cls, servers: Servers, setting: Setting, directory: Path, in_flight: Setting | None = None
    ) -> "Ground":
        """Choose names and ports, and write the worker's configurations into the directory.

        `in_flight`: the setting of the round in which many are in flight, if there is one.
        """
        smsc, site, callbacks, ops = free_ports(4)
        stage = Stage(
            servers=servers,
            # On servers of its own under the usual names: their length counts in what Redis keeps.
            names=Names() if servers.rabbit and servers.redis else Names(f"bench-{secrets.token_hex(4)}"),
            sites={SITE: (smsc,)},
            control_port=0,
            ops_ports=(ops,),
            directory=directory,
            routes=route_names(max(one.routes for one in (setting, in_flight) if one is not None)),
        )
        ground = cls(stage, smsc, site, callbacks)
        ground._write("smpp", ground._over_smpp(setting), setting.routes)
        ground._write("http", ground._over_http(), setting.routes)
        if in_flight is not None:
            ground._write("in-flight", ground._over_smpp(in_flight, PATIENCE_S), in_flight.routes)
        return ground

    @property
    def board(self) -> Path:
        """The board of the round that is measured now."""
        return self.stage.directory / "board"

    def config(self, kind: Kind) -> Path:
        """The worker's configuration."""
        return self.stage.directory / f"{kind}.yaml"

    def _write(self, kind: Kind, provider: dict[str, object], routes: int) -> None:
        # JSON is YAML.
        self.config(kind).write_text(json.dumps(self._configuration(provider, routes), indent=1))

    def _over_smpp(self, setting: Setting, response_timeout_s: int = 30) -> dict[str, object]:
        smpp = {
            "system_id": "bridge",
            "password": "secret",
            "binds_per_node": setting.binds,
            "window": setting.window_of_a_bind,
            "response_timeout_seconds": response_timeout_s,
        }
        return {"smpp": smpp, "sites": {SITE: {"smsc": [f"127.0.0.1:{self.smsc_port}"]}}}

    def _over_http(self) -> dict[str, object]:
        http = {"login": "bridge", "password": "secret", "window": WINDOW}
        url = f"http://127.0.0.1:{self.site_port}{PATH}"
        return {"dialect": "genesys", "http": http, "sites": {SITE: {"http": url}}}

    def _configuration(self, provider: dict[str, object], routes: int) -> dict[str, object]:
        prefix, servers = self.stage.names.prefix, self.stage.servers
        return {
            "broker": {"url": servers.amqp_url, "prefix": prefix},
            "redis": {"url": servers.redis_url, "prefix": prefix},
            "providers": {PROVIDER: provider},
            "routes": {name: {"providers": [PROVIDER], "from": SENDER} for name in route_names(routes)},
            "callbacks": {"listen": f"127.0.0.1:{self.callback_port}", "token": TOKEN},
            "ops": {"listen": f"127.0.0.1:{self.stage.ops_ports[0]}"},
        }


def server_session(url: str) -> int | None:
    """The session of the server at this URL, to count its CPU; None where it is not of this machine, or not ours."""
    parts = urlsplit(url)
    if parts.hostname not in _HERE:
        return None
    return session_of_listener(parts.port or _PORTS[parts.scheme])


class RedisMemory(NamedTuple):
    """`octets` that the data of a Redis takes; `expired`: keys that have lived their time since it began."""

    octets: int
    expired: int

    def since(self, before: "RedisMemory") -> int | None:
        """How many octets more than then; None if that cannot be told: some of what was there then expired."""
        return self.octets - before.octets if self.expired == before.expired else None


async def redis_memory(url: str) -> RedisMemory:
    """What the data of Redis takes now, without what its clients and its file do. Raises RedisLost."""
    try:
        async with redis.asyncio.Redis.from_url(url) as client:
            facts = await client.info("memory", "stats")
    except (redis.exceptions.RedisError, OSError) as error:
        raise RedisLost(f"Redis does not answer: {error}") from error
    apart = ("mem_clients_normal", "mem_aof_buffer")
    octets = int(facts["used_memory"]) - sum(int(facts.get(name, 0)) for name in apart)
    return RedisMemory(octets, int(facts["expired_keys"]))
