"""What the commands of `bridge simulate` share: options, faults, TLS, and how they listen, count and end."""

import asyncio
import signal
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import click
import orjson

from bridge.cli.options import F, Failed, json_option
from bridge.cli.simulated_nodes import Node
from bridge.simulator.commands import CommandPort
from bridge.simulator.naming import NamedFault, UnknownFault

Named = TypeVar("Named", bound=NamedFault[Any])


@dataclass(frozen=True, slots=True)
class Show:
    """What the terminal or a script is told, and how often."""

    every_s: float
    as_json: bool

    def line(self, event: str, **facts: Any) -> None:
        """One line: JSON, or words and numbers."""
        if self.as_json:
            click.echo(orjson.dumps({"event": event} | facts))
        else:
            click.echo(f"{event}: {' · '.join(f'{key} {value}' for key, value in facts.items())}")


class FaultHelp(click.Command):
    """A command whose help ends with the list of its faults, made from the faults themselves."""

    faults: ClassVar[type[NamedFault[Any]]]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, then every fault with its parameters and defaults."""
        super().format_epilog(ctx, formatter)
        formatter.write(
            "\nFaults (NAME:KEY=VALUE,...; after @ a site or a port, if not every node has it):\n"
        )
        formatter.write(self.faults.describe() + "\n")


def where_options(default_port: int) -> Callable[[F], F]:
    """The options that say where to listen."""
    return _all_of(
        click.option(
            "--port",
            "ports",
            type=click.IntRange(0, 65535),
            multiple=True,
            help=f"A node's port; 0: a free one. [default: {default_port}]",
        ),
        click.option(
            "--site",
            "sites",
            multiple=True,
            metavar="NAME[=PORT,...]",
            help="A site and its ports; without ports, the name of the site that --port belongs to. [default: site]",
        ),
        click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    )


def traffic_options() -> Callable[[F], F]:
    """The options that say what comes back."""
    return _all_of(
        click.option(
            "--receipt-delay",
            type=click.FloatRange(min=0),
            default=0.5,
            show_default=True,
            help="Seconds from message to receipt.",
        ),
        click.option(
            "--mo-rate",
            type=click.FloatRange(min=0),
            default=0.0,
            show_default=True,
            help="Messages from phones, per second.",
        ),
    )


def playing_options(speaks: str) -> Callable[[F], F]:
    """The options that every simulated provider has last."""
    return _all_of(
        click.option(
            "--fault",
            "fault_texts",
            multiple=True,
            metavar="FAULT",
            help="A misbehaviour; may be given several times.",
        ),
        click.option(
            "--log",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Append all that happens here, as JSON lines.",
        ),
        click.option(
            "--control",
            type=click.IntRange(0, 65535),
            metavar="PORT",
            help="Take commands on this local port (0: a free one): one JSON object a line, such as "
            '{"do": "kill", "site": "bos"}; also start, stop, stats, faults, mo, receipts.',
        ),
        click.option(
            "--tls-cert",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Speak TLS, with this certificate (PEM).",
        ),
        click.option(
            "--tls-key",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Its key, if that is in a file of its own.",
        ),
        click.option(
            "--progress",
            "every_s",
            type=click.FloatRange(min=0.1),
            default=5.0,
            show_default=True,
            help="Seconds between the lines that count.",
        ),
        click.option(
            "-c",
            "--config",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Not needed. Plays this configuration's provider: sites, ports on this machine, credentials.",
        ),
        click.option("--provider", help=f"Which one, if the configuration has several that speak {speaks}."),
        json_option,
    )


def _all_of(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def read_faults(kind: type[Named], texts: Sequence[str], nodes: Sequence[Node]) -> list[Named]:
    """The faults of --fault; ends the command where one is none, or nobody has it."""
    faults = []
    for text in texts:
        try:
            fault = kind.read(text)
        except UnknownFault as error:
            raise click.UsageError(f"--fault {text}: {error}") from None
        if not any(fault.applies_to(node.site, node.port) for node in nodes):
            raise click.UsageError(f"--fault {text}: no such site or port here")
        faults.append(fault)
    return faults


def server_tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """TLS as --tls-cert and --tls-key want it; ends the command where they cannot be used."""
    if cert is None:
        if key is not None:
            raise click.UsageError("--tls-key needs --tls-cert beside it")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise Failed(f"cannot use {cert}: {error}") from None
    return context


class Listener(Protocol):
    """A node that is played."""

    site: str

    @property
    def node(self) -> str:
        """`host:port`."""
        ...

    async def start(self) -> None:
        """Listens. Raises OSError."""
        ...

    async def stop(self) -> None:
        """Ends gracefully."""
        ...

    def kill(self) -> None:
        """Ends at once."""
        ...


async def play(
    nodes: Sequence[Listener],
    door: CommandPort[Any],
    control: int | None,
    show: Show,
    count: Callable[[], None],
) -> None:
    """Listens, tells how it goes, and takes its leave at SIGTERM or Ctrl-C."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        for node in nodes:
            await _listen(node)
            show.line("listening", site=node.site, node=node.node)
        if control is not None:
            try:
                show.line("control", port=await door.listen(control))
            except OSError as error:
                raise Failed(f"cannot listen on control port {control}: {error.strerror}") from None
        while not stopping.is_set():
            try:
                await asyncio.wait_for(stopping.wait(), show.every_s)
            except TimeoutError:
                count()
        async with asyncio.TaskGroup() as group:
            for node in nodes:
                group.create_task(node.stop())
        count()
    finally:
        door.close()
        for node in nodes:
            node.kill()


async def _listen(node: Listener) -> None:
    try:
        await node.start()
    except OSError as error:
        raise Failed(f"cannot listen on {node.node}: {error.strerror}") from None
