"""`bridge simulate smsc`: a provider on this machine, its sites and nodes, and its faults."""

import asyncio
import signal
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson
import uvloop

from bridge.cli.options import Failed, json_option
from bridge.cli.simulated_nodes import Account, Node, configured_nodes, named_nodes
from bridge.simulator.catalogue import Fault, UnknownFault, describe_faults
from bridge.simulator.control import Control
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc


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


@click.group(epilog="Try: bridge simulate smsc --help")
def command() -> None:
    """Play a provider to try things on, with faults."""


class FaultHelp(click.Command):
    """A command whose help ends with the list of faults, made from the faults themselves."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, then every fault with its parameters and defaults."""
        super().format_epilog(ctx, formatter)
        formatter.write(
            "\nFaults (NAME:KEY=VALUE,...; after @ a site or a port, if not every node has it):\n"
        )
        formatter.write(describe_faults() + "\n")


@command.command(
    cls=FaultHelp,
    epilog="""\b
Examples:
  bridge simulate smsc                              one SMSC on port 2775; system_id bridge, password secret
  bridge simulate smsc --site dc3=2775,2776 --site bos=2777,2778 --fault receipts-elsewhere:to=site --mo-rate 5
                                                    two sites; every receipt comes from the other one
  bridge simulate smsc --port 2775 --port 2776 --fault black-hole@2776 --fault throttle:every=10
                                                    a node that never speaks, and both that throttle
  bridge simulate smsc -c bridge.yaml               the nodes on this machine of a configuration's provider
  bridge simulate smsc --control 2700 --log sms.jsonl
  echo '{"do": "kill", "site": "site"}' | nc -N localhost 2700""",
)
@click.option(
    "--port",
    "ports",
    type=click.IntRange(0, 65535),
    multiple=True,
    help="A node's port; 0: a free one. [default: 2775]",
)
@click.option(
    "--site",
    "sites",
    multiple=True,
    metavar="NAME[=PORT,...]",
    help="A site and its ports; without ports, the name of the site that --port belongs to. [default: site]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--system-id", help="Who may bind. [default: bridge]")
@click.option("--password", help="... and with what. [default: secret]")
@click.option(
    "--receipt-delay",
    type=click.FloatRange(min=0),
    default=0.5,
    show_default=True,
    help="Seconds from message to receipt.",
)
@click.option(
    "--mo-rate",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Messages from phones, per second.",
)
@click.option(
    "--mo-long-every",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Every Nth of them is of several segments; 0: none.",
)
@click.option(
    "--fault",
    "fault_texts",
    multiple=True,
    metavar="FAULT",
    help="A misbehaviour; may be given several times.",
)
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append all that happens here, as JSON lines.",
)
@click.option(
    "--control",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Take commands on this local port (0: a free one): one JSON object a line, such as "
    '{"do": "kill", "site": "bos"}; also start, stop, stats, faults, mo, receipts.',
)
@click.option(
    "--tls-cert",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Speak TLS, with this certificate (PEM).",
)
@click.option(
    "--tls-key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Its key, if that is in a file of its own.",
)
@click.option(
    "--progress",
    "every_s",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="Seconds between the lines that count.",
)
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Not needed. Plays this configuration's provider: sites, ports on this machine, credentials.",
)
@click.option("--provider", help="Which one, if the configuration has several that speak SMPP.")
@json_option
def smsc(
    ports: tuple[int, ...],
    sites: tuple[str, ...],
    host: str,
    system_id: str | None,
    password: str | None,
    receipt_delay: float,
    mo_rate: float,
    mo_long_every: int,
    fault_texts: tuple[str, ...],
    log: Path | None,
    control: int | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    every_s: float,
    config: Path | None,
    provider: str | None,
    as_json: bool,
) -> None:
    """Play an SMPP provider: any number of sites and nodes that share one store of messages.

    It takes messages, sends a receipt for each that asks for one, and texts from phones at a rate; it keeps
    receipts and texts until somebody binds and answers them. Ctrl-C or SIGTERM ends it.
    """
    if config:
        nodes, account = configured_nodes(config, provider)
    else:
        nodes, account = [], Account("bridge", "secret")
    if ports or sites or not nodes:
        nodes = named_nodes(host, ports, sites)
    account = Account(system_id or account.system_id, password or account.password, account.alphabet)
    faults = _faults(fault_texts, nodes)
    tls = _tls(tls_cert, tls_key)
    try:
        network = Network(
            receipt_delay_s=receipt_delay,
            mo_rate=mo_rate,
            long_mo_every=mo_long_every,
            log=log,
            keep_records=False,
            alphabet=account.alphabet,
        )
    except OSError as error:
        raise Failed(f"cannot write {log}: {error.strerror}") from None
    smscs = [
        SimulatedSmsc(
            node.host,
            node.port,
            network=network,
            behaviours=[fault.build() for fault in faults if fault.applies_to(node.site, node.port)],
            site=node.site,
            system_id=account.system_id,
            password=account.password,
            tls=tls,
        )
        for node in nodes
    ]
    uvloop.run(_play(network, smscs, control, Show(every_s, as_json)))


async def _play(network: Network, smscs: Sequence[SimulatedSmsc], control: int | None, show: Show) -> None:
    """Listens, tells how it goes, and takes its leave at SIGTERM or Ctrl-C."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    door = Control(network, smscs)
    try:
        for node in smscs:
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
                _count(network, show)
        async with asyncio.TaskGroup() as group:
            for node in smscs:
                group.create_task(node.stop())
        _count(network, show)
    finally:
        door.close()
        for node in smscs:
            node.kill()
        network.close()


async def _listen(node: SimulatedSmsc) -> None:
    try:
        await node.start()
    except OSError as error:
        raise Failed(f"cannot listen on {node.node}: {error.strerror}") from None


def _count(network: Network, show: Show) -> None:
    stats = network.stats()
    if show.as_json:
        show.line("stats", **stats)
        return
    submits, deliveries = stats["submits"], stats["deliveries"]
    show.line(
        "so far",
        binds=stats["binds"],
        taken=submits["taken"],
        refused=submits["refused"],
        unanswered=submits["unanswered"],
        MOs=stats["mos"],
        delivered=deliveries["ok"],
        **{
            "put off": deliveries["put_off"],
            "sent again": deliveries["unanswered"],
            "owed": deliveries["open"],
        },
    )


def _faults(texts: tuple[str, ...], nodes: Sequence[Node]) -> list[Fault]:
    faults = []
    for text in texts:
        try:
            fault = Fault.read(text)
        except UnknownFault as error:
            raise click.UsageError(f"--fault {text}: {error}") from None
        if not any(fault.applies_to(node.site, node.port) for node in nodes):
            raise click.UsageError(f"--fault {text}: no such site or port here")
        faults.append(fault)
    return faults


def _tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
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
