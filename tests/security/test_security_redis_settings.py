"""A Redis that does not keep what it is told: said when a worker starts, and by `bridge check`."""

from pathlib import Path

import pytest
import redis.asyncio

from bridge.cli.probes import probes
from bridge.config.settings import Settings
from bridge.proof.servers import PrivateRedis
from bridge.store.fitness import LOST
from tests.system.lab import document
from tests.system.processes import Crew

pytestmark = pytest.mark.servers
NOBODY = "amqp://127.0.0.1:1/"


async def test_what_would_be_lost_is_said_at_start_and_by_check(tmp_path: Path) -> None:
    async with PrivateRedis() as server:
        async with redis.asyncio.Redis.from_url(server.url) as client:
            await client.config_set("appendonly", "no")
            await client.config_set("maxmemory-policy", "allkeys-lru")
        told = document(NOBODY, server.url, "bridge", {"one": ["127.0.0.1:1"]})
        _, probe, *_ = probes(Settings.model_validate(told))
        finding = await probe.run()
        async with Crew(tmp_path, told) as crew:
            worker = await crew.start()
            await worker.says("redis.setting", times=2)
    assert finding.works
    said = [record["problem"] for record in worker.logged("redis.setting", level="warning")]
    assert said == list(finding.notes)
    assert ["appendonly no" in said[0], "maxmemory-policy allkeys-lru" in said[1]] == [True, True]
    assert all(LOST in line for line in said)
