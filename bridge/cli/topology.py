"""`bridge topology`: what the configuration needs of RabbitMQ, shown or declared."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import click
import orjson
from rich.table import Table
from rich.text import Text

from bridge.broker.declare import apply, check, check_dead_lettering
from bridge.broker.errors import BrokerUnavailable, ChannelLost, TopologyError
from bridge.broker.session import Session
from bridge.broker.topology import Binding, Exchange, Item, Queue, topology
from bridge.cli.options import Failed, config_option, json_option, load, paper
from bridge.cli.tap import connected
from bridge.config.settings import Settings
from bridge.model.names import Names
from bridge.ops import logs


@click.group(epilog="Try: bridge topology show")
def command() -> None:
    """Show or declare the exchanges and queues."""


@command.command(
    short_help="What this configuration needs, as tables or JSON.",
    epilog="""\b
Examples:
  bridge topology show                                    tables for you
  bridge topology show --json > bridge-definitions.json   for RabbitMQ's own tools:
  rabbitmqctl import_definitions bridge-definitions.json  does the same as `bridge topology apply`""",
)
@config_option
@json_option
def show(config: Path, as_json: bool) -> None:
    """Show every exchange, queue and binding that this configuration needs. Connects to nothing.

    With --json in the form of RabbitMQ's definitions, for the virtual host of broker.url.
    """
    settings = load(config).settings
    items = _items(settings)
    if as_json:
        click.echo(orjson.dumps(_definitions(items, _vhost(settings)), option=orjson.OPT_INDENT_2))
    else:
        _print(items)


@command.command(
    name="apply",
    short_help="Declare all of it: the deploy step.",
    epilog="""\b
Examples:
  bridge topology apply -c bridge.yaml                      once per deployment, before `bridge run`
  bridge topology apply -c bridge.yaml && bridge run ...    with broker.declare: false, so that workers
                                                            need no right to declare""",
)
@config_option
def apply_command(config: Path) -> None:
    """Declare every exchange, queue and binding; what is there already stays as it is.

    May be run again at any time, and while workers run. Deletes nothing. What exists with other arguments cannot
    be changed: it is named, with what to do, and everything else is declared all the same.

    Exit code 0 if all of it is there now, 1 if not, 2 if the configuration is wrong.
    """
    logs.configure("console", "critical")  # what the rooms would log is said here
    settings = load(config).settings
    try:
        asyncio.run(_apply(settings, _items(settings)))
    except TopologyError as error:
        for problem in error.problems:
            click.echo(f"RabbitMQ: {problem}", err=True)
        sys.exit(1)
    except BrokerUnavailable as error:
        raise Failed(str(error)) from None
    except ChannelLost as lost:
        raise Failed(f"RabbitMQ failed while its queues were declared: {lost.reason}") from None


def _items(settings: Settings) -> list[Item]:
    return topology(Names(settings.broker.prefix), list(settings.routes))


async def _apply(settings: Settings, items: Sequence[Item]) -> None:
    async with connected(settings.broker, "bridge topology") as session:
        nodes = [item for item in items if not isinstance(item, Binding)]
        missing = [item for item in nodes if not await _is_there(session, item)]
        await apply(session, items)
        for item in missing:
            click.echo(f"declared {'exchange' if isinstance(item, Exchange) else 'queue'} {item.name}")
        await check_dead_lettering(session, f"{settings.broker.prefix}.probe")
        click.echo(
            f"RabbitMQ at {session.place} has what the bridge needs: {len(nodes)} exchanges and queues "
            f"({len(missing)} of them new) and {len(items) - len(nodes)} bindings"
        )


async def _is_there(session: Session, item: Item) -> bool:
    try:
        await check(session, [item])
    except TopologyError:
        return False
    return True


def _vhost(settings: Settings) -> str:
    return unquote(urlsplit(settings.broker.urls[0].get_secret_value()).path[1:]) or "/"


def _definitions(items: Sequence[Item], vhost: str) -> dict[str, list[dict[str, Any]]]:
    durable = {"vhost": vhost, "durable": True, "auto_delete": False}
    definitions: dict[str, list[dict[str, Any]]] = {"exchanges": [], "queues": [], "bindings": []}
    for item in items:
        match item:
            case Exchange(name, kind, arguments):
                exchange = {"name": name, "type": kind, "internal": False, **durable}
                definitions["exchanges"].append({**exchange, "arguments": dict(arguments)})
            case Queue(name, arguments):
                definitions["queues"].append({"name": name, **durable, "arguments": dict(arguments)})
            case Binding(source, destination, key, to_exchange):
                definitions["bindings"].append(
                    {
                        "source": source,
                        "vhost": vhost,
                        "destination": destination,
                        "destination_type": "exchange" if to_exchange else "queue",
                        "routing_key": key,
                        "arguments": {},
                    }
                )
    return definitions


def _print(items: Sequence[Item]) -> None:
    exchanges, queues, bindings = (
        _table("exchange", "type", "arguments"),
        _table("queue", "arguments"),
        _table("binding from", "to", "by routing key"),
    )
    for item in items:
        match item:
            case Exchange(name, kind, arguments):
                _row(exchanges, name, kind, _spelled(arguments))
            case Queue(name, arguments):
                _row(queues, name, _spelled(arguments))
            case Binding(source, destination, key, to_exchange):
                what = "exchange" if to_exchange else "queue"
                _row(bindings, source, f"{what} {destination}", key or "(all)")
    console = paper()
    for table in (exchanges, queues, bindings):
        console.print(table, "")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _row(table: Table, *cells: str) -> None:
    table.add_row(*(Text(cell) for cell in cells))


def _spelled(arguments: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in arguments.items())
