"""`bridge simulate smsc` as a process: what it prints, how it is commanded, and how it ends."""

import asyncio
import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.simulator import SimulatedSmsc
from bridge.smpp import consts
from tests.simulator.esme import bound, hang_up


class Process:
    """The command, running, with `--json` and no line but those of its beginning and end."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from bridge.cli import main; main()",
                "simulate",
                "smsc",
                "--json",
                "--progress",
                "600",
                *options,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def says(self, event: str) -> dict[str, Any]:
        """The next line of this event."""
        for line in self._pipe:
            said: dict[str, Any] = json.loads(line)
            if said["event"] == event:
                return said
        raise AssertionError(f"it never said {event}: {self.process.stderr and self.process.stderr.read()}")

    def node(self) -> SimulatedSmsc:
        """Where the next node listens, as somebody to connect to."""
        host, _, port = self.says("listening")["node"].partition(":")
        return SimulatedSmsc(host, int(port))

    def ends(self) -> int:
        """The exit code."""
        self._pipe.read()
        return self.process.wait(10)

    @property
    def _pipe(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout


@contextlib.asynccontextmanager
async def simulating(*options: str) -> AsyncIterator[Process]:
    running = Process(*options)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()
        await hang_up()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_told_to_stop_and_says_good_bye(number: signal.Signals) -> None:
    async with simulating(
        "--port", "0", "--system-id", "me", "--password", "pw", "--receipt-delay", "0"
    ) as running:
        smsc = running.node()
        esme = await bound(smsc, system_id="me", password="pw")
        assert (await esme.submitted())[0] == 0
        await esme.until(lambda: len(esme.delivered) == 1)
        running.process.send_signal(number)
        await esme.until(lambda: esme.closed)
        counted = running.says("stats")
        assert (counted["submits"]["taken"], counted["deliveries"]["sent"]) == (1, 1)
        assert running.ends() == 0


async def test_phones_write_long_texts_too() -> None:
    async with simulating("--port", "0", "--mo-rate", "200", "--mo-long-every", "3") as running:
        esme = await bound(running.node())
        await esme.until(lambda: any(pdu.esm_class & consts.ESM_CLASS_UDHI for pdu in esme.delivered))
        await esme.until(lambda: any(pdu.esm_class == 0 for pdu in esme.delivered))


async def test_all_that_was_answered_is_in_the_log_after_sigkill(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    async with simulating("--port", "0", "--log", str(log)) as running:
        esme = await bound(running.node())
        numbers = [esme.submit() for _ in range(500)]
        await esme.response(numbers[300])
        running.process.kill()
        await esme.until(lambda: esme.closed)
    taken = {
        line["sequence_number"] for line in map(json.loads, log.read_text().splitlines()) if "octets" in line
    }
    answered = {frame.sequence_number for frame in esme.frames if frame.command_id == consts.SUBMIT_SM_RESP}
    assert len(answered) >= 301
    assert answered <= taken


async def test_sites_faults_and_commands() -> None:
    async with simulating(
        *("--site", "dc3=0", "--site", "bos=0,0", "--control", "0"), *("--fault", "throttle:every=1@bos")
    ) as running:
        dc3, bos, _ = (running.node() for _ in range(3))
        port = running.says("control")["port"]
        here, there = await bound(dc3), await bound(bos)
        assert ((await here.submitted())[0], (await there.submitted())[0]) == (
            consts.ESME_ROK,
            consts.ESME_RTHROTTLED,
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def say(line: str) -> dict[str, Any]:
            writer.write(line.encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline())
            return answer

        async def do(**command: Any) -> dict[str, Any]:
            return await say(json.dumps(command))

        assert (await do(do="stats"))["stats"]["submits"]["refused"] == 1
        assert await do(do="kill", site="bos") == {"ok": True}
        await there.until(lambda: there.closed)
        assert await do(do="start", site="bos") == {"ok": True}
        again = await bound(bos)
        assert await do(do="faults", port=bos.port, faults=["reject:every=1"]) == {"ok": True}
        assert (await again.submitted())[0] == consts.ESME_RINVDSTADR
        assert await do(do="faults", faults=[]) == {"ok": True}
        assert (await again.submitted(receipt=0))[0] == consts.ESME_ROK
        mo = await do(do="mo", text="hello", to="999")
        assert mo["ids"][0].startswith("mo-")
        long = await do(do="mo", text="long " * 60, header="sar", naive=True, order=[2, 1, 2], reference=5)
        assert [name.rpartition("/")[2] for name in long["ids"]] == ["2", "1", "2"]
        for wrong, error in (
            ({"header": "udh32"}, "header: must be one of udh8, udh16, sar"),
            ({"order": [3]}, "order: the segments are 1 to 2"),
            ({"order": "2"}, "order: must be a list of numbers"),
            ({"reference": "x"}, "reference: must be a number"),
        ):
            assert await do(do="mo", text="long " * 60, **wrong) == {"ok": False, "error": error}
        assert len((await do(do="receipts", count=3))["ids"]) == 3
        assert await do(do="stop", site="dc3") == {"ok": True}
        await here.until(lambda: here.closed)
        assert consts.UNBIND in here.commands
        assert await do(do="kill", site="nowhere") == {"ok": False, "error": "no such node"}
        assert await do(do="dance") == {"ok": False, "error": "cannot do 'dance'"}
        assert (await do(do="faults", faults=["dance"]))["error"].startswith("no fault 'dance'")
        assert (await do(do="receipts", count="many"))["ok"] is False
        assert (await say("[]"))["error"] == "a command is a JSON object"
        assert (await say("{"))["ok"] is False
        await again.submitted(receipt=0)  # whatever was sent before has come by now
        texts = {pdu.short_message for esme in (here, again) for pdu in esme.delivered}
        assert b"hello" in texts
        writer.close()
        await writer.wait_closed()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signed itself, and its key."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -days 2"
    subprocess.run(
        [*make.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )
    return cert, key


async def test_tls(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    async with simulating("--port", "0", "--tls-cert", str(cert), "--tls-key", str(key)) as running:
        esme = await bound(running.node(), tls=ssl.create_default_context(cafile=cert))
        assert (await esme.submitted())[0] == 0


def test_it_plays_the_nodes_of_a_configuration_that_are_here(tmp_path: Path) -> None:
    config = tmp_path / "bridge.yaml"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config.write_text(f"""
providers:
  acme:
    smpp: {{system_id: acme, password: pw}}
    sites: {{dc3: {{smsc: ["127.0.0.1:{port}", "smsc.example.com:2775"]}}}}
routes: {{default: {{providers: [acme]}}}}
""")
        result = CliRunner().invoke(main, ["simulate", "smsc", "-c", str(config)])
    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}: " in result.output


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        (["--fault", "dance"], 2, "no fault 'dance'"),
        (["--fault", "throttle@bos"], 2, "no such site or port here"),
        (["--site", "a", "--site", "b"], 2, "only one site can have the ports of --port"),
        (["--site", "a=x"], 2, "ports are numbers"),
        (["--tls-key", __file__], 2, "--tls-key needs --tls-cert beside it"),
        (["--tls-cert", __file__], 1, "cannot use"),
        (["--log", "/nowhere/log"], 1, "cannot write /nowhere/log: No such file"),
        (["--port", "0", "--host", "192.0.2.1"], 1, "cannot listen on 192.0.2.1:0"),
    ],
)
def test_what_is_wrong_is_one_clear_line(options: list[str], exit_code: int, message: str) -> None:
    result = CliRunner().invoke(main, ["simulate", "smsc", *options])
    assert result.exit_code == exit_code
    assert message in result.output
    assert "Traceback" not in result.output


def test_the_help_teaches() -> None:
    result = CliRunner().invoke(main, ["simulate", "smsc", "--help"])
    assert result.exit_code == 0
    assert "bridge simulate smsc --port 2775" in result.output
    assert "throttle:every=10" in result.output
