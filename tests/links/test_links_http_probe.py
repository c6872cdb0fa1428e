"""Asking an endpoint for its head: who counts as there, and what is said of who does not."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.config.settings import ProviderSettings
from bridge.links.http.plan import EndpointPlan, endpoint_plans
from bridge.links.http.probe import Probed, probe
from tests.links.dns_server import dns_server
from tests.links.test_links_tls import make_certificate
from tests.links.web_server import Behaviour, WebServer, answer, closed_port, hang, octets, reset, web_server


def plan_of(url: str, **http: Any) -> EndpointPlan:
    """The endpoint of a provider that has this URL alone."""
    account = {"login": "us", "password": "geheim", **http}
    provider = {"dialect": "genesys", "http": account, "sites": {"one": {"http": url}}}
    (plan,) = endpoint_plans("p", ProviderSettings.model_validate(provider))
    return plan


@pytest.fixture
async def site() -> AsyncIterator[WebServer]:
    async with web_server() as web:
        yield web


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (answer(200, b""), Probed(True, "HTTP 200 to HEAD")),
        (answer(401, b""), Probed(True, "HTTP 401 to HEAD")),
        (answer(405, b""), Probed(True, "HTTP 405 to HEAD")),
        (answer(501, b""), Probed(True, "HTTP 501 to HEAD")),
        (answer(404, b""), Probed(True, "HTTP 404 to HEAD", "HTTP 404: is the URL right?")),
        (
            answer(302, b"", "Location: https://x.example/"),
            Probed(True, "HTTP 302 to HEAD", "redirects elsewhere: configure the URL it points to"),
        ),
        (answer(500, b""), Probed(False, "HTTP 500 to HEAD")),
        (answer(503, b""), Probed(False, "HTTP 503 to HEAD")),
    ],
)
async def test_who_answers_is_there_unless_it_says_otherwise(
    site: WebServer, behaviour: Behaviour, expected: Probed
) -> None:
    site.behaviour = behaviour
    assert await probe(plan_of(f"http://{site.host}:{site.port}/send")) == expected
    (asked,) = site.asked
    assert asked.line == "HEAD /send HTTP/1.1"
    assert "geheim" not in str(asked)


async def test_who_does_not_answer_is_not(site: WebServer) -> None:
    url = f"http://{site.host}:{site.port}/"
    site.behaviour = hang
    assert not (await probe(plan_of(url, timeout_seconds=0.2))).works
    site.behaviour = reset
    assert not (await probe(plan_of(url))).works
    site.behaviour = octets(b"SSH-2.0-OpenSSH\r\n")
    assert not (await probe(plan_of(url))).works
    with closed_port() as port:
        assert await probe(plan_of(f"http://127.0.0.1:{port}/")) == Probed(False, "connection refused")


async def test_a_certificate_must_be_the_hosts(tmp_path: Path) -> None:
    for name in ("localhost", "sms.example"):
        make_certificate(tmp_path, name)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "localhost.pem", tmp_path / "localhost.key")
    async with web_server(tls=context) as web, dns_server() as names:
        names.tell("sms.example", web.host, ttl=60)
        known = {"ca": str(tmp_path / "localhost.pem")}
        assert (await probe(plan_of(f"https://localhost:{web.port}/", tls=known))).works
        strange = await probe(plan_of(f"https://localhost:{web.port}/"))
        assert not strange.works
        assert strange.detail.startswith("TLS: ")
        by_dns = {"strategy": "dns", "nameservers": [names.address], "tls": known}
        elsewhere = await probe(plan_of(f"https://sms.example:{web.port}/", **by_dns))
        assert not elsewhere.works
        assert "sms.example" in elsewhere.detail


async def test_a_host_is_where_the_configured_nameserver_says(site: WebServer) -> None:
    async with dns_server() as names:
        by_dns = {"strategy": "dns", "nameservers": [names.address]}
        names.tell("sms.example", site.host, ttl=0)
        assert (await probe(plan_of(f"http://sms.example:{site.port}/", **by_dns))).works
        (asked,) = site.asked
        assert f"sms.example:{site.port}" in str(asked)
        unknown = await probe(plan_of(f"http://nobody.example:{site.port}/", **by_dns))
        assert unknown == Probed(False, "nobody.example not resolved: no such name")
