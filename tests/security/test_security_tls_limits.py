"""TLS with somebody who stops answering: neither a beginning nor a farewell of it is waited for without end.

Every wait for such a peer has a limit of the bridge's own. The one of asyncio's TLS, for a farewell that does not come,
is half a minute: what takes LIMIT_S here has no other.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from pydantic import SecretStr

from bridge.broker import session as broker_session
from bridge.cli import probes
from bridge.config.settings import RedisSettings, Settings
from bridge.links import node, shell
from bridge.links.http.client import HttpClient
from bridge.links.http.errors import AnswerLost, NotConnected
from bridge.links.http.plan import endpoint_plans
from bridge.links.plan import plans
from bridge.model.web import HttpRequest
from bridge.proof.proxy import FaultProxy
from bridge.smpp.events import Bound, Event
from bridge.store import store
from tests.security.conftest import Certificates, Servers
from tests.security.parties import Ports, document, provider_of

pytestmark = pytest.mark.servers
LIMIT_S = 20.0
SHORT_S = 0.2


@asynccontextmanager
async def mute(context: ssl.SSLContext | None) -> AsyncIterator[Ports]:
    """Somebody who takes connections and never says a word, in place of all."""
    over = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.transport.abort()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", ssl=context)
    try:
        yield Ports.all(server.sockets[0].getsockname()[1])
    finally:
        over.set()
        server.close()


@pytest.mark.parametrize("handshakes", [False, True])
async def test_a_beginning_has_a_limit(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, handshakes: bool
) -> None:
    monkeypatch.setattr(broker_session, "CONNECT_LIMIT_S", SHORT_S)
    monkeypatch.setattr(store, "ANSWER_LIMIT_S", SHORT_S)
    monkeypatch.setattr(node, "CONNECT_TIMEOUT_S", SHORT_S)
    monkeypatch.setattr(probes, "BIND_LIMIT_S", SHORT_S)
    async with mute(certificates.sound.server() if handshakes else None) as ports:
        settings = Settings.model_validate(document(ports, ca=certificates.authority.cert))
        rabbit, redis, smsc, _ = probes.probes(settings)
        found = [await probe.run() for probe in (rabbit, redis, smsc)]
        (plan,) = endpoint_plans("p", settings.providers["p"])
        site = HttpClient(plan.url, timeout_s=SHORT_S, window=1, tls=plan.tls, resolver=None)
        with pytest.raises((NotConnected, AnswerLost)):
            await site.exchange(HttpRequest(ident="1"))
        await site.close()
    assert not any(finding.works for finding in found)
    assert not [finding for finding in found if finding.detail.startswith("no result within")]


async def test_a_farewell_to_redis_is_not_waited_for(sound: Servers, certificates: Certificates) -> None:
    async with FaultProxy("127.0.0.1", sound.redis.tls_port) as door:
        url = f"rediss://localhost:{door.port}/0?ssl_ca_certs={certificates.authority.cert}"
        redis = store.Store(RedisSettings(url=SecretStr(url)), worker="w")
        await redis.open()
        door.stall()
        async with asyncio.timeout(LIMIT_S):
            await redis.close()


async def test_a_farewell_to_rabbitmq_has_a_limit(sound: Servers, certificates: Certificates) -> None:
    async with FaultProxy("127.0.0.1", sound.rabbit) as door:
        url = f"amqps://guest:guest@localhost:{door.port}/?cafile={certificates.authority.cert}"
        session = await broker_session.Urls([url]).connect("bridge")
        door.stall()
        async with asyncio.timeout(LIMIT_S):
            await session.close()


async def test_a_farewell_to_an_smsc_has_a_limit(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "LINGER_S", SHORT_S)
    bound = asyncio.Event()

    def hear(_shell: shell.SessionShell, events: list[Event]) -> None:
        if any(isinstance(event, Bound) for event in events):
            bound.set()

    async with (
        provider_of(certificates.sound, certificates.authority) as (smsc, _),
        FaultProxy("127.0.0.1", smsc.port) as door,
    ):
        told = document(Ports.all(door.port), ca=certificates.authority.cert)
        (plan,) = plans("p", Settings.model_validate(told).providers["p"])
        settings = replace(plan.session, response_timeout_s=SHORT_S)
        loop = asyncio.get_running_loop()
        session = await node.connect(plan.node, lambda: shell.SessionShell(settings, hear, loop))
        await bound.wait()
        door.stall()
        session.leave()
        async with asyncio.timeout(LIMIT_S):
            await session.gone
