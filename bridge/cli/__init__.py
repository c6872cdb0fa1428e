"""The command line: one file per command, imported only when that command runs.

To add a command: a file with a click command named `command`, and its line in COMMANDS.
"""

import errno
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import click

from bridge import __version__
from bridge.build import in_words

COMMANDS = {
    "demo": "See it all on this machine: simulated sites, traffic, a site failing, and the proof.",
    "check": "Lint the configuration, then try RabbitMQ, Redis, every node and endpoint, and say what works.",
    "run": "Carry messages until told to stop.",
    "topology": "Show or declare the exchanges and queues.",
    "send": "Publish one MT and show its life until the receipt.",
    "tail": "Follow events as they are published.",
    "dead": "List, show, replay or drop what ended badly.",
    "bench": "Measure how fast it is here, beside the bare operations it is made of.",
    "simulate": "Play a provider to try things on, with faults.",
    "schema": "Print the JSON Schema of the configuration, of an MT, or of an event.",
}
"""Each command and what it is for, in the order a newcomer meets them."""


@contextmanager
def uncollected() -> Iterator[None]:
    """While code is loaded: what that makes stays, and looking through it for garbage is a tenth of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class CommandTable(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        with uncollected():
            command = import_module(f"{__name__}.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101 - what a command module is
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list in `bridge --help`, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; Ctrl-C ends it without a traceback, and so does a reader that went away (`| head`)."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("\nstopped", err=True)
            ctx.exit(1)
        except ExceptionGroup as group:
            if group.subgroup(BrokenPipeError) is None:
                raise
            raise BrokenPipeError(errno.EPIPE, "nobody reads on") from group  # which click knows


@click.group(
    cls=CommandTable,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="""\b
Begin here:
  bridge demo                                  see it work, nothing to configure
  bridge check -c bridge.yaml                  is my configuration right, who can be reached?
  bridge run -c bridge.yaml                    start a worker
  bridge send --to +447700900123 --text Hello  and watch what becomes of it

\b
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.""",
)
@click.version_option(f"{__version__} ({in_words()})", prog_name="bridge", message="%(prog)s %(version)s")
def main() -> None:
    """SMS between RabbitMQ and every site of your providers, over SMPP and HTTP.

    Producers publish MTs to RabbitMQ; workers send them over whichever link is up, and publish MOs, delivery
    receipts and outcomes back. Nothing is lost, and nothing is doubled that can be avoided.
    """
