"""`bridge demo`: the whole bridge on this machine, with traffic, misfortunes and a proof."""

import asyncio
import os
import secrets
import signal
import sys
from contextlib import suppress
from pathlib import Path

import click

from bridge.cli.demo_view import View
from bridge.cli.options import Failed, json_option, settings_of
from bridge.config.settings import LOCAL_AMQP, LOCAL_REDIS
from bridge.ops import logs
from bridge.proof.demo import FAILURES, Plan, Verdict, raised
from bridge.simulator.catalogue import Fault, UnknownFault


@click.command(
    epilog="""\b
Examples:
  bridge demo
  bridge demo --rate 500 --seconds 60 --workers 4
  bridge demo --keep                          leaves it running afterwards, to try things on
  bridge demo --fault throttle:every=10@dc3   and one site that wants it slower (bridge simulate smsc --help)

\b
RabbitMQ and Redis: those of $BRIDGE_AMQP_URL and $BRIDGE_REDIS_URL, else those on their usual ports here, else
private ones that are started for the demo, and installed first if need be. Names of its own there, all removed at
the end, also after Ctrl-C. Exit code 1 if anything was lost, or doubled without being marked."""
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=2, max=86400),
    default=30.0,
    show_default=True,
    help="How long traffic lasts.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=1, max=10_000),
    default=100.0,
    show_default=True,
    help="MTs a second.",
)
@click.option(
    "--workers", type=click.IntRange(1, 16), default=2, show_default=True, help="How many processes."
)
@click.option("--keep", is_flag=True, help="Leave it running after the verdict, until Ctrl-C.")
@click.option("--seed", type=int, help="Of the traffic, to have the same again.  [default: by chance]")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help="One more misbehaviour of the provider, as of `bridge simulate smsc`; may be given again.",
)
@click.option(
    "--patience",
    type=click.FloatRange(min=1),
    default=45.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait at the end for what is still under way.",
)
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Not needed. Uses RabbitMQ and Redis of this configuration; never its providers.",
)
@json_option
def command(
    seconds: float,
    rate: float,
    workers: int,
    keep: bool,
    seed: int | None,
    faults: tuple[str, ...],
    patience: float,
    config: Path | None,
    as_json: bool,
) -> None:
    """See it all on this machine: simulated sites, traffic, a site failing, and the proof.

    Starts two simulated sites with two SMSCs each and a pool of workers, all real processes; producers publish and
    phones write; a site is killed and comes back; a worker is killed. Then an audit compares what RabbitMQ
    confirmed, what the SMSCs' journal says and what consumers got. Under a minute.
    """
    logs.configure("console", "critical")  # what the rooms would log is said here
    for fault in faults:
        try:
            Fault.read(fault)
        except UnknownFault as error:
            raise click.UsageError(f"--fault {fault}: {error}") from None
    amqp_url, redis_url = _urls(config)
    plan = Plan(
        amqp_url=amqp_url,
        redis_url=redis_url,
        seconds=seconds,
        rate=rate,
        workers=workers,
        seed=secrets.randbelow(10**6) if seed is None else seed,
        patience_s=patience,
        faults=faults,
    )
    try:
        verdict = asyncio.run(_demo(plan, View(as_json=as_json), keep=keep))
    except FAILURES as error:
        raise Failed(str(error)) from None
    if keep or verdict is None:
        click.echo("stopped; everything is removed", err=True)
    sys.exit(0 if verdict is not None and verdict.audit.passed else 1)


def _urls(config: Path | None) -> tuple[str, str]:
    if config is not None:
        settings = settings_of(config)
        return settings.broker.urls[0].get_secret_value(), settings.redis.url.get_secret_value()
    return os.environ.get("BRIDGE_AMQP_URL", LOCAL_AMQP), os.environ.get("BRIDGE_REDIS_URL", LOCAL_REDIS)


async def _demo(plan: Plan, view: View, *, keep: bool) -> Verdict | None:
    """The verdict; None if it was stopped before there was one. Raises FAILURES."""
    _cancelled_by_signals()
    verdict = None
    view.open(plan)
    with suppress(asyncio.CancelledError):
        async with raised(plan, view.say) as demo:
            picture = asyncio.create_task(view.follow(demo))
            try:
                verdict = await demo.play()
            finally:
                picture.cancel()
                await asyncio.wait([picture])
            view.verdict(verdict, plan)
            if keep:
                view.invite(demo)
                await demo.stand()
    return verdict


def _cancelled_by_signals() -> None:
    """Ctrl-C, SIGTERM and SIGHUP cancel this task, once: clearing away is not to be interrupted."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - it runs

    def cancel() -> None:
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, cancel)
