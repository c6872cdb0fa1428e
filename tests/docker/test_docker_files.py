"""The files for Docker, as far as they can be tried without an engine: they load, and agree with each other."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.cli import main
from bridge.config.load import load_config
from bridge.proof.servers import MOST_OF_WAL

DOCKER = Path(__file__).parents[2] / "docker"
SECRETS = {"RABBITMQ_PASSWORD": "one", "SMSC_PASSWORD": "two"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services of the compose file."""
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    services: dict[str, Any] = compose["services"]
    return services


def test_the_workers_configuration_loads() -> None:
    loaded = load_config(DOCKER / "bridge.yaml", SECRETS)
    assert [warning for warning in loaded.warnings if "rebind_seconds" not in warning] == []


def test_the_workers_are_told_every_secret_of_their_configuration(services: dict[str, Any]) -> None:
    assert set(services["worker"]["environment"]) == set(SECRETS)


def test_the_configuration_names_the_nodes_that_the_provider_plays(services: dict[str, Any]) -> None:
    played = {
        site: [f"provider:{port}" for port in ports.split(",")]
        for option in services["provider"]["command"]
        if option.startswith("--site=")
        for site, _, ports in [option.removeprefix("--site=").partition("=")]
    }
    settings = load_config(DOCKER / "bridge.yaml", SECRETS).settings
    named = {
        name: [f"{node.host}:{node.port}" for node in site.smsc]
        for name, site in settings.providers["lab"].sites.items()
    }
    assert named == played


@pytest.mark.parametrize("service", ["worker", "provider"])
def test_the_commands_exist_with_these_options(services: dict[str, Any], service: str) -> None:
    with pytest.raises(SystemExit) as raised:
        main([*services[service]["command"], "--help"])
    assert raised.value.code == 0


def test_a_worker_may_drain_before_it_is_killed(services: dict[str, Any]) -> None:
    assert int(services["worker"]["stop_grace_period"].removesuffix("s")) > 30


def test_rabbitmq_has_the_settings_with_which_the_bridge_is_measured(services: dict[str, Any]) -> None:
    mounted = dict(volume.split(":")[:2] for volume in services["rabbitmq"]["volumes"])
    assert mounted["./rabbitmq.conf"].startswith("/etc/rabbitmq/conf.d/")
    lines = (DOCKER / "rabbitmq.conf").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        f"raft.wal_max_size_bytes = {MOST_OF_WAL}"
    ]
