"""A run that is to end before its time: the strike under way is shortened, and never cut off in its middle."""

import asyncio
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from bridge.proof.proxy import FaultProxy
from tests.chaos.faults.smscs import Cut
from tests.chaos.world import World

HOUR_S = 3600.0


async def greeted(port: int) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = await reader.read(1)
    writer.transport.abort()
    return said == b"!"


async def test_what_is_broken_when_the_run_is_to_end_is_healed_all_the_same() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"!")
        await reader.read()
        writer.close()

    target = await asyncio.start_server(greet, "127.0.0.1")
    async with target, FaultProxy(*target.sockets[0].getsockname()) as door:
        assert await greeted(door.port)
        world = World.__new__(World)
        world.ending = asyncio.Event()
        world.provider = cast("Any", SimpleNamespace(all_doors=[door]))
        strike = asyncio.create_task(Cut().strike(world, HOUR_S, Random(0)))
        await asyncio.sleep(0)
        world.ending.set()
        await strike
        assert await greeted(door.port)
