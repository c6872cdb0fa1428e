"""`bridge simulate`: a provider on this machine, its sites and nodes, and its faults. Here the one of SMSCs."""

from collections.abc import Sequence
from pathlib import Path

import click
import uvloop

from bridge.cli.options import Failed
from bridge.cli.simulate_http import http
from bridge.cli.simulated_nodes import SMPP_PORT, Account, configured_nodes, named_nodes
from bridge.cli.simulating import (
    FaultHelp,
    Show,
    play,
    playing_options,
    read_faults,
    server_tls,
    traffic_options,
    where_options,
)
from bridge.simulator.catalogue import Fault
from bridge.simulator.control import Control
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc


@click.group(epilog="Try: bridge simulate smsc --help")
def command() -> None:
    """Play a provider to try things on, with faults."""


command.add_command(http)


class SmscHelp(FaultHelp):
    """The help of `smsc`."""

    faults = Fault


@command.command(
    cls=SmscHelp,
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
@where_options(SMPP_PORT)
@click.option("--system-id", help="Who may bind. [default: bridge]")
@click.option("--password", help="... and with what. [default: secret]")
@traffic_options()
@click.option(
    "--mo-long-every",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Every Nth of them is of several segments; 0: none.",
)
@playing_options("SMPP")
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
    faults = read_faults(Fault, fault_texts, nodes)
    tls = server_tls(tls_cert, tls_key)
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
    try:
        await play(smscs, Control(network, smscs), control, show, lambda: _count(network, show))
    finally:
        network.close()


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
