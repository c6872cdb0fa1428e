"""What one caller may cost: slow, large, many, and not HTTP at all. The limits are lowered; the sockets are real."""

import asyncio
from functools import partial

import pytest

from bridge.inbound.callbacks.door import CallbackDoor
from tests.inbound.callers import BEARER, Caller, Script, callback, deaf_caller, door, form, request, until

HEAD = b"POST /callbacks/p HTTP/1.1\r\nHost: bridge\r\n"


def declares(length: int, *lines: str) -> bytes:
    """A head alone, of a body of this length."""
    return request(b"", BEARER, f"Content-Length: {length}", *lines, length=False)


@pytest.mark.parametrize("octets", [b"", b"P", HEAD, b"\r\n"])
async def test_a_head_that_does_not_come_is_not_waited_for(octets: bytes) -> None:
    async with door(Script(), head_within_s=0.1) as one, await Caller.at(one.port) as caller:
        caller.says(octets)
        assert await caller.is_cut_off() == b""
        await until(lambda: one.tally["cut_off", ""] >= 1)


@pytest.mark.parametrize("octets", [b"P", HEAD, b"\r\n"])
async def test_nor_that_of_a_later_request(octets: bytes) -> None:
    async with door(Script(), head_within_s=0.1) as one, await Caller.at(one.port) as caller:
        assert (await caller.asks(callback())).status == 200
        caller.says(octets)
        assert await caller.is_cut_off() == b""
        assert one.tally["cut_off", ""] == 1


async def test_a_head_that_drips_is_not_waited_for() -> None:
    async with door(Script(), head_within_s=0.1) as one, await Caller.at(one.port) as caller:
        caller.says(HEAD)
        cut_off = asyncio.create_task(caller.is_cut_off())
        while not one.tally:
            caller.says(b"X")
            await asyncio.sleep(0.01)
        assert await cut_off == b""


async def test_the_rest_of_a_pipelined_head_is_not_waited_for_either() -> None:
    script = Script(says=None)
    async with door(script, head_within_s=0.1, idle_s=0.1) as one, await Caller.at(one.port) as caller:
        caller.says(callback() + HEAD)
        (await script.answer())(True)
        assert (await caller.hears()).status == 200
        assert await caller.is_cut_off() == b""


async def test_a_verdict_takes_as_long_as_it_takes_whatever_the_limit_of_heads() -> None:
    script = Script(says=None)
    async with door(script, head_within_s=0.05, idle_s=0.05) as one, await Caller.at(one.port) as caller:
        caller.says(callback())
        answer = await script.answer()
        await asyncio.sleep(0.2)
        answer(True)
        assert (await caller.hears()).status == 200
        assert one.tally["200", "p"] == 1


async def test_an_idle_connection_is_closed() -> None:
    async with door(Script(), idle_s=0.1) as one, await Caller.at(one.port) as caller:
        assert (await caller.asks(callback())).status == 200
        assert await caller.is_cut_off() == b""
        assert ("cut_off", "") not in one.tally, "that is no fault of the caller's"


@pytest.mark.parametrize(
    "octets", [HEAD + b"X: " + b"x" * 3_000, HEAD + b"X: x\r\n" * 600, b"POST /" + b"x" * 3_000]
)
async def test_a_head_may_be_only_so_large(octets: bytes) -> None:
    async with door(Script(), head_bytes=2_000) as one, await Caller.at(one.port) as caller:
        caller.says(octets)
        assert await caller.is_cut_off() == b""
        assert one.tally == {("cut_off", ""): 1}


async def test_trailers_may_be_only_so_large() -> None:
    script = Script()
    async with door(script, head_bytes=2_000) as one, await Caller.at(one.port) as caller:
        caller.says(request(b"", BEARER, "Transfer-Encoding: chunked", length=False))
        caller.says(b"1\r\nx\r\n0\r\n" + b"X: x\r\n" * 200_000)
        assert await caller.is_cut_off() == b""
        assert script.got == []


async def test_a_body_larger_than_a_head_may_be_is_read() -> None:
    async with door(Script(), head_bytes=2_000) as one, await Caller.at(one.port) as caller:
        assert (await caller.asks(callback("x" * 300_000))).status == 200


async def test_a_body_that_is_declared_too_large_is_refused_at_once() -> None:
    async with door(Script(), body_bytes=100) as one, await Caller.at(one.port) as caller:
        answer = await caller.asks(declares(101))
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert answer.json == {"error": "the body is too large"}
        assert await caller.is_cut_off() == b""


async def test_a_body_that_turns_out_too_large_is_refused() -> None:
    async with door(Script(), body_bytes=100) as one, await Caller.at(one.port) as caller:
        caller.says(request(b"", BEARER, "Transfer-Encoding: chunked", length=False))
        for _ in range(11):
            caller.says(b"a\r\n0123456789\r\n")
        assert (await caller.hears()).status == 413


async def test_a_body_of_just_that_size_is_read() -> None:
    body = form()
    async with door(Script(), body_bytes=len(body)) as one, await Caller.at(one.port) as caller:
        assert (await caller.asks(request(body, BEARER))).status == 200
        assert (await caller.asks(request(body + b"&", BEARER))).status == 413


async def test_a_body_of_json_may_be_only_smaller() -> None:
    body = b'{"from": "447700900123", "to": "12345", "text": "YES"}'
    async with door(Script(), json_bytes=len(body)) as one, await Caller.at(one.port) as caller:
        lines = (BEARER, "Content-Type: application/json")
        assert (await caller.asks(request(body, *lines))).status == 200
        assert (await caller.asks(request(form("x" * 100), BEARER))).status == 200
        assert (await caller.asks(request(body + b" ", *lines))).status == 413


async def test_who_may_not_is_not_asked_for_the_body() -> None:
    async with door(Script()) as one, await Caller.at(one.port) as caller:
        answer = await caller.asks(request(b"", "Content-Length: 9", "Expect: 100-continue", length=False))
        assert (answer.status, answer.headers["connection"]) == (401, "close")
    async with door(Script()) as one, await Caller.at(one.port) as caller:
        body = form()
        assert (await caller.asks(declares(len(body), "Expect: 100-continue"))).status == 100
        assert (await caller.asks(body)).status == 200


async def test_a_body_that_nobody_wants_is_read_to_its_end_if_it_is_small() -> None:
    async with door(Script()) as one, await Caller.at(one.port) as caller:
        caller.says(request(b"", "Content-Length: 9", length=False))
        caller.says(b"a=b")
        await asyncio.sleep(0.05)
        caller.says(b"&c=d&e")
        assert "connection" not in (await caller.hears()).headers
        answer = await caller.asks(request(b"", "Content-Length: 1000000", length=False))
        assert (answer.status, answer.headers["connection"]) == (401, "close")


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    script = Script()
    async with door(script, body_within_s=0.1) as one, await Caller.at(one.port) as caller:
        answer = await caller.asks(declares(1_000) + b"text=")
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert await caller.is_cut_off() == b""
        assert script.got == []


def _all_are_gone(one: CallbackDoor, number: int) -> bool:
    return one.tally["gone", "p"] == number


async def test_a_peer_that_leaves_within_its_body_is_forgotten() -> None:
    async with door(Script(), all_bodies_bytes=1_000, body_bytes=900) as one:
        for number in range(1, 4):
            async with await Caller.at(one.port) as caller:
                caller.says(declares(900) + b"x" * 600)
            await until(partial(_all_are_gone, one, number))
        async with await Caller.at(one.port) as caller:
            assert (await caller.asks(callback("x" * 800))).status == 200


async def test_all_bodies_together_may_be_only_so_large() -> None:
    """Those whose verdict is awaited too."""
    script = Script(says=None)
    async with door(script, all_bodies_bytes=1_000) as one:
        async with await Caller.at(one.port) as first, await Caller.at(one.port) as second:
            first.says(callback("x" * 800))
            answer = await script.answer()
            refused = await second.asks(callback("x" * 800))
            assert (refused.status, refused.headers["connection"]) == (503, "close")
            assert "retry-after" in refused.headers
            answer(True)
            assert (await first.hears()).status == 200
        script.says = True
        async with await Caller.at(one.port) as second:
            assert (await second.asks(callback("x" * 800))).status == 200


async def test_there_are_only_so_many_connections() -> None:
    async with door(Script(), connections=2) as one:
        async with await Caller.at(one.port) as first, await Caller.at(one.port) as second:
            assert (await first.asks(callback())).status == 200
            assert (await second.asks(callback())).status == 200
            async with await Caller.at(one.port) as third:
                assert (await third.asks(callback())).status == 200
                assert await first.is_cut_off() == b"", "it has waited longest"
                assert (await second.asks(callback())).status == 200
                assert one.connections == 2
        assert one.tally["cut_off", ""] == 1
        await until(lambda: not one.connections)


async def test_who_has_a_request_in_hand_makes_no_room() -> None:
    script = Script(says=None)
    async with door(script, connections=1) as one, await Caller.at(one.port) as first:
        first.says(callback())
        answer = await script.answer()
        async with await Caller.at(one.port) as second:
            assert await second.is_cut_off() == b""
        answer(True)
        assert (await first.hears()).status == 200


async def test_only_so_many_requests_are_in_hand() -> None:
    script = Script(says=None)
    async with (
        door(script, requests=1) as one,
        await Caller.at(one.port) as first,
        await Caller.at(one.port) as second,
    ):
        first.says(callback())
        answer = await script.answer()
        assert (await second.asks(request(form()))).status == 401
        refused = await second.asks(callback())
        assert (refused.status, refused.json) == (503, {"error": "too many requests in hand"})
        answer(True)
        assert (await first.hears()).status == 200
        script.says = True
        assert (await second.asks(callback())).status == 200


async def test_only_so_many_requests_wait_behind_another() -> None:
    script = Script(says=None)
    async with door(script, pipelined=2) as one, await Caller.at(one.port) as caller:
        caller.says(callback() * 4)
        assert b"400 Bad Request" in await caller.is_cut_off()
        (await script.answer())(True)
        assert one.tally["400", ""] == 1


async def test_whoever_does_not_read_the_answers_is_cut_off() -> None:
    async with door(Script(), read_within_s=0.1) as one:
        async with deaf_caller(one) as deaf:
            for number in range(1, 100_000):
                await asyncio.get_running_loop().sock_sendall(deaf, request(method="GET"))
                while one.tally["405", "p"] < number and not one.tally["cut_off", ""]:  # noqa: ASYNC110
                    await asyncio.sleep(0)
                if one.tally["cut_off", ""]:
                    break
        assert one.tally["cut_off", ""] == 1


@pytest.mark.parametrize(
    "octets",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"CONNECT /callbacks/p HTTP/1.1\r\n\r\n",
        b"POST /callbacks/\xff HTTP/1.1\r\n\r\n",
        b"POST http:// HTTP/1.1\r\n\r\n",
        b"POST * HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
async def test_what_is_not_http_ends_its_connection_and_nothing_else(octets: bytes) -> None:
    async with door(Script(), head_within_s=0.2, body_within_s=0.2, idle_s=0.2) as one:
        async with await Caller.at(one.port) as caller:
            caller.says(octets)
            assert (await caller.is_cut_off())[9:12] in (b"400", b"404", b"405", b"401", b"")
        async with await Caller.at(one.port) as caller:
            assert (await caller.asks(callback())).status == 200


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
async def test_an_upgrade_is_not_taken(upgrade: str) -> None:
    async with door(Script(), head_within_s=0.2, idle_s=0.2) as one, await Caller.at(one.port) as caller:
        lines = ["Connection: Upgrade", f"Upgrade: {upgrade}", "Sec-WebSocket-Key: x", BEARER]
        assert (await caller.asks(request(b"", *lines))).status == 400
        caller.says(b"whatever")
        await caller.is_cut_off()
