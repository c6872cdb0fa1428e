"""`bridge dead`: the MTs that ended badly, listed, shown, replayed, dropped. Here: options, and how errors end it."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from bridge.broker.errors import BrokerUnavailable, ChannelLost, TopologyError
from bridge.cli.dead_choice import Wanted, instant_of
from bridge.cli.dead_desk import Found
from bridge.cli.dead_letter import REASONS
from bridge.cli.dead_report import Report
from bridge.cli.dead_show import everything, facts, line, page
from bridge.cli.dead_work import Order, drop, look, replay
from bridge.cli.options import F, Failed, config_option, json_option, load
from bridge.config.settings import Settings
from bridge.ops import logs
from bridge.store.store import StoreUnavailable


def _instant(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    try:
        return None if value is None else instant_of(value, datetime.now(UTC))
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no age such as 90s, 30m, 2h or 7d, and no RFC 3339 such as 2030-01-31T12:00:00Z",
            ctx,
            param,
        ) from None


def choosing(command: F) -> F:
    """The options that say which messages are meant; together: those that fit all."""
    for option in (
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many, the oldest."),
        click.option("--until", callback=_instant, metavar="TIME", help="Only what was dead by then."),
        click.option(
            "--since", callback=_instant, metavar="TIME", help="Only what is dead since: 2h, or RFC 3339."
        ),
        click.option("--id", "ids", multiple=True, metavar="ID", help="Only this id, or handle; repeatable."),
        click.option(
            "--route", "routes", multiple=True, metavar="ROUTE", help="Only this route; repeatable."
        ),
        click.option(
            "--reason", "reasons", multiple=True, type=click.Choice(REASONS), help="Only this; repeatable."
        ),
    ):
        command = option(command)
    return command


def acting(command: F) -> F:
    """The options of what changes the queue."""
    for option in (
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--all", "all_", is_flag=True, help="All that are there now."),
        click.argument("names", nargs=-1, metavar="[ID]..."),
    ):
        command = option(command)
    return command


@click.group(epilog="Try: bridge dead list")
def command() -> None:
    """List, show, replay or drop what is in the dead queue.

    That is: MTs that were rejected, failed, are in doubt (parked) or invalid, and what RabbitMQ itself put there.

    A look takes the queue as it is, and gives it back: for that time nobody else sees it, and RabbitMQ counts one
    delivery more for each message. Each has a handle beside its id, such as @1f0c22d9ab34, for those without one.
    """


@command.command(
    name="list",
    short_help="A line for each message, and how many there are.",
    epilog="""\b
Examples:
  bridge dead list
  bridge dead list --reason failed --reason doubt --since 2h
  bridge dead list --route default --json | jq -r .id

\b
Reasons:
  rejected failed doubt invalid   how the bridge ended it; doubt is an MT that was parked
  unknown-route                   no queue took its routing key
  delivery-limit                  workers were given it too often, and each died with it, or gave it back
  other                           somebody else put it there

\b
`resolved` behind the reason: a provider has it after all, as a late answer or receipt told. It is not replayed.""",
)
@config_option
@choosing
@json_option
def list_command(config: Path, as_json: bool, **choice: Any) -> None:
    """Tell what is in the dead queue: time, reason, id, route, number (masked), attempts, detail.

    The last line counts all that fit, by reason, also those beyond --limit.
    """
    settings = _settings(config)

    def tell(found: Found) -> None:
        click.echo(orjson.dumps(facts(found.letter)) if as_json else line(found.letter))

    _end(Report(as_json=as_json), lambda report: look(settings, _order(**choice), report, tell))


@command.command(
    short_help="Everything of one message.",
    epilog="""\b
Examples:
  bridge dead show order-4711
  bridge dead show @1f0c22d9ab34 --text --json""",
)
@config_option
@click.argument("name", metavar="ID")
@click.option("--text", "full", is_flag=True, help="Show texts, numbers and the producer's own headers.")
@json_option
def show(config: Path, name: str, full: bool, as_json: bool) -> None:
    """Show everything of the message with this id or handle; of each, if several have it."""
    settings = _settings(config)

    def tell(found: Found) -> None:
        click.echo(
            orjson.dumps(everything(*found, full=full), default=str) if as_json else page(*found, full=full)
        )

    order = Order(wanted=Wanted(names=frozenset((name,))))
    _end(Report(as_json=as_json, sums=None), lambda report: look(settings, order, report, tell))


@command.command(
    name="replay",
    short_help="Send messages again, as a new generation.",
    epilog="""\b
Examples:
  bridge dead replay order-4711
  bridge dead replay --reason failed --since 2h --dry-run
  bridge dead replay --all --yes --json              for scripts
  bridge dead replay --reason unknown-route --to-route default

\b
A replay is a new MT under the old id: attempts begin anew, and its events have ids of their own. Each message leaves
the dead queue when RabbitMQ has confirmed its copy. If this is ended in between, or two do the same at once, nothing
is lost; what was published twice is sent once. What comes into the queue meanwhile is left alone.

\b
Left in the queue, and said so:
  resolved                     a provider has it after all
  invalid                      unless --force gives it, with --to-route, another chance: limits may have changed
  unknown route                unless --to-route says where""",
)
@config_option
@choosing
@acting
@click.option("--to-route", metavar="ROUTE", help="To this route instead of each one's own.")
@click.option("--force", is_flag=True, help="Invalid ones, too; only with --to-route.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@json_option
def replay_command(
    config: Path,
    all_: bool,
    yes: bool,
    to_route: str | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
    **choice: Any,
) -> None:
    """Publish messages anew: those with these ids or handles, or that fit the options, or all.

    Asks before it does; where there is no terminal, --yes must be given.

    Exit code 1 if something that was meant could not be replayed, but for what was resolved.
    """
    settings = _settings(config)
    if force and to_route is None:
        raise click.UsageError("--force needs --to-route")
    if to_route is not None and to_route not in settings.routes:
        raise click.BadParameter(f"the configuration has no route {to_route!r}", param_hint="'--to-route'")
    order = _order(**choice, to_route=to_route, force=force, dry_run=dry_run, yes=yes)
    _check(order, all_=all_)
    sums = "would replay" if dry_run else "replayed"
    _end(Report(as_json=as_json, sums=sums), lambda report: replay(settings, order, report))


@command.command(
    name="drop",
    short_help="Remove messages for good.",
    epilog="""\b
Examples:
  bridge dead drop order-4711
  bridge dead drop --reason invalid --until 7d      `list` with the same options tells which these are
  bridge dead drop --all --yes""",
)
@config_option
@choosing
@acting
@json_option
def drop_command(config: Path, all_: bool, yes: bool, as_json: bool, **choice: Any) -> None:
    """Remove messages: those with these ids or handles, or that fit the options, or all. They are gone then.

    Asks before it does; where there is no terminal, --yes must be given.
    """
    settings = _settings(config)
    order = _order(**choice, yes=yes)
    _check(order, all_=all_)
    _end(Report(as_json=as_json, sums="dropped"), lambda report: drop(settings, order, report))


def _settings(config: Path) -> Settings:
    logs.configure("console", "critical")  # what the rooms would log is said here
    return load(config).settings


def _order(
    *,
    reasons: tuple[str, ...],
    routes: tuple[str, ...],
    ids: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    names: tuple[str, ...] = (),
    **how: Any,
) -> Order:
    wanted = Wanted(
        reasons=frozenset(reasons),
        routes=frozenset(routes),
        names=frozenset((*ids, *names)),
        since=since,
        until=until,
    )
    return Order(wanted=wanted, limit=limit, **how)


def _check(order: Order, *, all_: bool) -> None:
    """Refuse what nobody can have meant."""
    if order.wanted.everything != all_:
        raise click.UsageError(
            "--all, or ids, or options that choose: one of them"
            if all_
            else "say which: ids, options that choose, or --all"
        )
    if not (order.yes or order.dry_run or sys.stdin.isatty()):
        raise click.UsageError("there is no terminal to ask at: give --yes")


def _end(report: Report, work: Callable[[Report], Coroutine[Any, Any, bool]]) -> None:
    """Do it and end the process: 0 if all went well, 1 if not."""
    trouble, well = "", False
    try:
        with report:
            well = asyncio.run(work(report))
    except BrokerUnavailable as error:
        raise Failed(str(error)) from None
    except TopologyError as error:
        raise Failed("; ".join(error.problems)) from None
    except StoreUnavailable as error:
        raise Failed(f"{error}; without it nobody knows which were resolved: nothing was replayed") from None
    except ChannelLost as lost:
        trouble = f"RabbitMQ was lost: {lost.reason}; what is not done is in the queue, and may be done again"
    except KeyboardInterrupt:
        trouble = "stopped; what is not done is in the queue"
    report.close(trouble)
    sys.exit(0 if well else 1)
