"""What a demo plays on: names of its own in RabbitMQ and Redis, ports, a configuration, and their removal.

Not responsible for processes (`children.py`) nor for the play (`demo.py`).
"""

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis.asyncio
import redis.exceptions

from bridge.broker.errors import BrokerUnavailable, ChannelLost, library_errors
from bridge.broker.session import CALL_LIMIT_S, Session, Urls
from bridge.broker.topology import Exchange, Item, Queue, topology
from bridge.model.names import Names
from bridge.proof.ensure import Servers
from bridge.proof.machine import free_ports

REMOVAL_LIMIT_S = 15.0
RESPONSE_TIMEOUT_S = 3
ROUTE = "default"
_KEYS_AT_ONCE = 1000

_CONFIGURATION = """\
# The configuration of one run of `bridge demo`.
broker: {{url: {amqp_url}, prefix: {prefix}}}
redis: {{url: {redis_url}, prefix: {prefix}}}
providers:
  demo:
    smpp:
      system_id: bridge
      password: secret
      rebind_seconds: 1             # the default is 31, for providers who mind
      response_timeout_seconds: {response_timeout_s}   # the default is 30
    sites:
{sites}
routes:
  default: {{providers: [demo], from: "12345"}}
inbound: {{early_dr_wait_seconds: 6}}  # the default is 120
ops: {{listen: "127.0.0.1:{ops_port}"}}
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything about one run that has a name or a number."""

    servers: Servers
    names: Names
    sites: Mapping[str, Sequence[int]]
    """The ports of each site's SMSCs on 127.0.0.1."""
    control_port: int
    ops_ports: Sequence[int]
    """One for each worker, who share everything else."""
    directory: Path
    routes: Sequence[str] = (ROUTE,)

    @classmethod
    def set(cls, servers: Servers, sites: Sequence[str], workers: int, directory: Path) -> "Stage":
        """Choose names and ports, and write each worker's configuration into the directory."""
        control, *ports = free_ports(1 + 2 * len(sites) + workers)
        stage = cls(
            servers=servers,
            names=Names(f"demo-{secrets.token_hex(4)}"),
            sites={site: (ports.pop(), ports.pop()) for site in sites},
            control_port=control,
            ops_ports=ports,
            directory=directory,
        )
        for number, port in enumerate(ports, 1):
            stage.config_of(number).write_text(stage._configuration(port))
        return stage

    def config_of(self, worker: int) -> Path:
        """The configuration file of this worker, counted from 1."""
        return self.directory / ("bridge.yaml" if worker == 1 else f"bridge-{worker}.yaml")

    @property
    def journal(self) -> Path:
        """What the simulated SMSCs write down."""
        return self.directory / "smsc.jsonl"

    @property
    def items(self) -> list[Item]:
        """All exchanges, queues and bindings."""
        return topology(self.names, self.routes)

    @property
    def worked_queues(self) -> list[str]:
        """The queues that workers empty: all but those of dead and unrouted messages."""
        ends = (self.names.dead, self.names.unrouted)
        return [item.name for item in self.items if isinstance(item, Queue) and item.name not in ends]

    async def connect(self) -> Session:
        """A connection to RabbitMQ. Raises BrokerUnavailable."""
        return await Urls([self.servers.amqp_url]).connect("bridge demo")

    async def remove(self) -> str | None:
        """Delete exchanges, queues and keys; None, or what could not be removed and why. Never raises.

        Private servers end with the run, and their contents with them.
        """
        try:
            async with asyncio.timeout(REMOVAL_LIMIT_S):
                if self.servers.rabbit is None:
                    await self._remove_queues()
                if self.servers.redis is None:
                    await self._remove_keys()
        except (BrokerUnavailable, ChannelLost, OSError, TimeoutError, redis.exceptions.RedisError) as error:
            return f"what begins with {self.names.prefix} was not removed: {error or 'no answer in time'}"
        return None

    async def _remove_queues(self) -> None:
        session = await self.connect()
        try:
            channel = await session.channel()
            with library_errors():
                async with asyncio.timeout(CALL_LIMIT_S):
                    for item in self.items:
                        if isinstance(item, Queue):
                            await channel.queue_delete(item.name)
                        elif isinstance(item, Exchange):
                            await channel.exchange_delete(item.name)
        finally:
            await session.close()

    async def _remove_keys(self) -> None:
        async with redis.asyncio.Redis.from_url(self.servers.redis_url) as client:
            batch: list[bytes] = []
            async for key in client.scan_iter(f"{self.names.prefix}:*", count=_KEYS_AT_ONCE):
                batch.append(key)
                if len(batch) == _KEYS_AT_ONCE:
                    await client.unlink(*batch)
                    batch.clear()
            if batch:
                await client.unlink(*batch)

    def _configuration(self, ops_port: int) -> str:
        lines = [
            f"      {site}: {{smsc: {json.dumps([f'127.0.0.1:{port}' for port in ports])}}}"
            for site, ports in self.sites.items()
        ]
        return _CONFIGURATION.format(
            amqp_url=json.dumps(self.servers.amqp_url),
            redis_url=json.dumps(self.servers.redis_url),
            prefix=self.names.prefix,
            response_timeout_s=RESPONSE_TIMEOUT_S,
            sites="\n".join(lines),
            ops_port=ops_port,
        )
