"""TLS to RabbitMQ, Redis, an SMSC and an HTTP site: spoken with whoever is who they should be, and nobody else."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.proof.machine import free_ports
from bridge.proof.servers import PrivateRabbit
from tests.security.authority import Identity
from tests.security.conftest import Certificates, Servers
from tests.security.parties import Ports, document, provider_of, tried

pytestmark = pytest.mark.servers


@asynccontextmanager
async def openssl_server(certificates: Certificates, *options: str) -> AsyncIterator[int]:
    """The port of somebody who does nothing but TLS, the way of these options."""
    (port,) = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        *("openssl", "s_server", "-accept", str(port), "-cert", str(certificates.sound.cert)),
        *("-key", str(certificates.sound.key), "-CAfile", str(certificates.authority.cert), *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        while b"ACCEPT" not in await process.stdout.readline():
            pass
        yield port
    finally:
        process.kill()
        await process.communicate()


@asynccontextmanager
async def parties(
    servers: Servers, certificates: Certificates, identity: Identity, *, asks: bool = False
) -> AsyncIterator[Ports]:
    """All four."""
    async with provider_of(identity, certificates.authority, asks=asks) as (smsc, site):
        yield Ports(servers.rabbit, servers.redis.tls_port, smsc.port, site.port)


async def test_all_are_reached_by_who_trusts_their_authority(
    sound: Servers, certificates: Certificates
) -> None:
    async with parties(sound, certificates, certificates.sound) as ports:
        found = await tried(document(ports, ca=certificates.authority.cert))
    assert all(finding.works for finding in found.values()), found


UNKNOWN = {
    "RabbitMQ": "if its authority is a private one, name the file of that in ?cafile= of broker.url",
    "Redis": "if its authority is a private one, name the file of that in ?ssl_ca_certs= of redis.url",
    "SMSC": "if its authority is a private one, name the file of that in tls.ca",
    "site": "if its authority is a private one, name the file of that in tls.ca",
}
OTHER_NAME = dict.fromkeys(
    UNKNOWN, "not valid for '127.0.0.1'. Connect by a name that stands in its certificate"
)
EXPIRED = dict.fromkeys(UNKNOWN, "certificate has expired: it has to be renewed")


async def refused(told: Mapping[str, object], because: Mapping[str, str]) -> None:
    """Nobody is spoken to, and why is said of each."""
    found = await tried(told)
    assert not any(finding.works for finding in found.values()), found
    for kind, reason in because.items():
        assert "TLS: " in found[kind].detail
        assert reason in found[kind].detail


async def test_nobody_of_an_unknown_authority_is_spoken_to_by_default(
    sound: Servers, certificates: Certificates
) -> None:
    async with parties(sound, certificates, certificates.sound) as ports:
        await refused(document(ports), UNKNOWN)


async def test_nobody_of_another_authority(sound: Servers, certificates: Certificates) -> None:
    async with parties(sound, certificates, certificates.sound) as ports:
        await refused(document(ports, ca=certificates.stranger.cert), UNKNOWN)


async def test_nobody_of_another_name(sound: Servers, certificates: Certificates) -> None:
    async with parties(sound, certificates, certificates.sound) as ports:
        await refused(document(ports, ca=certificates.authority.cert, host="127.0.0.1"), OTHER_NAME)


async def test_nobody_whose_certificate_has_expired(expired: Servers, certificates: Certificates) -> None:
    async with parties(expired, certificates, certificates.expired) as ports:
        await refused(document(ports, ca=certificates.authority.cert), EXPIRED)


async def test_who_asks_for_a_certificate_of_ours_is_shown_it(
    asking: Servers, certificates: Certificates
) -> None:
    async with parties(asking, certificates, certificates.sound, asks=True) as ports:
        found = await tried(document(ports, ca=certificates.authority.cert, own=certificates.ours))
    assert all(finding.works for finding in found.values()), found


OURS_MISSING = {
    "RabbitMQ": "see ?certfile= and &keyfile= of broker.url",
    "Redis": "see ?ssl_certfile= and &ssl_keyfile= of redis.url",
    "SMSC": "see tls.cert and tls.key",
    "site": "see tls.cert and tls.key",
}


async def test_who_asks_for_a_certificate_and_is_shown_none(
    asking: Servers, certificates: Certificates
) -> None:
    async with openssl_server(certificates, "-Verify", "1", "-verify_return_error") as port:
        ports = Ports(asking.rabbit, asking.redis.tls_port, port, port)
        await refused(document(ports, ca=certificates.authority.cert), OURS_MISSING)


async def test_tls_of_before_1_2_is_not_spoken(certificates: Certificates) -> None:
    async with openssl_server(certificates, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0") as port:
        told = document(Ports.all(port), ca=certificates.authority.cert)
        await refused(told, dict.fromkeys(UNKNOWN, "it has to speak TLS 1.2 or newer"))


async def test_who_speaks_no_tls_is_told_apart(rabbit: PrivateRabbit, certificates: Certificates) -> None:
    told = document(Ports.all(rabbit.port), ca=certificates.authority.cert)
    await refused(told, dict.fromkeys(UNKNOWN, "is it TLS that listens there?"))


@pytest.mark.parametrize("content", [None, "nothing"])
async def test_files_that_cannot_be_used_are_told(
    sound: Servers, certificates: Certificates, tmp_path: Path, content: str | None
) -> None:
    """Those of SMSCs and sites are read at start: `tests/links/test_links_tls.py`."""
    ca = tmp_path / "ca.pem"
    if content:
        ca.write_text(content)
    told = document(Ports(sound.rabbit, sound.redis.tls_port, 1, 1), ca=ca)
    told["providers"]["p"]["smpp"]["tls"] = False
    told["providers"]["p"]["http"]["tls"] = {}
    await refused(
        told,
        {
            "RabbitMQ": "the files of ?cafile= of broker.url, ?certfile= and &keyfile=",
            "Redis": "the files of ?ssl_ca_certs= of redis.url, ?ssl_certfile= and &ssl_keyfile=",
        },
    )
