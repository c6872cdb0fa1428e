"""The main road against SMSCs this repository did not write: exactly once, but for what is marked."""

import asyncio
from collections import Counter

import pytest

from bridge.proof.proxy import FaultProxy
from bridge.proof.servers import PrivateRabbit
from tests.system.foreign import ForeignProvider
from tests.system.lab import Lab, configuration, distinct

MESSAGES, LATER = 6_000, 1_000
LIMIT_S = 180.0


@pytest.mark.timeout(LIMIT_S + 30)
async def test_a_port_dies_under_load_and_comes_back(
    rabbit: PrivateRabbit, redis_url: str, prefix: str
) -> None:
    async with (
        ForeignProvider(2) as provider,
        FaultProxy("127.0.0.1", provider.ports[0]) as door,
    ):
        sites = {"one": [f"127.0.0.1:{door.port}"], "two": [f"127.0.0.1:{provider.ports[1]}"]}
        settings = configuration(
            rabbit.url, redis_url, prefix, sites, smpp={"binds_per_node": 2, "window": 50}
        )
        async with Lab(settings) as lab:
            await provider.until_bound(4)
            texts = [f"m-{number}" for number in range(MESSAGES + LATER)]
            bodies = [{"id": text, "to": f"4477009{i:05d}", "text": text} for i, text in enumerate(texts)]
            publishing = asyncio.create_task(lab.publish(bodies[:MESSAGES]))
            await provider.until_taken(MESSAGES // 4)
            await door.cut()
            await provider.until_taken(MESSAGES // 2)  # the other port goes on
            await door.heal()
            await provider.until_bound(6)
            taken_before = len(provider.taken_by[0])
            await publishing
            await lab.publish(bodies[MESSAGES:])
            # A receipt of what was taken at the cut and not answered may have gone out unmatched before.
            await lab.until(distinct(lab.by_kind["dr"], "mt_id", len(texts), matched=True), LIMIT_S)

            marked = {event["id"] for event in lab.of("mt", outcome="resent", possible_duplicate=True)}
            doubled = {text for text, times in provider.taken.items() if times > 1}
            assert set(provider.taken) == set(texts)
            assert doubled <= marked
            assert len(marked) <= 2 * 50, "no more than two windows were open when the port was cut"
            assert len(provider.taken_by[0]) > taken_before, "the port was used again"
            assert {event["mt_id"] for event in lab.of("dr", matched=True)} == set(texts)
            finals = Counter(event["mt_id"] for event in lab.of("dr", matched=True))
            assert {mt_id for mt_id, times in finals.items() if times > 1} <= marked
            assert {event["site"] for event in lab.by_kind["dr"]} == {"one", "two"}
            assert await lab.dead() == []
