"""`bridge demo` as a stranger runs it: short, kept, stopped in the middle, and robbed; it leaves nothing behind."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from signal import SIGINT
from typing import Any

import aio_pika
import pytest
import redis
from click.testing import CliRunner

from bridge.cli import main
from bridge.cli.demo_view import View, sentence
from bridge.model.names import Names
from bridge.proof.audit import Ledger
from bridge.proof.demo import Plan, Verdict
from bridge.proof.servers import PrivateRabbit

LIMIT_S = 90.0
CONFIGURATION = """\
broker: {{url: "{amqp_url}"}}
redis: {{url: "{redis_url}"}}
providers: {{mine: {{smpp: {{system_id: me, password: secret}}, sites: {{here: {{smsc: ["localhost:1"]}}}}}}}}
"""
PLAN = Plan(amqp_url="", redis_url="", seconds=1, rate=1, workers=1, seed=1, patience_s=1)


class Theatre:
    """Where demos are played: servers that run already, and a directory for everything temporary."""

    def __init__(self, rabbit: PrivateRabbit, redis_url: str, directory: Path) -> None:
        self.rabbit = rabbit
        self._redis_url = redis_url
        self._directory = directory
        self._demo: Process | None = None

    async def start(self, *arguments: str) -> Process:
        urls = {"BRIDGE_AMQP_URL": self.rabbit.url, "BRIDGE_REDIS_URL": self._redis_url}
        environment = {**os.environ, "TMPDIR": str(self._directory), **({} if "-c" in arguments else urls)}
        self._demo = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge", "demo", *arguments, stdout=PIPE, stderr=PIPE, env=environment
        )
        return self._demo

    @property
    def config(self) -> Path:
        """The configuration of the demo that plays now."""
        (config,) = self._directory.glob("*/bridge.yaml")
        return config

    async def leftovers(self) -> list[str]:
        """Queues, exchanges, keys, files and processes of demos."""
        found = [str(path) for path in self._directory.iterdir()]
        for kind in ("list_queues", "list_exchanges"):
            names = (await self.rabbit.ctl(kind, "name", "--silent")).split()
            found += [name for name in names if name.startswith("demo-")]
        with redis.Redis.from_url(self._redis_url, decode_responses=True) as client:
            found += client.keys("demo-*")
        return found + processes_with(str(self._directory))

    async def end(self) -> None:
        if self._demo is not None:
            with suppress(ProcessLookupError):
                self._demo.kill()
            await self._demo.communicate()


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
async def theatre(rabbit: PrivateRabbit, redis_url: str, tmp_path: Path) -> AsyncIterator[Theatre]:
    theatre = Theatre(rabbit, redis_url, tmp_path)
    yield theatre
    await theatre.end()


async def until(stream: asyncio.StreamReader | None, words: str) -> str:
    """Read lines up to one with these words; all of them."""
    assert stream is not None
    read = ""
    async with asyncio.timeout(LIMIT_S):
        while words not in read:
            line = await stream.readline()
            assert line, f"no {words!r} in:\n{read}"
            read += line.decode()
    return read


async def ended(demo: Process) -> tuple[int | None, str, str]:
    """Exit code, and what was left on stdout and stderr."""
    async with asyncio.timeout(LIMIT_S):
        out, err = await demo.communicate()
    return demo.returncode, out.decode(), err.decode()


async def test_a_short_run_proves_itself_can_be_kept_and_leaves_nothing_behind(theatre: Theatre) -> None:
    demo = await theatre.start("--seconds", "6", "--rate", "50", "--seed", "1", "--keep", "--json")
    assert demo.stdout is not None
    async with asyncio.timeout(LIMIT_S):
        line = await demo.stdout.readline()
    assert line, (await ended(demo))[2]
    summary: dict[str, Any] = json.loads(line)
    assert summary["passed"], summary["complaints"]
    assert (summary["published"], summary["accepted"], summary["mos"]) == (300, 300, 30)
    assert summary["lost"] == summary["doubled"] == summary["otherwise_wrong"] == 0
    assert summary["suppressed"] >= summary["published_twice"] > 0
    assert summary["long"] > 20
    assert summary["long_mos"] == 3
    assert sum(summary["per_link"].values()) >= 300 + summary["long"] + summary["doubled_marked"], "segments"
    assert {link.split()[0] for link in summary["per_link"]} == {"dc3", "bos"}
    assert summary["receipts"] >= 300
    assert summary["seed"] == 1

    story = await until(demo.stderr, "Ctrl-C ends it")
    for happening in ("site bos is killed", "site bos is back", "binds are up again", "worker 2 is killed"):
        assert happening in story
    invited = re.search(r"bridge (send .*)", story)
    assert invited, story
    assert str(theatre.config) in invited[1]
    send = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", *invited[1].split(), stdout=PIPE, stderr=PIPE
    )
    assert "delivered" in (await ended(send))[1]

    demo.send_signal(SIGINT)
    code, _, err = await ended(demo)
    assert (code, err.splitlines()[-1]) == (0, "stopped; everything is removed")
    assert not await theatre.leftovers()


async def test_ctrl_c_in_the_middle_leaves_nothing_behind(
    theatre: Theatre, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Here with the servers of a configuration of one's own, whose provider is never called."""
    config = tmp_path_factory.mktemp("elsewhere") / "mine.yaml"
    config.write_text(CONFIGURATION.format(amqp_url=theatre.rabbit.url, redis_url=redis_url))
    demo = await theatre.start("--seconds", "60", "-c", str(config))
    story = await until(demo.stderr, "traffic begins")
    assert f"using the RabbitMQ at 127.0.0.1:{theatre.rabbit.port}" in story
    demo.send_signal(SIGINT)
    code, out, err = await ended(demo)
    assert (code, out, err.splitlines()[-1]) == (1, "", "stopped; everything is removed")
    assert not await theatre.leftovers()


async def test_a_thief_in_the_queue_is_noticed(theatre: Theatre) -> None:
    """Somebody else consumes the route's queue: those MTs are lost, and the demo says so."""
    demo = await theatre.start("--seconds", "3", "--patience", "2")
    await until(demo.stderr, "traffic begins")
    prefix = re.search(r"prefix: ([\w-]+)", theatre.config.read_text())
    assert prefix
    async with await aio_pika.connect(theatre.rabbit.url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=10)
        queue = await channel.get_queue(Names(prefix[1]).route_queue("default", "bulk"))
        loot: list[str | None] = []

        async def steal(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            await message.ack()
            loot.append(message.message_id)

        await queue.consume(steal)
        code, out, _ = await ended(demo)
    assert loot
    assert code == 1
    assert "MTs lost" in out
    assert "FAILED" in out
    assert not await theatre.leftovers()


def verdict_of(ledger: Ledger) -> Verdict:
    return Verdict(audit=ledger.audit(), twice=0, resent=1, seconds=1.0)


def a_run(*, marked: bool) -> Ledger:
    """Two MTs, one of them taken twice."""
    ledger = Ledger()
    for mt_id in ("one", "two"):
        ledger.published(mt_id)
        ledger.taken(mt_id, f"a-{mt_id}", "dc3 127.0.0.1:2001", receipt=False)
    ledger.taken("two", "b-two", "bos 127.0.0.1:2002", receipt=False)
    event = {"type": "mt", "event_id": "e", "id": "two", "outcome": "resent", "possible_duplicate": marked}
    ledger.event(event)
    return ledger


def test_a_marked_double_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = verdict_of(a_run(marked=True))
    View(as_json=False).verdict(verdict, PLAN)
    out = capsys.readouterr().out
    assert re.search(r"MTs published +2 ", out)
    assert re.search(r"sent over dc3 :2001 +2 ", out)
    assert re.search(r"arrived twice, marked +1 ", out)
    assert re.search(r"doubled without a mark +0 ", out)
    assert sentence(verdict) == ("Nothing was lost. 1 message may have arrived twice, and says so.")


def test_an_unmarked_double_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = verdict_of(a_run(marked=False))
    View(as_json=False).verdict(verdict, PLAN)
    out = capsys.readouterr().out
    assert re.search(r"doubled without a mark +1 ", out)
    assert "1 MTs doubled without a mark: two" in out
    assert sentence(verdict) == "FAILED: 1 thing went wrong."


def test_a_fault_that_does_not_exist_is_wrong_usage() -> None:
    result = CliRunner().invoke(main, ["demo", "--fault", "nonsense"])
    assert result.exit_code == 2
    assert "no fault 'nonsense'" in result.stderr
