"""`bridge run`: one worker in this process, or several as children that are watched over."""

import asyncio
import gc
import sys
from pathlib import Path

import click
import structlog
import uvloop

from bridge.app import Stop, Worker
from bridge.broker.errors import TopologyError
from bridge.cli.options import Failed, config_option, load
from bridge.cli.pool import PASSED_ON, watch
from bridge.config.settings import Settings
from bridge.inbound.callbacks import door
from bridge.links.tls import Unusable
from bridge.ops import logs, server

log = structlog.get_logger(__name__)


@click.command(
    epilog="""\b
SIGTERM or Ctrl-C: takes nothing new, finishes what is in flight (30 s at most), unbinds, exits 0.
A second one stops at once. Killed at any moment, nothing is lost: RabbitMQ has it, or a claim tells of it.

\b
With --workers N, worker number k listens on the port of ops.listen plus k - 1; a taken port is passed over.
All workers of a machine share the port of callbacks.listen."""
)
@config_option
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="How many processes."
)
@click.option(
    "--log",
    "style",
    type=click.Choice(["json", "console"]),
    help="Default: console on a terminal, else JSON.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="What is worth a line.",
)
@click.option("--number", type=int, hidden=True, help="Which worker of a watcher's this is, from 1.")
def command(config: Path, workers: int, style: str | None, log_level: str, number: int | None) -> None:
    """Carry messages until told to stop.

    Binds to every node of every site, posts to HTTP endpoints, consumes the routes' queues while a link is up,
    listens for callbacks, publishes what comes back.
    Waits for RabbitMQ and Redis, saying so, and comes back by itself when they do.
    """
    loaded = load(config)
    style = style or ("console" if sys.stderr.isatty() else "json")
    logs.configure("json" if style == "json" else "console", log_level)
    if number is None:  # else the watcher has said it
        for warning in loaded.warnings:
            log.warning("config.warning", problem=warning)
    if workers > 1:
        base = [
            sys.executable,
            "-m",
            "bridge",
            "run",
            "-c",
            str(config),
            "--log",
            style,
            "--log-level",
            log_level,
        ]
        sys.exit(asyncio.run(watch([[*base, "--number", str(k)] for k in range(1, workers + 1)])))
    try:
        uvloop.run(_work(loaded.settings, number))
    except (server.CannotListen, door.CannotListen, Unusable) as error:
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
    worker = Worker(settings, ops_port_offset=(number or 1) - 1)
    _spare_the_collector()
    await worker.run(stop)


YOUNG_OBJECTS = 20_000
"""A collection of cycles comes after so many: those of some hundreds of messages in hand, which are not garbage yet."""


def _spare_the_collector() -> None:
    """What is here now stays to the end and need not be looked through again and again; messages leave no cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


def _unwatched(loop: asyncio.AbstractEventLoop, stop: Stop) -> None:
    """The watcher is gone, and its end of the pipe with it: whoever starts the next one starts workers too."""
    loop.remove_reader(sys.stdin.fileno())
    if not stop.soft.is_set():
        stop.request()
