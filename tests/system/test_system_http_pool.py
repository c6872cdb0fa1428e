"""Binds and endpoints of one provider on one route: which of them a message leaves by (contract 1.4)."""

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from bridge.config.settings import Settings
from bridge.proof.servers import PrivateRabbit
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from tests.system.http_lab import PATIENT, HttpStage, results
from tests.system.lab import Lab
from tests.system.phones import three
from tests.system.test_system_outbound import mts, taken, until_receipts

PIXEL = base64.b64encode(b"GIF89a\x01\x00\x01\x00").decode()


@pytest.fixture
async def stage(
    rabbit: PrivateRabbit, redis_url: str, prefix: str, smscs: list[SimulatedSmsc]
) -> AsyncIterator[HttpStage]:
    async with HttpStage(rabbit.url, redis_url, prefix, smscs=smscs) as stage:
        yield stage


async def bridge(stage: HttpStage, network: Network, prefer: str) -> Lab:
    """A bridge with two binds and two endpoints, all up."""
    lab = await stage.lab(route={"prefer": prefer}, http=PATIENT)
    async with asyncio.timeout(20):
        await network.until(lambda: len(network.outbox.receivers) == 2)
    return lab


def named(name: str, number: int, **fields: object) -> list[dict[str, object]]:
    """So many MTs whose ids begin so."""
    return [
        {"id": f"{name}-{i}", "to": "447700900123", "text": f"{name}-{i}", **fields} for i in range(number)
    ]


async def test_smpp_first_and_http_only_while_no_bind_is_up(
    stage: HttpStage, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    lab = await bridge(stage, network, "smpp")
    await lab.publish(mts(200))
    await until_receipts(lab, 200)
    assert stage.provider.requests == []
    smscs[0].kill()
    await lab.publish(named("half", 100))
    await until_receipts(lab, 300)
    assert stage.provider.requests == [], "the other bind is up"
    smscs[1].kill()
    await lab.publish(named("none", 200))
    await until_receipts(lab, 500)
    over_http = {ident for ident in stage.books if ident.startswith("none-")}
    assert len(over_http) == 200
    assert {request.site for request in stage.provider.taken} == {"one"}, "the primary"
    await smscs[1].start()
    await network.until(lambda: len(network.outbox.receivers) == 1)
    await lab.until(lambda: lab.of("site", site="two")[-1]["state"] == "up")
    before = len(stage.provider.requests)
    await lab.publish(named("back", 200))
    await until_receipts(lab, 700)
    assert len(stage.provider.requests) == before
    whole = taken(network) + stage.books
    doubled = {mt_id for mt_id, times in whole.items() if times > 1}
    assert len(whole) == 700
    assert doubled <= {event["id"] for event in lab.of("mt", outcome="resent")}


async def test_http_first_and_smpp_only_while_no_endpoint_is_up(stage: HttpStage, network: Network) -> None:
    lab = await bridge(stage, network, "http")
    await lab.publish(mts(100))
    await until_receipts(lab, 100)
    assert network.submits == []
    stage.one.kill()
    stage.two.kill()
    await lab.publish(named("none", 100))
    await until_receipts(lab, 200)
    assert len(network.messages) == 100
    await stage.one.start()
    await lab.until(lambda: lab.of("site", site="one")[-1]["state"] == "up")
    await lab.publish(named("one", 1))
    await lab.until(lambda: bool(lab.of("mt", id="one-0")))
    await lab.publish(named("back", 100))
    await until_receipts(lab, 301)
    assert Counter(request.ident.partition("-")[0] for request in stage.provider.taken)["back"] == 100
    assert set((taken(network) + stage.books).values()) == {1}


async def test_any_uses_all_that_is_ready(stage: HttpStage, network: Network) -> None:
    lab = await bridge(stage, network, "any")
    await lab.publish(mts(500))
    await until_receipts(lab, 500)
    both = taken(network) + stage.books
    assert both == Counter(f"m-{i}" for i in range(500))
    assert min(len(network.messages), len(stage.provider.taken)) > 50
    assert {request.site for request in stage.provider.taken} == {"one"}, "the other only stands in"
    assert lab.of("mt", outcome="resent") == []


async def test_pictures_leave_over_http_while_binds_are_up(stage: HttpStage, network: Network) -> None:
    lab = await bridge(stage, network, "smpp")
    parts = [{"content_type": "image/gif", "data": PIXEL}, {"content_type": "text/plain", "data": "aGk="}]
    await lab.publish([{"id": "mms", "to": "447700900123", "media": parts}])
    await lab.publish(mts(20))
    await until_receipts(lab, 21)
    assert stage.books == {"mms": 1}
    sent = stage.provider.taken[0].attachments
    assert [(part.content_type, part.content) for part in sent] == [
        ("image/gif", base64.b64decode(PIXEL)),
        ("text/plain", b"hi"),
    ]
    assert len(network.messages) == 20


async def test_a_picture_waits_for_http_while_texts_go_on(stage: HttpStage, network: Network) -> None:
    lab = await bridge(stage, network, "smpp")
    stage.one.kill()
    stage.two.kill()
    part = {"content_type": "image/gif", "data": PIXEL}
    await lab.publish([{"id": "mms", "to": "447700900123", "media": [part]}])
    await lab.until(lambda: bool(lab.of("site", state="alarm")), 20)
    await lab.publish(mts(50))
    await until_receipts(lab, 50)
    await stage.two.start()
    await until_receipts(lab, 51, 30)
    assert stage.books == {"mms": 1}
    assert lab.of("mt", outcome="rejected") == []


async def test_a_long_text_over_http_is_one_request(stage: HttpStage, network: Network) -> None:
    lab = await bridge(stage, network, "http")
    text = three("long") + " é€я"
    await lab.publish([{"id": "long", "to": "447700900123", "text": text}])
    await until_receipts(lab, 1)
    (request,) = stage.provider.requests
    assert request.fields["message"] == text
    event = lab.of("mt", outcome="accepted")[0]
    assert (event["segments"], event["smsc_ids"]) == (1, ["long"])
    (dr,) = lab.by_kind["dr"]
    assert (dr["mt_id"], dr["joined"], dr["segment"]) == ("long", True, None)
    assert network.submits == []


async def test_octets_leave_over_smpp_alone(
    stage: HttpStage, network: Network, smscs: list[SimulatedSmsc]
) -> None:
    file = stage.document(route={"providers": ["p", "q"], "prefer": "http"})
    http = file["providers"]["p"]  # Genesys has no words for octets, over SMPP neither: they are the other's
    smpp_sites = {name: {"smsc": site.pop("smsc")} for name, site in http["sites"].items()}
    file["providers"]["q"] = {"smpp": http.pop("smpp"), "sites": smpp_sites}
    lab = await stage.lab_of(Settings.model_validate(file))
    octets = base64.b64encode(bytes(range(100))).decode()
    await lab.publish([{"id": "octets", "to": "447700900123", "data": octets}])
    await until_receipts(lab, 1, 20)
    assert network.messages[0].octets == bytes(range(100))
    for smsc in smscs:
        smsc.kill()
    await lab.publish([{"id": "later", "to": "447700900123", "data": octets}])
    await lab.publish(mts(20))
    await until_receipts(lab, 21, 20)
    await smscs[0].start()
    await until_receipts(lab, 22, 20)
    assert {request.ident for request in stage.provider.requests} == {f"m-{i}" for i in range(20)}
    assert results(lab.of("mt", id="later", outcome="accepted")[0])[-1] == ("one", "accepted")


async def test_octets_that_no_account_can_say_are_rejected(stage: HttpStage, network: Network) -> None:
    lab = await bridge(stage, network, "any")
    await lab.publish([{"id": "octets", "to": "447700900123", "data": "AAEC"}])
    await lab.until(lambda: bool(lab.of("mt", outcome="rejected")), 20)
    assert "binary" in lab.of("mt", outcome="rejected")[0]["reason"]
    assert (network.submits, stage.provider.requests) == ([], [])
