"""Several workers on one machine, each a process of its own, watched over by one that does nothing else."""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import suppress

import structlog

log = structlog.get_logger(__name__)

RESTART_PAUSE_S = (1.0, 30.0)
"""Before a worker that died is started again: the first pause, doubled up to the last."""
LASTED_S = 60.0
"""A worker that ran for so long is started again after the first pause."""
STOP_S = 45.0
"""How long workers may take to end before they are killed; longer than their own limits."""
WRONG_CONFIG = 2
"""The exit code that no restart can help; but a configuration broken later stops no worker that still runs."""


PASSED_ON = (signal.SIGTERM, signal.SIGINT)
"""The signals that stop the whole."""


async def watch(commands: Sequence[Sequence[str]]) -> int:
    """Keep each command running until a signal comes, which is passed on; the exit code of the whole.

    The stdin of each is a pipe that ends with this process: so a worker notices that nobody watches it any more.
    """
    pool = _Pool()
    loop = asyncio.get_running_loop()
    for number in PASSED_ON:
        loop.add_signal_handler(number, pool.stop, number)
    return max(await asyncio.gather(*(pool.keep(command) for command in commands)))


class _Pool:
    """The workers that run now."""

    def __init__(self) -> None:
        self._running: set[asyncio.subprocess.Process] = set()
        self._stopping = asyncio.Event()

    def stop(self, number: signal.Signals) -> None:
        """A signal came: for all of them, each time. The second one that a worker gets ends it at once."""
        self._stopping.set()
        for process in self._running:
            with suppress(ProcessLookupError):
                process.send_signal(number)

    async def keep(self, command: Sequence[str]) -> int:
        """One worker, again and again; the exit code it leaves."""
        loop = asyncio.get_running_loop()
        pause_s = RESTART_PAUSE_S[0]
        has_run = False
        while not self._stopping.is_set():
            started = loop.time()
            code = await self._run(command)
            if self._stopping.is_set():
                return _last_word(code)
            if code == WRONG_CONFIG and not has_run:
                self.stop(signal.SIGTERM)
                return code
            has_run = True
            if loop.time() - started > LASTED_S:
                pause_s = RESTART_PAUSE_S[0]
            log.error("worker.died", number=command[-1], exit_code=code, next_start_s=pause_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._stopping.wait()
            pause_s = min(2 * pause_s, RESTART_PAUSE_S[1])
        return 0

    async def _run(self, command: Sequence[str]) -> int:
        # A session of its own: Ctrl-C reaches the watcher alone, and each worker gets one signal, not two.
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, start_new_session=True
        )
        self._running.add(process)
        if self._stopping.is_set():  # while it was being made
            process.terminate()
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


def _last_word(code: int) -> int:
    """The exit code of a worker that was told to stop. Ended by that very signal, it had not begun to work."""
    if -code in PASSED_ON:
        return 0
    return 1 if code < 0 else code
