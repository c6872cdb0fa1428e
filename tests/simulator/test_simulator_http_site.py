"""The simulated HTTP site answers as its kind of provider does, and keeps HTTP's manners."""

import asyncio
import base64

import httpx
import pytest

from bridge.simulator.http import Attachment, HttpProvider, HttpSite
from bridge.simulator.http.connection import MAX_BODY
from bridge.simulator.http.faults import Hang, Slow
from tests.simulator.http_lab import FORM, client, code_of, form, http_site, raw

POST = "POST /httpapi/receiver HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"message": ""}, 0),
        ({"priority": "INTERACTIVE_LOW", "receipt": "FALSE", "carrier": "31002", "unheard": "of"}, 0),
        ({"login": None}, 1),
        ({"password": ""}, 1),
        ({"phone_number": None}, 1),
        ({"phone_number": "+447700900123"}, 1),
        ({"message": None}, 1),
        ({"message_id": ""}, 1),
        ({"priority": "URGENT"}, 1),
        ({"receipt": "Yes"}, 1),
        ({"mms_attachment[0].content_type": "image/png"}, 1),
        ({"mms_attachment[1].content_type": "image/png", "mms_attachment[1].content": "AAAA"}, 1),
        ({"mms_attachment[0].content_type": "image/png", "mms_attachment[0].content": "%%"}, 1),
        ({"login": "else"}, 2),
        ({"password": "wrong"}, 2),
        ({"sender": "ACME"}, 4),
    ],
)
async def test_what_a_message_is_answered(changes: dict[str, str | None], code: int) -> None:
    async with http_site() as site, client() as sender:
        assert await code_of(sender, site, **changes) == code
        (request,) = site.provider.requests
        assert (request.taken, request.code, request.status) == (code == 0, code, 200)
        assert len(site.provider.taken) == (code == 0)
        assert "secret" not in request.fields.values()


async def test_a_message_is_taken_once_whatever_site_it_comes_to() -> None:
    provider = HttpProvider()
    async with http_site(provider=provider) as dc3, client() as sender:
        bos = HttpSite(provider, site="bos")
        await bos.start()
        assert await code_of(sender, dc3) == 0
        assert [await code_of(sender, site) for site in (dc3, bos)] == [7, 7]
        assert await code_of(sender, bos, message_id="m2") == 0
        assert await code_of(sender, bos, message_id="m3", priority="none") == 1
        assert await code_of(sender, bos, message_id="m3") == 0
        assert [(r.site, r.ident, r.times, r.taken) for r in provider.requests] == [
            ("dc3", "m1", 1, True),
            ("dc3", "m1", 2, False),
            ("bos", "m1", 3, False),
            ("bos", "m2", 1, True),
            ("bos", "m3", 1, False),
            ("bos", "m3", 2, True),
        ]
        assert provider.stats()["requests"] == {"received": 6, "taken": 3, "refused": 3, "unanswered": 0}


async def test_queries_and_forms_in_parts_are_read_too() -> None:
    async with http_site() as site, client() as sender:
        text = "Grüße & ключ = 😀"
        await sender.get(site.url, params=form(message_id="a", message=text))
        await sender.post(site.url, data=form(message_id="b", message=text))
        await sender.post(site.url, files={name: (None, value) for name, value in FORM.items()})
        files = {name: ("named.txt", value) for name, value in form(message_id="d", message=text).items()}
        await sender.post(site.url, files=files)
        assert [request.ident for request in site.provider.taken] == ["a", "b", "m1", "d"]
        assert {site.provider.taken[at].fields["message"] for at in (0, 1, 3)} == {text}


@pytest.mark.parametrize("name", ["mms_attachment[{}]", "mms_attachment{}"])
async def test_attachments_with_brackets_and_without(name: str) -> None:
    parts = [Attachment("image/png", b"\x89PNG\r\n\x1a\n\0\xff"), Attachment("text/plain", b"")]
    fields: dict[str, str | None] = {}
    for number, part in enumerate(parts):
        fields[name.format(number) + ".content_type"] = part.content_type
        fields[name.format(number) + ".content"] = base64.b64encode(part.content).decode()
    async with http_site() as site, client() as sender:
        assert await code_of(sender, site, **fields) == 0
        assert site.provider.taken[0].attachments == tuple(parts)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "application/json"}, b"{}"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"message=\xff"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"message=%ff"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"a=1&" * 2000),
        ({"Content-Type": "multipart/form-data"}, b"--x"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--y\r\n"),
        ({}, b"login=bridge"),
    ],
)
async def test_a_body_that_cannot_be_read_is_a_parameter_that_is_wrong(
    headers: dict[str, str], body: bytes
) -> None:
    async with http_site() as site, client() as sender:
        answer = await sender.post(site.url, content=body, headers=headers)
        assert (answer.status_code, answer.text) == (200, "Result=1")


async def test_who_only_looks_finds_somebody_and_other_paths_are_not_here() -> None:
    async with http_site() as site, client() as sender:
        looked = await sender.head(site.url)
        assert (looked.status_code, looked.content) == (200, b"")
        assert (await sender.post(site.url + "s", data=FORM)).status_code == 404
        assert (await sender.head(site.url + "s")).status_code == 404
        assert (await sender.delete(site.url)).status_code == 405
        assert site.provider.requests == []


async def test_requests_sent_together_are_answered_one_after_the_other() -> None:
    async with http_site() as site:
        bodies = ["&".join(f"{k}={v}" for k, v in form(message_id=name).items()) for name in ("a", "b")]
        chunked = f"{POST}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        chunks = f"{len(bodies[1]):x}\r\n{bodies[1]}\r\n0\r\n\r\n"
        answer = await raw(
            site, f"{POST}Content-Length: {len(bodies[0])}\r\n\r\n{bodies[0]}{chunked}{chunks}".encode()
        )
        assert answer.count(b"HTTP/1.1 200") == answer.count(b"Result=0") == 2
        assert [request.ident for request in site.provider.taken] == ["a", "b"]


async def test_who_waits_for_100_continue_hears_it() -> None:
    async with http_site() as site:
        answer = await raw(
            site, f"{POST}Content-Length: 1\r\nExpect: 100-continue\r\nConnection: close\r\n\r\nx".encode()
        )
        assert answer.startswith(b"HTTP/1.1 100")
        assert answer.endswith(b"Result=1")


async def test_what_is_no_http_is_refused_and_hung_up_on() -> None:
    async with http_site() as site, client() as sender:
        assert (await raw(site, b"\x00\x00\x00\x10\x00\x00\x00\x09 bind\r\n\r\n")).startswith(b"HTTP/1.1 400")
        assert await code_of(sender, site) == 0


async def test_a_request_that_cannot_be_read_behind_a_head_is_refused_with_a_body() -> None:
    async with http_site() as site:
        head = b"HEAD /httpapi/receiver HTTP/1.1\r\nHost: x\r\n\r\n"
        answer = await raw(site, head + f"{POST}Content-Length: x\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b"\r\n\r\nno HTTP\n")


async def test_what_is_too_large_is_refused() -> None:
    async with http_site() as site, client() as sender:
        answer = await raw(
            site, f"{POST}Content-Length: {MAX_BODY + 1}\r\n\r\n".encode() + bytes(MAX_BODY + 1)
        )
        assert answer == b"" or answer.startswith(b"HTTP/1.1 413")
        assert await code_of(sender, site) == 0


async def test_a_site_that_is_killed_cuts_its_connections_and_comes_back_at_its_port() -> None:
    async with http_site() as site, client() as sender:
        url = site.url
        assert await code_of(sender, site) == 0
        site.kill()
        with pytest.raises(httpx.TransportError):
            await sender.post(url, data=FORM)
        assert not site.up
        await site.start()
        assert site.url == url
        assert await code_of(sender, site) == 7


async def test_a_stopping_site_takes_nobody_new_and_hangs_up_on_the_idle() -> None:
    async with http_site() as site, client() as sender:
        assert await code_of(sender, site) == 0
        assert len(site.connections) == 1
        await site.stop()
        assert not site.connections
        with pytest.raises(httpx.ConnectError):
            await sender.head(site.url)


async def test_a_stopping_site_gives_the_answers_it_owes_and_does_not_wait_for_those_it_never_gives() -> None:
    async with http_site(Slow(seconds=0.05)) as site, client() as sender, client() as hung:
        waiting = asyncio.create_task(code_of(sender, site))
        await site.provider.until(lambda: len(site.provider.taken) == 1)
        await site.stop()
        assert await waiting == 0
        await site.start()
        site.behave(Hang())
        in_vain = asyncio.create_task(code_of(hung, site, message_id="m2"))
        await site.provider.until(lambda: len(site.provider.taken) == 2)
        await site.stop()
        with pytest.raises(httpx.TransportError):
            await in_vain
