"""TLS to an SMSC, with certificates made for the test."""

import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.config.settings import TlsSettings
from bridge.links.tls import Unusable, client_context
from bridge.model.outcome import Accepted
from bridge.simulator.smsc import SimulatedSmsc
from tests.links.lab import Recorder, binds, provider, running, send


def make_certificate(folder: Path, name: str, *, passphrase: str | None = None) -> tuple[Path, Path]:
    """A certificate for `name` that signed itself, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName=DNS:{name}"),
            *(("-passout", f"pass:{passphrase}") if passphrase else ("-nodes",)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder, "localhost")
    make_certificate(folder, "bridge")
    make_certificate(folder, "locked", passphrase="open sesame")
    return folder


@pytest.fixture
def server_context(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "localhost.pem", folder / "localhost.key")
    return context


@pytest.fixture
async def smsc(server_context: ssl.SSLContext) -> AsyncIterator[SimulatedSmsc]:
    smsc = SimulatedSmsc(tls=server_context)
    await smsc.start()
    yield smsc
    smsc.kill()
    smsc.network.close()


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


async def test_bind_and_submit_over_tls_with_our_certificate(
    smsc: SimulatedSmsc, server_context: ssl.SSLContext, recorder: Recorder, folder: Path
) -> None:
    server_context.verify_mode = ssl.CERT_REQUIRED
    server_context.load_verify_locations(folder / "bridge.pem")
    files = {name: str(folder / file) for name, file in FILES.items()}
    (link,) = binds(recorder, provider(f"localhost:{smsc.port}", tls=files))
    async with running(link):
        await recorder.until(lambda: link.active)
        send(link, 1)
        await recorder.until(lambda: 1 in recorder.outcomes)
    assert isinstance(recorder.outcomes[1], Accepted)


FILES = {"ca": "localhost.pem", "cert": "bridge.pem", "key": "bridge.key"}


async def test_a_stranger_is_not_spoken_to(smsc: SimulatedSmsc, recorder: Recorder, folder: Path) -> None:
    unknown, wrong_name = (
        *binds(recorder, provider(f"localhost:{smsc.port}", tls=True)),
        *binds(recorder, provider(f"127.0.0.1:{smsc.port}", tls={"ca": str(folder / "localhost.pem")})),
    )
    async with running(unknown, wrong_name):
        await recorder.until(lambda: unknown.tried and wrong_name.tried)
    assert unknown.reason.startswith("TLS: self")
    assert wrong_name.reason.startswith("TLS: IP address mismatch")
    assert unknown.counters.binds == wrong_name.counters.binds == 0


async def test_an_smsc_without_tls(recorder: Recorder) -> None:
    plain = SimulatedSmsc()
    await plain.start()
    (link,) = binds(recorder, provider(f"localhost:{plain.port}", tls=True))
    async with running(link):
        await recorder.until(lambda: link.tried)
    assert not link.counters.binds
    assert link.reason
    plain.kill()


def test_files_that_cannot_be_used_are_named(folder: Path) -> None:
    nothing = folder / "nothing.pem"
    nothing.write_text("nothing")
    with pytest.raises(Unusable, match=r"nothing\.pem"):
        client_context(TlsSettings(ca=nothing))
    with pytest.raises(Unusable, match=r"bridge\.pem with .*localhost\.key"):
        client_context(TlsSettings(cert=folder / "bridge.pem", key=folder / "localhost.key"))
    with pytest.raises(Unusable, match=r"locked\.key"):
        client_context(TlsSettings(cert=folder / "locked.pem", key=folder / "locked.key"))
