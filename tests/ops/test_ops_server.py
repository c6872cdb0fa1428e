"""The private pages on a real port."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bridge.ops.health import LinkView, missing
from bridge.ops.metrics import Metric, registry_of
from bridge.ops.server import TRIED_PORTS, CannotListen, OpsServer


@dataclass
class Link:
    provider: str = "genesys"
    site: str = "dc3"
    name: str = "smsc1:2775"
    via: str = "smpp"
    bound: bool = True
    active: bool = True
    free: int = 9
    in_flight: int = 1
    reason: str = ""


@dataclass
class Worker:
    worker: str = "w1"
    version: str = "0.1.0"
    broker_up: bool = True
    store_up: bool = True
    links: Sequence[LinkView] = field(default_factory=lambda: [Link()])
    routes: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"default": {"consuming": True}})


@pytest.fixture
async def worker() -> Worker:
    return Worker()


@pytest.fixture
async def client(worker: Worker) -> AsyncIterator[httpx.AsyncClient]:
    registry = registry_of([Metric("worker_up", "One", "gauge", (), lambda: [((), 1.0)])])
    server = OpsServer("127.0.0.1", 0, worker, registry)
    server.open()
    running = asyncio.create_task(server.run())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield client
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_healthz(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "worker": "w1"})


async def test_readyz_says_what_is_missing(client: httpx.AsyncClient, worker: Worker) -> None:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "missing": []})
    worker.broker_up = worker.store_up = False
    worker.links = [Link(active=False)]
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "missing": ["broker", "redis", "link"]}


def test_one_link_of_many_is_enough() -> None:
    assert missing(Worker(links=[Link(active=False), Link()])) == []
    assert missing(Worker(links=[])) == ["link"]


async def test_metrics_and_state(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "bridge_worker_up 1.0" in answer.text
    state = (await client.get("/api/state")).json()
    assert (state["worker"], state["version"], state["ready"]) == ("w1", "0.1.0", True)
    assert state["broker"] == state["redis"] == {"up": True}
    assert state["routes"] == {"default": {"consuming": True}}
    assert state["links"] == [
        {
            "provider": "genesys",
            "site": "dc3",
            "link": "smsc1:2775",
            "via": "smpp",
            "bound": True,
            "up": True,
            "free": 9,
            "in_flight": 1,
            "reason": None,
        }
    ]
    assert (await client.get("/nothing")).status_code == 404


async def test_signals_stay_with_the_application(client: httpx.AsyncClient) -> None:
    before = signal.getsignal(signal.SIGTERM)
    await client.get("/healthz")
    assert signal.getsignal(signal.SIGTERM) is before is signal.SIG_DFL


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("127.0.0.1", 65536, r"127\.0\.0\.1:65536: a port is at most 65535"),
        ("192.0.2.1", 0, r"192\.0\.2\.1:0: Cannot assign requested address"),
        ("2001:db8::1", 0, r"\[2001:db8::1\]:0: Cannot assign requested address"),
        ("no host", 0, r"no host:0: Name or service not known"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_clear_line(host: str, port: int, message: str) -> None:
    server = OpsServer(host, port, Worker(), registry_of([]))
    with pytest.raises(CannotListen, match=rf"^ops\.listen: cannot listen on {message}$"):
        server.open()


def test_a_taken_port_is_passed_over() -> None:
    first = OpsServer("127.0.0.1", 0, Worker(), registry_of([]))
    first.open()
    second = OpsServer("127.0.0.1", first.port, Worker(), registry_of([]))
    with capture_logs() as logged:
        second.open()
    assert first.port < second.port < first.port + TRIED_PORTS
    assert [line["event"] for line in logged] == ["ops.port_taken"]
    assert logged[0]["listens_on"] == second.port
    first.close()
    second.close()


def test_where_no_port_is_free_it_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.ops.server.TRIED_PORTS", 1)
    first = OpsServer("127.0.0.1", 0, Worker(), registry_of([]))
    first.open()
    second = OpsServer("127.0.0.1", first.port, Worker(), registry_of([]))
    with pytest.raises(CannotListen, match=r"^ops\.listen: cannot listen on 127\.0\.0\.1:\d+: it is taken, "):
        second.open()
    first.close()
