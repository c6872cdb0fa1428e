"""RabbitMQ as the harness breaks it: one node or a cluster, a door to each for the workers, and what it says itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bridge.proof.proxy import FaultProxy
from bridge.proof.servers import PrivateRabbit, ServerError

HEARTBEAT_S = 5
LOOK_S = 0.5


class Rabbits:
    """`nodes` and `doors` belong together, one by one. Made by `rabbits`."""

    def __init__(self, nodes: Sequence[PrivateRabbit], doors: Sequence[FaultProxy]) -> None:
        self.nodes = nodes
        self.doors = doors

    @property
    def worker_urls(self) -> list[str]:
        """Through the doors."""
        return [f"amqp://guest:guest@127.0.0.1:{door.port}/?heartbeat={HEARTBEAT_S}" for door in self.doors]

    @property
    def urls(self) -> list[str]:
        """Past the doors."""
        return [f"{node.url}?heartbeat={HEARTBEAT_S}" for node in self.nodes]

    async def ctl(self, *arguments: str) -> str:
        """`rabbitmqctl` at the first node that runs. Raises ServerError."""
        return await next(node for node in self.nodes if node.running).ctl(*arguments)

    async def messages(self, queues: Sequence[str]) -> int | None:
        """How many messages are in these queues, ready or in hand; None if one is missing, or nobody can tell."""
        try:
            listing = await self.ctl("list_queues", "name", "messages", "--no-table-headers")
        except ServerError:
            return None
        found = dict(line.split("\t") for line in listing.splitlines() if "\t" in line)
        counts = [found.get(queue, "") for queue in queues]
        return sum(map(int, counts)) if all(count.isdigit() for count in counts) else None

    async def held(self) -> tuple[int, int, int]:
        """How many connections, channels and consumers there are. Raises ServerError."""
        kinds = ("list_connections", "pid"), ("list_channels", "pid"), ("list_consumers", "queue_name")
        listings = await asyncio.gather(*(self.ctl(*kind, "--no-table-headers") for kind in kinds))
        connections, channels, consumers = (len(listing.splitlines()) for listing in listings)
        return connections, channels, consumers

    async def in_queues(self, queues: Sequence[str]) -> dict[str, tuple[int, int]]:
        """How many messages each of these queues has, and how many of them are in hand. Raises ServerError."""
        what = "name", "messages", "messages_unacknowledged"
        rows = (
            line.split("\t")
            for line in (await self.ctl("list_queues", *what, "--no-table-headers")).splitlines()
        )
        return {row[0]: (int(row[1] or 0), int(row[2] or 0)) for row in rows if row[0] in queues}

    async def until_bound(self, queue: str, sources: Sequence[str]) -> None:
        """Wait until this queue is bound to all of these exchanges."""
        while True:
            listing = await self.ctl("list_bindings", "source_name", "destination_name", "--no-table-headers")
            if {f"{source}\t{queue}" for source in sources} <= set(listing.splitlines()):
                return
            await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def rabbits(directory: Path, nodes: int) -> AsyncIterator[Rabbits]:
    """So many nodes of one cluster, and a door to each. Raises ServerError."""
    async with AsyncExitStack() as stack:
        found: list[PrivateRabbit] = []
        for _ in range(nodes):
            node = PrivateRabbit(directory, beside=found[0] if found else None)
            found.append(await stack.enter_async_context(node))
        doors = [await stack.enter_async_context(FaultProxy("127.0.0.1", node.port)) for node in found]
        yield Rabbits(found, doors)
