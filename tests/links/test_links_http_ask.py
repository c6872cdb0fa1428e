"""The short road: a request written at once over a connection that waits for one, and its end told once."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.links.http.attempt import Attempt
from bridge.links.http.client import HttpClient
from bridge.links.http.connection import LONGEST_ANSWER, LONGEST_BODY
from bridge.links.http.endpoint import Endpoint
from bridge.links.http.errors import AnswerLost
from bridge.model.outcome import Accepted, Doubt
from bridge.model.web import HttpAnswer, HttpRequest
from tests.links.lab import Recorder, endpoints, http_provider, running, send
from tests.links.test_links_http_client import GOOD, REQUEST, Told, client, url
from tests.links.test_links_http_connection import ANSWER, PEERS, bounded, connected, says
from tests.links.web_server import (
    TAKEN,
    Behaviour,
    WebServer,
    answer,
    hang,
    octets,
    reset,
    web_server,
    when_let,
    when_let_taken,
)

LONG_S = 3600.0
Found = HttpAnswer | AnswerLost


@pytest.fixture
async def site() -> AsyncIterator[WebServer]:
    async with web_server() as web:
        yield web


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


class Heard:
    """Who is told."""

    def __init__(self) -> None:
        self.found: list[Found] = []
        self._woken = asyncio.Event()

    def __call__(self, found: Found) -> None:
        self.found.append(found)
        self._woken.set()

    async def one(self) -> Found:
        """The end, which is the only one."""
        async with asyncio.timeout(20):
            await self._woken.wait()
        (found,) = self.found
        return found


async def warm(http: HttpClient) -> None:
    """From now on a connection waits."""
    assert await http.exchange(REQUEST) == GOOD


# One exchange


async def test_it_goes_over_a_connection_that_waits_and_as_it_would_have_gone_otherwise(
    site: WebServer,
) -> None:
    async with client(url(site)) as http:
        heard = Heard()
        assert http.ask(REQUEST, heard) is None, "there is none yet"
        await warm(http)
        assert http.ask(REQUEST, heard) is not None
        assert http.ask(REQUEST, Heard()) is None, "it is in use"
        assert await heard.one() == GOOD
        assert http.ask(REQUEST, Heard()) is not None
    first, second, *_ = site.asked
    assert second == first
    assert site.opened == 1


async def test_what_is_not_ordinary_takes_the_long_road(site: WebServer) -> None:
    async with client(url(site)) as http:
        await warm(http)
        assert http.ask(HttpRequest(ident="1", headers=(("Connection", "close"),)), Heard()) is None
        assert http.ask(HttpRequest(ident="1", method="HEAD"), Heard()) is None
        assert http.ask(HttpRequest(ident="1", target="?secret text"), Heard()) is None
    assert len(site.asked) == 1


async def test_no_connection_is_used_beyond_the_answer_it_came_from(site: WebServer) -> None:
    async with client(f"http://sms.example:{site.port}/", resolver=Told("127.0.0.1", ttl=0.0)) as http:
        await warm(http)
        assert http.ask(REQUEST, Heard()) is None


async def test_nor_though_its_end_was_not_noticed_yet(site: WebServer) -> None:
    async with client(f"http://sms.example:{site.port}/", resolver=Told("127.0.0.1", ttl=1.0)) as http:
        await warm(http)
        time.sleep(1.0)  # noqa: ASYNC251 - the loop is busy for as long as the answer holds
        assert http.ask(REQUEST, Heard()) is None


async def test_a_connection_that_the_peer_closed_is_not_used(site: WebServer) -> None:
    async with client(url(site)) as http:
        await warm(http)
        site.close_connections()
        await site.all_gone()
        assert http.ask(REQUEST, Heard()) is None
        await http.close()
        assert http.ask(REQUEST, Heard()) is None


async def test_where_all_places_are_taken_it_takes_the_long_road_and_waits(site: WebServer) -> None:
    async with client(url(site), window=1) as http:
        await warm(http)
        site.behaviour = when_let
        heard = Heard()
        assert http.ask(REQUEST, heard) is not None
        long = [asyncio.create_task(http.exchange(REQUEST)) for _ in range(2)]
        await site.until(lambda: len(site.asked) == 3)
        assert len(site.open) == 2, "twice the window"
        site.let.set()
        await heard.one()
        assert [found.body for found in await asyncio.gather(*long)] == [b"let", b"let"]
        assert http.ask(REQUEST, Heard()) is not None


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (octets(b""), "the connection was closed without an answer"),
        (octets(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nresult"), "the answer was cut short"),
        (octets(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", keep=True), "the answer is no HTTP"),
        (octets(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, keep=True), "the answer is no HTTP"),
        (answer(200, b"x" * (LONGEST_BODY + 1)), "the answer is longer than 64 KiB"),
        (reset, "the connection was lost before the whole answer came"),
    ],
)
async def test_an_answer_is_lost(site: WebServer, behaviour: Behaviour, reason: str) -> None:
    async with client(url(site)) as http:
        await warm(http)
        site.behaviour = behaviour
        heard = Heard()
        assert http.ask(REQUEST, heard) is not None
        lost = await heard.one()
        assert isinstance(lost, AnswerLost)
        assert str(lost) == reason
        await site.all_gone()
        assert len(site.asked) == 2  # and was not written again


async def test_given_up_it_tells_nothing_closes_the_connection_and_gives_the_place_back(
    site: WebServer,
) -> None:
    async with client(url(site), window=1, timeout_s=3) as http:
        for _ in range(3):
            site.behaviour = answer(200, b"ok")
            await warm(http)
            site.behaviour = hang
            heard, asked = Heard(), len(site.asked)
            under_way = http.ask(REQUEST, heard)
            assert under_way is not None
            await site.until(lambda: len(site.asked) > asked)  # noqa: B023
            under_way.give_up()
            await site.all_gone()
            assert not heard.found


async def test_closing_ends_it_as_lost(site: WebServer) -> None:
    async with client(url(site)) as http:
        await warm(http)
        site.behaviour = hang
        heard = Heard()
        http.ask(REQUEST, heard)
        await http.close()
        assert str(await heard.one()) == "the connection was closed by us"


# Whatever a peer says


@given(PEERS, st.booleans())
def test_whatever_a_peer_says_there_is_one_end(pieces: list[bytes], broken: bool) -> None:
    async def hear() -> None:
        connection, transport = connected()
        heard = Heard()
        connection.ask(b"POST / HTTP/1.1\r\n\r\n", heard)
        says(connection, transport, pieces, broken=broken)
        (found,) = heard.found
        bounded(found)
        assert connection.gone.done()
        assert not connection.idle

    asyncio.run(hear())


@given(
    st.sampled_from(
        [ANSWER, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nresult=0\r\n0\r\n\r\n"]
    )
)
def test_in_one_piece_or_octet_by_octet_the_connection_is_idle_again(said: bytes) -> None:
    async def hear() -> None:
        connection, transport = connected()
        for pieces in ([said], [bytes((octet,)) for octet in said], [said]):
            heard = Heard()
            connection.ask(b"POST / HTTP/1.1\r\n\r\n", heard)
            assert not connection.idle
            for piece in pieces:
                connection.data_received(piece)
            assert heard.found == [HttpAnswer(status=200, body=b"result=0")]
            assert connection.idle
        assert not transport.aborted

    asyncio.run(hear())


@pytest.mark.parametrize(
    "said",
    [
        ANSWER + b"HTTP/1.1 200 OK\r\n",
        ANSWER.replace(b"Content", b"Connection: close\r\nContent"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\nresult=0",
    ],
)
async def test_after_an_answer_that_was_the_last_there_is_no_other(said: bytes) -> None:
    connection, _ = connected()
    heard = Heard()
    connection.ask(b"POST / HTTP/1.1\r\n\r\n", heard)
    connection.data_received(said)
    assert heard.found == [HttpAnswer(status=200, body=b"result=0")]
    assert not connection.idle


async def test_a_request_that_is_not_yet_read_may_never_be() -> None:
    connection, transport = connected()
    heard = Heard()
    connection.ask(b"POST / HTTP/1.1\r\n\r\n", heard)
    transport.unwritten = 1
    connection.data_received(ANSWER)
    assert (len(heard.found), connection.idle) == (1, False)


async def test_a_body_that_is_too_long_is_so_though_it_comes_at_once() -> None:
    connection, transport = connected()
    for more in (0, 1):
        heard = Heard()
        connection.ask(b"POST / HTTP/1.1\r\n\r\n", heard)
        body = b"x" * (LONGEST_BODY + more)
        connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        (found,) = heard.found
        assert isinstance(found, AnswerLost) is bool(more)
    assert transport.aborted


async def test_an_answer_without_an_end_has_one() -> None:
    connection, transport = connected()
    heard = Heard()
    connection.ask(b"POST / HTTP/1.1\r\n\r\n", heard)
    heard_octets = 0
    while not transport.aborted:
        connection.data_received(b"HTTP/1.1 100 Go on\r\n\r\n" * 100)
        heard_octets += 2200
        assert heard_octets < 2 * LONGEST_ANSWER
    assert str(heard.found[0]) == "the answer is longer than 192 KiB"


# An endpoint whose connections are warm


async def warmed(recorder: Recorder, web: WebServer, **http: object) -> Endpoint:
    """With one connection that waits, and nothing told yet."""
    (link,) = endpoints(recorder, http_provider(f"http://127.0.0.1:{web.port}/receiver", **http))
    web.behaviour = TAKEN
    assert send(link, "first")
    await recorder.until(lambda: "first" in recorder.outcomes)
    recorder.ended.clear()
    return link


async def test_an_answer_in_time_late_or_too_late(recorder: Recorder, site: WebServer) -> None:
    link = await warmed(recorder, site, timeout_seconds=0.6)
    async with running(link):
        assert send(link, "in-time")
        await recorder.until(lambda: "in-time" in recorder.outcomes)
        site.behaviour = when_let_taken
        assert send(link, "late")
        await recorder.until(lambda: "late" in recorder.outcomes)
        assert link.in_flight == 0
        site.let.set()
        await recorder.until(lambda: bool(recorder.late))
        site.behaviour = hang
        assert send(link, "too-late")
        await site.all_gone()
    in_doubt = Doubt("no answer within 0.6 s", link_failed=True)
    assert recorder.outcomes == {"in-time": Accepted("in-time"), "late": in_doubt, "too-late": in_doubt}
    assert recorder.late == [("late", Accepted("late"))]
    assert site.opened == 1


async def test_of_answers_to_come_there_are_no_more_than_a_window(
    recorder: Recorder, site: WebServer
) -> None:
    link = await warmed(recorder, site, timeout_seconds=0.6, window=1)
    async with running(link):
        site.behaviour = hang
        for ref in (1, 2, 3):
            assert send(link, ref)
            await recorder.until(lambda ref=ref: ref in recorder.outcomes)  # type: ignore[misc]
            assert len(site.open) <= 2
    assert not recorder.late


async def test_a_hard_stop_leaves_it_in_doubt(recorder: Recorder, site: WebServer) -> None:
    link = await warmed(recorder, site, timeout_seconds=LONG_S)
    async with running(link):
        site.behaviour = hang
        assert send(link, 1)
        await site.until(lambda: len(site.asked) == 2)
        link.stop()
        link.stop()
        await recorder.until(lambda: bool(recorder.ended))
    assert recorder.outcomes == {1: Doubt("the worker stopped before the answer came")}
    await site.all_gone()


async def test_messages_leave_nothing_for_the_collector(recorder: Recorder, site: WebServer) -> None:
    link = await warmed(recorder, site, window=1)
    async with running(link):
        gc.collect()
        gc.disable()
        try:
            for ref in range(10):
                assert send(link, ref)
                await recorder.until(lambda ref=ref: ref in recorder.outcomes)  # type: ignore[misc]
            left = [one for one in gc.get_objects() if isinstance(one, Attempt)]
            assert len(left) <= 1
        finally:
            gc.enable()
