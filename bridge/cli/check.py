"""`bridge check`: is the configuration right, and does everything it names answer?"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import orjson
import uvloop
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.cli.options import WrongConfig, config_option, json_option, load, paper
from bridge.cli.probes import Finding, Probe, probes
from bridge.config.load import ConfigError, Problem
from bridge.links.tls import Unusable
from bridge.ops import logs


@click.command(
    epilog="""\b
Examples:
  bridge check -c bridge.yaml           a table for you
  bridge check -c bridge.yaml --json    the same for a script"""
)
@config_option
@json_option
def command(config: Path, as_json: bool) -> None:
    """Lint the configuration, then try RabbitMQ, Redis, every node and endpoint, and say what works.

    Binds to each node once and unbinds again, asks each endpoint for its head; declares nothing and sends nothing. A
    running worker is not disturbed, unless the provider allows no further bind: then the node refuses.

    Exit code 0 if all of it works, 1 if anything does not, 2 if the configuration is wrong.
    """
    logs.configure("console", "critical")  # what the rooms would log is what the table says
    loaded = load(config)
    try:
        to_try = probes(loaded.settings)
    except Unusable as error:
        raise WrongConfig(ConfigError(config, (Problem(None, "", str(error)),))) from None
    findings = uvloop.run(_run_all(to_try))  # as a worker would: its loop hears what TLS says last
    if as_json:
        click.echo(_as_json(findings, loaded.warnings))
    else:
        for warning in loaded.warnings:
            click.echo(f"warning: {warning}", err=True)
        _show(findings)
    sys.exit(0 if all(finding.works for finding in findings) else 1)


async def _run_all(to_try: Sequence[Probe]) -> list[Finding]:
    """All at once, with a word on the terminal while it lasts."""
    names = f"RabbitMQ, Redis and {len(to_try) - 2} links"
    with Console(stderr=True).status(f"trying {names} ..."):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(probe.run()) for probe in to_try]
    return [task.result() for task in tasks]


def _as_json(findings: Sequence[Finding], warnings: Sequence[str]) -> str:
    works = all(finding.works for finding in findings)
    report = {"works": works, "warnings": warnings, "findings": findings}
    return orjson.dumps(report, option=orjson.OPT_INDENT_2).decode()


def _show(findings: Sequence[Finding]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for column in ("", "what", "where", "result"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        mark = Text("works", style="green") if finding.works else Text("fails", style="bold red")
        table.add_row(mark, Text(finding.kind), Text(finding.name), Text(finding.detail))
        for note in finding.notes:
            table.add_row(Text("note", style="yellow"), Text(), Text(), Text(note))
    paper().print(table)
