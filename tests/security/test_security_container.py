"""What the image and its container may do, as far as their files tell, and that a worker writes to no file at all."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.proof.servers import PrivateRabbit
from bridge.simulator.smsc import SimulatedSmsc
from tests.system.lab import document
from tests.system.processes import Crew

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
INSTRUCTIONS = re.findall(r"^([A-Z]+) (.*)$", DOCKERFILE.replace("\\\n", ""), re.MULTILINE)
OURS = ["worker", "provider"]
SECRET = re.compile(r"passw|secret|token|credential|\bkey\b", re.IGNORECASE)


def test_the_image_runs_as_an_ordinary_user() -> None:
    *_, last = [value for name, value in INSTRUCTIONS if name == "USER"]
    assert int(last) > 0
    last_stage = max(index for index, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM")
    assert ("USER", last) in INSTRUCTIONS[last_stage:]


def test_no_layer_is_told_or_given_a_secret() -> None:
    assert not [value for name, value in INSTRUCTIONS if name in ("ENV", "ARG") and SECRET.search(value)]
    copied = {
        source
        for name, value in INSTRUCTIONS
        if name in ("COPY", "ADD") and "--from" not in value
        for source in value.split()[:-1]
    }
    assert copied == {"requirements.lock", "setup.py", "pyproject.toml", "README.md", "LICENSE", "bridge"}
    ignored, *but = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] != "#"]
    assert ignored == "*"
    assert {line.removeprefix("!") for line in but if line.startswith("!")} == copied


@pytest.mark.parametrize("service", OURS)
def test_the_container_may_do_nothing_but_run(service: str) -> None:
    told: dict[str, Any] = COMPOSE["services"][service]
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert told["ulimits"] == {"core": 0}
    assert not {"privileged", "user", "cap_add", "tmpfs", "ports", "network_mode"} & told.keys()
    assert all(volume.endswith(":ro") for volume in told.get("volumes", ()))


def test_nothing_is_published_beyond_this_machine() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


WATCH = """
import os, sys

def refuse(what):
    sys.stderr.write(f"tried to write: {what}\\n")
    raise PermissionError(what)

def refuse_to_write(event, arguments):
    if event == "open" and arguments[0] != os.devnull and not isinstance(arguments[0], int):
        mode, flags = arguments[1], arguments[2]
        if (mode and set(mode) & set("wax+")) or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse(arguments[0])
    elif event in ("os.mkdir", "os.rename", "os.symlink", "os.link", "tempfile.mkstemp", "tempfile.mkdtemp"):
        refuse(event)

sys.addaudithook(refuse_to_write)
sys.stderr.write("watched\\n")
"""


async def test_a_worker_writes_to_no_file(
    tmp_path: Path,
    rabbit: PrivateRabbit,
    redis_url: str,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that it runs on a file system that is read-only."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(WATCH)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(hooks), str(ROOT)]))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    smsc = SimulatedSmsc()
    await smsc.start()
    try:
        async with Crew(tmp_path, document(rabbit.url, redis_url, prefix, {"one": [smsc.node]})) as crew:
            (worker,) = await crew.workers(1)
            assert await worker.stop() == 0
    finally:
        smsc.kill()
        smsc.network.close()
    assert "watched" in worker.lines
    assert "tried to write" not in worker.output
