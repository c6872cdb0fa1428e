"""Missing system packages: apt as root where there is one, else a message that can be followed word by word."""

import os
from pathlib import Path

import pytest

from bridge.proof.packages import NotInstalled, install


@pytest.fixture
def fake_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An apt-get that writes its arguments down and fails to find the package `unknown`; the file it writes to."""
    log = tmp_path / "log"
    script = tmp_path / "apt-get"
    script.write_text(
        f'#!/bin/sh\necho "$@" >> {log}\n'
        'case "$*" in *unknown) echo "E: Unable to locate package unknown"; exit 100;; esac\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return log


def test_root_installs_with_apt(fake_apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    said: list[str] = []
    install(["redis-server"], "Redis", said.append)
    assert fake_apt.read_text().splitlines() == [
        "--quiet update",
        "--quiet install --yes --no-install-recommends redis-server",
    ]
    assert said == ["installing redis-server with apt-get"]


def test_what_apt_says_when_it_fails_is_quoted(fake_apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(NotInstalled, match="E: Unable to locate package unknown"):
        install(["unknown"], "Something", print)


def test_an_ordinary_user_is_told_the_command(fake_apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NotInstalled) as raised:
        install(["redis-server"], "Redis", print, "Or with Docker: docker run redis:7")
    assert str(raised.value).splitlines() == [
        "Redis is needed and not installed. Please run:",
        "    sudo apt-get install --yes redis-server",
        "Or with Docker: docker run redis:7",
    ]
    assert not fake_apt.exists()


def test_elsewhere_the_command_says_for_which_systems_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotInstalled, match=r"Debian, Ubuntu; or the same with your system's packages"):
        install(["redis-server"], "Redis", print)
