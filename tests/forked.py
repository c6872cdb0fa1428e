"""`bridge` as a process that need not be waited for: forked from one that has imported everything.

Its signals, pipes and exit code are its own, as those of `python -m bridge` are. That this starts, too, other tests
show.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from signal import SIGKILL
from typing import IO

FORKING = get_context("forkserver")
FORKING.set_forkserver_preload(
    [f"bridge.cli.{name}" for name in ("worker", "dead", "send", "tail", "topology")]
)


class Forked:
    """One `bridge`, made by `forked`; what asyncio's own Process has of it."""

    def __init__(self, process: ForkServerProcess, outputs: Mapping[int, asyncio.StreamReader]) -> None:
        assert process.pid is not None
        self.pid = process.pid
        self.stdout = outputs.get(1)
        self.stderr = outputs.get(2)
        self._process = process
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(process.sentinel, self._end)

    @property
    def returncode(self) -> int | None:
        """None while it runs; the signal that ended it as a negative number."""
        return self._process.exitcode if self._ended.is_set() else None

    async def wait(self) -> int:
        """Its exit code, when it has ended."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    async def communicate(self) -> tuple[bytes, bytes]:
        """What is left on stdout and stderr, when it has ended."""
        octets = [await output.read() if output else b"" for output in (self.stdout, self.stderr)]
        await self.wait()
        return octets[0], octets[1]

    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError when it has ended."""
        if self._ended.is_set():
            raise ProcessLookupError
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(SIGKILL)

    def _end(self) -> None:
        self._loop.remove_reader(self._process.sentinel)
        self._process.join()
        self._ended.set()


async def forked(
    *arguments: str, stdin: int | None = None, outputs: Sequence[int] = (1, 2), new_session: bool = False
) -> Forked:
    """`bridge` with these arguments; of `outputs` the test reads, the others are its own."""
    ends = {} if stdin is None else {0: Connection(os.dup(stdin), writable=False)}
    readers = {}
    for number in outputs:
        ours, ends[number] = FORKING.Pipe(duplex=False)
        readers[number] = await _reader(os.fdopen(os.dup(ours.fileno()), "rb", buffering=0))
        ours.close()
    process = FORKING.Process(target=_bridge, args=(arguments, ends, new_session, dict(os.environ)))
    process.start()
    for end in ends.values():
        end.close()
    return Forked(process, readers)


async def _reader(pipe: IO[bytes]) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


def _bridge(
    arguments: Sequence[str],
    ends: Mapping[int, Connection],
    new_session: bool,
    environment: Mapping[str, str],
) -> None:
    """In the new process."""
    if new_session:
        os.setsid()
    for number, end in ends.items():
        os.dup2(end.fileno(), number)
        end.close()
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a number; and for as long as the process lives
    os.environ.clear()
    os.environ.update(environment)
    from bridge.cli import main

    main(arguments, prog_name="bridge")
