"""The four parties of a bridge behind TLS, with certificates of the tests' own, and what a bridge is told of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import redis.asyncio

from bridge.cli.probes import Finding, probes
from bridge.config.settings import Settings
from bridge.proof.machine import free_ports
from bridge.proof.servers import PrivateRabbit, PrivateRedis
from bridge.simulator.http.provider import HttpProvider
from bridge.simulator.http.site import HttpSite
from bridge.simulator.smsc import SimulatedSmsc
from tests.security.authority import Authority, Identity

KINDS = ("RabbitMQ", "Redis", "SMSC", "site")


class Ports(NamedTuple):
    """Where each party listens, in the order of KINDS."""

    rabbit: int
    redis: int
    smsc: int
    site: int

    @classmethod
    def all(cls, port: int) -> "Ports":
        """One listener in place of all."""
        return cls(port, port, port, port)


class TlsRedis(PrivateRedis):
    """A redis-server that has a port with TLS beside its plain one. `asks`: for a certificate of the client, too."""

    def __init__(self, identity: Identity, authority: Authority, *, asks: bool = False) -> None:
        super().__init__()
        (self.tls_port,) = free_ports(1)
        self._settings = {
            "tls-cert-file": str(identity.cert),
            "tls-key-file": str(identity.key),
            "tls-ca-cert-file": str(authority.cert),
            "tls-auth-clients": "yes" if asks else "no",
            "tls-port": str(self.tls_port),
        }

    async def start(self) -> None:
        """And open that port."""
        await super().start()
        words = [word for setting in self._settings.items() for word in setting]
        async with redis.asyncio.Redis.from_url(self.url) as client:
            await client.execute_command("CONFIG", "SET", *words)  # type: ignore[no-untyped-call]


async def listen_with_tls(
    rabbit: PrivateRabbit, identity: Identity, authority: Authority, *, asks: bool = False
) -> int:
    """Have a running RabbitMQ listen on one more port, with TLS."""
    (port,) = free_ports(1)
    options = [
        f'{{certfile, "{identity.cert}"}}',
        f'{{keyfile, "{identity.key}"}}',
        f'{{cacertfile, "{authority.cert}"}}',
        *(["{verify, verify_peer}", "{fail_if_no_peer_cert, true}"] if asks else []),
    ]
    await rabbit.ctl(
        "eval",
        "{ok, _} = application:ensure_all_started(ssl), "
        f'ok = rabbit_networking:start_ssl_listener({{"127.0.0.1", {port}}}, [{", ".join(options)}], 2).',
    )
    return port


@asynccontextmanager
async def provider_of(
    identity: Identity, authority: Authority, *, asks: bool = False
) -> AsyncIterator[tuple[SimulatedSmsc, HttpSite]]:
    """A simulated SMSC and HTTP site, known by this certificate."""
    context = identity.server(authority if asks else None)
    smsc = SimulatedSmsc(tls=context)
    provider = HttpProvider()
    site = HttpSite(provider, tls=context)
    await smsc.start()
    await site.start()
    try:
        yield smsc, site
    finally:
        smsc.kill()
        smsc.network.close()
        await provider.close()


def document(
    ports: Ports,
    *,
    host: str = "localhost",
    ca: Path | None = None,
    own: Identity | None = None,
    prefix: str = "bridge",
) -> dict[str, Any]:
    """The configuration file that names these parties. Without `ca` it says nothing of whom to trust."""
    amqp = [f"cafile={ca}"] if ca else []
    redis_ = [f"ssl_ca_certs={ca}"] if ca else []
    files = {"ca": str(ca)} if ca else {}
    if own:
        amqp += [f"certfile={own.cert}", f"keyfile={own.key}"]
        redis_ += [f"ssl_certfile={own.cert}", f"ssl_keyfile={own.key}"]
        files |= {"cert": str(own.cert), "key": str(own.key)}
    account = {"password": "secret", "tls": files or True}
    return {
        "broker": {"url": f"amqps://guest:guest@{host}:{ports.rabbit}/?{'&'.join(amqp)}", "prefix": prefix},
        "redis": {"url": f"rediss://{host}:{ports.redis}/0?{'&'.join(redis_)}", "prefix": prefix},
        "providers": {
            "p": {
                "dialect": "genesys",
                "smpp": {"system_id": "bridge", "rebind_seconds": 1, **account},
                "http": {
                    "login": "bridge",
                    "password": "secret",
                    "timeout_seconds": 10,
                    **({"tls": files} if files else {}),
                },
                "sites": {
                    "one": {
                        "smsc": [f"{host}:{ports.smsc}"],
                        "http": f"https://{host}:{ports.site}/httpapi/receiver",
                    }
                },
            }
        },
        "routes": {"default": {"providers": ["p"], "from": "12345", "accepted_events": True}},
        "ops": {"listen": "127.0.0.1:0"},
    }


async def tried(told: Mapping[str, Any]) -> dict[str, Finding]:
    """What `bridge check` finds of each party."""
    settings = Settings.model_validate(json.loads(json.dumps(told)))
    return dict(zip(KINDS, await asyncio.gather(*(probe.run() for probe in probes(settings))), strict=True))
