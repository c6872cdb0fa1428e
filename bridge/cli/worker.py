"""The one worker of this process: its signals, the collector of cycles, and which of its failures end how."""

import asyncio
import gc
import sys

import click
import uvloop

from bridge.app import Stop, Worker
from bridge.broker.errors import TopologyError
from bridge.cli import uncollected
from bridge.cli.options import Failed
from bridge.cli.pool import PASSED_ON
from bridge.config.settings import Settings
from bridge.inbound.callbacks.errors import CannotListen
from bridge.links.tls import Unusable
from bridge.ops import server


def work(settings: Settings, number: int | None) -> None:
    """Until told to stop. `number`: which worker of a watcher's this is, from 1. Ends the command where it cannot."""
    try:
        uvloop.run(_work(settings, number))
    except (server.CannotListen, CannotListen, Unusable) as error:
        raise Failed(str(error)) from None
    except TopologyError as error:
        for problem in error.problems:
            click.echo(f"RabbitMQ: {problem}", err=True)
        sys.exit(2)


async def _work(settings: Settings, number: int | None) -> None:
    stop = Stop()
    loop = asyncio.get_running_loop()
    for signal_number in PASSED_ON:
        loop.add_signal_handler(signal_number, stop.request)
    if number is not None:
        loop.add_reader(sys.stdin.fileno(), _unwatched, loop, stop)
    with uncollected():
        worker = Worker(settings, ops_port_offset=(number or 1) - 1)
    _spare_the_collector()
    await worker.run(stop)


YOUNG_OBJECTS = 20_000
"""A collection of cycles comes after so many: those of some hundreds of messages in hand, which are not garbage yet."""


def _spare_the_collector() -> None:
    """What is here now stays to the end and need not be looked through again and again; messages leave no cycles.

    Not once either: half a megabyte of it is garbage, and finding that would take a twentieth of a start.
    """
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


def _unwatched(loop: asyncio.AbstractEventLoop, stop: Stop) -> None:
    """The watcher is gone, and its end of the pipe with it: whoever starts the next one starts workers too."""
    loop.remove_reader(sys.stdin.fileno())
    if not stop.soft.is_set():
        stop.request()
