"""`bridge run`: one worker in this process, or several as children that are watched over."""

import asyncio
import sys
from pathlib import Path

import click
import structlog

from bridge.cli import uncollected
from bridge.cli.options import config_option, load
from bridge.cli.pool import watch
from bridge.ops import logs

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
    # Nearly all of a start is loading this: a watcher, and a configuration that is wrong, need not wait for it.
    with uncollected():
        from bridge.cli.worker import work  # noqa: PLC0415
    work(loaded.settings, number)
