"""`bridge check` against real servers and simulated SMSCs, good and bad; once as a process."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.probes import NAMED
from bridge.proof.servers import PrivateRabbit
from bridge.simulator.faults.links import BlackHole, RefuseBind
from bridge.simulator.http.faults import Redirect, Status
from bridge.simulator.http.provider import HttpProvider
from bridge.simulator.http.site import HttpSite
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from bridge.smpp.consts import ESME_RALYBND, ESME_RBINDFAIL, ESME_RINVPASWD
from tests.cli.invoked import invoked

pytestmark = pytest.mark.servers
CLOSED_PORT = 1


async def check(path: Path, *options: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    return await invoked("check", "-c", str(path), *options)


@pytest.fixture
async def smsc() -> AsyncIterator[SimulatedSmsc]:
    smsc = SimulatedSmsc()
    await smsc.start()
    yield smsc
    await smsc.stop()
    smsc.network.close()


class Configuration:
    """A configuration on the private servers, to be changed by a test."""

    def __init__(self, path: Path, amqp: str, redis: str, prefix: str) -> None:
        self.path = path
        self.data: dict[str, Any] = {
            "broker": {"url": amqp, "prefix": prefix},
            "redis": {"url": redis, "prefix": prefix},
            "providers": {
                "one": {
                    "smpp": {"system_id": "bridge", "password": "secret"},
                    "sites": {"here": {"smsc": []}},
                }
            },
            "routes": {"default": {"providers": ["one"], "from": "12345"}},
        }

    @property
    def smpp(self) -> dict[str, Any]:
        smpp: dict[str, Any] = self.data["providers"]["one"]["smpp"]
        return smpp

    def save(self, *nodes: str) -> Path:
        self.data["providers"]["one"]["sites"]["here"]["smsc"] = list(nodes)
        self.path.write_text(json.dumps(self.data))  # JSON is YAML
        return self.path


@pytest.fixture
def configuration(tmp_path: Path, rabbit: PrivateRabbit, redis_url: str, prefix: str) -> Configuration:
    return Configuration(tmp_path / "bridge.yaml", rabbit.url, redis_url, prefix)


def details(out: str) -> dict[str, dict[str, Any]]:
    return {finding["name"]: finding for finding in json.loads(out)["findings"]}


async def test_all_works(configuration: Configuration, smsc: SimulatedSmsc) -> None:
    smsc.network.send_mo()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "check", "-c", str(configuration.save(smsc.node))), stdout=PIPE
    )
    octets, _ = await process.communicate()
    out = octets.decode()
    assert process.returncode == 0, out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0].startswith("works RabbitMQ localhost:") or lines[0].startswith(
        "works RabbitMQ 127.0.0.1:"
    )
    assert "connected; bridge run will declare" in lines[0]
    assert lines[1].startswith("works Redis ")
    assert lines[-1] == f"works one here {smsc.node} bound as transceiver, and unbound"
    await smsc.network.until(lambda: not smsc.sessions)
    assert all(delivery.status != 0 for delivery in smsc.network.deliveries), "took an MO it cannot keep"


async def test_every_kind_of_bind_is_tried_once(configuration: Configuration, smsc: SimulatedSmsc) -> None:
    configuration.smpp.update(bind="transmitter+receiver", binds_per_node=3)
    code, out, _ = await check(configuration.save(smsc.node), "--json")
    assert code == 0, out
    found = {
        name: finding["detail"] for name, finding in details(out).items() if finding["kind"] == "one here"
    }
    assert found == {
        f"{smsc.node}/tx": "bound as transmitter, and unbound",
        f"{smsc.node}/rx": "bound as receiver, and unbound",
    }


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (ESME_RINVPASWD, "; check system_id and password, and that the provider admits"),
        (ESME_RALYBND, "; is a worker bound already"),
        (ESME_RBINDFAIL, ""),
    ],
)
async def test_a_refused_bind_says_why(
    configuration: Configuration, smsc: SimulatedSmsc, status: int, hint: str
) -> None:
    smsc.behave(RefuseBind(status=status))
    code, out, _ = await check(configuration.save(smsc.node), "--json")
    assert code == 1
    finding = details(out)[smsc.node]
    assert not finding["works"]
    assert finding["detail"].startswith("bind refused: ESME_R")
    assert hint in finding["detail"]


async def test_one_bad_node_hides_no_good_one(configuration: Configuration, smsc: SimulatedSmsc) -> None:
    hole = SimulatedSmsc(network=Network(), behaviours=[BlackHole()])
    await hole.start()
    dead = f"127.0.0.1:{CLOSED_PORT}"
    code, out, _ = await check(configuration.save(dead, hole.node, smsc.node), "--json")
    hole.kill()
    hole.network.close()
    assert code == 1
    found = details(out)
    assert found[dead]["detail"] == "connection refused"
    assert not found[hole.node]["works"]
    assert found[smsc.node]["works"]


async def test_servers_that_are_not_there(configuration: Configuration, smsc: SimulatedSmsc) -> None:
    configuration.data["broker"]["url"] = f"amqp://guest:hidden-pw@127.0.0.1:{CLOSED_PORT}/"
    configuration.data["redis"]["url"] = f"redis://:hidden-pw@127.0.0.1:{CLOSED_PORT}/0?password=hidden-pw"
    code, out, err = await check(configuration.save(smsc.node))
    assert code == 1
    marks = [line.split()[0] for line in out.splitlines()]
    assert marks == ["fails", "fails", "works"]
    assert "hidden-pw" not in out + err


async def test_a_wrong_password_of_rabbitmq(configuration: Configuration, smsc: SimulatedSmsc) -> None:
    configuration.data["broker"]["url"] = configuration.data["broker"]["url"].replace(
        "guest:guest", "guest:wrong-pw"
    )
    code, out, err = await check(configuration.save(smsc.node))
    assert code == 1
    assert "refuses the user 'guest' or its password" in out
    assert "wrong-pw" not in out + err


async def test_what_is_missing_is_a_fault_where_nobody_declares(
    configuration: Configuration, smsc: SimulatedSmsc, prefix: str
) -> None:
    configuration.data["broker"]["declare"] = False
    code, out, _ = await check(configuration.save(smsc.node), "--json")
    assert code == 1
    detail = json.loads(out)["findings"][0]["detail"]
    assert detail.count("is missing: run `bridge topology apply`") == NAMED
    assert f"exchange {prefix}." in detail
    assert detail.endswith(" more")


async def test_a_certificate_that_cannot_be_used_is_wrong_configuration(
    configuration: Configuration, smsc: SimulatedSmsc
) -> None:
    configuration.smpp["tls"] = {"ca": "/nowhere/ca.pem"}
    code, out, err = await check(configuration.save(smsc.node))
    assert (code, out) == (2, "")
    assert err.startswith(f"{configuration.path}: providers.one.smpp.tls: cannot use the authorities in")


async def test_a_wrong_configuration_tries_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text("provider: {}\n")
    code, out, err = await check(path)
    assert (code, out) == (2, "")
    assert "did you mean providers?" in err


async def test_endpoints_are_tried_and_sent_nothing(configuration: Configuration) -> None:
    provider = HttpProvider()
    sites = [
        HttpSite(provider, site=name, faults=faults)
        for name, faults in (
            ("well", []),
            ("broken", [Status(code=500)]),
            ("moved", [Redirect()]),
            ("gone", []),
        )
    ]
    for site in sites:
        await site.start()
    sites[-1].kill()
    configuration.data["providers"] = {
        "one": {
            "dialect": "genesys",
            "http": {"login": "bridge", "password": "secret", "primary": "well"},
            "sites": {site.site: {"http": site.url} for site in sites},
        }
    }
    configuration.path.write_text(json.dumps(configuration.data))
    code, out, _ = await check(configuration.path, "--json")
    await provider.close()
    assert code == 1, out
    found = {
        finding["kind"]: (finding["works"], finding["detail"], len(finding["notes"]))
        for finding in json.loads(out)["findings"]
        if finding["kind"].startswith("one ")
    }
    assert found == {
        "one well": (True, "HTTP 200 to HEAD", 0),
        "one broken": (False, "HTTP 500 to HEAD", 0),
        "one moved": (True, "HTTP 302 to HEAD", 1),
        "one gone": (False, "connection refused", 0),
    }
    assert provider.requests == []
