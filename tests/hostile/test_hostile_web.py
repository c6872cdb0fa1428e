"""HTTP sites whose answers never end, or hold what nothing can keep: the message has its end, and soon."""

import asyncio
from functools import partial

import pytest

from bridge.dialects.generic_answer import AnswerForm
from bridge.dialects.genesys_http import GenesysHttp
from bridge.links.http.errors import AnswerLost
from bridge.model.outcome import Doubt
from bridge.model.web import HttpAnswer, HttpRequest
from tests.links.test_links_http_client import client, url
from tests.links.web_server import WebServer, web_server


async def never_ends(_server: WebServer, transport: asyncio.Transport, *, first: bytes, then: bytes) -> bool:
    """An answer of which more and more comes, as fast as it is read."""
    transport.write(first)
    while not transport.is_closing():
        if not transport.get_write_buffer_size():
            transport.write(then)
        await asyncio.sleep(0)
    return False


@pytest.mark.parametrize(
    ("first", "then", "reason"),
    [
        (b"", b"HTTP/1.1 100 Go on\r\n\r\n" * 1_000, "the answer is longer than 192 KiB"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1_000, "the answer is no HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            b"x" * 1_000,
            "the answer is longer than 64 KiB",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1_000, "the answer is longer than 64 KiB"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"0000000001;" + b"x" * 100 + b"\r\nx\r\n",
            "the answer is longer than 192 KiB",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X: y\r\n" * 1_000,
            "the answer is no HTTP",
        ),
    ],
)
async def test_an_answer_without_end_is_lost_before_the_time_limit(
    first: bytes, then: bytes, reason: str
) -> None:
    async with web_server() as site, client(url(site), timeout_s=60.0) as http:
        site.behaviour = partial(never_ends, first=first, then=then)
        with pytest.raises(AnswerLost) as raised:
            await http.exchange(HttpRequest(ident="m-1", body=b"x"))
        assert str(raised.value) == reason
        await site.all_gone()


@pytest.mark.parametrize("name", ["\\ud800", "m-\\udfff"])
def test_an_id_that_nothing_can_keep_is_no_id(name: str) -> None:
    answer = HttpAnswer(status=200, body=b'{"id": "%s"}' % name.encode())
    assert AnswerForm(id="id").read(answer, "m-1").outcome == Doubt("HTTP 200: has no id")


@pytest.mark.parametrize("body", [b"result=\x1e0", b"=\x1c\x1d8\x1f", b"=\xc2\xa00"])
def test_blanks_of_every_kind_may_stand_around_a_result(body: bytes) -> None:
    reading = GenesysHttp(login="me", password="x").read_answer(HttpAnswer(status=200, body=body), "m-1")
    assert not isinstance(reading.outcome, Doubt)
