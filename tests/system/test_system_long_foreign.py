"""Long messages both ways through SMSCs this repository did not write."""

from collections import Counter

import pytest

from bridge.proof.servers import PrivateRabbit
from tests.system.foreign import UCS2, UDHI, ForeignProvider
from tests.system.lab import Lab, configuration
from tests.system.phones import mixed

MESSAGES = 100


@pytest.mark.parametrize("way", ["udh8", "udh16", "sar", "payload"])
async def test_long_mts_are_put_together_there_and_have_one_receipt(
    rabbit: PrivateRabbit, redis_url: str, prefix: str, way: str
) -> None:
    async with ForeignProvider(2) as provider:
        sites = {f"site{number}": [f"127.0.0.1:{port}"] for number, port in enumerate(provider.ports)}
        smpp = {"window": 3, "long_messages": way}
        async with Lab(configuration(rabbit.url, redis_url, prefix, sites, smpp=smpp)) as lab:
            await lab.start_worker()
            await provider.until_bound(4)
            texts = {f"m-{number}": mixed(f"m-{number}") for number in range(MESSAGES)}
            await lab.publish(
                {"id": mt_id, "to": f"4477009{i:05}", "text": text}
                for i, (mt_id, text) in enumerate(texts.items())
            )
            await lab.until(lambda: len(lab.of("dr", joined=True)) >= MESSAGES)
            assert provider.taken == Counter(texts.values())
            assert Counter(event["mt_id"] for event in lab.by_kind["dr"]) == Counter(list(texts))
            assert {event["state"] for event in lab.by_kind["dr"]} == {"delivered"}


async def test_long_mos_are_put_together_here(rabbit: PrivateRabbit, redis_url: str, prefix: str) -> None:
    text = "два слова 😀 " * 12
    octets = text.encode("utf-16-be")
    pieces = [octets[at : at + 134] for at in range(0, len(octets), 134)]
    async with ForeignProvider(2) as provider:
        sites = {f"site{number}": [f"127.0.0.1:{port}"] for number, port in enumerate(provider.ports)}
        async with Lab(configuration(rabbit.url, redis_url, prefix, sites)) as lab:
            await lab.start_worker()
            await provider.until_bound(4)
            for number, piece in reversed(list(enumerate(pieces, 1))):
                udh = bytes((5, 0, 3, 200, len(pieces), number))
                for node in range(2):
                    answer = await provider.deliver(node, "447700900001", "12345", udh + piece, UDHI, UCS2)
                    assert answer == 0
            await lab.until(lambda: bool(lab.by_kind["mo"]))
            assert [(e["text"], e["segments"], e["complete"]) for e in lab.by_kind["mo"]] == [
                (text, len(pieces), True)
            ]
