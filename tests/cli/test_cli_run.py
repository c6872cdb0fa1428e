"""`bridge run` as an operator knows it: how it starts, waits, complains, is watched over and ends."""

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import redis

from bridge.model.names import Names
from bridge.proof.machine import free_ports
from bridge.proof.proxy import FaultProxy
from bridge.proof.servers import PrivateRabbit, PrivateRedis
from bridge.simulator.faults.answers import Slow
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from tests.system.application import Application, ids
from tests.system.lab import document
from tests.system.processes import LIMIT_S, Command, Crew

pytestmark = pytest.mark.servers
CANARY = "c4n4ry7x"
"""Every password of these tests. No command may say it."""


@pytest.fixture(scope="module")
def amqp_login(rabbit: PrivateRabbit) -> str:
    """A user of RabbitMQ with the password that nobody may say."""

    async def add() -> None:
        await rabbit.ctl("add_user", "canary", CANARY)
        await rabbit.ctl("set_permissions", "canary", ".*", ".*", ".*")

    asyncio.run(add())
    return f"canary:{CANARY}"


@pytest.fixture
def redis_login(redis_url: str) -> Iterator[str]:
    """And one of Redis."""
    with redis.Redis.from_url(redis_url) as client:
        client.acl_setuser("canary", enabled=True, passwords=[f"+{CANARY}"], keys=["*"], commands=["+@all"])
        yield f"canary:{CANARY}"
        client.acl_deluser("canary")


@pytest.fixture
async def smsc() -> AsyncIterator[SimulatedSmsc]:
    """A provider of one node."""
    smsc = SimulatedSmsc(network=Network(receipt_delay_s=0.01), site="one", password=CANARY)
    await smsc.start()
    yield smsc
    smsc.kill()
    smsc.network.close()


@pytest.fixture
async def amqp(rabbit: PrivateRabbit) -> AsyncIterator[FaultProxy]:
    """The door to RabbitMQ."""
    async with FaultProxy("127.0.0.1", rabbit.port) as door:
        yield door


@pytest.fixture
async def store(redis_server: PrivateRedis) -> AsyncIterator[FaultProxy]:
    """The door to Redis."""
    async with FaultProxy("127.0.0.1", redis_server.port) as door:
        yield door


@pytest.fixture
async def crew(
    tmp_path: Path,
    amqp: FaultProxy,
    store: FaultProxy,
    amqp_login: str,
    redis_login: str,
    prefix: str,
    smsc: SimulatedSmsc,
) -> AsyncIterator[Crew]:
    """A configuration that works, and the commands that are started on it; none of them tells a secret."""
    file = document(
        f"amqp://{amqp_login}@127.0.0.1:{amqp.port}/",
        f"redis://{redis_login}@127.0.0.1:{store.port}/0",
        prefix,
        {"one": [smsc.node]},
        smpp={"password": CANARY},
        route={"accepted_events": True},
    )
    async with Crew(tmp_path, file) as crew:
        yield crew
        for command in crew.commands:
            assert CANARY not in command.output


@pytest.fixture
async def app(rabbit: PrivateRabbit, prefix: str, smsc: SimulatedSmsc) -> Application:
    """To be entered when a worker has declared what it needs."""
    return Application(rabbit.url, Names(prefix), smsc.network)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so: of what tells nobody when it changes."""
    async with asyncio.timeout(LIMIT_S):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def missing(port: int) -> list[str]:
    """What keeps the worker from being ready, as /readyz says."""
    async with httpx.AsyncClient(timeout=10) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/readyz")
    found: list[str] = answer.json()["missing"]
    assert answer.status_code == (503 if found else 200)
    return found


async def until_ready(port: int, but_for: Sequence[str] = ()) -> None:
    """Wait until a worker says so there; or that nothing is missing but this."""

    async def is_so() -> bool:
        with suppress(httpx.TransportError):
            return await missing(port) == [*but_for]
        return False

    await until(is_so)


async def has_children(command: Command) -> bool:
    """Whether it has started another process."""
    children = Path(f"/proc/{command.pid}/task/{command.pid}/children")
    return bool(children.read_text())  # noqa: ASYNC240 - no file, the kernel's answer


def ports_in_a_row() -> int:
    """The first of two free ports."""
    while True:
        (port,) = free_ports(1)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port + 1))
            return port


def pid_of(record: dict[str, str]) -> int:
    """The process of a worker, from its name: host-pid-chance."""
    return int(record["worker"].split("-")[-2])


# What is wrong


async def test_wrong_configuration_is_exit_2_and_names_the_line(crew: Crew) -> None:
    crew.document["broker"]["prefex"] = "x"
    command = await crew.start()
    assert await command.ended() == 2
    assert re.match(
        rf"{re.escape(str(crew.config))}:\d+: broker\.prefex: .*did you mean prefix\?", command.output
    )
    assert len(command.lines) == 1


@pytest.mark.parametrize("arguments", [(), ("--workers", "2")])
async def test_missing_topology_is_exit_2_and_is_named(
    crew: Crew, prefix: str, arguments: tuple[str, ...]
) -> None:
    crew.document["broker"]["declare"] = False
    command = await crew.start(*arguments)
    assert await command.ended() == 2
    for name in (f"{prefix}.mt", f"{prefix}.mt.default", f"{prefix}.wait.600", f"{prefix}.dead"):
        assert re.search(rf"^RabbitMQ: .*{re.escape(name)}\b", command.output, re.MULTILINE), name
    assert "Traceback" not in command.output


async def test_the_same_command_again_is_one_more_worker(crew: Crew) -> None:
    port = ports_in_a_row()
    crew.document["ops"]["listen"] = f"127.0.0.1:{port}"
    first = await crew.start()
    await first.says("worker.started")
    second = await crew.start()
    await second.says("worker.started")
    taken = await second.says("ops.port_taken")
    await until_ready(port)
    await until_ready(int(taken["listens_on"]))
    assert await first.stop() == 0
    assert await second.stop() == 0


async def test_an_ops_address_that_cannot_be_used_is_exit_1_and_names_the_setting(crew: Crew) -> None:
    crew.document["ops"]["listen"] = "192.0.2.1:0"
    command = await crew.start()
    assert await command.ended() == 1
    (said,) = [line for line in command.lines if not line.startswith("{")]
    assert said.startswith("Error: ops.listen: cannot listen on 192.0.2.1:")


async def test_wrong_passwords_are_said_in_one_line_and_waited_for(crew: Crew) -> None:
    urls = {"broker": crew.document["broker"]["url"], "redis": crew.document["redis"]["url"]}
    crew.document["redis"]["url"] = urls["redis"].replace("canary:", "nobody:")
    command = await crew.start()
    said = await command.says("worker.waiting", waiting_for="Redis")
    assert said["reason"].endswith("the user name or password is wrong or missing")
    assert await command.stop() == 0
    crew.document["redis"]["url"] = urls["redis"]
    crew.document["broker"]["url"] = urls["broker"].replace("canary:", "nobody:")
    command = await crew.start("--log-level", "debug")
    said = await command.says("worker.waiting", waiting_for="RabbitMQ")
    assert said["reason"].endswith("refuses the user 'nobody' or its password")
    assert await command.stop() == 0


# Waiting


@pytest.mark.parametrize("away", ["RabbitMQ", "Redis"])
async def test_it_waits_for_what_is_away_and_goes_on_when_it_comes(
    crew: Crew, amqp: FaultProxy, store: FaultProxy, away: str
) -> None:
    door = amqp if away == "RabbitMQ" else store
    await door.cut()
    command = await crew.start()
    said = await command.says("worker.waiting", waiting_for=away)
    assert f"127.0.0.1:{door.port}" in said["reason"]
    await door.heal()
    await command.says("site.changed", state="up")
    assert await command.stop() == 0


async def test_sigterm_while_it_waits_ends_it(crew: Crew, amqp: FaultProxy) -> None:
    await amqp.cut()
    command = await crew.start()
    await command.says("worker.waiting", waiting_for="RabbitMQ")
    assert await command.stop() == 0
    assert command.logged("worker.stopped")


async def test_sigterm_while_rabbitmq_is_silent_waits_for_no_answer(crew: Crew) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        crew.document["broker"]["url"] = f"amqp://127.0.0.1:{silent.getsockname()[1]}/"
        command = await crew.start()
        async with asyncio.timeout(LIMIT_S):
            connection, _ = await asyncio.get_running_loop().sock_accept(silent)
        with connection:
            assert await command.stop() == 0
    assert not command.logged("worker.waiting"), "the attempt was not waited for"


async def test_it_says_that_it_is_not_ready_while_it_waits(crew: Crew, amqp: FaultProxy) -> None:
    (port,) = free_ports(1)
    crew.document["ops"]["listen"] = f"127.0.0.1:{port}"
    await amqp.cut()
    command = await crew.start()
    await command.says("worker.waiting", waiting_for="RabbitMQ")
    assert await missing(port) == ["broker", "redis", "link"]
    await amqp.heal()
    await until_ready(port)
    assert await command.stop() == 0


async def test_redis_may_go_while_rabbitmq_is_waited_for(
    crew: Crew, amqp: FaultProxy, store: FaultProxy
) -> None:
    (port,) = free_ports(1)
    crew.document["ops"]["listen"] = f"127.0.0.1:{port}"
    await amqp.cut()
    command = await crew.start()
    await command.says("worker.waiting", waiting_for="RabbitMQ")
    await store.cut()
    await amqp.heal()
    await until_ready(port, but_for=["redis", "link"])
    await store.heal()
    await until_ready(port)
    assert await command.stop() == 0


# Several workers


async def test_two_workers_share_the_work_each_with_its_own_ops_port(
    crew: Crew, app: Application, smsc: SimulatedSmsc
) -> None:
    port = ports_in_a_row()
    crew.document["ops"]["listen"] = f"127.0.0.1:{port}"
    smsc.behave(Slow(seconds=0.1, every=1))
    watcher = await crew.start("--workers", "2")
    await until_ready(port)
    await until_ready(port + 1)
    async with app:
        await app.publish(ids(200))
        await app.until_settled()
    assert len({submit.bind for submit in smsc.network.submits}) == 2
    assert await watcher.stop() == 0
    assert len(watcher.logged("worker.stopped")) == 2
    assert app.audit().passed


async def test_a_killed_worker_is_started_again_on_its_port(crew: Crew) -> None:
    port = ports_in_a_row()
    crew.document["ops"]["listen"] = f"127.0.0.1:{port}"
    watcher = await crew.start("--workers", "2")
    await watcher.says("worker.started", times=2)
    await until_ready(port)
    await until_ready(port + 1)
    victim = pid_of(watcher.logged("worker.started")[0])
    os.kill(victim, signal.SIGKILL)
    await watcher.says("worker.started", times=3)
    assert watcher.logged("worker.died", exit_code=-9)
    await until_ready(port)
    await until_ready(port + 1)
    assert await watcher.stop() == 0


async def test_a_configuration_broken_meanwhile_stops_no_worker_that_runs(crew: Crew) -> None:
    port = ports_in_a_row()
    crew.document["ops"]["listen"] = f"127.0.0.1:{port}"
    watcher = await crew.start("--workers", "2")
    await watcher.says("worker.started", times=2)
    good = crew.config.read_text()
    crew.config.write_text("garbage: [")
    os.kill(pid_of(watcher.logged("worker.started")[0]), signal.SIGKILL)
    await watcher.says("worker.died", exit_code=2)
    assert not watcher.logged("worker.stopping")
    crew.config.write_text(good)
    await watcher.says("worker.started", times=3)
    assert await watcher.stop() == 0


async def test_ctrl_c_lets_each_worker_finish(crew: Crew, app: Application, smsc: SimulatedSmsc) -> None:
    """One is idle and ends at once; that must not hurry the other."""
    smsc.behave(Slow(seconds=3, every=1))
    watcher = await crew.start("--workers", "2")
    await watcher.says("site.changed", state="up", times=2)
    async with app:
        await app.publish(["m-0"])
        await smsc.network.until(lambda: bool(smsc.network.submits))
        os.killpg(watcher.pid, signal.SIGINT)  # as a terminal does: to all in the foreground
        assert await watcher.ended() == 0
        assert not watcher.logged("worker.undrained")
        await app.until(lambda: bool(app.of("mt", outcome="accepted")))
    assert smsc.network.submits[0].status == 0


async def test_a_second_signal_reaches_the_workers_too(
    crew: Crew, app: Application, smsc: SimulatedSmsc
) -> None:
    smsc.behave(Slow(seconds=100, every=1))
    crew.document["providers"]["p"]["smpp"]["response_timeout_seconds"] = 200
    watcher = await crew.start("--workers", "2")
    await watcher.says("site.changed", state="up", times=2)
    async with app:
        await app.publish(["m-0"])
        await smsc.network.until(lambda: bool(smsc.network.submits))
        async with asyncio.timeout(20):  # the limit for what is in flight is 30
            watcher.signal(signal.SIGTERM)
            await watcher.says("worker.stopping", in_hand=1)
            assert await watcher.stop() == 0


async def test_sigterm_before_the_workers_have_begun_is_exit_0(crew: Crew) -> None:
    watcher = await crew.start("--workers", "3")
    await until(lambda: has_children(watcher))
    assert await watcher.stop() == 0


async def test_workers_end_when_nobody_watches_them_any_more(crew: Crew) -> None:
    watcher = await crew.start("--workers", "2")
    await watcher.says("site.changed", state="up", times=2)
    await watcher.kill()
    await watcher.ended()  # their stderr is closed then
    assert len(watcher.logged("worker.stopped")) == 2
