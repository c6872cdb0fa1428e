"""The command line as a newcomer meets it: help, version, exit codes, and what a wrong configuration looks like."""

import errno
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bridge import __version__
from bridge.build import in_words
from bridge.cli import COMMANDS, CommandTable, main
from bridge.cli.options import Failed, config_option, load, settings_of

MINIMAL = """\
providers:
  one:
    smpp: {system_id: me, password: secret, rebind_seconds: 1}
    sites: {here: {smsc: ["localhost:2775"]}}
routes:
  default: {providers: [one], from: "12345"}
"""


@click.command
@config_option
def show(config: Path) -> None:
    click.echo(settings_of(config).routes["default"].from_)


def test_help_teaches_and_lists_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert "bridge demo" in result.stdout
    assert "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration." in result.stdout
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout


def test_completion_knows_the_commands() -> None:
    assert main.list_commands(click.Context(main)) == list(COMMANDS)


def test_version() -> None:
    assert CliRunner().invoke(main, ["--version"]).stdout == f"bridge {__version__} ({in_words()})\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_takes_the_configuration(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    command = main.get_command(click.Context(main), name)
    commands = command.commands.values() if isinstance(command, click.Group) else ()
    leaves: list[click.Command | None] = [leaf for leaf in commands if not leaf.hidden]
    for leaf in leaves or [command]:
        assert leaf is not None
        assert any("--config" in parameter.opts for parameter in leaf.params), leaf.name


def test_an_unknown_command_is_wrong_usage() -> None:
    result = CliRunner().invoke(main, ["rum"])
    assert result.exit_code == 2
    assert "No such command" in result.stderr


def test_wrong_configuration_is_a_line_per_problem_and_exit_2(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(MINIMAL.replace("rebind_seconds", "rebind_second").replace("[one]", "[two]"))
    result = CliRunner().invoke(show, ["-c", str(path)])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"{path}:3: providers.one.smpp.rebind_second: is not a key that belongs here; did you mean rebind_seconds?",
        f"{path}:6: routes.default.providers[0]: names no provider; there is one",
    ]


def test_the_configuration_is_named_by_option_environment_or_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(MINIMAL)
    runner = CliRunner()
    by_option = runner.invoke(show, ["-c", str(path)])
    assert (by_option.exit_code, by_option.stdout) == (0, "12345\n")
    assert by_option.stderr.startswith(f"warning: {path}:3: providers.one.smpp.rebind_seconds: 30 or less")
    assert runner.invoke(show, env={"BRIDGE_CONFIG": str(path)}).stdout == "12345\n"
    monkeypatch.chdir(tmp_path.parent)
    missing = runner.invoke(show)
    assert missing.exit_code == 2
    assert missing.stderr.startswith("bridge.yaml: cannot be read: No such file or directory; -c FILE")


def test_load_gives_settings_and_warnings(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(MINIMAL)
    loaded = load(path)
    assert list(loaded.settings.providers) == ["one"]
    assert len(loaded.warnings) == 1


def test_failures_and_ctrl_c_end_without_a_traceback() -> None:
    class Table(CommandTable):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
            return {
                "fails": click.Command("fails", callback=fails),
                "waits": click.Command("waits", callback=waits),
                "tells": click.Command("tells", callback=tells),
            }[cmd_name]

    def fails() -> None:
        raise Failed("no broker")

    def waits() -> None:
        raise KeyboardInterrupt

    def tells() -> None:
        raise ExceptionGroup("a task of it", [BrokenPipeError(errno.EPIPE, "nobody reads on")])

    table = Table("bridge")
    failed = CliRunner().invoke(table, ["fails"])
    assert (failed.exit_code, failed.stderr) == (1, "Error: no broker\n")
    stopped = CliRunner().invoke(table, ["waits"])
    assert (stopped.exit_code, stopped.stderr) == (1, "\nstopped\n")
    unread = CliRunner().invoke(table, ["tells"])
    assert (unread.exit_code, unread.output) == (1, "")
    assert isinstance(unread.exception, SystemExit), "`| head` is no fault that wants a traceback"
