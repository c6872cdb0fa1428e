"""A worker that speaks TLS with everybody: messages go both ways over it, and nothing is said without."""

from pathlib import Path

import pytest

from bridge.model.names import Names
from bridge.proof.servers import PrivateRabbit
from tests.security.conftest import Certificates, Servers
from tests.security.parties import Ports, document, provider_of
from tests.system.application import Application, ids
from tests.system.processes import Crew

pytestmark = pytest.mark.servers


async def test_a_worker_carries_messages_over_tls_with_its_own_certificate(
    tmp_path: Path, rabbit: PrivateRabbit, asking: Servers, certificates: Certificates, prefix: str
) -> None:
    async with provider_of(certificates.sound, certificates.authority, asks=True) as (smsc, site):
        told = document(
            Ports(asking.rabbit, asking.redis.tls_port, smsc.port, site.port),
            ca=certificates.authority.cert,
            own=certificates.ours,
            prefix=prefix,
        )
        told["routes"]["web"] = {**told["routes"]["default"], "prefer": "http"}
        async with Crew(tmp_path, told) as crew:
            await crew.workers(1)
            async with Application(rabbit.url, Names(prefix), smsc.network) as app:
                await app.publish(ids(3, "smpp"))
                await app.publish(ids(3, "http"), key="mt.web")
                smsc.network.send_mo("Hello")
                await app.until(lambda: len(app.of("mt", outcome="accepted")) == 6)
                await app.until(lambda: len(app.of("dr")) == 3 and bool(app.of("mo")))
    assert {event["id"] for event in app.of("mt", outcome="accepted", via="smpp")} == set(ids(3, "smpp"))
    assert {request.ident for request in site.provider.taken} == set(ids(3, "http"))
