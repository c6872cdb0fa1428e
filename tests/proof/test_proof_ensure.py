"""Seeing to RabbitMQ and Redis: what runs at the URLs is used; what does not is replaced by a private server."""

import os
from pathlib import Path

import pytest
import redis.asyncio

from bridge.proof import ensure
from bridge.proof.ensure import ensure_servers
from bridge.proof.machine import find_program, free_ports
from bridge.proof.packages import NotInstalled
from bridge.proof.servers import PrivateRabbit, PrivateRedis


@pytest.mark.servers
async def test_servers_that_run_are_used(
    rabbit: PrivateRabbit, redis_server: PrivateRedis, tmp_path: Path
) -> None:
    said: list[str] = []
    async with ensure_servers(rabbit.url, redis_server.url, tmp_path, said.append) as servers:
        assert (servers.amqp_url, servers.redis_url) == (rabbit.url, redis_server.url)
        assert servers.rabbit is None
        assert servers.redis is None
    assert said == [
        f"using the RabbitMQ at 127.0.0.1:{rabbit.port}",
        f"using the Redis at 127.0.0.1:{redis_server.port}",
    ]
    assert rabbit.running


@pytest.mark.servers
async def test_private_servers_take_the_place_of_what_cannot_be_used(
    rabbit: PrivateRabbit, tmp_path: Path
) -> None:
    (unused,) = free_ports(1)
    said: list[str] = []
    wrong_password = rabbit.url.replace("guest:guest", "guest:wrong")
    async with ensure_servers(
        wrong_password, f"redis://localhost:{unused}/0", tmp_path, said.append
    ) as servers:
        assert servers.rabbit is not None
        assert servers.redis is not None
        assert servers.amqp_url == servers.rabbit.url
        async with redis.asyncio.Redis.from_url(servers.redis_url) as client:
            assert await client.ping()
        assert [servers.rabbit.directory.parent, servers.redis.directory.parent] == [tmp_path] * 2
    assert not servers.rabbit.running
    assert not servers.redis.running
    assert f"no Redis to use at localhost:{unused} (nothing listens there): starting a private one" in said
    assert said[0].startswith(f"no RabbitMQ to use at 127.0.0.1:{rabbit.port} (")
    assert not any("wrong" in line for line in said)


async def test_without_programs_an_ordinary_user_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensure, "PrivateRabbit", NowhereToBeFound)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (unused,) = free_ports(1)
    with pytest.raises(NotInstalled) as raised:
        async with ensure_servers(f"amqp://localhost:{unused}/", "redis://localhost", tmp_path, print):
            pass
    assert "sudo apt-get install --yes rabbitmq-server" in str(raised.value)
    assert "docker run --detach --publish 127.0.0.1:5672:5672 rabbitmq:4" in str(raised.value)


class NowhereToBeFound(PrivateRabbit):
    """A RabbitMQ whose programs are not installed."""

    @classmethod
    def find_programs(cls) -> list[str]:
        """Look where nothing is."""
        return [find_program("/nowhere/rabbitmq-server")]
