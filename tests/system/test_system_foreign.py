"""The main road against SMSCs this repository did not write: exactly once, but for what is marked."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from bridge.proof.proxy import FaultProxy
from bridge.proof.servers import PrivateRabbit
from tests.system.foreign import ForeignProvider
from tests.system.lab import Lab, configuration

MESSAGES = 20_000
AWAY_S = 5.0


def all_matched(lab: Lab) -> Callable[[], bool]:
    """Whether each MT has a receipt that is known to be its. Asked after each event, it looks at that alone."""
    found: set[str] = set()
    looked_at = 0

    def are_there() -> bool:
        nonlocal looked_at
        new = lab.by_kind["dr"][looked_at:]
        looked_at += len(new)
        found.update(event["mt_id"] for event in new if event["matched"])
        return len(found) == MESSAGES

    return are_there


@pytest.mark.timeout(400)
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
            texts = [f"m-{number}" for number in range(MESSAGES)]
            bodies = [{"id": text, "to": f"4477009{i:05d}", "text": text} for i, text in enumerate(texts)]
            publishing = asyncio.create_task(lab.publish(bodies))
            await provider.until_taken(MESSAGES // 4)
            await door.cut()
            await asyncio.sleep(AWAY_S)
            taken_away = len(provider.taken)
            await door.heal()
            await publishing
            # A receipt of what was taken at the cut and not answered may have gone out unmatched before.
            await lab.until(all_matched(lab), 390)

            marked = {event["id"] for event in lab.of("mt", outcome="resent", possible_duplicate=True)}
            doubled = {text for text, times in provider.taken.items() if times > 1}
            assert set(provider.taken) == set(texts)
            assert doubled <= marked
            assert len(marked) <= 2 * 50, "no more than two windows were open when the port was cut"
            assert taken_away > MESSAGES // 4, "the other port went on"
            assert provider.taken_by[0], "the port was used again"
            assert {event["mt_id"] for event in lab.of("dr", matched=True)} == set(texts)
            finals = Counter(event["mt_id"] for event in lab.of("dr", matched=True))
            assert {mt_id for mt_id, times in finals.items() if times > 1} <= marked
            assert {event["site"] for event in lab.by_kind["dr"]} == {"one", "two"}
            assert await lab.dead() == []
