"""The HTTP client of links: what is written, what comes back, and of every failure whether anything was written."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import bridge.links.http.client
import bridge.links.http.dial
import bridge.links.http.lot
from bridge import __version__
from bridge.config.settings import TlsSettings
from bridge.links.http.client import HttpClient
from bridge.links.http.connection import Connection
from bridge.links.http.errors import AnswerLost, NameNotResolved, NotConnected
from bridge.links.http.names import Answer, Names
from bridge.links.http.resolver import Resolver
from bridge.links.tls import client_context
from bridge.model.web import HttpAnswer, HttpRequest
from tests.links.dns_server import dns_server
from tests.links.test_links_tls import make_certificate
from tests.links.web_server import (
    Behaviour,
    WebServer,
    answer,
    closed_port,
    drip,
    full_backlog,
    hang,
    octets,
    reset,
    web_server,
    when_let,
)

REQUEST = HttpRequest(
    ident="1", target="", headers=(("Content-Type", "application/x-www-form-urlencoded"),), body=b"message=hi"
)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GOOD = HttpAnswer(status=200, body=b"ok")


@asynccontextmanager
async def client(
    url: str,
    *,
    timeout_s: float = 30.0,
    window: int = 50,
    tls: ssl.SSLContext | None = None,
    resolver: Names | None = None,
) -> AsyncIterator[HttpClient]:
    """A client that is closed at the end."""
    client = HttpClient(url, timeout_s=timeout_s, window=window, tls=tls, resolver=resolver)
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
async def site() -> AsyncIterator[WebServer]:
    async with web_server() as web:
        yield web


def url(web: WebServer, path: str = "/send") -> str:
    return f"http://{web.host}:{web.port}{path}"


class Told:
    """Names by hand: an answer holds for `ttl` seconds from when it is asked for. Without addresses: none comes."""

    def __init__(self, *addresses: str, ttl: float = 3600.0) -> None:
        self.addresses = addresses
        self.ttl = ttl
        self.afresh: list[bool] = []
        """Each question."""

    async def resolve(self, host: str, *, afresh: bool = False) -> Answer:  # noqa: ARG002  (it knows one)
        self.afresh.append(afresh)
        if not self.addresses:
            await asyncio.Event().wait()
        return Answer(self.addresses, asyncio.get_running_loop().time() + self.ttl)


class Untold:
    """Knows no name."""

    async def resolve(self, host: str, *, afresh: bool = False) -> Answer:  # noqa: ARG002  (always the same)
        raise NameNotResolved(f"{host} not resolved: no such name")


# what is written


async def test_a_request_as_it_is_written(site: WebServer) -> None:
    async with client(url(site, "/http api/receiver?a=%20b")) as http:
        assert await http.exchange(REQUEST) == GOOD
        await http.exchange(HttpRequest(ident="2", method="GET", target="&c=d"))
        await http.exchange(HttpRequest(ident="3"))
    first, second, third = site.asked
    assert first.line == "POST /http%20api/receiver?a=%20b HTTP/1.1"
    assert first.headers == {
        "host": f"127.0.0.1:{site.port}",
        "user-agent": f"bridge/{__version__}",
        "accept-encoding": "identity",
        "content-type": "application/x-www-form-urlencoded",
        "content-length": "10",
    }
    assert first.body == b"message=hi"
    assert second.line == "GET /http%20api/receiver?a=%20b&c=d HTTP/1.1"
    assert "content-length" not in second.headers
    assert third.headers["content-length"] == "0"


async def test_credentials_of_the_url_go_into_a_header_and_not_into_the_line(site: WebServer) -> None:
    async with client(f"http://us%20er:pass@127.0.0.1:{site.port}") as http:
        await http.exchange(REQUEST)
    (asked,) = site.asked
    assert asked.line == "POST / HTTP/1.1"
    assert asked.headers["authorization"] == "Basic dXMgZXI6cGFzcw=="


async def test_a_large_request_arrives_whole(site: WebServer) -> None:
    body = bytes(range(256)) * 24_000
    async with client(url(site)) as http:
        assert await http.exchange(HttpRequest(ident="1", body=body)) == GOOD
    assert site.asked[0].body == body


@pytest.mark.parametrize("bad", ["", "ftp://host/", "https:///path", "http://", "http://host:port/"])
async def test_what_is_no_url_is_refused(bad: str) -> None:
    with pytest.raises(ValueError):
        HttpClient(bad, timeout_s=30, window=1, tls=None, resolver=None)


# answers


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (answer(500, b"oops"), HttpAnswer(status=500, body=b"oops")),
        (answer(200, b"x" * 65536), HttpAnswer(status=200, body=b"x" * 65536)),
        (answer(302, b"", "Location: https://other/"), HttpAnswer(status=302, location="https://other/")),
        (answer(307, b""), HttpAnswer(status=307)),
        (answer(201, b"", "Location: https://other/"), HttpAnswer(status=201)),
        (answer(200, b"\x1f\x8b", "Content-Encoding: gzip"), HttpAnswer(status=200, body=b"\x1f\x8b")),
        (octets(b"HTTP/1.1 204 None\r\n\r\n", keep=True), HttpAnswer(status=204)),
        (octets(b"HTTP/1.0 200 OK\r\n\r\nto the end"), HttpAnswer(status=200, body=b"to the end")),
        (
            octets(b"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1", keep=True),
            HttpAnswer(status=200, body=b"1"),
        ),
        (
            octets(CHUNKED + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", keep=True),
            HttpAnswer(status=200, body=b"abc"),
        ),
    ],
)
async def test_answers_come_as_they_are(site: WebServer, behaviour: Behaviour, expected: HttpAnswer) -> None:
    site.behaviour = behaviour
    async with client(url(site)) as http:
        assert await http.exchange(REQUEST) == expected
        assert await http.exchange(REQUEST) == expected
    assert len(site.asked) == 2


# written, and no whole answer


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (octets(b""), "the connection was closed without an answer"),
        (octets(b"HTTP/1.1 200 OK\r\nContent-Le"), "the answer was cut short"),
        (octets(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nresult"), "the answer was cut short"),
        (octets(CHUNKED + b"9\r\nresult"), "the answer was cut short"),
        (octets(b"HTTP/1.1 100 Go on\r\n\r\n"), "the answer was cut short"),
        (octets(b"550 secret words\r\n\r\n", keep=True), "the answer is no HTTP"),
        (octets(b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\n", keep=True), "the answer is no HTTP"),
        (octets(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", keep=True), "the answer is no HTTP"),
        (octets(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, keep=True), "the answer is no HTTP"),
        (answer(200, b"x" * 65537), "the answer is longer than 64 KiB"),
        (reset, "the connection was lost before the whole answer came"),
    ],
)
async def test_an_answer_is_lost_after_the_request_was_written(
    site: WebServer, behaviour: Behaviour, reason: str
) -> None:
    site.behaviour = behaviour
    async with client(url(site)) as http:
        with pytest.raises(AnswerLost) as raised:
            await http.exchange(REQUEST)
        assert str(raised.value) == reason
        await site.all_gone()
        assert len(site.asked) == 1  # and was not written again
        site.behaviour = answer(200, b"ok")
        assert await http.exchange(REQUEST) == GOOD


@pytest.mark.parametrize("behaviour", [hang, drip])
async def test_waiting_for_an_answer_has_an_end(site: WebServer, behaviour: Behaviour) -> None:
    site.behaviour = behaviour
    async with client(url(site), timeout_s=0.3) as http:
        with pytest.raises(AnswerLost, match=r"^no whole answer within 0\.6 s$"):
            await http.exchange(REQUEST)
        await site.all_gone()


async def test_a_peer_that_reads_nothing_leaves_doubt() -> None:
    """Its kernel took a part of the request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with client(f"http://127.0.0.1:{port}", timeout_s=0.3) as http:
            with pytest.raises(AnswerLost, match="no whole answer"):
                await http.exchange(HttpRequest(ident="1", body=bytes(20_000_000)))


async def test_a_slow_answer_is_an_answer(site: WebServer) -> None:
    site.behaviour = when_let
    async with client(url(site)) as http:
        slow = asyncio.create_task(http.exchange(REQUEST))
        await site.until(lambda: len(site.asked) == 1)
        assert not slow.done()
        site.let.set()
        assert (await slow).body == b"let"


async def test_closing_ends_what_is_under_way_as_lost(site: WebServer) -> None:
    site.behaviour = hang
    async with client(url(site)) as http:
        exchange = asyncio.create_task(http.exchange(REQUEST))
        await site.until(lambda: len(site.asked) == 1)
        await http.close()
        with pytest.raises(AnswerLost, match="closed by us"):
            await exchange
        await site.all_gone()
        with pytest.raises(NotConnected, match="the client was closed"):
            await http.exchange(REQUEST)


# nothing was written


async def test_a_connection_refused() -> None:
    with closed_port() as port:
        async with client(f"http://127.0.0.1:{port}") as http:
            with pytest.raises(NotConnected, match=r"^connection refused$"):
                await http.exchange(REQUEST)


async def test_a_connection_neither_taken_nor_refused() -> None:
    with full_backlog() as port:
        async with client(f"http://127.0.0.1:{port}", timeout_s=0.3) as http:
            with pytest.raises(NotConnected, match=r"^no connection within 0\.(1|0)"):
                await http.exchange(REQUEST)


async def test_a_name_that_nobody_knows() -> None:
    async with client("http://sms.example/", resolver=Untold()) as http:
        with pytest.raises(NotConnected, match=r"^sms\.example not resolved: no such name$"):
            await http.exchange(REQUEST)


async def test_a_name_that_is_not_found_in_time() -> None:
    async with client("http://sms.example/", timeout_s=0.3, resolver=Told()) as http:
        with pytest.raises(NotConnected, match=r"sms\.example not resolved within 0\.1 s"):
            await http.exchange(REQUEST)


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest(ident="1", headers=(("Authorization", "secret\r\nX: y"),)),
        HttpRequest(ident="1", headers=(("Authorization", "s\u20accret"),)),
        HttpRequest(ident="1", target="?secret text"),
        HttpRequest(ident="1", headers=(("Content-Length", "7"),), body=b"secret"),
    ],
)
async def test_a_request_that_http_forbids(site: WebServer, request_: HttpRequest) -> None:
    async with client(url(site)) as http:
        with pytest.raises(NotConnected, match="what HTTP forbids") as raised:
            await http.exchange(request_)
    assert "secret" not in str(raised.value)
    assert not site.opened


async def test_connections_run_out(site: WebServer) -> None:
    site.behaviour = when_let
    async with client(url(site), timeout_s=0.9, window=2) as http:
        waiting = [asyncio.create_task(http.exchange(REQUEST)) for _ in range(4)]
        await site.until(lambda: len(site.asked) == 4)
        with pytest.raises(NotConnected, match=r"^all 4 connections wait for answers$"):
            await http.exchange(REQUEST)
        site.let.set()
        await asyncio.gather(*waiting)
        assert (await http.exchange(REQUEST)).body == b"let"


# TLS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("https")
    for name in ("localhost", "sms.example"):
        make_certificate(folder, name)
    return folder


def server_tls(folder: Path, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


def trusting(folder: Path, name: str) -> ssl.SSLContext:
    return client_context(TlsSettings(ca=folder / f"{name}.pem"))


async def test_over_tls_the_certificate_must_be_the_names_wherever_it_is(folder: Path) -> None:
    """The address is the resolver's: the certificate and the Host header are not its."""
    async with web_server(tls=server_tls(folder, "sms.example")) as site:
        base = f"https://sms.example:{site.port}/send"
        tls = trusting(folder, "sms.example")
        async with client(base, tls=tls, resolver=Told("127.0.0.1")) as http:
            assert await http.exchange(REQUEST) == GOOD
            assert await http.exchange(REQUEST) == GOOD
            site.behaviour = octets(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nresult")
            with pytest.raises(AnswerLost):
                await http.exchange(REQUEST)
        assert site.asked[0].headers["host"] == f"sms.example:{site.port}"
        assert [asked.connection for asked in site.asked] == [0, 0, 0]


@pytest.mark.parametrize(
    ("host", "trusted", "reason"),
    [
        ("localhost", None, "TLS: self-signed certificate"),
        ("localhost", "sms.example", "TLS: self-signed certificate"),
        ("sms.example", "localhost", "TLS: Hostname mismatch"),
    ],
)
async def test_a_stranger_is_not_spoken_to(folder: Path, host: str, trusted: str | None, reason: str) -> None:
    async with web_server(tls=server_tls(folder, "localhost")) as site:
        tls = trusting(folder, trusted) if trusted else None
        base = f"https://{host}:{site.port}/"
        async with client(base, tls=tls, resolver=Told("127.0.0.1")) as http:
            with pytest.raises(NotConnected) as raised:
                await http.exchange(REQUEST)
        assert str(raised.value).startswith(f"127.0.0.1: {reason}")
        assert not site.asked


@pytest.mark.parametrize("said", [b"", b"220 no TLS here\r\n"])
async def test_a_server_without_tls(folder: Path, said: bytes) -> None:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    base = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, client(base, tls=trusting(folder, "localhost")) as http:
        with pytest.raises(NotConnected):
            await http.exchange(REQUEST)


async def test_a_handshake_that_hangs(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        base = f"https://127.0.0.1:{mute.getsockname()[1]}/"
        async with client(base, timeout_s=0.3, tls=trusting(folder, "localhost")) as http:
            with pytest.raises(NotConnected, match="no connection within"):
                await http.exchange(REQUEST)


# keeping connections


async def test_fifty_at_once_and_again(site: WebServer) -> None:
    site.behaviour = when_let
    async with client(url(site)) as http:
        exchanges = [asyncio.create_task(http.exchange(REQUEST)) for _ in range(50)]
        await site.until(lambda: len(site.asked) == 50)
        site.let.set()
        assert {found.body for found in await asyncio.gather(*exchanges)} == {b"let"}
        await asyncio.gather(*(http.exchange(REQUEST) for _ in range(50)))
    assert len(site.asked) == 100
    assert site.opened == 50


async def test_each_gets_the_answer_to_its_own_question(site: WebServer) -> None:
    async def echo(server: WebServer, transport: asyncio.Transport) -> bool:
        return await answer(200, server.question(transport).body)(server, transport)

    site.behaviour = echo
    async with client(url(site), window=5) as http:
        bodies = [b"%d" % number for number in range(200)]
        found = await asyncio.gather(
            *(http.exchange(HttpRequest(ident=body.decode(), body=body)) for body in bodies)
        )
    assert [one.body for one in found] == bodies
    assert site.opened <= 10


async def test_a_connection_that_the_server_closed_is_not_used(site: WebServer) -> None:
    async with client(url(site)) as http:
        for _ in range(3):
            assert await http.exchange(REQUEST) == GOOD
            site.close_connections()
            await site.all_gone()
    assert [asked.connection for asked in site.asked] == [0, 1, 2]


@pytest.mark.parametrize("headers", [("Connection: close",), ()])
async def test_what_the_server_said_unasked_is_nobodys_answer(
    site: WebServer, headers: tuple[str, ...]
) -> None:
    """Neither behind an answer, nor while nothing was asked."""
    stray = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"
    site.behaviour = octets(
        "\r\n".join(["HTTP/1.1 200 OK", "Content-Length: 2", *headers, "", "ok"]).encode() + stray, keep=True
    )
    async with client(url(site)) as http:
        assert await http.exchange(REQUEST) == GOOD
        await site.all_gone()
        site.behaviour = answer(200, b"ok")
        assert await http.exchange(REQUEST) == GOOD
        site.say(stray)
        await site.all_gone()
        assert await http.exchange(REQUEST) == GOOD
    assert site.opened == 3


async def test_idle_connections_are_closed_after_a_while(
    site: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.links.http.lot, "KEEP_IDLE_S", 0.05)
    async with client(url(site)) as http:
        site.behaviour = when_let
        later = [asyncio.create_task(http.exchange(REQUEST)) for _ in range(2)]
        await site.until(lambda: len(site.asked) == 2)
        site.behaviour = answer(200, b"ok")
        assert await http.exchange(REQUEST) == GOOD
        asyncio.get_running_loop().call_later(0.02, site.let.set)  # before the first is closed
        await asyncio.gather(*later)
        await site.all_gone()
        assert await http.exchange(REQUEST) == GOOD
        await site.all_gone()


async def test_cancelled_it_closes_the_connection_and_gives_the_place_back(site: WebServer) -> None:
    async with client(url(site), window=1, timeout_s=3) as http:
        for number in range(1, 5):
            site.behaviour = hang
            exchange = asyncio.create_task(http.exchange(REQUEST))
            await site.until(lambda: len(site.asked) == number)  # noqa: B023
            exchange.cancel()
            with pytest.raises(asyncio.CancelledError):
                await exchange
            await site.all_gone()
        site.behaviour = answer(200, b"ok")
        assert await http.exchange(REQUEST) == GOOD
    assert [asked.connection for asked in site.asked] == [0, 1, 2, 3, 4]


async def test_cancelled_while_it_connects(folder: Path) -> None:
    async with web_server(tls=server_tls(folder, "localhost")) as site:
        base = f"https://localhost:{site.port}/"
        async with client(base, window=1, tls=trusting(folder, "localhost")) as http:
            for _ in range(20):
                exchange = asyncio.create_task(http.exchange(REQUEST))
                for _ in range(3):
                    await asyncio.sleep(0)
                exchange.cancel()
                await asyncio.wait([exchange])
            assert await http.exchange(REQUEST) == GOOD
        await site.all_gone()
        assert len(site.asked) == 1


# where the host is


@asynccontextmanager
async def two_sites() -> AsyncIterator[tuple[WebServer, WebServer, str]]:
    """Two addresses, one port: 127.0.0.1 and 127.0.0.2."""
    async with web_server() as one, web_server(host="127.0.0.2", port=one.port) as other:
        yield one, other, f"http://sms.example:{one.port}/"


async def test_while_an_answer_holds_its_connections_are_used() -> None:
    async with two_sites() as (one, other, base):
        told = Told("127.0.0.1")
        async with client(base, resolver=told) as http:
            await http.exchange(REQUEST)
            told.addresses = ("127.0.0.2",)
            await http.exchange(REQUEST)
    assert told.afresh == [False]
    assert (len(one.asked), one.opened, other.opened) == (2, 1, 0)
    assert one.asked[0].headers["host"] == f"sms.example:{one.port}"


async def test_when_an_answer_has_expired_its_connections_are_closed_and_the_next_one_is_used() -> None:
    """The idle one at once, with nothing to send; the busy one when it has its answer."""
    async with two_sites() as (one, other, base):
        told = Told("127.0.0.1", ttl=0.3)
        async with client(base, resolver=told) as http:
            one.behaviour = when_let
            busy = asyncio.create_task(http.exchange(REQUEST))
            await one.until(lambda: len(one.asked) == 1)
            one.behaviour = answer(200, b"ok")
            await http.exchange(REQUEST)
            assert len(one.open) == 2
            told.addresses, told.ttl = ("127.0.0.2",), 3600.0
            await one.until(lambda: len(one.open) == 1)
            assert len(told.afresh) == 1
            assert await http.exchange(REQUEST) == GOOD
            assert (len(one.asked), len(other.asked)) == (2, 1)
            one.let.set()
            assert (await busy).body == b"let"
            await one.all_gone()
            await http.exchange(REQUEST)
    assert (len(one.asked), len(other.asked), other.opened) == (2, 2, 1)
    assert told.afresh == [False, False]


async def test_an_answer_that_holds_for_no_time_serves_one_question_each(site: WebServer) -> None:
    told = Told("127.0.0.1", ttl=0.0)
    async with client(f"http://sms.example:{site.port}/", resolver=told) as http:
        for _ in range(3):
            assert await http.exchange(REQUEST) == GOOD
            await site.all_gone()
    assert told.afresh == [False] * 3
    assert site.opened == 3


async def test_the_addresses_are_tried_one_after_another() -> None:
    async with web_server(host="127.0.0.2") as site:
        base = f"http://sms.example:{site.port}/"
        async with client(base, resolver=Told("127.0.0.1", "127.0.0.2")) as http:
            assert await http.exchange(REQUEST) == GOOD
    assert site.opened == 1


async def test_a_black_hole_leaves_time_for_the_next_address() -> None:
    with full_backlog() as port:
        async with web_server(host="127.0.0.2", port=port) as site:
            told = Told("127.0.0.1", "127.0.0.2")
            async with client(f"http://sms.example:{port}/", timeout_s=3, resolver=told) as http:
                assert await http.exchange(REQUEST) == GOOD
        assert len(site.asked) == 1


async def test_when_no_address_takes_us_it_is_asked_afresh_and_the_new_one_is_tried_at_once() -> None:
    async with web_server(host="127.0.0.2") as site:
        told = Told("127.0.0.1")
        async with client(f"http://sms.example:{site.port}/", resolver=told) as http:
            exchanges = [asyncio.create_task(http.exchange(REQUEST)) for _ in range(5)]
            await asyncio.sleep(0)
            told.addresses = ("127.0.0.2", "127.0.0.1")
            assert await asyncio.gather(*exchanges) == [GOOD] * 5
            assert await http.exchange(REQUEST) == GOOD
    assert len(site.asked) == 6
    assert told.afresh.count(True) == 1


async def test_addresses_that_have_just_failed_are_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[str] = []

    async def dial(addresses: Sequence[str], *rest: Any) -> Connection:
        dialled.extend(addresses)
        return await bridge.links.http.dial.dial(addresses, *rest)

    monkeypatch.setattr(bridge.links.http.client, "dial", dial)
    with closed_port() as port:
        told = Told("127.0.0.1", "127.0.0.2")
        async with client(f"http://sms.example:{port}/", resolver=told) as http:
            with pytest.raises(NotConnected, match=r"^127\.0\.0\.2: connection refused$"):
                await http.exchange(REQUEST)
    assert told.afresh == [False, True]
    assert dialled == ["127.0.0.1", "127.0.0.2"]


@pytest.mark.parametrize("behaviour", [octets(b""), reset])
async def test_after_something_was_written_no_second_address_is_tried(behaviour: Behaviour) -> None:
    async with two_sites() as (one, other, base):
        one.behaviour = behaviour
        told = Told("127.0.0.1", "127.0.0.2")
        async with client(base, resolver=told) as http:
            with pytest.raises(AnswerLost):
                await http.exchange(REQUEST)
    assert (len(one.asked), other.opened) == (1, 0)
    assert told.afresh == [False]


async def test_with_real_dns_a_change_is_followed_when_the_ttl_has_passed() -> None:
    async with dns_server() as dns, two_sites() as (one, other, base):
        dns.tell("sms.example", "127.0.0.1", ttl=1)
        async with client(base, resolver=Resolver([dns.address])) as http:
            assert await http.exchange(REQUEST) == GOOD
            dns.tell("sms.example", "127.0.0.2", ttl=60)
            assert await http.exchange(REQUEST) == GOOD
            await one.all_gone()
            assert await http.exchange(REQUEST) == GOOD
    assert (len(one.asked), len(other.asked)) == (2, 1)
