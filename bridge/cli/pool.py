"""Several workers on one machine, each a process of its own, watched over by one that does nothing else."""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import suppress

import click

RESTART_PAUSE_S = (1.0, 30.0)
"""Before a worker that died is started again: the first pause, doubled up to the last."""
LASTED_S = 60.0
"""A worker that ran for so long is started again after the first pause."""
STOP_S = 45.0
"""How long workers may take to end before they are killed; longer than their own limits."""
WRONG_CONFIG = 2
"""The exit code that no restart can help."""


async def watch(commands: Sequence[Sequence[str]]) -> int:
    """Keep each command running until a signal comes, which is passed on; the exit code of the whole."""
    pool = _Pool()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, pool.stop, number)
    return max(await asyncio.gather(*(pool.keep(command) for command in commands)))


class _Pool:
    """The workers that run now."""

    def __init__(self) -> None:
        self._running: set[asyncio.subprocess.Process] = set()
        self._stopping = asyncio.Event()

    def stop(self, number: int) -> None:
        """A signal came: for all of them."""
        self._stopping.set()
        for process in self._running:
            with suppress(ProcessLookupError):
                process.send_signal(number)

    async def keep(self, command: Sequence[str]) -> int:
        """One worker, again and again; its last exit code."""
        loop = asyncio.get_running_loop()
        pause_s = RESTART_PAUSE_S[0]
        while True:
            started = loop.time()
            code = await self._run(command)
            if self._stopping.is_set() or code == WRONG_CONFIG:
                self.stop(signal.SIGTERM)
                return code
            if loop.time() - started > LASTED_S:
                pause_s = RESTART_PAUSE_S[0]
            click.echo(f"a worker ended with code {code}; the next starts in {pause_s:g} s", err=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._stopping.wait()
                    return 0
            pause_s = min(2 * pause_s, RESTART_PAUSE_S[1])

    async def _run(self, command: Sequence[str]) -> int:
        # A session of its own: Ctrl-C reaches the watcher alone, and each worker gets one signal, not two.
        process = await asyncio.create_subprocess_exec(*command, start_new_session=True)
        self._running.add(process)
        try:
            ended = asyncio.ensure_future(process.wait())
            stopping = asyncio.ensure_future(self._stopping.wait())
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not ended.done():
                await asyncio.wait({ended}, timeout=STOP_S)
            if not ended.done():
                process.kill()
            return await ended
        finally:
            self._running.discard(process)
