"""Two HTTP sites of which one stands in for the other, through all that can befall them (contract 1.5)."""

import ssl
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bridge.proof.servers import PrivateRabbit
from bridge.simulator.http import HttpBehaviour, HttpSite
from bridge.simulator.http.faults import Cut, CutBody, Drip, Garbage, Hang, Redirect, Status
from tests.links.test_links_tls import make_certificate
from tests.system.http_lab import PATIENT, HttpStage, once_each, results
from tests.system.lab import Event, Lab
from tests.system.test_system_outbound import mts, until_receipts


@pytest.fixture
async def stage(rabbit: PrivateRabbit, redis_url: str, prefix: str) -> AsyncIterator[HttpStage]:
    async with HttpStage(rabbit.url, redis_url, prefix) as stage:
        yield stage


async def accepted(lab: Lab, mt_id: str) -> Event:
    """The event that tells so."""
    await lab.until(lambda: bool(lab.of("mt", outcome="accepted", id=mt_id)), 20)
    (event,) = once_each(lab.of("mt", outcome="accepted", id=mt_id))
    return event


def waited(event: Event) -> timedelta:
    """Between the first two attempts."""
    first, second, *_ = (datetime.fromisoformat(attempt["at"]) for attempt in event["attempts"])
    return second - first


async def test_what_a_refusing_primary_failed_goes_there_again_then_to_the_other(stage: HttpStage) -> None:
    stage.one.kill()
    lab = await stage.lab(http=PATIENT)
    await lab.publish(mts(1))
    event = await accepted(lab, "m-0")
    assert results(event) == [("one", "not sent"), ("one", "not sent"), ("two", "accepted")]
    assert waited(event) >= timedelta(seconds=1)
    assert event["possible_duplicate"] is False
    assert (event["site"], event["via"], event["smsc_ids"]) == ("two", "http", ["m-0"])
    await lab.publish([{"id": f"later-{i}", "to": "447700900123", "text": "x"} for i in range(20)])
    for number in range(20):
        assert results(await accepted(lab, f"later-{number}")) == [("two", "accepted")], "at once"
    assert lab.of("mt", outcome="resent") == []
    assert set(stage.books.values()) == {1}


async def test_a_probe_brings_the_traffic_back_to_the_primary(stage: HttpStage) -> None:
    stage.one.kill()
    lab = await stage.lab(http=PATIENT)
    await lab.publish(mts(1))
    await accepted(lab, "m-0")
    await lab.until(lambda: bool(lab.of("site", site="one", state="down")))
    await stage.one.start()
    await lab.until(lambda: lab.of("site", site="one")[-1]["state"] == "up")
    await lab.publish([{"id": f"later-{i}", "to": "447700900123", "text": "x"} for i in range(200)])
    await until_receipts(lab, 201)
    sites = [request.site for request in stage.provider.taken]
    assert sites[0] == "two"
    assert "one" in sites
    await lab.publish([{"id": f"last-{i}", "to": "447700900123", "text": "x"} for i in range(50)])
    await until_receipts(lab, 251)
    assert {request.site for request in stage.provider.taken[201:]} == {"one"}
    assert set(stage.books.values()) == {1}


async def test_with_both_sites_gone_an_alarm_is_raised_and_what_waits_goes_when_one_is_back(
    stage: HttpStage,
) -> None:
    stage.one.kill()
    stage.two.kill()
    lab = await stage.lab(http=PATIENT)
    await lab.publish(mts(30))
    await lab.until(lambda: bool(lab.of("site", state="alarm")), 20)
    alarm = lab.of("site", state="alarm")[0]
    assert (alarm["provider"], alarm["site"], alarm["via"]) == ("p", "two", "http")
    assert "connection refused" in alarm["reason"]
    await stage.two.start()
    await until_receipts(lab, 30, 30)
    assert len(lab.of("site", state="alarm")) == 1
    assert set(stage.books.values()) == {1}
    assert {dr["possible_duplicate"] for dr in lab.by_kind["dr"]} == {False}
    assert lab.of("mt", outcome="failed") == []


async def test_what_a_hung_primary_took_is_marked_and_asked_again_under_its_name(stage: HttpStage) -> None:
    stage.one.behave(Hang(every=1))
    lab = await stage.lab()
    await lab.publish(mts(1, receipt="none"))
    event = await accepted(lab, "m-0")
    assert results(event) == [("one", "doubt"), ("one", "doubt"), ("two", "duplicate 0x7")]
    assert waited(event) >= timedelta(seconds=2), "one for the answer to come, one to wait"
    assert stage.asked("m-0") == ["one", "one", "two"]
    assert stage.books == {"m-0": 1}, "one message on the provider's books"
    outcomes = [each["outcome"] for each in once_each(lab.by_kind["mt"])]
    assert outcomes == ["resent", "resent", "accepted"]
    assert {each["possible_duplicate"] for each in lab.by_kind["mt"]} == {True}


async def test_a_receipt_tells_that_a_hung_primary_took_it_and_no_copy_is_sent(stage: HttpStage) -> None:
    stage.one.behave(Hang(every=1))
    lab = await stage.lab()
    await lab.publish(mts(1))
    event = await accepted(lab, "m-0")
    assert event["possible_duplicate"] is True
    assert [each["outcome"] for each in once_each(lab.by_kind["mt"])] == ["resent", "accepted"]
    await until_receipts(lab, 1)
    assert [dr["possible_duplicate"] for dr in once_each(lab.by_kind["dr"])] == [True]
    assert stage.asked("m-0") == ["one"]


async def test_a_whole_window_at_a_hung_primary_is_asked_of_the_other_and_taken_once(
    stage: HttpStage,
) -> None:
    stage.one.behave(Hang(every=1, taken=False))
    lab = await stage.lab(http={"window": 10})
    await lab.publish(mts(100))
    await until_receipts(lab, 100)
    assert set(stage.books.values()) == {1}
    assert {request.site for request in stage.provider.taken} == {"two"}
    marked = {event["id"] for event in lab.of("mt", outcome="resent")}
    assert marked == {request.ident for request in stage.provider.requests if request.site == "one"}
    assert len(marked) <= 20, "the others went to the alternative at once"
    for event in once_each(lab.by_kind["mt"]):
        assert event["possible_duplicate"] == (event["id"] in marked)


@pytest.mark.parametrize(
    ("fault", "word", "doubtful", "books"),
    [
        (lambda: Status(500), "doubt", True, {"two"}),
        (lambda: Status(500, taken=True), "doubt", True, {"one"}),
        (lambda: Status(503), "not sent 0x1F7", False, {"two"}),
        (lambda: Status(404), "not sent 0x194", False, {"two"}),
        (lambda: Redirect(to="http://127.0.0.1:9/elsewhere"), "not sent 0x12E", False, {"two"}),
        (lambda: CutBody(every=1), "doubt", True, {"one"}),
        (lambda: Cut(every=1), "doubt", True, {"one"}),
        (lambda: Drip(seconds=0.5, every=1), "doubt", True, {"one"}),
        (lambda: Garbage("octets", every=1), "doubt", True, {"one"}),
    ],
    ids=["500", "500-taken", "503", "404", "redirect", "cut-body", "cut", "drip", "garbage"],
)
async def test_a_site_that_fails_otherwise_is_left_for_the_other(
    stage: HttpStage, fault: Callable[[], HttpBehaviour], word: str, doubtful: bool, books: set[str]
) -> None:
    stage.one.behave(fault())
    lab = await stage.lab()
    await lab.publish(mts(1, receipt="none"))
    event = await accepted(lab, "m-0")
    last = "accepted" if books == {"two"} else "duplicate 0x7"
    assert results(event) == [("one", word), ("one", word), ("two", last)]
    assert event["possible_duplicate"] is doubtful
    assert len(lab.of("mt", outcome="resent")) == (2 if doubtful else 0)
    assert stage.books == {"m-0": 1}
    assert {request.site for request in stage.provider.taken} == books


def listening_as(folder: Path, name: str) -> ssl.SSLContext:
    """A server that shows the certificate for this name."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*make_certificate(folder, name))
    return context


async def test_a_stranger_at_the_primarys_address_is_not_spoken_to(stage: HttpStage, tmp_path: Path) -> None:
    stranger, known = (
        HttpSite(stage.provider, site=site, tls=listening_as(tmp_path, name))
        for site, name in (("one", "stranger"), ("two", "localhost"))
    )
    for site in (stranger, known):
        await site.start()
    urls = {site.site: site.url.replace("127.0.0.1", "localhost") for site in (stranger, known)}
    lab = await stage.lab(urls=urls, http={"tls": {"ca": str(tmp_path / "localhost.pem")}})
    await lab.publish(mts(1))
    event = await accepted(lab, "m-0")
    assert results(event) == [("one", "not sent"), ("one", "not sent"), ("two", "accepted")]
    assert event["possible_duplicate"] is False
    await lab.until(lambda: bool(lab.of("site", site="one", state="down")))
    assert "TLS" in lab.of("site", site="one", state="down")[0]["reason"]
    assert stage.asked("m-0") == ["two"]
