"""`bridge bench`: how fast the bridge is here, beside the bare operations of RabbitMQ and Redis that it is made of."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import click
import uvloop

from bridge.cli.bench_view import View
from bridge.cli.options import Failed, json_option, settings_of
from bridge.model.names import Names
from bridge.ops import logs
from bridge.proof.bench import FAILURES, Plan, Told, bench
from bridge.proof.bench_bare import run_bare
from bridge.proof.bench_board import Board
from bridge.proof.bench_report import Report, Traffic
from bridge.proof.bench_setting import MOST_BINDS, MOST_IN_FLIGHT, MOST_ROUTES, MOST_SEGMENTS, Setting
from bridge.proof.bench_site import BenchSite
from bridge.proof.bench_smsc import BenchSmsc
from bridge.proof.stage import ROUTE

board_option = click.option(
    "--board", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True
)
mos_option = click.option("--mos", is_flag=True)


@click.group(
    invoke_without_command=True,
    subcommand_metavar="",
    epilog="""\b
Examples:
  bridge bench
  bridge bench --seconds 10 --mos --plot bench.svg
  bridge bench --workers 2 --rate 500
  bridge bench --segments 3 --routes 8 --remembered 1000000
  bridge bench --pairs 1 --seconds 1 --in-flight 10000
  bridge bench --json > bench.json

\b
RabbitMQ and Redis: private ones that are started for it, or those of $BRIDGE_AMQP_URL and $BRIDGE_REDIS_URL or of
a configuration; names of its own there, all removed at the end, also after Ctrl-C. CPU is known of servers on this
machine that belong to this user. Exit code 1 if anything was lost or doubled.""",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.2, max=600),
    default=5.0,
    show_default=True,
    help="How long each round should take, about.",
)
@click.option(
    "--pairs",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="Rounds of the bridge, and of the bare loop, in turn.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="How many processes."
)
@click.option(
    "--binds", type=click.IntRange(1, MOST_BINDS), default=4, show_default=True, help="Of each worker."
)
@click.option(
    "--routes",
    type=click.IntRange(1, MOST_ROUTES),
    default=1,
    show_default=True,
    help="Over which the MTs are spread.",
)
@click.option(
    "--segments",
    type=click.IntRange(1, MOST_SEGMENTS),
    default=1,
    show_default=True,
    help="Of each MT over SMPP; its life ends with the joined receipt.",
)
@click.option(
    "--remembered",
    type=click.IntRange(0, 50_000_000),
    default=0,
    show_default=True,
    metavar="MTS",
    help="Finished ones that Redis knows before the rounds; some 370 octets each.",
)
@click.option(
    "--in-flight",
    type=click.IntRange(1, MOST_IN_FLIGHT),
    metavar="MTS",
    help="Measure a worker's memory too, with so many unanswered at once.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=1),
    metavar="PER_SECOND",
    help="At which latencies are measured.  [default: half of the peak]",
)
@click.option("--mos", is_flag=True, help="Texts from phones as well.")
@click.option("--http", is_flag=True, help="MTs over HTTP, and callbacks, as well.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Draw it into this SVG file.",
)
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Not needed. Uses RabbitMQ and Redis of this configuration; never its providers.",
)
@json_option
@click.pass_context
def command(
    context: click.Context,
    seconds: float,
    pairs: int,
    workers: int,
    binds: int,
    routes: int,
    segments: int,
    remembered: int,
    in_flight: int | None,
    rate: float | None,
    mos: bool,
    http: bool,
    plot: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Measure lives of MTs a second, their CPU, their latencies, and the same of the bare operations.

    A life: confirmed in a quorum queue, consumed, claimed, submit_sm, answer recorded, acked, receipt in, claimed,
    correlated, event confirmed, committed, deliver_sm_resp. One real worker, a fast SMSC in a process of its own.
    The bare loop does the same operations of RabbitMQ and Redis and nothing else: what counts is the ratio, since
    that depends less on the machine. It is the same for all settings: one route, one segment. About a minute.
    """
    if context.invoked_subcommand is not None:
        return
    logs.configure("console", "critical")  # what the rooms would log is said here
    amqp_url, redis_url = _urls(config)
    wishes: dict[Traffic, bool] = {"mt": True, "mo": mos, "http": http, "callback": http}
    plan = Plan(
        amqp_url=amqp_url,
        redis_url=redis_url,
        traffics=tuple(traffic for traffic, wanted in wishes.items() if wanted),
        seconds=seconds,
        pairs=pairs,
        setting=Setting(workers=workers, binds=binds, routes=routes, segments=segments),
        rate=rate,
        remembered=remembered,
        in_flight=in_flight or 0,
    )
    view = View(as_json=as_json)
    try:
        report = uvloop.run(_bench(plan, view))
    except FAILURES as error:
        raise Failed(str(error)) from None
    if report is None:
        click.echo("stopped; everything is removed", err=True)
        sys.exit(1)
    view.report(report)
    if plot is not None:
        try:
            plot.write_text(view.drawing(report), encoding="utf-8")
        except OSError as error:
            raise Failed(f"cannot write {plot}: {error.strerror}") from None
    sys.exit(0 if report.findings.clean else 1)


@command.command("smsc", hidden=True)
@click.option("--port", type=int, required=True)
@board_option
@click.option("--first-id", type=int, required=True)
@click.option("--segments", type=int, required=True)
@click.option("--hold", type=int, required=True)
@mos_option
def smsc(port: int, board: Path, first_id: int, segments: int, hold: int, mos: bool) -> None:
    """The SMSC of a round; the bench starts it."""

    async def serve() -> None:
        peer = BenchSmsc(Board(board), first_id, mos=mos, segments=segments, hold=hold)
        await (await peer.listen(port)).serve_forever()

    uvloop.run(serve())


@command.command("site", hidden=True)
@click.option("--port", type=int, required=True)
@click.option("--callback-port", type=int, required=True)
@board_option
@click.option("--first-id", type=int, required=True)
@mos_option
def site(port: int, callback_port: int, board: Path, first_id: int, mos: bool) -> None:
    """The HTTP site of a round; the bench starts it."""
    uvloop.run(_site(port, callback_port, Board(board), str(first_id), mos=mos))


@command.command("bare", hidden=True)
@board_option
@click.option("--config", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@mos_option
def bare(board: Path, config: Path, mos: bool) -> None:
    """The bare loop of a round; the bench starts it, with the worker's configuration."""
    uvloop.run(_bare(Board(board), config, mos=mos))


def _urls(config: Path | None) -> tuple[str | None, str | None]:
    if config is not None:
        settings = settings_of(config)
        return settings.broker.urls[0].get_secret_value(), settings.redis.url.get_secret_value()
    return os.environ.get("BRIDGE_AMQP_URL"), os.environ.get("BRIDGE_REDIS_URL")


async def _bench(plan: Plan, view: View) -> Report | None:
    """The report; None if it was stopped before there was one. Raises FAILURES."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - it runs

    def cancel() -> None:
        if not task.cancelling():  # once: clearing away is not to be interrupted
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, cancel)
    report = None
    with view.live(), suppress(asyncio.CancelledError):
        report = await bench(plan, Told(view.say, view.show, view.round))
    return report


async def _site(port: int, callback_port: int, board: Board, tag: str, *, mos: bool) -> None:
    await (await BenchSite(board, callback_port, tag, mos=mos).listen(port)).serve_forever()


async def _bare(board: Board, config: Path, *, mos: bool) -> None:
    settings = settings_of(config)
    amqp_url, redis_url = settings.broker.urls[0].get_secret_value(), settings.redis.url.get_secret_value()
    await run_bare(amqp_url, redis_url, Names(settings.broker.prefix), ROUTE, board, mos=mos)
    await asyncio.Event().wait()  # the bench looks at what it cost before it ends it
