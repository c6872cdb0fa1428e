"""What all commands share: -c, the configuration behind it, --json or a table, and how a failure ends the process."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from bridge.config.load import ConfigError, Loaded, load_config
from bridge.config.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

config_option: Callable[[F], F] = click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("bridge.yaml"),
    envvar="BRIDGE_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The configuration file.",
)
"""Every command has it; its parameter is `config: Path`."""

json_option: Callable[[F], F] = click.option("--json", "as_json", is_flag=True, help="For scripts: JSON.")
"""Of commands whose output a script might read; its parameter is `as_json: bool`."""


PAPER_COLUMNS = 200
"""Width where there is no terminal: no line should be broken for nobody."""


def paper() -> Console:
    """Where tables are printed: stdout."""
    console = Console()
    if not console.is_terminal:
        console.width = PAPER_COLUMNS
    return console


class Failed(click.ClickException):
    """The command could not do it: one clear line, exit code 1."""

    exit_code = 1


class WrongConfig(click.ClickException):
    """The configuration cannot be used: one line per problem, exit code 2."""

    exit_code = 2

    def __init__(self, error: ConfigError) -> None:
        super().__init__(str(error))

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - click's signature
        """The problems as they are: each line begins with file and line number, for editors to jump to."""
        click.echo(self.message, err=True)


def load(config: Path) -> Loaded:
    """The configuration and its warnings; ends the command where it cannot be used."""
    try:
        return load_config(config, os.environ)
    except ConfigError as error:
        raise WrongConfig(error) from None


def settings_of(config: Path) -> Settings:
    """The settings, with the warnings told on stderr."""
    loaded = load(config)
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    return loaded.settings
