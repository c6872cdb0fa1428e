"""A pool that is played by the test: configuration, RabbitMQ, and the commands that talk to it."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aio_pika
import orjson
import pytest

from bridge.broker.declare import apply
from bridge.broker.session import Urls
from bridge.broker.topology import Exchange, Queue, topology
from bridge.model.events import Event
from bridge.model.names import Names
from bridge.proof.servers import PrivateRabbit
from tests.cli.invoked import invoked

LIMIT_S = 60.0


class Running:
    """A command at work."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def line(self) -> str:
        """Its next line on stdout."""
        assert self._process.stdout is not None
        async with asyncio.timeout(LIMIT_S):
            return (await self._process.stdout.readline()).decode().rstrip("\n")

    async def remark(self) -> str:
        """Its next line on stderr."""
        assert self._process.stderr is not None
        async with asyncio.timeout(LIMIT_S):
            return (await self._process.stderr.readline()).decode().rstrip("\n")

    async def ended(self) -> tuple[int, str, str]:
        """Exit code, and what was left on stdout and stderr."""
        async with asyncio.timeout(LIMIT_S):
            out, err = await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode, out.decode(), err.decode()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()


class Pool:
    """What commands see of a pool: its configuration and its exchanges. The test plays the workers."""

    def __init__(self, directory: Path, url: str, prefix: str) -> None:
        self.path = directory / "bridge.yaml"
        self.url = url
        self.names = Names(prefix)
        self.data: dict[str, Any] = {
            "broker": {"url": url, "prefix": prefix},
            "providers": {
                "one": {
                    "smpp": {"system_id": "bridge", "password": "secret"},
                    "sites": {"here": {"smsc": ["localhost:2775"]}},
                }
            },
            "routes": {
                "default": {"providers": ["one"], "from": "12345"},
                "told": {"providers": ["one"], "accepted_events": True},
            },
        }
        self._commands: list[Running] = []
        self._connection: aio_pika.abc.AbstractConnection | None = None

    @property
    def items(self) -> list[Any]:
        return topology(self.names, list(self.data["routes"]))

    async def channel(self) -> aio_pika.abc.AbstractChannel:
        if self._connection is None:
            self._connection = await aio_pika.connect(self.url)
        return await self._connection.channel()

    def forget_connection(self) -> None:
        """It was closed from outside."""
        self._connection = None

    async def start(self, *arguments: str) -> Running:
        """`bridge` with these arguments and the configuration as it is now, as a process."""
        self.save()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge", *arguments, "-c", str(self.path), stdout=PIPE, stderr=PIPE
        )
        self._commands.append(Running(process))
        return self._commands[-1]

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """The same in this process, to its end: exit code, stdout, stderr."""
        self.save()
        return await invoked(*arguments, "-c", str(self.path))

    async def declare(self) -> None:
        session = await Urls([self.url]).connect("test")
        await apply(session, self.items)
        await session.close()

    async def publish(self, key: str, body: bytes, event_id: str = "e-1") -> None:
        """Something on the exchange of events."""
        channel = await self.channel()
        exchange = await channel.get_exchange(self.names.events, ensure=False)
        await exchange.publish(aio_pika.Message(body, message_id=event_id), key)
        await channel.close()

    async def tell(self, event: Event) -> None:
        """Publish an event as a worker would."""
        await self.publish(event.routing_key, orjson.dumps(event.body), event.event_id)

    async def taken(self, key: str = "mt.default") -> aio_pika.abc.AbstractIncomingMessage:
        """The next MT of a route's queue, consumed as by a worker."""
        channel = await self.channel()
        await channel.set_qos(prefetch_count=1)
        queue = await channel.get_queue(f"{self.names.prefix}.{key}", ensure=False)
        async with asyncio.timeout(LIMIT_S):
            async with queue.iterator() as messages:
                message = await anext(messages)
                await message.ack()
        await channel.close()
        return message

    def save(self) -> None:
        """Write the configuration as it is now."""
        self.path.write_text(json.dumps(self.data))  # JSON is YAML

    async def clean(self) -> None:
        for command in self._commands:
            command.kill()
            await command.ended()
        if self._connection is None:
            return
        channel = await self.channel()
        for item in self.items:
            if isinstance(item, Queue):
                await channel.queue_delete(item.name)
            elif isinstance(item, Exchange):
                await channel.exchange_delete(item.name)
        await self._connection.close()


@pytest.fixture
async def pool(tmp_path: Path, rabbit: PrivateRabbit, prefix: str) -> AsyncIterator[Pool]:
    pool = Pool(tmp_path, rabbit.url, prefix)
    yield pool
    await pool.clean()
