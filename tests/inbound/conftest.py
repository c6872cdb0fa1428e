"""A lab for each test."""

from collections.abc import AsyncIterator

import pytest

from bridge.proof.servers import PrivateRabbit
from tests.inbound.lab import Lab, Worker


@pytest.fixture
async def lab(rabbit: PrivateRabbit, redis_url: str, prefix: str) -> AsyncIterator[Lab]:
    async with Lab(rabbit.url, redis_url, prefix) as lab:
        yield lab


@pytest.fixture
async def worker(lab: Lab) -> Worker:
    return await lab.worker()
