"""The simulator's control port from outside: how the demo fails a site, brings it back, and lets phones write."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson

ANSWER_LIMIT_S = 10.0
_POLL_S = 0.05


class SimulatorLost(Exception):
    """The simulator does not answer, or does not want to; the message says which."""


class Remote:
    """One conversation with the simulator; commands are answered one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    async def do(self, what: str, **details: Any) -> None:
        """Have one command carried out. Raises SimulatorLost."""
        async with self._turn:
            try:
                self._writer.write(orjson.dumps({"do": what, **details}, option=orjson.OPT_APPEND_NEWLINE))
                async with asyncio.timeout(ANSWER_LIMIT_S):
                    answer = orjson.loads(await self._reader.readline())
            except (OSError, ValueError) as error:
                raise SimulatorLost(
                    f"the simulated SMSCs do not answer: {error or 'no word in time'}"
                ) from error
        if not answer["ok"]:
            raise SimulatorLost(f"the simulated SMSCs refuse to {what}: {answer['error']}")


@asynccontextmanager
async def remote(port: int, check: Callable[[], None]) -> AsyncIterator[Remote]:
    """Wait until the simulator listens on this port of this machine, and talk to it. `check` raises if it is dead."""
    while True:
        check()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except OSError:
            await asyncio.sleep(_POLL_S)
    try:
        yield Remote(reader, writer)
    finally:
        writer.close()
