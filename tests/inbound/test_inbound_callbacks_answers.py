"""What a callback is answered, line by line, on real sockets."""

import base64
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from structlog.testing import capture_logs

from bridge.inbound.callbacks.application import CallbackLink
from bridge.inbound.callbacks.callers import Callers
from tests.inbound.callers import BEARER, TOKEN, Answered, Caller, Script, callback, door, form, request

BASIC = "Authorization: Basic " + base64.b64encode(f"genesys:{TOKEN}".encode()).decode()


async def asked(octets: bytes, script: Script | None = None, **options: Any) -> Answered:
    """The answer to one request, at a door of its own."""
    async with door(script or Script(), **options) as one, await Caller.at(one.port) as caller:
        return await caller.asks(octets)


async def test_what_is_safe_is_answered_ok() -> None:
    script = Script()
    answer = await asked(callback("Hä?"), script)
    assert (answer.status, answer.body) == (200, b"")
    ((link, inbound),) = script.got
    assert link == CallbackLink(provider="p", site=None, name="callback", via="http")
    assert inbound.text == "Hä?"


async def test_it_is_not_answered_before_it_is_safe() -> None:
    script = Script(says=None)
    async with door(script) as one, await Caller.at(one.port) as caller, await Caller.at(one.port) as other:
        caller.says(callback())
        answer = await script.answer()
        script.says = True
        assert (await other.asks(callback())).status == 200, "another is not held up"
        answer(True)
        assert (await caller.hears()).status == 200
        script.says = None
        caller.says(callback())
        (await script.answer())(False)
        assert (await caller.hears()).status == 503


async def test_what_cannot_be_made_safe_is_to_be_brought_again() -> None:
    answer = await asked(callback(), Script(says=False))
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert answer.json == {"error": "cannot be stored just now"}
    assert "connection" not in answer.headers


async def test_a_verdict_that_takes_too_long_is_a_refusal_and_may_come_later() -> None:
    script = Script(says=None)
    async with door(script, answer_within_s=0.05) as one, await Caller.at(one.port) as caller:
        assert (await caller.asks(callback())).status == 503
        (await script.answer())(True)
        script.says = True
        assert (await caller.asks(callback())).status == 200
        assert one.tally == {("503", "p"): 1, ("200", "p"): 1}


async def test_the_site_of_the_path_is_the_link_s() -> None:
    script = Script()
    async with door(script) as one, await Caller.at(one.port) as caller:
        for path in ("/callbacks/p/one", "/callbacks/p/two", "/callbacks/q"):
            assert (await caller.asks(request(form(), BEARER, path=path))).status == 200
    assert [(link.provider, link.site) for link, _ in script.got] == [("p", "one"), ("p", "two"), ("q", None)]


@pytest.mark.parametrize(
    ("octets", "status", "said"),
    [
        (request(path="/"), 404, {"error": "no such provider or site"}),
        (request(path="/callbacks"), 404, {}),
        (request(path="/callbacks/"), 404, {}),
        (request(path="/callbacks/x"), 404, {}),
        (request(path="/callbacks/p/"), 404, {}),
        (request(path="/callbacks/p/three"), 404, {}),
        (request(path="/callbacks/q/one"), 404, {}),
        (request(path="/callbacks/p/one/more"), 404, {}),
        (request(path="/callbacks/p%2Fx"), 404, {}),
        (request(path="/x", method="GET"), 404, {}),
        (request(method="GET"), 405, {"error": "callbacks are POSTed"}),
        (request(form(), BEARER, method="PUT"), 405, {}),
        (request(form()), 401, {"error": "the token is missing or wrong"}),
        (request(form(), f"{BEARER}x"), 401, {}),
        (request(form(), path="/callbacks/p?token=wrong"), 401, {}),
        (request(b"x", "Content-Type: text/plain"), 401, {}),
        (request(form(), BEARER), 200, {}),
        (request(form(), "authorization: bearer " + TOKEN), 200, {}),
        (request(form(), BASIC), 200, {}),
        (request(form(), path=f"/callbacks/p?token={quote(TOKEN)}"), 200, {}),
        (
            request(form(), BEARER, "Content-Type: text/plain"),
            415,
            {"error": "this type of body is not read"},
        ),
        (request(form(), BEARER, "Content-Encoding: gzip"), 415, {"error": "compressed bodies are not read"}),
        (request(form(), BEARER, "Content-Encoding: identity"), 200, {}),
        (request(b"to=1&text=x", BEARER), 400, {"error": "is missing", "field": "from"}),
        (request(b"", BEARER), 400, {"error": "is missing", "field": "from"}),
        (request(b"from=\xff", BEARER), 400, {"error": "is not UTF-8", "field": "from"}),
        (
            request(form() + b"&to=2", BEARER),
            400,
            {"error": "is given twice, with different values", "field": "to"},
        ),
        (
            request(b'{"from": 1}', BEARER, "Content-Type: application/json"),
            400,
            {"error": "is missing", "field": "from"},
        ),
        (callback("a bug"), 500, {"error": "a fault of the bridge"}),
    ],
)
async def test_each_request_has_its_answer(octets: bytes, status: int, said: dict[str, str]) -> None:
    script = Script()
    async with door(script) as one, await Caller.at(one.port) as caller:
        answer = await caller.asks(octets)
        assert answer.status == status
        assert said.items() <= (answer.json if answer.body else {}).items()
        assert (answer.headers.get("allow") == "post") is (status == 405)
        assert ("www-authenticate" in answer.headers) is (status == 401)
        assert "server" not in answer.headers
        assert script.texts == (["YES"] if status == 200 else [])
        again = await caller.asks(callback())
        assert again.status == 200, "the connection goes on, and so does the door"


@pytest.mark.parametrize(
    ("allow", "trust_proxy", "forwarded", "status"),
    [
        ([], False, "", 200),
        (["127.0.0.0/8"], False, "", 200),
        (["10.0.0.0/8"], False, "", 403),
        (["10.0.0.0/8"], False, "10.1.1.1", 403),
        (["10.0.0.0/8"], True, "10.1.1.1", 200),
        (["10.0.0.0/8"], True, "10.1.1.1, 192.0.2.1", 403),
        (["127.0.0.0/8"], True, "192.0.2.1", 403),
        (["127.0.0.0/8"], True, "", 200),
    ],
)
async def test_only_some_networks_may_call(
    allow: list[str], trust_proxy: bool, forwarded: str, status: int
) -> None:
    callers = Callers(TOKEN, allow, trust_proxy=trust_proxy)
    lines = [f"X-Forwarded-For: {forwarded}"] if forwarded else []
    assert (await asked(request(form(), BEARER, *lines), callers=callers)).status == status
    assert (await asked(request(form(), *lines), callers=callers)).status == (401 if status == 200 else 403)


async def test_the_address_that_a_proxy_names_last_counts_over_several_lines() -> None:
    callers = Callers(TOKEN, ["10.0.0.0/8"], trust_proxy=True)
    lines = ["X-Forwarded-For: 10.1.1.1", "X-Forwarded-For: 192.0.2.1"]
    assert (await asked(request(form(), BEARER, *lines), callers=callers)).status == 403


async def test_a_caller_over_ipv6_s_ipv4_is_of_its_ipv4_network() -> None:
    callers = Callers(TOKEN, ["127.0.0.0/8"])
    async with door(Script(), host="::", callers=callers) as one, await Caller.at(one.port) as caller:
        assert (await caller.asks(callback())).status == 200


async def test_every_way_of_writing_is_read() -> None:
    script = Script()
    fields = {"from": "447700900123", "to": "12345", "text": "ü & €"}
    async with door(script) as one, httpx.AsyncClient(base_url=f"http://127.0.0.1:{one.port}") as client:
        path, headers = "/callbacks/p", {b"Authorization": BEARER.split(": ")[1].encode()}
        picture = {"picture": ("p.txt", b"text")}
        for answer in (
            await client.post(path, headers=headers, data=fields),
            await client.post(path, headers=headers, json=fields),
            await client.post(path, headers=headers, data=fields, files=picture),
            await client.post(path, headers=headers, content=_pieces(form("ü & €"))),
        ):
            assert answer.status_code == 200
    assert script.texts == ["ü & €"] * 4


async def _pieces(octets: bytes) -> AsyncIterator[bytes]:
    for octet in octets:
        yield bytes([octet])


async def test_requests_in_a_row_are_answered_in_order() -> None:
    async with door(Script()) as one, await Caller.at(one.port) as caller:
        caller.says(callback("1") + request(form()) + callback("2"))
        assert [(await caller.hears()).status for _ in range(3)] == [200, 401, 200]


async def test_a_peer_that_leaves_before_the_answer_harms_nothing() -> None:
    script = Script(says=None)
    async with door(script) as one:
        async with await Caller.at(one.port) as caller:
            caller.says(callback())
            answer = await script.answer()
        script.says = True
        async with await Caller.at(one.port) as caller:
            answer(True)
            answer(True)
            assert (await caller.asks(callback())).status == 200


async def test_refusals_are_told_of_without_what_they_hold() -> None:
    with capture_logs() as logged:
        async with door(Script(), callers=Callers(TOKEN, ["127.0.0.0/8"])) as one:
            async with await Caller.at(one.port) as caller:
                for _ in range(20):
                    await caller.asks(request(form("SECRET"), path="/callbacks/p?token=SECRET"))
                await caller.asks(request(b"from=SECRET", BEARER, path="/callbacks/q"))
                await caller.asks(callback("a bug"))
                await caller.asks(callback("SECRET"))
            assert one.tally == {("401", "p"): 20, ("400", "q"): 1, ("500", "p"): 1, ("200", "p"): 1}
    lines = [line for line in logged if line["event"] == "callback.refused"]
    assert [(line["provider"], line["status"], line["reason"]) for line in lines][:3] == [
        ("p", 401, "the token is missing or wrong"),
        ("q", 400, "not a callback"),
        ("p", 500, "a fault of the bridge"),
    ]
    assert lines[1]["detail"] == "to: is missing"
    assert lines[2]["detail"].startswith("KeyError in read_callback, callers.py:")
    said = repr(logged)
    assert not any(word in said for word in ("SECRET", TOKEN, "447700900123", "the text of a message"))
