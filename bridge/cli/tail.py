"""`bridge tail`: the pool's events as they are published, for a person or a pipe."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

import click
import orjson

from bridge.broker.backoff import Backoff
from bridge.broker.errors import BrokerUnavailable, ChannelLost
from bridge.cli.heard import UNREADABLE, Heard, line, raw_line
from bridge.cli.options import config_option, json_option, load
from bridge.cli.tap import TapMissing, connected, listening
from bridge.config.settings import BrokerSettings
from bridge.model.names import Names
from bridge.ops import logs


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are wanted: those that every given part fits."""

    kinds: tuple[str, ...]
    provider: str | None
    message_id: str | None

    def fits(self, heard: Heard) -> bool:
        """Whether this one is wanted."""
        return (
            (not self.kinds or heard.kind in self.kinds)
            and (self.provider is None or heard.body.get("provider") == self.provider)
            and (self.message_id is None or heard.message_id == self.message_id)
        )


@click.command(
    epilog="""\b
Examples:
  bridge tail                                 everything
  bridge tail --type mo --full                what phones say
  bridge tail --type mt --type dr --id otp-17 one message's life, from another window
  bridge tail --type dr --json | jq .state    the bodies for a script, one per line
  bridge tail --type site --count 1           wait until a site comes or goes

\b
A line: time (UTC), mo, dr, mt or site, what happened, and what is known of it.
Consumers lose nothing by it: tail listens on <prefix>.tap with a queue of its own that goes when it ends. One that
reads slower than events come misses the oldest past 100,000; events published while it is away are not shown."""
)
@config_option
@click.option(
    "--type",
    "kinds",
    type=click.Choice(["mo", "dr", "mt", "site"]),
    multiple=True,
    help="Only these events; may be given again.",
)
@click.option("--provider", metavar="NAME", help="Only events of this provider.")
@click.option("--id", "message_id", metavar="ID", help="Only events of the MT (or MO) with this id.")
@click.option("--full", is_flag=True, help="Show numbers and texts, which are otherwise masked and hidden.")
@click.option("--raw", is_flag=True, help="Show the PDU of MOs and DRs too: octets in hex, not masked.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many events.")
@json_option
def command(
    config: Path,
    kinds: tuple[str, ...],
    provider: str | None,
    message_id: str | None,
    full: bool,
    raw: bool,
    count: int | None,
    as_json: bool,
) -> None:
    """Follow events as they are published: MOs, delivery receipts, what became of MTs, and sites.

    Waits for RabbitMQ, saying so, and comes back by itself. Ctrl-C ends it with exit code 0.
    With --json: the bodies as consumers get them, whole and unmasked, one per line; remarks go to stderr.
    """
    logs.configure("console", "critical")  # what the rooms would log is said here
    settings = load(config).settings.broker

    def show(heard: Heard) -> None:
        if as_json and heard.kind != UNREADABLE:
            click.echo(orjson.dumps(heard.body))
            return
        click.echo(f"{_time_of_day(heard):<12} {line(heard, full=full)}", err=as_json)
        if raw and (octets := raw_line(heard)) is not None:
            click.echo(f"{'':<12} {octets}")

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_tail(settings, Filter(kinds, provider, message_id), show, count))


async def _tail(
    settings: BrokerSettings, wanted: Filter, show: Callable[[Heard], None], count: int | None
) -> None:
    """Until `count` events were shown, or a signal cancels this task."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - it runs
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    shown = 0
    async with contextlib.aclosing(_events(settings)) as events:
        async for heard in events:
            if wanted.fits(heard):
                show(heard)
                shown += 1
                if shown == count:
                    return


async def _events(settings: BrokerSettings) -> AsyncGenerator[Heard, None]:
    """What is heard on one connection after the other, with a remark at every change."""
    names = Names(settings.prefix)
    backoff = Backoff()
    told = ""
    while True:
        try:
            async with connected(settings, "bridge tail") as session, listening(session, names) as tap:
                _remark(f"following {names.tap} of RabbitMQ at {session.place}; Ctrl-C ends it")
                backoff, told = Backoff(), ""
                while True:
                    yield await tap.next()
        except (BrokerUnavailable, TapMissing) as error:
            reason = f"waiting: {error}"
        except ChannelLost as lost:
            reason = f"RabbitMQ was lost: {lost.reason}; events until it is back will not be shown"
        if reason != told:
            _remark(reason)
            told = reason
        await asyncio.sleep(backoff.next_s())


def _remark(text: str) -> None:
    click.echo(text, err=True)


def _time_of_day(heard: Heard) -> str:
    """Of the event's `at`; twelve characters, so that lines align."""
    at = heard.body.get("at")
    return at[11:23] if isinstance(at, str) and at.isascii() and at.isprintable() else ""
