"""A lab for each test."""

from collections.abc import AsyncIterator

import pytest

from bridge.proof.servers import PrivateRabbit
from tests.inbound.lab import Lab
from tests.inbound.worker import Worker


@pytest.fixture
async def lab(rabbit: PrivateRabbit, redis_url: str, prefix: str) -> AsyncIterator[Lab]:
    async with Lab(rabbit.url, redis_url, prefix) as lab:
        yield lab


@pytest.fixture
async def two_workers(lab: Lab) -> tuple[Worker, Worker]:
    return await lab.worker("w1"), await lab.worker("w2")


@pytest.fixture
async def worker(lab: Lab) -> Worker:
    return await lab.worker()
