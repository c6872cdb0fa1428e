"""What a start loads: of libraries that some configurations need, those of this one, and none before it is read."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

OF_HTTP_SITES = {"h11", "httpx", "bridge.links.http.endpoint", "bridge.links.http_dialects"}
OF_DNS = {"dns"}
OF_CALLBACKS = {"bridge.inbound.callbacks.door"}

SMPP: dict[str, Any] = {
    "smpp": {"system_id": "us", "password": "secret"},
    "sites": {"one": {"smsc": ["127.0.0.1:1"]}},
}
HTTP: dict[str, Any] = {
    "dialect": "genesys",
    "http": {"login": "us", "password": "secret"},
    "sites": {"one": {"http": "http://127.0.0.1:1/"}},
}
CALLBACKS = {"listen": "127.0.0.1:0", "token": "a-token-of-some-length"}

WORKER = """
import asyncio, sys
from pathlib import Path
from bridge.cli.worker import Worker
from bridge.config.load import load_config

async def make():
    return Worker(load_config(Path(sys.argv[1]), {}).settings)

asyncio.run(make())
print(*sys.modules)
"""


def loaded(program: str, *arguments: str) -> set[str]:
    """All modules that a process has loaded which ran this program; it prints them."""
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return set(ran.stdout.split())


@pytest.mark.parametrize(
    ("provider", "more", "expected"),
    [
        (SMPP, {}, set()),
        (SMPP, {"callbacks": CALLBACKS}, set()),
        (HTTP, {}, OF_HTTP_SITES),
        (HTTP | {"http": HTTP["http"] | {"strategy": "dns"}}, {}, OF_HTTP_SITES | OF_DNS),
        (HTTP, {"callbacks": CALLBACKS}, OF_HTTP_SITES | OF_CALLBACKS),
    ],
    ids=["smpp", "smpp, with a door for nobody", "http", "http by dns", "http and callbacks"],
)
def test_a_worker_loads_what_its_configuration_needs(
    tmp_path: Path, provider: dict[str, Any], more: dict[str, Any], expected: set[str]
) -> None:
    config = tmp_path / "bridge.yaml"
    config.write_text(
        json.dumps({"providers": {"p": provider}, "routes": {"r": {"providers": ["p"]}}} | more)
    )
    asked = OF_HTTP_SITES | OF_DNS | OF_CALLBACKS
    assert loaded(WORKER, str(config)) & asked == expected


def test_a_watcher_loads_no_worker() -> None:
    modules = loaded("import sys, bridge.cli.run; print(*sys.modules)")
    assert "bridge.cli.pool" in modules
    assert not {"bridge.app", "bridge.assembly", "redis", "aiormq"} & modules
