"""HTTP endpoints against sites good and bad, on real sockets: each request has one end, and each site its due."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.config.settings import TlsSettings
from bridge.links.http.endpoint import Endpoint
from bridge.model.mt import Mt
from bridge.model.outcome import (
    Accepted,
    Doubt,
    Duplicate,
    NotSent,
    Outcome,
    Rejected,
    RetryLater,
    Throttled,
)
from bridge.simulator.http import HttpBehaviour, HttpProvider, HttpSite
from bridge.simulator.http import faults as sites
from tests.links.lab import Recorder, endpoints, http_provider, running, send
from tests.links.test_links_tls import make_certificate
from tests.links.web_server import (
    TAKEN,
    WebServer,
    answer,
    closed_port,
    full_backlog,
    web_server,
    when_let,
    when_let_taken,
)

BROKEN = answer(500)
AWAY = answer(503)
LONG_S = 3600.0


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def site() -> AsyncIterator[HttpSite]:
    provider = HttpProvider(receipt_delay_s=0.0)
    site = HttpSite(provider, site="dc1")
    await site.start()
    yield site
    await provider.close()


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    async with web_server() as web:
        web.behaviour = TAKEN
        yield web


@pytest.fixture
async def other() -> AsyncIterator[WebServer]:
    async with web_server() as other:
        other.behaviour = TAKEN
        yield other


def url(web: WebServer) -> str:
    return f"http://127.0.0.1:{web.port}/receiver"


def endpoint(recorder: Recorder, url: str, **http: object) -> Endpoint:
    (made,) = endpoints(recorder, http_provider(url, **http))
    return made


def heads(web: WebServer) -> int:
    """How often it was probed."""
    return sum(asked.line.startswith("HEAD ") for asked in web.asked)


def failed(recorder: Recorder, link: Endpoint, ref: object) -> Callable[[], bool]:
    """Whether this ref has ended by the fault of its site."""
    return lambda: getattr(recorder.outcomes.get(ref), "link_failed", False)


async def open_circuit(recorder: Recorder, link: Endpoint, ref: object = "opens") -> None:
    """A message that had failed before fails here, too."""
    assert send(link, ref, failures=1)
    await recorder.until(lambda: ref in recorder.outcomes)
    assert not link.bound


# One end for each request


async def test_a_message_is_taken_and_called_by_our_own_name(recorder: Recorder, site: HttpSite) -> None:
    link = endpoint(recorder, site.url)
    async with running(link):
        assert send(link, "m1")
        assert (link.in_flight, link.counters.submitted) == (1, 1)
        await recorder.until(lambda: bool(recorder.ended))
    assert recorder.outcomes == {"m1": Accepted("m1")}
    (request,) = site.provider.taken
    assert (request.ident, request.fields["sender"]) == ("m1", "12345")
    assert link.known_as("m1") == "m1"
    assert (link.counters.outcomes["Accepted"], link.in_flight) == (1, 0)


Expected = Outcome | type[Outcome]
AWAY_FOR_ALL = NotSent, True
IN_DOUBT = Doubt, True

BAD_SITES: dict[str, tuple[HttpBehaviour, type[Outcome], bool]] = {
    "slow": (sites.Slow(0.05), Accepted, False),
    "hang": (sites.Hang(), *IN_DOUBT),
    "hang, not taken": (sites.Hang(taken=False), *IN_DOUBT),
    "cut": (sites.Cut(every=1), *IN_DOUBT),
    "cut body": (sites.CutBody(every=1), *IN_DOUBT),
    "drip, in time": (sites.Drip(0.0), Accepted, False),
    "drip, too long": (sites.Drip(0.05), *IN_DOUBT),
    "status 200": (sites.Status(200), Doubt, False),
    "status 400": (sites.Status(400), Rejected, False),
    "status 401": (sites.Status(401), NotSent, False),
    "status 404": (sites.Status(404), *AWAY_FOR_ALL),
    "status 429": (sites.Status(429), Throttled, False),
    "status 500": (sites.Status(500), *IN_DOUBT),
    "status 500, taken": (sites.Status(500, taken=True), *IN_DOUBT),
    "status 502": (sites.Status(502), *IN_DOUBT),
    "status 503": (sites.Status(503), *AWAY_FOR_ALL),
    "redirect": (sites.Redirect(), *AWAY_FOR_ALL),
    "garbage": (sites.Garbage("octets", every=1), *IN_DOUBT),
    "a web page": (sites.Garbage("page", every=1), Doubt, False),
    "throttled": (sites.Throttle(every=1), Throttled, False),
    "account refused": (sites.Code(2, every=1), NotSent, False),
    "bad sender": (sites.Code(5, every=1), Rejected, False),
    "duplicate": (sites.Code(7, every=1), Duplicate, False),
    "internal": (sites.Code(98, every=1), RetryLater, False),
    "unknown": (sites.Code(99, every=1), Doubt, False),
}


@pytest.mark.parametrize("name", BAD_SITES)
async def test_whatever_a_site_does_a_request_has_one_end(
    recorder: Recorder, site: HttpSite, name: str
) -> None:
    behaviour, kind, link_failed = BAD_SITES[name]
    site.behave(behaviour)
    link = endpoint(recorder, site.url, timeout_seconds=1.0)
    async with running(link):
        assert send(link, 1)
        await recorder.until(lambda: bool(recorder.ended))
        outcome = recorder.outcomes[1]
        assert type(outcome) is kind
        assert getattr(outcome, "link_failed", False) is link_failed
        assert link.in_flight == 0
        assert link.bound, "one failure takes down no site"
        assert link.counters.failed_attempts == link_failed
        assert link.counters.outcomes[kind.__name__] == 1
    assert len(recorder.ended) == 1, "and no other when it leaves"


async def test_a_second_message_of_one_name_is_told_apart_from_a_refusal(
    recorder: Recorder, site: HttpSite
) -> None:
    link = endpoint(recorder, site.url)
    async with running(link):
        for _ in range(2):
            send(link, "m1")
            await recorder.until(lambda: link.in_flight == 0)
    first, second = [outcome for _, outcome in recorder.ended]
    assert first == Accepted("m1")
    assert isinstance(second, Duplicate)
    assert second.smsc_id == "m1"


@pytest.mark.parametrize("away", [closed_port, full_backlog])
async def test_who_cannot_be_reached_was_surely_not_sent_anything(
    recorder: Recorder, away: Callable[[], Any]
) -> None:
    with away() as port:
        link = endpoint(recorder, f"http://127.0.0.1:{port}/", timeout_seconds=1.0)
        async with running(link):
            send(link, 1)
            await recorder.until(lambda: bool(recorder.ended))
    outcome = recorder.outcomes[1]
    assert isinstance(outcome, NotSent)
    assert outcome.link_failed
    assert outcome.status is None


async def test_a_site_with_the_wrong_certificate_is_told_nothing(recorder: Recorder, tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path, "localhost")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    async with web_server(tls=context) as web:
        trusted = TlsSettings(ca=cert).model_dump(exclude_defaults=True)
        strange = endpoint(recorder, f"https://127.0.0.1:{web.port}/", tls=trusted)
        async with running(strange):
            send(strange, 1)
            await recorder.until(lambda: bool(recorder.ended))
        assert not web.asked
        web.behaviour = TAKEN
        link = endpoint(recorder, f"https://localhost:{web.port}/", tls=trusted)
        async with running(link):
            send(link, 2)
            await recorder.until(lambda: 2 in recorder.outcomes)
    outcome = recorder.outcomes[1]
    assert isinstance(outcome, NotSent)
    assert outcome.link_failed
    assert outcome.reason.startswith("TLS: ")
    assert recorder.outcomes[2] == Accepted("2")


async def test_many_at_once_at_a_site_of_every_fault_each_have_one_end(
    recorder: Recorder, site: HttpSite
) -> None:
    site.behave(
        sites.Slow(0.01, every=2),
        sites.Status(500, every=5),
        sites.Cut(every=7),
        sites.CutBody(every=11),
        sites.Garbage("page", every=13),
        sites.Code(98, every=17),
        sites.Hang(every=19),
    )
    link = endpoint(recorder, site.url, timeout_seconds=1.0, window=7)
    todo = list(range(200))
    most = 0

    def go_on(_ref: object = None) -> None:
        nonlocal most
        while todo and link.free:
            assert send(link, todo.pop())
        most = max(most, link.in_flight)
        assert (link.in_flight == 7) <= (link.free == 0)

    recorder.on_end = go_on
    async with running(link):
        go_on()
        assert not send(link, "one too many")
        await recorder.until(lambda: len(recorder.ended) >= 200)
    assert set(recorder.outcomes) == set(range(200))
    assert most == 7
    taken = {request.ident for request in site.provider.taken}
    surely_not = {str(ref) for ref, outcome in recorder.ended if isinstance(outcome, NotSent | RetryLater)}
    assert {str(ref) for ref, outcome in recorder.ended if isinstance(outcome, Accepted)} <= taken
    assert not surely_not & taken, "the phase decides money"


async def test_a_site_sees_no_more_than_a_window_at_once(recorder: Recorder, web: WebServer) -> None:
    web.behaviour = when_let
    link = endpoint(recorder, url(web), window=3)
    async with running(link):
        assert [send(link, number) for number in range(5)] == [True, True, True, False, False]
        await web.until(lambda: len(web.asked) == 3)
        web.let.set()
        await recorder.until(lambda: len(recorder.ended) == 3)
        assert link.free == 3
    assert len(web.asked) == 3


async def test_a_slot_that_comes_free_after_none_was_is_told(recorder: Recorder, web: WebServer) -> None:
    web.behaviour = when_let
    link = endpoint(recorder, url(web), window=2)
    async with running(link):
        send(link, 1)
        send(link, 2)
        web.let.set()
        await recorder.until(lambda: len(recorder.ended) == 2)
        assert [(active, free > 0) for _, active, free in recorder.changes] == [(True, True)]


async def test_a_message_that_the_provider_has_no_words_for_is_no_request(
    recorder: Recorder, web: WebServer
) -> None:
    link = endpoint(recorder, url(web))
    octets = Mt(id="m", to="447700900123", data=b"\x01")
    assert not link.carries(octets)
    assert isinstance(link.prepare(octets, "m", "12345", 0.0), Rejected)
    assert link.carries(Mt(id="m", to="447700900123", text="t"))
    async with running(link):
        pass
    assert not web.opened


# Answers that come late


async def test_a_late_answer_is_told_after_the_doubt(recorder: Recorder, web: WebServer) -> None:
    web.behaviour = when_let_taken
    link = endpoint(recorder, url(web), timeout_seconds=1.0, window=1)
    async with running(link):
        send(link, "m1")
        await recorder.until(lambda: bool(recorder.ended))
        assert recorder.outcomes["m1"] == Doubt("no answer within 1 s", link_failed=True)
        assert (link.free, link.in_flight) == (1, 0), "it holds no slot of the window"
        web.let.set()
        await recorder.until(lambda: bool(recorder.late))
    assert recorder.late == [("m1", Accepted("m1"))]
    assert link.counters.late_answers == 1
    assert len(recorder.ended) == 1


async def test_that_a_copy_was_had_before_means_late_that_it_was_taken(
    recorder: Recorder, web: WebServer
) -> None:
    async def duplicate(server: WebServer, transport: asyncio.Transport) -> bool:
        await server.let.wait()
        return await answer(200, b"result=7")(server, transport)

    web.behaviour = duplicate
    link = endpoint(recorder, url(web), timeout_seconds=1.0)
    async with running(link):
        send(link, "m1")
        await recorder.until(lambda: bool(recorder.ended))
        web.let.set()
        await recorder.until(lambda: bool(recorder.late))
    assert recorder.late == [("m1", Accepted("m1"))]


async def test_a_late_failure_is_no_news(recorder: Recorder, web: WebServer) -> None:
    async def broken(server: WebServer, transport: asyncio.Transport) -> bool:
        await server.let.wait()
        return await BROKEN(server, transport)

    web.behaviour = broken
    link = endpoint(recorder, url(web), timeout_seconds=1.0)
    async with running(link):
        send(link, 1)
        await recorder.until(lambda: bool(recorder.ended))
        web.let.set()
        web.behaviour = TAKEN
        send(link, 2)
        await recorder.until(lambda: 2 in recorder.outcomes)
        await web.until(lambda: len(web.asked) == 2)
    assert not recorder.late
    assert link.counters.failed_attempts == 1


async def test_a_late_answer_closes_the_circuit(recorder: Recorder, web: WebServer) -> None:
    web.behaviour = when_let_taken
    link = endpoint(recorder, url(web), timeout_seconds=1.0, resubmit_seconds=LONG_S)
    async with running(link):
        await open_circuit(recorder, link)
        web.let.set()
        await recorder.until(lambda: bool(recorder.late))
        await recorder.until(lambda: link.bound)
        assert (link.sound, link.free) == (True, link.window)
        assert recorder.changes[-1] == (link.name, True, link.window)


async def test_a_silent_site_holds_no_more_than_a_window_of_answers_to_come_and_one_of_requests(
    recorder: Recorder, web: WebServer
) -> None:
    web.behaviour = when_let
    link = endpoint(recorder, url(web), timeout_seconds=0.6, window=2)
    most, sent = 0, 0

    def go_on(_ref: object = None) -> None:
        nonlocal most, sent
        most = max(most, len(web.open))
        while sent < 9 and link.free:
            sent += 1
            assert send(link, sent)

    recorder.on_end = go_on
    async with running(link):
        go_on()
        await recorder.until(lambda: len(recorder.ended) == 9)
        assert most <= 4
    assert set(recorder.outcomes.values()) == {Doubt("no answer within 0.6 s", link_failed=True)}
    assert not recorder.late


# The circuit: its site fails, is probed, tried, and works again


async def test_a_message_that_fails_twice_takes_its_site_out_of_use(
    recorder: Recorder, web: WebServer
) -> None:
    web.behaviour = AWAY
    link = endpoint(recorder, url(web))
    async with running(link):
        send(link, "m1")
        await recorder.until(lambda: "m1" in recorder.outcomes)
        assert (link.active, link.sound, link.free) == (True, True, link.window)
        assert not recorder.changes
        await open_circuit(recorder, link, "m1 again")
        assert (link.active, link.sound, link.free) == (False, False, 0)
        assert link.reason == "HTTP 503: not available just now"
        assert recorder.changes == [(link.name, False, 0)]
        assert not send(link, "another")


async def test_a_window_of_failures_in_a_row_takes_it_out_of_use(recorder: Recorder, web: WebServer) -> None:
    web.behaviour = AWAY
    link = endpoint(recorder, url(web), window=12)
    async with running(link):
        assert all(send(link, number) for number in range(12))
        await recorder.until(lambda: len(recorder.ended) == 12)
        assert not link.bound
        assert [active for _, active, _ in recorder.changes][-1] is False


async def test_it_is_probed_tried_with_one_message_and_works_again(
    recorder: Recorder, web: WebServer
) -> None:
    web.behaviour = AWAY
    link = endpoint(recorder, url(web), resubmit_seconds=0.05)
    async with running(link):
        await open_circuit(recorder, link)
        await web.until(lambda: heads(web) == 2)
        assert not link.bound, "it answers, but as one that is not there"
        web.behaviour = answer(405)
        await recorder.until(lambda: link.bound)
        assert (link.active, link.sound, link.free, link.reason) == (True, False, 1, "")
        assert recorder.changes[-1] == (link.name, True, 1)
        web.behaviour = when_let_taken
        assert [send(link, "trial"), send(link, "other")] == [True, False]
        web.let.set()
        await recorder.until(lambda: link.sound)
        assert link.free == link.window
        assert recorder.changes[-1] == (link.name, True, link.window)
    assert recorder.outcomes["trial"] == Accepted("trial")
    head = next(asked for asked in web.asked if asked.line.startswith("HEAD "))
    assert (head.line, head.body) == ("HEAD /receiver HTTP/1.1", b"")


async def test_a_trial_that_fails_takes_it_out_of_use_again_until_the_next_probe(
    recorder: Recorder, site: HttpSite
) -> None:
    site.behave(sites.Status(503, every=2))
    link = endpoint(recorder, site.url, resubmit_seconds=0.05)
    async with running(link):
        send(link, 0)
        await recorder.until(lambda: 0 in recorder.outcomes)
        await open_circuit(recorder, link, 1)
        for ref in (2, 3):
            site.behave(sites.Status(503, every=10**9))
            await recorder.until(lambda: link.bound)
            site.behave(sites.Status(503))
            assert send(link, ref)
            await recorder.until(lambda ref=ref: ref in recorder.outcomes)  # type: ignore[misc]
            assert not link.bound
        site.behave()
        await recorder.until(lambda: link.bound)
        send(link, 4)
        await recorder.until(lambda: link.sound)


async def test_a_site_that_cannot_be_reached_is_probed_until_it_can(
    recorder: Recorder, site: HttpSite
) -> None:
    link = endpoint(recorder, site.url, resubmit_seconds=0.05)
    site.kill()
    with capture_logs() as logs:
        async with running(link):
            await open_circuit(recorder, link)
            await site.start()
            await recorder.until(lambda: link.bound)
            assert link.sound is False
            site.kill()
            await open_circuit(recorder, link, "trial")
            await site.start()
            await recorder.until(lambda: link.bound)
    assert [entry["works"] for entry in logs if entry["event"] == "endpoint.probe"][-1]


async def test_what_ends_while_it_is_out_of_use_puts_no_probe_off(recorder: Recorder, web: WebServer) -> None:
    """Twenty requests that left before, and fail one after another, longer than a probe takes to be due."""
    ends = iter(range(1, 100))

    async def one_by_one(server: WebServer, transport: asyncio.Transport) -> bool:
        if server.question(transport).line.startswith("POST "):
            await asyncio.sleep(0.1 * next(ends))
        return await AWAY(server, transport)

    web.behaviour = one_by_one
    link = endpoint(recorder, url(web), resubmit_seconds=0.2)
    async with running(link):
        assert all(send(link, number, failures=1) for number in range(20))
        await web.until(lambda: heads(web) > 0)
        assert len(recorder.ended) < 20


async def test_what_left_before_it_opened_does_not_count_as_the_trial(
    recorder: Recorder, web: WebServer
) -> None:
    async def old_hang(server: WebServer, transport: asyncio.Transport) -> bool:
        asked = server.question(transport)
        if b"message_id=old" in asked.body:
            await server.let.wait()
        working = asked.line.startswith("HEAD ")
        return await (TAKEN if working else AWAY)(server, transport)

    web.behaviour = old_hang
    link = endpoint(recorder, url(web), resubmit_seconds=0.05)
    async with running(link):
        assert send(link, "old")
        await open_circuit(recorder, link)
        await recorder.until(lambda: link.bound)
        assert link.free == 0, "one at a time, and that one is on its way yet"
        web.let.set()
        await recorder.until(lambda: "old" in recorder.outcomes)
        assert (link.bound, link.free) == (True, 1)


async def test_there_is_an_alarm_when_no_site_works_and_only_then(
    recorder: Recorder, web: WebServer, other: WebServer
) -> None:
    web.behaviour = other.behaviour = AWAY
    first, second = endpoints(
        recorder, http_provider(url(web), url(other), primary="dc1", resubmit_seconds=0.05)
    )
    async with running(first, second):
        await open_circuit(recorder, first, 1)
        assert not recorder.alarms, "the other has not failed yet"
        await open_circuit(recorder, second, 2)
        assert recorder.alarms == ["no HTTP site works; the last: HTTP 503: not available just now"]
        web.behaviour = other.behaviour = TAKEN
        await recorder.until(lambda: first.bound and second.bound)
        web.behaviour = AWAY
        send(first, 3)
        await recorder.until(lambda: 3 in recorder.outcomes)
        assert not first.bound
        assert len(recorder.alarms) == 1, "one of them is there again"


# The account


async def test_refused_credentials_stop_it_and_raise_one_alarm(
    recorder: Recorder, site: HttpSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.links.trust.STOP_FIRST_S", 0.05)
    link = endpoint(recorder, site.url, password="wrong", window=3)
    async with running(link):
        assert all(send(link, ref) for ref in (1, 2, 3))
        await recorder.until(lambda: bool(recorder.ended))
        assert (link.active, link.bound, link.free, link.reason) == (False, True, 0, "account stopped")
        assert recorder.changes[0] == (link.name, False, 0)
        assert recorder.alarms == ["account stopped: 2: the account was not let in"]
        await recorder.until(lambda: len(recorder.ended) == 3)
        assert len(recorder.alarms) == 1
        await recorder.until(lambda: link.active)
        assert (link.free, link.sound) == (1, False), "one at a time shows whether it works"
        site.behave(sites.Code(0, every=1))
        assert [send(link, 4), send(link, 5)] == [True, False]
        await recorder.until(lambda: link.sound)
        assert link.free == 3
    assert all(
        isinstance(outcome, NotSent) and outcome.status == 2 and not outcome.link_failed
        for ref, outcome in recorder.ended
        if ref in (1, 2, 3)
    )


# Leaving


async def test_a_soft_stop_waits_for_what_is_in_flight_and_takes_nothing_more(
    recorder: Recorder, web: WebServer
) -> None:
    web.behaviour = when_let_taken
    link = endpoint(recorder, url(web))
    task = asyncio.create_task(link.run())
    send(link, 1)
    await web.until(lambda: len(web.asked) == 1)
    link.stop()
    assert (link.active, link.free, link.bound, link.reason) == (False, 0, True, "leaving")
    assert recorder.changes == [(link.name, False, 0)]
    assert not send(link, 2)
    web.let.set()
    await task
    assert recorder.outcomes == {1: Accepted("1")}
    await web.all_gone()


async def test_a_second_stop_waits_for_nothing_and_what_is_open_is_in_doubt(
    recorder: Recorder, web: WebServer
) -> None:
    web.behaviour = when_let
    link = endpoint(recorder, url(web), timeout_seconds=LONG_S)
    task = asyncio.create_task(link.run())
    send(link, 1)
    await web.until(lambda: len(web.asked) == 1)
    link.stop()
    link.stop()
    await task
    assert recorder.outcomes == {1: Doubt("the worker stopped before the answer came")}
    await web.all_gone()


async def test_what_was_given_up_already_does_not_end_a_second_time_when_it_leaves(
    recorder: Recorder, web: WebServer
) -> None:
    web.behaviour = when_let
    link = endpoint(recorder, url(web), timeout_seconds=0.6)
    task = asyncio.create_task(link.run())
    send(link, 1)
    await recorder.until(lambda: bool(recorder.ended))
    link.stop()
    await task
    assert len(recorder.ended) == 1
    await web.all_gone()


async def test_cancelled_it_reports_everything_even_what_had_not_begun(
    recorder: Recorder, web: WebServer
) -> None:
    web.behaviour = when_let
    link = endpoint(recorder, url(web), timeout_seconds=LONG_S)
    task = asyncio.create_task(link.run())
    assert send(link, "asked")
    await web.until(lambda: len(web.asked) == 1)
    task.cancel()
    assert send(link, "not begun")
    await asyncio.wait([task])
    assert recorder.outcomes == {
        "asked": Doubt("the worker stopped before the answer came"),
        "not begun": NotSent("the worker stopped before it was sent"),
    }
    assert not send(link, "after")
    assert len(web.asked) == 1


@pytest.mark.parametrize("idle", [False, True])
async def test_it_leaves_at_once_when_nothing_is_in_flight(
    recorder: Recorder, web: WebServer, idle: bool
) -> None:
    """Though it is just probing, and nobody answers."""
    web.behaviour = AWAY
    link = endpoint(recorder, url(web), timeout_seconds=LONG_S, resubmit_seconds=0.01)
    task = asyncio.create_task(link.run())
    if not idle:
        await open_circuit(recorder, link)
        web.behaviour = when_let
        asked = heads(web)
        await web.until(lambda: heads(web) > asked)
    link.stop()
    async with asyncio.timeout(20):
        await task


async def test_cancelled_it_leaves_at_once_though_it_is_just_probing(
    recorder: Recorder, web: WebServer
) -> None:
    web.behaviour = AWAY
    link = endpoint(recorder, url(web), timeout_seconds=LONG_S, resubmit_seconds=0.01)
    async with asyncio.timeout(20), running(link):
        await open_circuit(recorder, link)
        web.behaviour = when_let
        asked = heads(web)
        await web.until(lambda: heads(web) > asked)
    await web.all_gone()


# Faults above


@pytest.mark.parametrize("late", [False, True])
async def test_a_fault_of_who_is_told_costs_the_link_nothing(
    recorder: Recorder, web: WebServer, late: bool
) -> None:
    def fault(_ref: object) -> None:
        if bool(recorder.late) is late:
            raise RuntimeError("a fault above")

    recorder.on_end = fault
    web.behaviour = when_let_taken
    link = endpoint(recorder, url(web), timeout_seconds=1.0, window=1)
    with capture_logs() as logs:
        async with running(link):
            send(link, 1)
            await recorder.until(lambda: bool(recorder.ended))
            web.let.set()
            await recorder.until(lambda: bool(recorder.late))
            recorder.on_end = None
            assert send(link, 2)
            await recorder.until(lambda: 2 in recorder.outcomes)
    assert [entry["kind"] for entry in logs if entry["event"] == "link.event_failed"] == [
        "answered_late" if late else "attempt_ended"
    ]
