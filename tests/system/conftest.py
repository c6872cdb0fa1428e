"""A simulated provider with two sites of one SMSC each, and a bridge bound to both."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bridge.proof.servers import PrivateRabbit
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from tests.system.lab import Lab, configuration

MakeLab = Callable[..., Awaitable[Lab]]


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    """The provider behind both SMSCs."""
    network = Network(receipt_delay_s=0.01, deliver_again_s=0.2)
    yield network
    network.close()


@pytest.fixture
async def smscs(network: Network) -> AsyncIterator[list[SimulatedSmsc]]:
    """Its two SMSCs, one at each site, listening."""
    smscs = [SimulatedSmsc(network=network, site=site) for site in ("one", "two")]
    for smsc in smscs:
        await smsc.start()
    yield smscs
    for smsc in smscs:
        smsc.kill()


@pytest.fixture
async def make_lab(
    rabbit: PrivateRabbit, redis_url: str, prefix: str, smscs: list[SimulatedSmsc]
) -> AsyncIterator[MakeLab]:
    """Start a bridge; keyword arguments go to `lab.configuration`."""
    async with AsyncExitStack() as stack:

        async def make(**parts: Mapping[str, Any]) -> Lab:
            sites = {smsc.site: [smsc.node] for smsc in smscs}
            settings = configuration(rabbit.url, redis_url, prefix, sites, **parts)
            return await stack.enter_async_context(Lab(settings))

        yield make
