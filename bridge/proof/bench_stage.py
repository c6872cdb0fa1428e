"""Where a bench takes place: servers of its own (or those named), names, and the configuration of the worker."""

import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis.asyncio
import redis.exceptions

from bridge.model.names import Names
from bridge.proof.bench_bare import WINDOW
from bridge.proof.bench_messages import PROVIDER, SENDER
from bridge.proof.bench_process import session_of_listener
from bridge.proof.bench_site import PATH, TOKEN
from bridge.proof.ensure import Servers
from bridge.proof.machine import MissingProgram, free_ports
from bridge.proof.packages import install
from bridge.proof.servers import PrivateRabbit, PrivateRedis
from bridge.proof.stage import ROUTE, Stage

SITE = "one"
SYSTEM_ID, PASSWORD = "bridge", "secret"
_HERE = ("localhost", "127.0.0.1", "::1")
_PORTS = {"amqp": 5672, "amqps": 5671, "redis": 6379, "rediss": 6379}


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
    def prepare(cls, servers: Servers, binds: int, directory: Path) -> "Ground":
        """Choose names and ports, and write the worker's configurations into the directory."""
        smsc, site, callbacks, ops = free_ports(4)
        stage = Stage(
            servers=servers,
            # On servers of its own under the usual names: their length counts in what Redis keeps.
            names=Names() if servers.rabbit and servers.redis else Names(f"bench-{secrets.token_hex(4)}"),
            sites={SITE: (smsc,)},
            control_port=0,
            ops_ports=(ops,),
            directory=directory,
        )
        ground = cls(stage, smsc, site, callbacks)
        for http, provider in ((False, ground._over_smpp(binds)), (True, ground._over_http())):
            # JSON is YAML.
            ground.config(http=http).write_text(json.dumps(ground._configuration(provider), indent=1))
        return ground

    @property
    def board(self) -> Path:
        """The board of the round that is measured now."""
        return self.stage.directory / "board"

    def config(self, *, http: bool) -> Path:
        """The worker's configuration, over HTTP or SMPP."""
        return self.stage.directory / ("http.yaml" if http else "smpp.yaml")

    def _over_smpp(self, binds: int) -> dict[str, object]:
        """All binds together have the window of the bare loop."""
        smpp = {
            "system_id": "bridge",
            "password": "secret",
            "binds_per_node": binds,
            "window": max(1, WINDOW // binds),
        }
        return {"smpp": smpp, "sites": {SITE: {"smsc": [f"127.0.0.1:{self.smsc_port}"]}}}

    def _over_http(self) -> dict[str, object]:
        http = {"login": "bridge", "password": "secret", "window": WINDOW}
        url = f"http://127.0.0.1:{self.site_port}{PATH}"
        return {"dialect": "genesys", "http": http, "sites": {SITE: {"http": url}}}

    def _configuration(self, provider: dict[str, object]) -> dict[str, object]:
        prefix, servers = self.stage.names.prefix, self.stage.servers
        return {
            "broker": {"url": servers.amqp_url, "prefix": prefix},
            "redis": {"url": servers.redis_url, "prefix": prefix},
            "providers": {PROVIDER: provider},
            "routes": {ROUTE: {"providers": [PROVIDER], "from": SENDER}},
            "callbacks": {"listen": f"127.0.0.1:{self.callback_port}", "token": TOKEN},
            "ops": {"listen": f"127.0.0.1:{self.stage.ops_ports[0]}"},
        }


def server_session(url: str) -> int | None:
    """The session of the server at this URL, to count its CPU; None where it is not of this machine, or not ours."""
    parts = urlsplit(url)
    if parts.hostname not in _HERE:
        return None
    return session_of_listener(parts.port or _PORTS[parts.scheme])


async def redis_bytes(url: str) -> int:
    """Memory that the data of Redis takes now, without what its clients and its file do. Raises RedisLost."""
    try:
        async with redis.asyncio.Redis.from_url(url) as client:
            facts = await client.info("memory")
    except (redis.exceptions.RedisError, OSError) as error:
        raise RedisLost(f"Redis does not answer: {error}") from error
    apart = ("mem_clients_normal", "mem_aof_buffer")
    return int(facts["used_memory"]) - sum(int(facts.get(name, 0)) for name in apart)
