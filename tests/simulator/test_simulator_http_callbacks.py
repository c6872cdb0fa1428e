"""Receipts and MOs of the simulated HTTP provider: what they say, how they are pressed on the client, the log."""

import asyncio
import json
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bridge.simulator.http import Attachment, HttpProvider, HttpSite
from bridge.simulator.http.caller import CallbackUrl, Caller
from bridge.simulator.http.faults import Slow
from tests.simulator.http_lab import HANDSET, client, code_of, door, http_site


async def settled(provider: HttpProvider) -> None:
    """Returns when nothing is owed any more."""
    await provider.until(lambda: provider.outbox.counts.open == 0)


async def test_a_receipt_says_what_the_message_was_called() -> None:
    async with door() as inbox, http_site(callback_urls=[inbox.url]) as site, client() as sender:
        await code_of(sender, site, message_id="none", receipt="FALSE")
        await code_of(sender, site, message_id="refused", receipt="TRUE", priority="x")
        await code_of(sender, site, receipt="TRUE", app_id="app", conversation_id="talk")
        await settled(site.provider)
        assert inbox.fields == [
            {
                "type": "receipt",
                "message_id": "m1",
                "message_state": "2",
                "result_code": "0",
                "app_id": "app",
                "conversation_id": "talk",
            }
        ]
        (sent,) = site.provider.callbacks
        assert (sent.kind, sent.ident, sent.attempt, sent.status, sent.error) == ("receipt", "m1", 1, 200, "")
        assert sent.fields == inbox.fields[0]


async def test_an_mo_says_what_a_phone_wrote() -> None:
    async with door() as inbox, http_site(callback_urls=[inbox.url]) as site:
        picture = Attachment("image/png", b"\x89\0\xff")
        first = site.provider.send_mo("ja & nein ü", source="4917", destination="999", attachments=[picture])
        second = site.provider.send_mo()
        await settled(site.provider)
        said = {call["message_id"]: call for call in inbox.fields}
        assert said[first.ident] == {
            "type": "MO",
            "message_id": first.ident,
            "shortcode": "999",
            "phone_number": "4917",
            "carrier": "99901",
            "message": "ja & nein ü",
            "mms_attachment[0].content_type": "image/png",
            "mms_attachment[0].content": "iQD/",
        }
        assert said[second.ident]["message"] == second.ident != first.ident
        assert said[second.ident]["phone_number"] == HANDSET


async def test_what_is_not_answered_2xx_comes_again_and_never_changes() -> None:
    async with door(500, 302, 503, None, 204) as inbox, http_site(callback_urls=[inbox.url]) as site:
        mo = site.provider.send_mo()
        await settled(site.provider)
        assert len(inbox.fields) == 5
        assert all(call == inbox.fields[0] for call in inbox.fields)
        statuses = [(sent.attempt, sent.status) for sent in site.provider.callbacks]
        assert statuses == [(1, 500), (2, 302), (3, 503), (4, None), (5, 204)]
        assert site.provider.callbacks[3].error
        assert (mo.accepted, mo.open, mo.times_sent) == (1, False, 5)
        assert site.provider.stats()["callbacks"] == {
            "open": 0, "sent": 5, "ok": 1, "refused": 3, "unanswered": 1, "given_up": 0
        }  # fmt: skip


async def test_a_client_that_never_says_ok_is_given_up() -> None:
    async with door(*[500] * 3) as inbox, http_site(callback_urls=[inbox.url], most_times=2) as site:
        mo = site.provider.send_mo()
        await settled(site.provider)
        assert (mo.times_sent, mo.accepted) == (3, 0)
        assert site.provider.stats()["callbacks"]["given_up"] == 1


async def test_a_client_that_does_not_answer_in_time_is_called_again() -> None:
    silent = asyncio.Event()

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with http_site(callback_urls=[url], callback_timeout_s=0.01, most_times=1) as site:
        site.provider.send_mo()
        await settled(site.provider)
        assert [sent.error for sent in site.provider.callbacks] == ["timeout"] * 2
    silent.set()
    server.close()
    await server.wait_closed()


async def test_a_client_that_is_not_there_gets_it_when_it_is() -> None:
    async with door() as inbox:
        url, port = inbox.url, inbox.port
    async with http_site(callback_urls=[url]) as site:
        site.provider.send_mo()
        await site.provider.until(lambda: site.provider.outbox.counts.unanswered >= 2)
        assert site.provider.callbacks[0].error == "ConnectionRefusedError"
        async with door(port=port) as again:
            await again.until(1)
            await settled(site.provider)


async def test_several_workers_are_called_in_turn_on_connections_that_are_kept() -> None:
    async with (
        door() as one,
        door() as other,
        http_site(
            callback_urls=[one.url, other.url + "?token=a%20b"], callback_token="t", parallel=1
        ) as site,
    ):
        for _ in range(6):
            site.provider.send_mo()
        await settled(site.provider)
        assert (len(one.calls), len(other.calls)) == (3, 3)
        assert {start for start, _, _ in other.calls} == {"POST /callbacks/genesys?token=a%20b HTTP/1.1"}
        assert {headers["authorization"] for _, headers, _ in one.calls + other.calls} == {"Bearer t"}
        assert all("token" not in sent.url for sent in site.provider.callbacks)


async def test_a_client_that_hangs_up_after_each_answer_is_called_all_the_same() -> None:
    async with door() as inbox, http_site(callback_urls=[inbox.url], parallel=1) as site:
        inbox.keeps = False
        for _ in range(3):
            site.provider.send_mo()
        await settled(site.provider)
        assert site.provider.stats()["callbacks"]["ok"] == len(inbox.calls) == 3


async def test_phones_write_at_a_rate() -> None:
    async with door() as inbox, http_site(callback_urls=[inbox.url], mo_rate=500.0) as site:
        await inbox.until(20)
        assert site.provider.stats()["mos"] >= 20
        idents = [call["message_id"] for call in inbox.fields]
        assert len(set(idents)) == len(idents)


async def test_receipts_of_messages_nobody_sent() -> None:
    async with door() as inbox, http_site(callback_urls=[inbox.url]) as site:
        site.provider.send_receipt("stranger", state=5, code=99)
        idents = site.provider.send_strange_receipts(2)
        await settled(site.provider)
        assert {call["message_id"] for call in inbox.fields} == {"stranger", *idents}


async def test_without_a_url_all_is_owed_for_ever() -> None:
    async with http_site() as site, client() as sender:
        await code_of(sender, site, receipt="TRUE")
        assert site.provider.outbox.counts.open == 1


async def test_closing_ends_all_that_runs() -> None:
    before = asyncio.all_tasks()
    async with http_site(callback_urls=["http://127.0.0.1:9/"], mo_rate=1000.0) as site:
        await site.provider.until(lambda: len(site.provider.callbacks) > 3)
        assert asyncio.all_tasks() > before
    assert asyncio.all_tasks() == before


@pytest.fixture
def server_tls(tmp_path: Path) -> ssl.SSLContext:
    """Of a server with a certificate that is nobody's."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=elsewhere -days 2"
    subprocess.run([*make.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context


async def test_over_tls_any_certificate_will_do(server_tls: ssl.SSLContext) -> None:
    provider = HttpProvider()
    site = HttpSite(provider, tls=server_tls)
    await site.start()
    assert site.url.startswith("https://127.0.0.1:")
    caller = Caller(CallbackUrl.read(site.url), 5)
    try:
        assert [await caller.post(b"login=bridge") for _ in range(2)] == [200, 200]
    finally:
        caller.close()
        await provider.close()
    assert [request.code for request in provider.requests] == [1, 1]


@pytest.mark.parametrize(
    ("text", "host", "port", "target", "authorization", "shown"),
    [
        ("http://h", "h", 80, "/", "Bearer t", "http://h/"),
        ("https://h:8/p?q=1#f", "h", 8, "/p?q=1", "Bearer t", "https://h:8/p"),
        ("https://[::1]/p", "::1", 443, "/p", "Bearer t", "https://[::1]/p"),
        ("http://me:p%40w@h/p", "h", 80, "/p", "Basic bWU6cEB3", "http://h/p"),
    ],
)
def test_a_url_is_read(text: str, host: str, port: int, target: str, authorization: str, shown: str) -> None:
    url = CallbackUrl.read(text, "t")
    assert (url.host, url.port, url.target, url.shown) == (host, port, target, shown)
    assert dict(url.headers)["Authorization"] == authorization
    assert "q=1" not in repr(url)


@pytest.mark.parametrize(
    "text", ["", "h:80", "ftp://h/", "http://", "http://h:pass/", "http://h/ü", "http://[h"]
)
def test_what_is_no_url_is_named_without_what_it_holds(text: str) -> None:
    with pytest.raises(ValueError, match=r"^callback URL: (must|cannot)") as error:
        HttpProvider(callback_urls=[text])
    assert "pass" not in str(error.value)
    with pytest.raises(ValueError, match="callback token: must"):
        HttpProvider(callback_urls=["http://h/"], callback_token="a\nb")


def lines(log: Path) -> list[dict[str, Any]]:
    """What the file says now, without the times."""
    return [
        {key: value for key, value in json.loads(line).items() if key != "at"}
        for line in log.read_text().splitlines()
    ]


async def test_all_is_in_the_log_without_secrets(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    async with door(500) as inbox:
        provider = HttpProvider(
            callback_urls=[f"{inbox.url}?token=hidden"],
            receipt_delay_s=0.0,
            again_s=0.01,
            most_times=0,
            log=log,
            keep_records=False,
        )
        async with http_site(provider=provider) as site, client() as sender:
            attachment = {"mms_attachment0.content_type": "image/png", "mms_attachment0.content": "AAAA"}
            await code_of(sender, site, receipt="TRUE", **attachment)
            await settled(provider)
            await code_of(sender, site, receipt="TRUE")
            node = site.node
    up, first, callback, given_up, again, down = lines(log)
    fields = {
        "phone_number": HANDSET,
        "sender": "12345",
        "message": "hello",
        "message_id": "m1",
        "receipt": "TRUE",
    }
    assert up == {"event": "up", "site": "dc3", "node": node}
    assert first == {
        "event": "request",
        "site": "dc3",
        "ident": "m1",
        "times": 1,
        "taken": True,
        "code": 0,
        "status": 200,
        "fields": fields,
        "attachments": [{"content_type": "image/png", "octets": 3}],
    }
    assert (again["times"], again["taken"], again["code"], again["attachments"]) == (2, False, 7, [])
    assert callback == {
        "event": "callback",
        "kind": "receipt",
        "ident": "m1",
        "site": "dc3",
        "url": inbox_url(callback),
        "attempt": 1,
        "status": 500,
        "error": "",
        "fields": {"type": "receipt", "message_id": "m1", "message_state": "2", "result_code": "0"},
    }
    assert given_up == {"event": "given_up", "kind": "receipt", "ident": "m1"}
    assert down == {"event": "down", "site": "dc3", "node": node}
    assert "secret" not in log.read_text()
    assert "hidden" not in log.read_text()
    assert [len(kept) for kept in (provider.requests, provider.taken, provider.callbacks)] == [0, 0, 0]


def inbox_url(callback: dict[str, Any]) -> str:
    """The URL of this line, which ends where the path does."""
    url: str = callback["url"]
    assert url.endswith("/callbacks/genesys")
    return url


async def test_an_answer_that_came_late_has_a_line_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    provider = HttpProvider(log=log)
    async with http_site(Slow(seconds=0.01), provider=provider) as site, client() as sender:
        await code_of(sender, site)
        request, answer = lines(log)[1:]
        assert (request["taken"], request["code"], request["status"]) == (True, None, None)
        assert answer == {"event": "answer", "site": "dc3", "ident": "m1", "code": 0, "status": 200}
