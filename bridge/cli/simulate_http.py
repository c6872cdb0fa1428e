"""`bridge simulate http`: an HTTP provider on this machine, its sites, and its faults."""

from collections.abc import Sequence
from pathlib import Path

import click
import uvloop

from bridge.cli.options import Failed
from bridge.cli.simulated_nodes import HTTP_PORT, Account, CallTo, configured_sites, named_nodes
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
from bridge.simulator.http.control import HttpControl
from bridge.simulator.http.faults import HttpFault
from bridge.simulator.http.provider import AGAIN_S, REPEATS, STYLES, HttpProvider
from bridge.simulator.http.site import HttpSite


class HttpHelp(FaultHelp):
    """The help of `http`."""

    faults = HttpFault


@click.command(
    cls=HttpHelp,
    epilog="""\b
Examples:
  bridge simulate http                              one site on port 8090; login bridge, password secret
  bridge simulate http --site dc3=8090 --site bos=8091 --callback-url http://localhost:8080/callbacks/genesys
                       --callback-token secret      two sites; receipts go to a worker
  bridge simulate http --fault hang:every=10,taken=no --fault callbacks-twice
                                                    every tenth message is never answered
  bridge simulate http -c bridge.yaml               the sites on this machine of a configuration's provider
  bridge simulate http --control 2701 --log http.jsonl
  echo '{"do": "kill", "site": "site"}' | nc -N localhost 2701""",
)
@where_options(HTTP_PORT)
@click.option(
    "--style", type=click.Choice(list(STYLES)), default="genesys", show_default=True, help="Its kind."
)
@click.option("--login", help="Who may send. [default: bridge]")
@click.option("--password", help="... and with what. [default: secret]")
@click.option(
    "--callback-url",
    "callback_urls",
    multiple=True,
    metavar="URL",
    help="Where receipts and messages from phones go; of several, to each in turn.",
)
@click.option(
    "--callback-token",
    help="Bearer token to show there. (A query, or user:password@ before the host, can be in the URL.)",
)
@click.option(
    "--callback-again",
    type=click.FloatRange(min=0.01),
    default=AGAIN_S,
    show_default=True,
    help="Seconds until a callback that was not answered 2XX is sent again.",
)
@click.option(
    "--callback-repeats",
    type=click.IntRange(min=0),
    default=REPEATS,
    show_default=True,
    help="How often it is sent again at most.",
)
@traffic_options()
@playing_options("HTTP")
def http(
    ports: tuple[int, ...],
    sites: tuple[str, ...],
    host: str,
    style: str,
    login: str | None,
    password: str | None,
    callback_urls: tuple[str, ...],
    callback_token: str | None,
    callback_again: float,
    callback_repeats: int,
    receipt_delay: float,
    mo_rate: float,
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
    """Play an HTTP provider: any number of sites that share one store of messages.

    It takes messages, calls back with a receipt for each that asks for one, and with texts from phones at a rate;
    what is not answered 2XX is sent again. Ctrl-C or SIGTERM ends it.
    """
    if config:
        nodes, account, call_to = configured_sites(config, provider)
    else:
        nodes, account, call_to = [], Account("bridge", "secret"), CallTo()
    if ports or sites or not nodes:
        nodes = named_nodes(host, ports, sites, HTTP_PORT)
    faults = read_faults(HttpFault, fault_texts, nodes)
    tls = server_tls(tls_cert, tls_key)
    try:
        played = HttpProvider(
            style=style,
            login=login or account.system_id,
            password=password or account.password,
            callback_urls=callback_urls or call_to.urls,
            callback_token=callback_token or call_to.token,
            receipt_delay_s=receipt_delay,
            mo_rate=mo_rate,
            again_s=callback_again,
            most_times=callback_repeats,
            log=log,
            keep_records=False,
        )
    except OSError as error:
        raise Failed(f"cannot write {log}: {error.strerror}") from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    listeners = [
        HttpSite(
            played,
            site=node.site,
            host=node.host,
            port=node.port,
            faults=[fault.build() for fault in faults if fault.applies_to(node.site, node.port)],
            tls=tls,
        )
        for node in nodes
    ]
    uvloop.run(_play(played, listeners, control, Show(every_s, as_json)))


async def _play(played: HttpProvider, sites: Sequence[HttpSite], control: int | None, show: Show) -> None:
    try:
        await play(sites, HttpControl(played, sites), control, show, lambda: _count(played, show))
    finally:
        await played.close()


def _count(played: HttpProvider, show: Show) -> None:
    stats = played.stats()
    if show.as_json:
        show.line("stats", **stats)
        return
    requests, callbacks = stats["requests"], stats["callbacks"]
    show.line(
        "so far",
        taken=requests["taken"],
        refused=requests["refused"],
        unanswered=requests["unanswered"],
        MOs=stats["mos"],
        **{
            "called back": callbacks["ok"],
            "turned away": callbacks["refused"],
            "no answer": callbacks["unanswered"],
            "given up": callbacks["given_up"],
            "owed": callbacks["open"],
        },
    )
