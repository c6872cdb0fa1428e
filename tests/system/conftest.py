"""A simulated provider with two sites of one SMSC each, and a bridge bound to both."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bridge.model.names import Names
from bridge.proof.proxy import FaultProxy
from bridge.proof.servers import PrivateRabbit
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from tests.system.application import Application
from tests.system.lab import Lab, configuration, document
from tests.system.processes import Crew

MakeLab = Callable[..., Awaitable[Lab]]
MakeCrew = Callable[..., Awaitable[tuple[Crew, Application]]]


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


@pytest.fixture
async def make_crew(
    tmp_path: Path, rabbit: PrivateRabbit, redis_url: str, prefix: str, smscs: list[SimulatedSmsc]
) -> AsyncIterator[MakeCrew]:
    """Start worker processes, and an application that hears them; the rest goes to `lab.document`.

    Their route tells of accepted MTs too, so that each MT has an end that can be waited for. With a `door` to
    RabbitMQ, only the workers go through it.
    """
    async with AsyncExitStack() as stack:

        async def make(
            workers: int,
            *,
            amqp_url: str = rabbit.url,
            door: FaultProxy | None = None,
            smpp: Mapping[str, Any] | None = None,
            route: Mapping[str, Any] | None = None,
            inbound: Mapping[str, Any] | None = None,
            early_dr_wait_seconds: int = 3,
        ) -> tuple[Crew, Application]:
            file = document(
                amqp_url if door is None else f"amqp://127.0.0.1:{door.port}/",
                redis_url,
                prefix,
                {smsc.site: [smsc.node] for smsc in smscs},
                smpp=smpp,
                route={"accepted_events": True, **(route or {})},
                inbound={"early_dr_wait_seconds": early_dr_wait_seconds, **(inbound or {})},
            )
            crew = await stack.enter_async_context(Crew(tmp_path, file))
            await crew.workers(workers)
            app = Application(amqp_url, Names(prefix), smscs[0].network)
            return crew, await stack.enter_async_context(app)

        yield make
