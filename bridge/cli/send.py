"""`bridge send`: MTs as a producer publishes them, and what becomes of them."""

import asyncio
import secrets
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, get_args

import click
import orjson

from bridge.broker.declare import check
from bridge.broker.errors import BrokerUnavailable, ChannelLost, TopologyError
from bridge.broker.message import Confirmation
from bridge.broker.publisher import Publisher
from bridge.broker.session import Session
from bridge.broker.topology import Binding, topology
from bridge.cli.lives import Goal, Life, Lives
from bridge.cli.options import Failed, config_option, json_option, load
from bridge.cli.order import Order
from bridge.cli.publishing import BATCH, publishing
from bridge.cli.send_report import Report
from bridge.cli.tap import Tap, TapMissing, connected, listening
from bridge.config.settings import Settings
from bridge.model.mt import DoubtPolicy, Encoding, ReceiptMode
from bridge.model.names import Names
from bridge.ops import logs


@click.command(
    epilog="""\b
Examples:
  bridge send --to +447700900123 --text Hello
  bridge send --to 447700900123 --from Example --text "Your code is 1234" --interactive --expires-in 60
  bridge send --to +447700900123 --text Hello --metadata '{"campaign": 7}' --receipt all --json
  bridge send --to +447700900123 --text Load --count 1000 --timeout 300      progress and a summary

\b
What is shown, each with the seconds since publishing:
  published, stored                RabbitMQ confirmed it: from here on it is never lost
  accepted                         a provider took it; only where the route has accepted_events: true
  resent                           an answer was lost, so it was sent again: perhaps it arrives twice
  enroute, ...                     receipts on the way, with --receipt all
  delivered                        the receipt that ends it well
  rejected failed parked expired invalid undeliverable ...     what ends it badly

\b
With --receipt none no delivery is heard of: accepted ends it well, or, where the route has no accepted events,
RabbitMQ's confirm does, and nothing is waited for.
The same --id published again is sent once: of an id that has ended, only its outcome event is repeated."""
)
@config_option
@click.option("--to", required=True, metavar="NUMBER", help="E.164, with or without +.")
@click.option("--text", required=True, help="The message.")
@click.option("--from", "from_", metavar="SENDER", help="Number, short code or name; default: the route's.")
@click.option("--route", default="default", show_default=True, help="A route of the configuration.")
@click.option("--interactive", is_flag=True, help="By the queue that overtakes bulk.")
@click.option("--id", "mt_id", metavar="ID", help="Idempotency key; default: one made by chance.")
@click.option(
    "--receipt",
    type=click.Choice(get_args(ReceiptMode)),
    default="final",
    show_default=True,
    help="Which receipts to ask for.",
)
@click.option(
    "--expires-in",
    type=click.FloatRange(min=0, min_open=True, max=10 * 365 * 86400),
    metavar="SECONDS",
    help="Not to be sent after that; also the provider's validity period.",
)
@click.option(
    "--on-doubt", type=click.Choice(get_args(DoubtPolicy)), help="If an answer is lost; default: the route's."
)
@click.option("--encoding", type=click.Choice(get_args(Encoding)), help="Default: auto.")
@click.option("--metadata", metavar="JSON", help="An object that comes back in every event.")
@click.option(
    "--count",
    type=click.IntRange(1, 100_000),
    default=1,
    metavar="N",
    help="Publish it so often, with ids ID-1, ID-2, ...",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, max=86400),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the last word, after publishing.",
)
@json_option
def command(
    config: Path,
    to: str,
    text: str,
    from_: str | None,
    route: str,
    interactive: bool,
    mt_id: str | None,
    receipt: str,
    expires_in: float | None,
    on_doubt: str | None,
    encoding: str | None,
    metadata: str | None,
    count: int,
    timeout: float,
    as_json: bool,
) -> None:
    """Publish one MT and show its life until the receipt.

    Publishes to RabbitMQ like any producer; workers (`bridge run`) do the rest, and tell of it in events.

    Exit code 0 if it was delivered; 1 if it ended otherwise, or nothing final was heard in time: then what is known
    so far is said; 2 if the configuration or the message is wrong.
    """
    logs.configure("console", "critical")  # what the rooms would log is said here
    settings = load(config).settings
    if route not in settings.routes:
        known = f"it has {', '.join(settings.routes)}" if settings.routes else "it has none"
        raise click.BadParameter(f"the configuration has no route {route!r}; {known}", param_hint="'--route'")
    base = mt_id or f"send-{secrets.token_hex(6)}"
    order = Order(
        names=Names(settings.broker.prefix),
        route=route,
        lane="interactive" if interactive else "bulk",
        ids=(base,) if count == 1 else tuple(f"{base}-{number}" for number in range(1, count + 1)),
        fields={
            "to": to,
            "from": from_,
            "text": text,
            "receipt": receipt,
            "on_doubt": on_doubt,
            "encoding": encoding,
            "metadata": metadata and _parsed(metadata),
        },
        expires_in_s=expires_in,
        timeout_s=timeout,
    )
    if (problem := order.problem(settings, time.time())) is not None:
        raise click.UsageError(problem)
    sys.exit(0 if _run(settings, order, _goal(settings, order), as_json) else 1)


def _parsed(metadata: str) -> Any:
    try:
        return orjson.loads(metadata)
    except orjson.JSONDecodeError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="'--metadata'") from None


def _goal(settings: Settings, order: Order) -> Goal:
    if order.fields["receipt"] != "none":
        return Goal.DELIVERED
    return Goal.ACCEPTED if settings.routes[order.route].accepted_events else Goal.STORED


def _run(settings: Settings, order: Order, goal: Goal, as_json: bool) -> bool:
    """Whether all went well."""
    finished = asyncio.Event()
    lives = Lives(goal, len(order.ids), finished.set)
    report = Report(lives, as_json=as_json, many=len(order.ids) > 1)
    try:
        with report:
            trouble = asyncio.run(_send(settings, order, lives, report, finished))
    except (BrokerUnavailable, TapMissing) as error:
        raise Failed(str(error)) from None
    except TopologyError as error:
        raise Failed("; ".join(error.problems)) from None
    except ChannelLost as error:
        raise Failed(f"RabbitMQ failed before anything was published: {error.reason}") from None
    except KeyboardInterrupt:
        trouble = "stopped"
    report.close(trouble)
    return lives.well


async def _send(
    settings: Settings, order: Order, lives: Lives, report: Report, finished: asyncio.Event
) -> str | None:
    """Publish and listen until the last word; or why it ended before that.

    Raises BrokerUnavailable, TopologyError, TapMissing and ChannelLost before anything is published.
    """
    async with connected(settings.broker, "bridge send") as session:
        await _check_topology(session, order)
        async with (
            listening(session, order.names) as tap,
            publishing(session) as publisher,
            asyncio.TaskGroup() as group,
        ):
            listener = group.create_task(_listen(tap, lives, report))
            listener.add_done_callback(lambda _: finished.set())
            await _publish(publisher, order, lives, report)
            with suppress(TimeoutError):
                async with asyncio.timeout(order.timeout_s):
                    await finished.wait()
            listener.cancel()
    if lives.finished:
        return None
    return (
        f"waited {order.timeout_s:g} s" if listener.cancelled() else f"RabbitMQ was lost: {listener.result()}"
    )


async def _check_topology(session: Session, order: Order) -> None:
    """Whether what an MT of this order passes through is there. Raises TopologyError naming what is missing."""
    needed = {order.names.mt, order.names.events, order.names.route_queue(order.route, order.lane)}
    items = topology(order.names, [order.route])
    await check(session, [item for item in items if not isinstance(item, Binding) and item.name in needed])


async def _publish(publisher: Publisher, order: Order, lives: Lives, report: Report) -> None:
    """All of them, a batch at a time; back when RabbitMQ has answered for each, or its time for that is over."""

    def answered(life: Life, confirmation: Confirmation) -> None:
        now = time.monotonic()
        lives.answered(life, confirmation, now)
        report.answered(life, confirmation, now)

    for first in range(0, len(order.ids), BATCH):
        for mt_id in order.ids[first : first + BATCH]:
            message = order.message(mt_id, time.time())
            life = lives.publish(mt_id, time.monotonic())
            report.published(life, message.routing_key)
            publisher.publish(message, partial(answered, life))
        await publisher.idle()


async def _listen(tap: Tap, lives: Lives, report: Report) -> str:
    """Until cancelled, or the connection ends: why."""
    while True:
        try:
            heard = await tap.next()
        except ChannelLost as lost:
            return lost.reason
        now = time.monotonic()
        life = lives.hear(heard, now)
        if life is not None:
            report.heard(life, heard, now)
