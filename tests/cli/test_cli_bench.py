"""`bridge bench` as a stranger runs it: very short, or stopped in the middle; it leaves nothing behind."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from signal import SIGINT
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import redis
from click.testing import CliRunner

from bridge.cli import main
from bridge.cli.bench_view import View
from bridge.proof.bench_audit import Findings
from bridge.proof.bench_report import InFlight, Latencies, Memory, Percentiles, Report, Round, Subject
from bridge.proof.bench_setting import Setting
from bridge.proof.servers import PrivateRabbit

LIMIT_S = 240.0


class Yard:
    """Where benches run: servers that run already, and a directory for everything temporary."""

    def __init__(self, rabbit: PrivateRabbit, redis_url: str, directory: Path) -> None:
        self._rabbit = rabbit
        self._redis_url = redis_url
        self._directory = directory
        self._bench: Process | None = None

    async def start(self, *arguments: str) -> Process:
        environment = {
            **os.environ,
            "BRIDGE_AMQP_URL": self._rabbit.url,
            "BRIDGE_REDIS_URL": self._redis_url,
            "TMPDIR": str(self._directory),
        }
        self._bench = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge", "bench", *arguments, stdout=PIPE, stderr=PIPE, env=environment
        )
        return self._bench

    async def leftovers(self) -> list[str]:
        """Queues, exchanges, keys, files and processes of benches."""
        found = [str(path) for path in self._directory.iterdir()]
        for kind in ("list_queues", "list_exchanges"):
            names = (await self._rabbit.ctl(kind, "name", "--silent")).split()
            found += [name for name in names if name.startswith("bench-")]
        with redis.Redis.from_url(self._redis_url, decode_responses=True) as client:
            found += client.keys("bench-*")
        return found + processes_with(str(self._directory))

    async def end(self) -> None:
        if self._bench is not None:
            with suppress(ProcessLookupError):
                self._bench.kill()
            await self._bench.communicate()


def processes_with(word: str) -> list[str]:
    """The command lines in which this occurs."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if word in command:
                found.append(command)
    return found


@pytest.fixture
async def yard(rabbit: PrivateRabbit, redis_url: str, tmp_path: Path) -> AsyncIterator[Yard]:
    yard = Yard(rabbit, redis_url, tmp_path)
    yield yard
    await yard.end()


async def ended(bench: Process) -> tuple[int | None, str, str]:
    """Exit code, and what was left on stdout and stderr."""
    async with asyncio.timeout(LIMIT_S):
        out, err = await bench.communicate()
    return bench.returncode, out.decode(), err.decode()


@pytest.mark.servers
@pytest.mark.timeout(LIMIT_S)
async def test_a_very_short_run_measures_loses_nothing_and_leaves_nothing_behind(
    yard: Yard, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plot = tmp_path_factory.mktemp("elsewhere") / "bench.svg"
    setting = ("--routes=2", "--segments=2", "--remembered=20000", "--in-flight=300")
    bench = await yard.start("--seconds=0.2", "--pairs=1", "--rate=300", "--json", f"--plot={plot}", *setting)
    code, out, err = await ended(bench)
    assert code == 0, out + err
    told: dict[str, Any] = json.loads(out)
    assert told["clean"], told
    assert (told["lost"], told["doubled"], told["wrong"]) == (0, 0, 0)
    mt = told["mt"]
    for subject in ("bridge", "bare"):
        assert mt[subject]["per_s"] > 0
        assert all(mt[subject]["cpu_us"][part] >= 0 for part in ("worker", "broker", "redis"))
        assert mt[subject]["peak_mib"] > 10
    assert mt["ratio"]["per_s"] > 0
    assert [one["subject"] for one in mt["rounds"]] == ["bridge", "bare"]
    assert mt["bridge"]["redis_bytes"] > 100
    assert (told["routes"], told["segments"]) == (2, 2)
    for part in ("worker", "broker", "redis"):
        assert mt["cpu_us_a_segment"][part] == pytest.approx(mt["bridge"]["cpu_us"][part] / 2, abs=0.1)
    # The tables of Redis grow by doubling.
    each = told["remembered"]["octets"] / told["remembered"]["lives"]
    assert 0.6 < each / mt["bridge"]["redis_bytes"] < 1.6
    many = told["in_flight"]
    assert (many["wanted"], many["reached"]) == (300, 300)
    assert min(many["idle_mib"], many["held_mib"], many["peak_mib"]) > 10
    latencies = told["latency"]
    assert latencies["rate"] == 300
    assert 0 < latencies["publish_to_submit_ms"]["p50"] <= latencies["publish_to_submit_ms"]["p99.9"]
    assert told["machine"]["cores"] == os.cpu_count()
    assert len(ET.parse(plot).findall("{http://www.w3.org/2000/svg}g")) == 2  # noqa: S314 - our own
    assert not await yard.leftovers()


@pytest.mark.servers
async def test_ctrl_c_in_the_middle_leaves_nothing_behind(yard: Yard) -> None:
    bench = await yard.start("--seconds", "60")
    assert bench.stderr is not None
    story = ""
    async with asyncio.timeout(LIMIT_S):
        while "bare: warming up" not in story:
            line = await bench.stderr.readline()
            assert line, story
            story += line.decode()
    bench.send_signal(SIGINT)
    code, out, err = await ended(bench)
    assert (code, out, err.splitlines()[-1]) == (1, "", "stopped; everything is removed")
    assert not await yard.leftovers()


def a_round(subject: Subject, per_s: float, findings: Findings) -> Round:
    return Round(
        subject=subject,
        traffic="mt",
        lives=1000,
        seconds=1000 / per_s,
        cpu_us={"worker": 200.0, "broker": None, "redis": 40.0, "provider": 30.0},
        publish_us=None,
        start_s=0.5,
        peak_kib=102_400,
        redis_bytes=321.0,
        refused=3,
        findings=findings,
        rate=[(0.1, per_s)],
        begun=[(0.05, per_s)],
    )


def a_report(findings: Findings) -> Report:
    latencies = Latencies(
        rate=500.0,
        lives=2000,
        submit=Percentiles(1.0, 12.3, 45.6),
        event=Percentiles(2.0, 3.0, 4.0),
        submit_over_time=[(0.1, 12.3)],
        event_over_time=[(0.1, 3.0)],
        cpu_us={},
        findings=Findings(),
    )
    rounds = [a_round("bridge", 1000, findings), a_round("bare", 4000, Findings())]
    return Report(setting=Setting(), rounds=rounds, latencies=latencies)


def test_the_tables_have_figures_ratios_and_what_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    View(as_json=False).report(a_report(Findings()))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["a", "second", "1,000", "4,000", "0.25"] in lines
    assert ["CPU", "of", "worker,", "us", "each", "200", "200", "1.00"] in lines
    assert ["CPU", "of", "broker,", "us", "each", "unknown", "unknown"] in lines
    assert ["memory", "at", "most,", "MiB", "100", "100", "1.00"] in lines
    assert ["publish", "to", "submit_sm", "1.0", "12.3", "45.6"] in lines
    assert ["Nothing", "was", "lost,", "nothing", "was", "doubled."] in lines


def test_what_a_setting_means_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    many = InFlight(
        wanted=10_000,
        reached=9_000,
        idle_kib=61_440,
        held_kib=102_400,
        peak_kib=112_640,
        findings=Findings(),
    )
    report = replace(
        a_report(Findings()),
        setting=Setting(segments=4),
        remembered=Memory(1_000_000, 600 << 20),
        in_flight=many,
    )
    View(as_json=False).report(report)
    told = capsys.readouterr().out
    assert ["CPU", "of", "worker,", "us", "a", "segment", "50"] in [
        line.split() for line in told.splitlines()
    ]
    assert ["CPU", "of", "broker,", "us", "a", "segment", "unknown"] in [
        line.split() for line in told.splitlines()
    ]
    assert "an MT of 4 segments" in told
    assert "Redis remembered 1,000,000 finished MTs before the rounds, in 600 MiB: 629 octets each." in told
    assert "With 9,000 of 10,000 MTs in flight a worker had 100 MiB; before the first, 60 MiB" in told


def test_what_was_lost_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    View(as_json=False).report(a_report(Findings(lost=2, example="row 1 has no event")))
    assert "FAILED: 2 lost, 0 doubled" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seconds", "0"],
        ["--pairs", "0"],
        ["--rate", "x"],
        ["--binds", "65"],
        ["--routes", "65"],
        ["--segments", "11"],
        ["--remembered", "-1"],
        ["--in-flight", "0"],
        ["--nonsense"],
    ],
)
def test_what_cannot_be_measured_is_wrong_usage(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, ["bench", *arguments]).exit_code == 2


def test_the_help_has_no_word_of_the_processes_it_starts() -> None:
    result = CliRunner().invoke(main, ["bench", "--help"])
    assert result.exit_code == 0
    assert "--plot" in result.output
    assert "Commands:" not in result.output
