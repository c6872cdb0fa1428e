"""The private servers: data outlives a kill, a pause is felt, nothing is left behind, errors say why."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import aio_pika
import pytest
import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bridge.proof.machine import MissingProgram, find_program, free_ports
from bridge.proof.servers import PrivateRabbit, PrivateRedis, ServerError


async def test_redis_keeps_its_data_over_a_restart_on_the_same_port() -> None:
    async with PrivateRedis() as server:
        url = server.url
        async with redis.asyncio.Redis.from_url(url) as client:
            await client.set("key", "value")
        await server.restart()
        async with redis.asyncio.Redis.from_url(url) as client:
            assert await client.get("key") == b"value"
    assert not server.running
    assert not server.directory.exists()


async def test_a_paused_redis_answers_nothing_until_it_is_resumed(
    redis_server: PrivateRedis, redis_url: str
) -> None:
    async with redis.asyncio.Redis.from_url(redis_url, socket_timeout=0.2, retry=None) as client:
        await client.ping()
        redis_server.pause()
        try:
            with pytest.raises(RedisTimeoutError):
                await client.ping()
            assert redis_server.running
        finally:
            redis_server.resume()
        assert await client.ping()


async def test_a_killed_redis_is_gone_until_started(redis_server: PrivateRedis, redis_url: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_url, retry=None) as client:
        redis_server.kill()
        assert not redis_server.running
        with pytest.raises(RedisConnectionError):
            await client.ping()
        await redis_server.start()
        assert await client.ping()


@pytest.mark.servers
async def test_rabbit_keeps_confirmed_messages_over_a_kill(rabbit: PrivateRabbit, prefix: str) -> None:
    async with await aio_pika.connect(rabbit.url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(prefix, durable=True)
        await rabbit.sync_declarations()
        message = aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key=prefix)

    rabbit.kill()
    await rabbit.start()

    async with await aio_pika.connect(rabbit.url) as connection:
        queue = await (await connection.channel()).get_queue(prefix)
        received = await queue.get()
        assert received is not None
        assert received.body == b"kept"
        await received.ack()
        await queue.delete()


@pytest.mark.servers
async def test_three_nodes_make_a_cluster_that_outlives_one_of_them(prefix: str) -> None:
    async with PrivateRabbit() as first:
        second, third = PrivateRabbit(beside=first), PrivateRabbit(beside=first)
        async with second, third:
            async with await aio_pika.connect(second.url) as connection:
                queue = await (await connection.channel()).declare_queue(
                    prefix, durable=True, arguments={"x-queue-type": "quorum"}
                )
                members = await first.ctl("list_queues", "name", "members", "--no-table-headers")
                assert all(node.node in members for node in (first, second, third))
                first.kill()
                message = aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
                await queue.channel.default_exchange.publish(message, routing_key=prefix)
            await first.start()
            async with await aio_pika.connect(first.url) as connection:
                received = await (await (await connection.channel()).get_queue(prefix)).get()
                assert received is not None
                await received.ack()
    assert not first.directory.exists()
    assert not second.directory.exists()


@pytest.mark.servers
async def test_rabbitmqctl_speaks_to_the_private_node(rabbit: PrivateRabbit) -> None:
    flags = dict(line.split("\t") for line in (await rabbit.ctl("list_feature_flags")).splitlines())
    assert flags["stream_queue"] == "enabled"  # dead lettering at least once needs it
    with pytest.raises(ServerError, match="no_such_command"):
        await rabbit.ctl("no_such_command")


def test_nothing_is_left_when_the_owner_is_killed() -> None:
    owner = """
import asyncio, os
from bridge.proof.servers import PrivateRedis
server = PrivateRedis()
asyncio.run(server.start())
print(server.directory, server._process.pid, server._guardian.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    path = os.pathsep.join(sys.path)
    run = subprocess.run(
        [sys.executable, "-c", owner],
        stdout=subprocess.PIPE,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert run.returncode == -signal.SIGKILL
    directory, server, its_guardian = run.stdout.split()
    _wait_until_gone(int(its_guardian))
    _wait_until_gone(int(server))
    assert not Path(directory.decode()).exists()


async def test_a_server_that_cannot_start_quotes_its_log() -> None:
    server = PrivateRedis()
    try:
        (server.directory / "appendonlydir").mkdir()
        (server.directory / "appendonlydir" / "appendonly.aof.manifest").write_text("damaged")
        with pytest.raises(ServerError, match=r"ended while it started[^\n]*\n(.*\n)*.*manifest file"):
            await server.start()
    finally:
        server.close()


def test_a_missing_program_is_named() -> None:
    with pytest.raises(MissingProgram, match="no-such-server is not installed"):
        find_program("/nowhere/no-such-server", "no-such-server")


def test_free_ports_are_different() -> None:
    assert len(set(free_ports(20))) == 20


def _wait_until_gone(pid: int) -> None:
    """Wait for the end of a process that is not our child (any more)."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with os.fdopen(descriptor) as handle:
        ready, _, _ = select.select([handle], [], [], 20)
        assert ready, f"process {pid} still lives"
