"""`bridge schema`: the JSON Schemas on stdout. The files in schemas/ are its output."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bridge.cli.event_schemas import dr_schema, mo_schema, mt_event_schema, site_schema
from bridge.cli.options import config_option
from bridge.config.schema import config_schema
from bridge.outbound.mt_schema import mt_schema

SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "config": config_schema,
    "mt": mt_schema,
    "mo": mo_schema,
    "dr": dr_schema,
    "mt-event": mt_event_schema,
    "site": site_schema,
}


def rendered(name: str) -> str:
    """The schema of this name as text."""
    return json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False)


@click.command(
    epilog="""\b
Examples:
  bridge schema config > bridge-config.v1.json   for the editor; the first line of bridge.yaml names it:
                                                 # yaml-language-server: $schema=bridge-config.v1.json
  bridge schema mt                               what producers publish
  bridge schema dr                               what consumers get"""
)
@click.argument("name", type=click.Choice(list(SCHEMAS)))
@config_option
def command(name: str, config: Path) -> None:  # noqa: ARG001 - every command takes -c
    """Print a JSON Schema: of the configuration (with every default), of an MT, or of an event.

    mo, dr, mt-event and site are the events; mt is the body that producers publish.
    """
    click.echo(rendered(name))
