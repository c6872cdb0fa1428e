"""Redis as the harness breaks it: one, perhaps with a replica, behind one door that leads to whoever takes writes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import redis.asyncio

from bridge.proof.proxy import FaultProxy
from bridge.proof.servers import PrivateRedis

SYNC_LIMIT_S = 30.0
LOOK_S = 0.1


class Stores:
    """`primary` takes writes; `replica` follows it, where there is one. Made by `stores`."""

    def __init__(self, primary: PrivateRedis, replica: PrivateRedis | None, door: FaultProxy) -> None:
        self.primary = primary
        self.replica = replica
        self.door = door

    @property
    def worker_url(self) -> str:
        """Through the door."""
        return f"redis://127.0.0.1:{self.door.port}/0"

    async def tell(self, *words: str) -> Any:
        """Have the primary carry out a command, past the door."""
        return await _tell(self.primary, *words)

    async def held(self) -> tuple[int, int, int, int]:
        """How many clients and keys it has, keys without a time to live among them, and octets."""
        async with redis.asyncio.Redis.from_url(self.primary.url) as client:
            found = await client.info()
        space = found.get("db0", {"keys": 0, "expires": 0})
        clients = found["connected_clients"] - 1  # this one
        return clients, space["keys"], space["keys"] - space["expires"], found["used_memory"]

    async def fail_over(self) -> None:
        """The primary is killed and the replica takes its place at the door; the other follows it when it is back."""
        old, new = self.primary, self.replica
        assert new is not None
        old.kill()
        await _tell(new, "REPLICAOF", "NO", "ONE")
        self.primary, self.replica = new, old
        self.door.retarget("127.0.0.1", new.port)
        await self.door.sever()

    async def follow(self) -> None:
        """The replica, started if need be, follows the primary; back when it has all."""
        assert self.replica is not None
        await self.replica.start()
        await self.tell("CONFIG", "SET", "repl-diskless-sync-delay", "0")
        await _tell(self.replica, "REPLICAOF", "127.0.0.1", str(self.primary.port))
        async with asyncio.timeout(SYNC_LIMIT_S):
            while (await _tell(self.replica, "ROLE"))[3] != b"connected":  # noqa: ASYNC110 - Redis tells nobody
                await asyncio.sleep(LOOK_S)


async def _tell(server: PrivateRedis, *words: str) -> Any:
    # It may be busy for long.
    async with redis.asyncio.Redis.from_url(server.url, socket_timeout=None) as client:
        client.response_callbacks.clear()  # as Redis says it
        return await client.execute_command(*words)  # type: ignore[no-untyped-call]


@asynccontextmanager
async def stores(directory: Path, *, replica: bool) -> AsyncIterator[Stores]:
    """A Redis, with a replica if asked for, and the door. Raises ServerError."""
    async with AsyncExitStack() as stack:
        primary = await stack.enter_async_context(PrivateRedis(directory))
        second = await stack.enter_async_context(PrivateRedis(directory)) if replica else None
        door = await stack.enter_async_context(FaultProxy("127.0.0.1", primary.port))
        found = Stores(primary, second, door)
        if replica:
            await found.follow()
        yield found
