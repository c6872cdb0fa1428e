"""A command run in this process, to its end: for all but what signals, terminals and pipes do to it."""

import asyncio
from functools import partial

from click.testing import CliRunner

from bridge.cli import main

LIMIT_S = 60.0


async def invoked(*arguments: str) -> tuple[int, str, str]:
    """`bridge` with these arguments: exit code, stdout, stderr."""
    async with asyncio.timeout(LIMIT_S):
        result = await asyncio.to_thread(partial(CliRunner().invoke, main, arguments))
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, result.stdout, result.stderr
