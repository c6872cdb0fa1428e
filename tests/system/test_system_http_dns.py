"""One URL whose place the provider changes in its DNS: traffic follows within the TTL (contract 1.5, `dns`)."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from bridge.proof.servers import PrivateRabbit
from bridge.simulator.http import HttpSite
from bridge.simulator.http.faults import Hang
from tests.links.dns_server import DnsServer, dns_server
from tests.system.http_lab import PATIENT, HttpStage, results
from tests.system.lab import Lab
from tests.system.test_system_outbound import until_receipts

HOST = "sms.provider.test"
LONG = 3600


@pytest.fixture
async def stage(rabbit: PrivateRabbit, redis_url: str, prefix: str) -> AsyncIterator[HttpStage]:
    async with HttpStage(rabbit.url, redis_url, prefix) as stage:
        yield stage


@pytest.fixture
async def names() -> AsyncIterator[DnsServer]:
    async with dns_server() as server:
        yield server


@pytest.fixture
async def places(stage: HttpStage) -> tuple[HttpSite, HttpSite]:
    """Two machines that one name may lead to, so one port."""
    here = HttpSite(stage.provider, site="here", host="127.0.0.2")
    await here.start()
    there = HttpSite(stage.provider, site="there", host="127.0.0.3", port=here.port)
    await there.start()
    return here, there


async def bridge(stage: HttpStage, names: DnsServer, port: int, **http: int) -> Lab:
    """A bridge that knows the name alone."""
    url = f"http://{HOST}:{port}{stage.provider.style.path}"
    return await stage.lab(
        urls={"one": url}, http={"strategy": "dns", "nameservers": [names.address], **http}
    )


def mts(name: str, number: int) -> list[dict[str, str]]:
    """So many MTs."""
    return [{"id": f"{name}-{i}", "to": "447700900123", "text": name} for i in range(number)]


async def test_when_the_ttl_has_passed_traffic_goes_where_the_name_leads_now(
    stage: HttpStage, names: DnsServer, places: tuple[HttpSite, HttpSite]
) -> None:
    here, there = places
    names.tell(HOST, here.host, ttl=1)
    lab = await bridge(stage, names, here.port, **PATIENT)
    await lab.publish(mts("early", 50))
    await until_receipts(lab, 50)
    assert {request.site for request in stage.provider.taken} == {"here"}
    names.tell(HOST, there.host, ttl=LONG)
    for number in count(1):
        await lab.publish(mts(f"between-{number}", 1))
        await until_receipts(lab, 50 + number)
        if stage.provider.taken[-1].site == "there":
            break
    so_far = len(stage.provider.taken)
    await lab.publish(mts("later", 50))
    await until_receipts(lab, so_far + 50)
    assert {request.site for request in stage.provider.taken[so_far:]} == {"there"}
    assert not here.connections, "none outlives the answer it came from"
    assert set(stage.books.values()) == {1}
    assert {len(event["attempts"]) for event in lab.of("mt", outcome="accepted")} == {1}


async def test_a_place_that_refuses_is_looked_up_again_at_once(
    stage: HttpStage, names: DnsServer, places: tuple[HttpSite, HttpSite]
) -> None:
    here, there = places
    names.tell(HOST, here.host, ttl=LONG)
    lab = await bridge(stage, names, here.port)
    await lab.publish(mts("early", 20))
    await until_receipts(lab, 20)
    here.kill()
    names.tell(HOST, there.host, ttl=LONG)
    await lab.publish(mts("later", 20))
    await until_receipts(lab, 40)
    assert {request.site for request in stage.provider.taken[20:]} == {"there"}
    for event in lab.of("mt", outcome="accepted"):
        assert results(event) == [("one", "accepted")], "nobody noticed"
    assert [event["state"] for event in lab.by_kind["site"]] in ([], ["up"])


async def test_a_place_that_hangs_is_left_when_the_name_leads_elsewhere(
    stage: HttpStage, names: DnsServer, places: tuple[HttpSite, HttpSite]
) -> None:
    here, there = places
    here.behave(Hang(every=1))
    names.tell(HOST, here.host, ttl=1)
    lab = await bridge(stage, names, here.port)
    await lab.publish([{**mt, "receipt": "none"} for mt in mts("m", 20)])
    await stage.until(lambda: bool(stage.provider.requests))
    names.tell(HOST, there.host, ttl=1)
    await lab.until(lambda: len({event["id"] for event in lab.of("mt", outcome="accepted")}) == 20)
    assert set(stage.books.values()) == {1}
    asked_twice = {request.ident for request in stage.provider.requests if request.times > 1}
    assert asked_twice <= {event["id"] for event in lab.of("mt", outcome="resent")}
    assert lab.of("mt", outcome="failed") == []


async def test_a_name_that_is_unknown_for_a_while_costs_no_message(
    stage: HttpStage, names: DnsServer, places: tuple[HttpSite, HttpSite]
) -> None:
    lab = await bridge(stage, names, places[0].port)
    await lab.publish(mts("m", 20))
    await names.asked(1)
    await lab.until(lambda: bool(lab.of("site", state="alarm")), 20)
    assert HOST in lab.of("site", state="alarm")[0]["reason"]
    names.tell(HOST, places[0].host, ttl=LONG)
    await until_receipts(lab, 20)
    assert set(stage.books.values()) == {1}
    assert lab.of("mt", outcome="failed") == []
