"""`bridge simulate http` as a process: what it prints, how it is commanded, and how it ends."""

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import httpx
import pytest
from click.testing import CliRunner

from bridge.cli import main
from tests.simulator.http_lab import FORM, client, door, form

PATH = "/httpapi/receiver"


class Process:
    """The command, running, with `--json` and no line but those of its beginning and end."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-c", "from bridge.cli import main; main()", "simulate", "http", "--json"]
        self.process = subprocess.Popen(
            [*command, "--progress", "600", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def says(self, event: str) -> dict[str, Any]:
        """The next line of this event."""
        for line in self.pipe:
            said: dict[str, Any] = json.loads(line)
            if said["event"] == event:
                return said
        raise AssertionError(f"it never said {event}: {self.process.stderr and self.process.stderr.read()}")

    def url(self, scheme: str = "http") -> str:
        """Where the next site takes messages."""
        return f"{scheme}://{self.says('listening')['node']}{PATH}"

    @property
    def pipe(self) -> IO[str]:
        """What it prints."""
        assert self.process.stdout is not None
        return self.process.stdout


@asynccontextmanager
async def simulating(*options: str) -> AsyncIterator[Process]:
    running = Process(*options)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_takes_messages_and_calls_back_until_told_to_stop(number: signal.Signals) -> None:
    async with door(503) as inbox, client() as sender:
        options = ["--port", "0", "--login", "me", "--password", "pw", "--receipt-delay", "0"]
        options += ["--callback-url", inbox.url, "--callback-token", "t", "--callback-again", "0.01"]
        async with simulating(*options) as running:
            url = running.url()
            assert (await sender.post(url, data=FORM)).text == "Result=2"
            fields = form(login="me", password="pw", receipt="TRUE")
            assert (await sender.post(url, data=fields)).text == "Result=0"
            await inbox.until(2)
            assert inbox.calls[0][1]["authorization"] == "Bearer t"
            running.process.send_signal(number)
            counted = running.says("stats")
            assert (counted["requests"]["taken"], counted["requests"]["refused"]) == (1, 1)
            assert counted["callbacks"]["sent"] == 2
            running.pipe.read()
            assert running.process.wait(10) == 0


async def test_all_http_answers_are_in_the_log_after_sigkill(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    answered = []
    async with simulating("--port", "0", "--log", str(log)) as running, client() as sender:
        url = running.url()

        async def send(number: int) -> None:
            try:
                await sender.post(url, data=form(message_id=str(number)))
            except httpx.TransportError:
                return
            answered.append(str(number))
            if len(answered) == 50:
                running.process.kill()

        async with asyncio.TaskGroup() as group:
            for number in range(100):
                group.create_task(send(number))
    requests = [json.loads(line) for line in log.read_text().splitlines() if '"request"' in line]
    assert len(answered) >= 50
    assert set(answered) <= {request["ident"] for request in requests if request["taken"]}


async def test_http_sites_faults_and_commands() -> None:
    async with (
        door() as inbox,
        client() as sender,
        simulating(
            *("--site", "dc3=0", "--site", "bos=0", "--control", "0", "--callback-url", inbox.url),
            *("--fault", "throttle:every=1@bos"),
        ) as running,
    ):
        dc3, bos = running.url(), running.url()
        reader, writer = await asyncio.open_connection("127.0.0.1", running.says("control")["port"])

        async def do(**command: Any) -> dict[str, Any]:
            writer.write(json.dumps(command).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline())
            return answer

        assert [(await sender.post(url, data=FORM)).text for url in (bos, dc3)] == ["Result=6", "Result=0"]
        assert (await do(do="stats"))["stats"]["requests"]["refused"] == 1
        assert await do(do="kill", site="bos") == {"ok": True}
        with pytest.raises(httpx.TransportError):
            await sender.post(bos, data=FORM)
        assert await do(do="start", site="bos") == {"ok": True}
        assert await do(
            do="faults", port=int(bos.split(":")[2].split("/")[0]), faults=["status:code=503"]
        ) == {"ok": True}
        assert (await sender.post(bos, data=FORM)).status_code == 503
        assert await do(do="faults", faults=[]) == {"ok": True}
        assert (await sender.post(bos, data=FORM)).text == "Result=7"
        attachments = [{"content_type": "image/png", "content": "AAAA"}]
        mo = await do(do="mo", text="hello", to="999", attachments=attachments)
        await inbox.until(1)
        (said,) = inbox.fields
        assert (said["message_id"], said["message"], said["shortcode"]) == (mo["ids"][0], "hello", "999")
        assert said["mms_attachment[0].content"] == "AAAA"
        assert len((await do(do="receipts", count=3))["ids"]) == 3
        await inbox.until(4)
        wrong = "attachments: must be a list of content_type and content (Base64)"
        for attachments_of_no_kind in (3, ["x"], [{"content_type": "x", "content": "%"}]):
            answer = await do(do="mo", attachments=attachments_of_no_kind)
            assert answer == {"ok": False, "error": wrong}
        assert await do(do="mo", text=3) == {"ok": False, "error": "text: must be a text"}
        assert await do(do="dance") == {"ok": False, "error": "cannot do 'dance'"}
        assert (await do(do="faults", faults=["drop"]))["error"].startswith("no fault 'drop'")
        assert await do(do="stop") == {"ok": True}
        with pytest.raises(httpx.TransportError):
            await sender.head(dc3)
        writer.close()
        await writer.wait_closed()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signed itself, and its key."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -days 2"
    subprocess.run(
        [*make.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )
    return cert, key


async def test_https(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    async with simulating("--port", "0", "--tls-cert", str(cert), "--tls-key", str(key)) as running:
        context = ssl.create_default_context(cafile=cert)
        async with httpx.AsyncClient(verify=context, trust_env=False) as sender:
            assert (await sender.post(running.url("https"), data=FORM)).text == "Result=0"


CONFIGURATION = """
providers:
  acme:
    dialect: genesys
    http: {{login: acme, password: pw, primary: dc3}}
    sites: {{dc3: {{http: "http://127.0.0.1:{port}/httpapi/receiver"}}, bos: {{http: "https://sms.example.com/x"}}}}
routes: {{default: {{providers: [acme]}}}}
callbacks: {{listen: "127.0.0.1:{callbacks}", token: showing-it}}
"""


async def test_it_plays_the_http_sites_of_a_configuration_that_are_here(tmp_path: Path) -> None:
    config = tmp_path / "bridge.yaml"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with door() as inbox, client() as sender:
        config.write_text(CONFIGURATION.format(port=port, callbacks=inbox.port))
        async with simulating("-c", str(config), "--receipt-delay", "0") as running:
            url = running.url()
            assert url == f"http://127.0.0.1:{port}{PATH}"
            fields = form(login="acme", password="pw", receipt="TRUE")
            assert (await sender.post(url, data=fields)).text == "Result=0"
            await inbox.until(1)
            start, headers, _ = inbox.calls[0]
            assert start == "POST /callbacks/acme HTTP/1.1"
            assert headers["authorization"] == "Bearer showing-it"


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        (["--fault", "dance"], 2, "no fault 'dance'"),
        (["--fault", "throttle@bos"], 2, "no such site or port here"),
        (["--site", "a=x"], 2, "ports are numbers, as in a=8090,8091"),
        (["--callback-url", "localhost:8080"], 2, "callback URL: must begin with http:// or https://"),
        (["--style", "pigeon"], 2, "'genesys', 'twilio'"),
        (["--tls-cert", __file__], 1, "cannot use"),
        (["--log", "/nowhere/log"], 1, "cannot write /nowhere/log: No such file"),
        (["--port", "0", "--host", "192.0.2.1"], 1, "cannot listen on 192.0.2.1:0"),
    ],
)
def test_what_is_wrong_with_the_options_is_one_clear_line(
    options: list[str], exit_code: int, message: str
) -> None:
    result = CliRunner().invoke(main, ["simulate", "http", *options])
    assert result.exit_code == exit_code
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_configuration_without_an_http_provider_has_nothing_to_play(tmp_path: Path) -> None:
    config = tmp_path / "bridge.yaml"
    config.write_text("""
providers:
  acme: {smpp: {system_id: acme, password: pw}, sites: {dc3: {smsc: ["127.0.0.1:2775"]}}}
routes: {default: {providers: [acme]}}
""")
    result = CliRunner().invoke(main, ["simulate", "http", "-c", str(config)])
    assert result.exit_code == 2
    assert "--provider must be one of: none of dialect genesys speaks HTTP" in result.output


def test_the_help_of_http_teaches() -> None:
    result = CliRunner().invoke(main, ["simulate", "http", "--help"])
    assert result.exit_code == 0
    assert "bridge simulate http --site dc3=8090" in result.output
    assert "callbacks-twice:every=10" in result.output
