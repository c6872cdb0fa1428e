"""The listener: its port, its two ways to stop, and what it counts and tells."""

import asyncio
import signal
import socket

import pytest
from structlog.testing import capture_logs

from bridge.config.settings import HostPort
from bridge.inbound.callbacks import refusals
from bridge.inbound.callbacks.callers import Callers
from bridge.inbound.callbacks.door import CallbackDoor
from bridge.inbound.callbacks.errors import CannotListen
from bridge.inbound.callbacks.refusals import Refusals
from tests.inbound.callers import (
    DIALECTS,
    LIMIT_S,
    SITES,
    TOKEN,
    Caller,
    Script,
    callback,
    door,
    listens,
    reached,
    until,
)


def closed_door(host: str = "127.0.0.1", port: int = 0, script: Script | None = None) -> CallbackDoor:
    return CallbackDoor(HostPort(host, port), Callers(TOKEN), DIALECTS, SITES, script or Script())


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("192.0.2.1", r"192\.0\.2\.1:0: Cannot assign requested address"),
        ("2001:db8::1", r"\[2001:db8::1\]:0: Cannot assign requested address"),
        ("no host", r"no host:0: Name or service not known"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_clear_line(host: str, reason: str) -> None:
    with pytest.raises(CannotListen, match=rf"^callbacks\.listen: cannot listen on {reason}$"):
        closed_door(host).open()


def test_a_port_that_somebody_else_has_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        message = rf"^callbacks\.listen: cannot listen on 127\.0\.0\.1:{port}: it is taken$"
        with pytest.raises(CannotListen, match=message):
            closed_door(port=port).open()


async def test_workers_of_one_machine_share_the_port() -> None:
    mine, its = Script(), Script()
    async with door(mine) as one, door(its, port=one.port) as two:
        assert one.port == two.port
        for _ in range(200):
            async with await Caller.at(one.port) as caller:
                assert (await caller.asks(callback())).status == 200
            if mine.got and its.got:
                break
        assert mine.got
        assert its.got


async def test_a_worker_that_only_has_the_port_keeps_no_caller_waiting() -> None:
    script = Script()
    async with door(script) as one:
        other = closed_door(port=one.port)
        other.open()
        for _ in range(50):
            async with await Caller.at(one.port) as caller:
                assert (await caller.asks(callback())).status == 200
        other.close()
    assert len(script.got) == 50


async def test_signals_stay_with_the_application() -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with door(Script()):
        assert signal.getsignal(signal.SIGTERM) is before is signal.SIG_DFL


async def test_a_stop_answers_what_is_under_way_and_refuses_what_begins() -> None:
    script = Script(says=None)
    async with (
        door(script) as one,
        await Caller.at(one.port) as under_way,
        await Caller.at(one.port) as idle,
        await Caller.at(one.port) as late,
    ):
        under_way.says(callback())
        answer = await script.answer()
        late.says(callback()[:-1])
        script.says = True
        assert (await idle.asks(callback())).status == 200
        one.stop()
        refused = await idle.asks(callback())
        assert (refused.status, refused.headers["connection"]) == (503, "close")
        assert "retry-after" in refused.headers
        late.says(callback()[-1:])
        assert (await late.hears()).status == 200, "it had begun"
        async with asyncio.timeout(LIMIT_S):
            while await listens(one.port):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        answer(True)
        said = await under_way.hears()
        assert (said.status, said.headers["connection"]) == (200, "close")
        assert await under_way.is_cut_off() == b""


async def test_a_stop_does_not_wait_for_ever() -> None:
    script = Script(says=None)
    async with door(script, drain_s=0.2) as one, await Caller.at(one.port) as caller:
        caller.says(callback())
        await script.answer()
        one.stop()
        answer = await caller.hears()
        assert (answer.status, answer.json) == (503, {"error": "stopping"})
        assert await caller.is_cut_off() == b""


async def test_a_door_that_was_told_to_stop_before_it_ran_ends_at_once() -> None:
    one = closed_door()
    one.open()
    one.stop()
    async with asyncio.timeout(LIMIT_S):
        await one.run()


async def test_cancelled_it_ends_at_once() -> None:
    script = Script(says=None)
    one = closed_door(script=script)
    one.open()
    running = asyncio.create_task(one.run())
    await reached(one.port)
    async with await Caller.at(one.port) as caller:
        caller.says(callback())
        await script.answer()
        running.cancel()
        await asyncio.wait([running], timeout=LIMIT_S)
        assert running.cancelled()
        assert await caller.is_cut_off() == b""
    assert not await listens(one.port)


async def test_a_flood_of_refusals_is_a_line_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "LINE_EVERY_S", 0.05)
    told = Refusals()
    with capture_logs() as logged:
        for _ in range(1_000):
            told.tell("p", 401, "the token is missing or wrong")
        told.tell("q", 400, "not a callback", "to: is missing")
        told.tell("", None, "too many connections")
        await until(lambda: len(logged) == 4)
        told.tell("q", 400, "not a callback")
        await until(lambda: len(logged) == 5)
    assert logged[:2] == [
        {
            "event": "callback.refused",
            "log_level": "warning",
            "provider": "p",
            "status": 401,
            "reason": "the token is missing or wrong",
            "times": 1,
        },
        {
            "event": "callback.refused",
            "log_level": "warning",
            "provider": "q",
            "status": 400,
            "reason": "not a callback",
            "times": 1,
            "detail": "to: is missing",
        },
    ]
    assert [line["times"] for line in logged] == [1, 1, 1, 999, 1]
