"""Idle, slow and many callers on both HTTP listeners, at their real limits: an honest one gets through at once."""

import asyncio
import resource

import httpx
import pytest

from bridge.inbound.callbacks.callers import Callers
from bridge.listeners.crowd import Crowd, place_of
from bridge.listeners.handles import affordable
from bridge.ops.metrics import registry_of
from bridge.ops.server import OpsServer
from tests.hostile.crowds import crowd, is_open
from tests.inbound.callers import TOKEN, Caller, Script, callback, deaf_caller, door, request, until
from tests.ops.test_ops_server import Worker


async def asks(port: int, source: str = "127.0.0.1") -> int:
    """One callback from this address, on a connection of its own; how it was answered."""
    async with Caller(*await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))) as caller:
        return (await caller.asks(callback())).status


async def test_a_thousand_idle_connections_of_one_address_hold_up_nobody() -> None:
    async with door(Script()) as one, crowd(one.port, 1_000) as held:
        await until(lambda: one.tally["cut_off", ""] == 500)
        assert one.connections == 500, "what one address may have"
        assert await asks(one.port) == 200
        assert await asks(one.port, "127.0.0.2") == 200, "even its neighbour, for whom one of them goes"
        assert [is_open(each) for each in held[:500]] == [False] * 500, "those that had waited longest"


async def test_idle_connections_of_many_addresses_hold_up_nobody_either() -> None:
    sources = [f"127.0.1.{number}" for number in range(1, 11)]
    async with door(Script(), connections=60, per_address=20) as one, crowd(one.port, 200, sources=sources):
        await until(lambda: one.tally["cut_off", ""] == 140)
        assert one.connections == 60
        for source in ("127.0.0.1", *sources):
            assert await asks(one.port, source) == 200


async def test_behind_a_proxy_all_come_from_one_address() -> None:
    callers = Callers(TOKEN, trust_proxy=True)
    async with door(Script(), callers=callers, connections=60, per_address=2) as one, crowd(one.port, 40):
        await until(lambda: one.connections == 40)
        assert not one.tally["cut_off", ""]


async def test_whoever_reads_nothing_is_not_waited_for_at_the_end() -> None:
    """A socket that is closed waits until the rest is read."""
    asked = 200  # the answers: more than the kernel keeps, less than makes the door stop reading
    async with door(Script(), idle_s=0.1, read_within_s=0.1, pipelined=asked, head_bytes=100_000) as one:
        async with deaf_caller(one) as deaf:
            await asyncio.get_running_loop().sock_sendall(deaf, request(method="GET") * asked)
            await until(lambda: one.tally["405", "p"] == asked)
            await until(lambda: one.connections == 0)
        assert one.tally["cut_off", ""] == 1


async def test_the_pages_of_operators_stay_open_too() -> None:
    server = OpsServer("127.0.0.1", 0, Worker(), registry_of([]))
    server.open()
    running = asyncio.create_task(server.run())
    sources = [f"127.0.1.{number}" for number in range(1, 5)]
    async with crowd(server.port, 400, sources=sources), httpx.AsyncClient() as client:
        await until(lambda: server.cut_off["too many connections"] == 300)
        assert (await client.get(f"http://127.0.0.1:{server.port}/healthz")).status_code == 200
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.parametrize(
    "octets", [b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 20_000, b"\x16\x03\x01" * 10_000]
)
async def test_nor_are_they_read_without_end(octets: bytes) -> None:
    server = OpsServer("127.0.0.1", 0, Worker(), registry_of([]))
    server.open()
    running = asyncio.create_task(server.run())
    async with await Caller.at(server.port) as caller:
        caller.says(octets)
        assert (await caller.is_cut_off())[9:12] in (b"", b"400")
    assert server.cut_off
    running.cancel()
    await asyncio.wait([running])


def test_of_those_who_wait_the_first_goes_and_who_works_stays() -> None:
    all_ = Crowd[str](3, 2)
    assert [all_.enter(name, name[0]) for name in ("a1", "a2", "b1")] == [None] * 3
    all_.works("a1")
    assert all_.enter("a3", "a") == "a2", "too many of one address: its own"
    assert all_.enter("b2", "b") == "b1", "too many in all: whoever has waited longest"
    all_.works("a3")
    all_.works("b2")
    assert all_.enter("c1", "c") == "c1", "all are at work"
    assert len(all_) == 3
    all_.waits("a1")
    assert all_.enter("c1", "c") == "a1"
    for name in ("a3", "b2", "c1", "c1", "never"):
        all_.leave(name)
    assert len(all_) == 0
    assert not all_._numbers
    assert not all_._waiting
    assert not all_._waiting_at


@pytest.mark.parametrize(
    ("host", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%lo", "fe80::2%lo", True),
        ("", "unix", False),
    ],
)
def test_what_counts_as_one_address(host: str, other: str, same: bool) -> None:
    assert (place_of(host) == place_of(other)) is same


@pytest.mark.parametrize(
    ("have", "most", "asked_for", "affordable_"),
    [
        (1_024, 4_096, 4_000, 2_000),
        (1_024, 1_024, 1_024, 512),
        (1_024, resource.RLIM_INFINITY, 4_000, 2_000),
        (1_000_000, 1_000_000, None, 2_000),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None, 2_000),
    ],
)
def test_connections_leave_file_handles_for_the_rest(
    monkeypatch: pytest.MonkeyPatch, have: int, most: int, asked_for: int | None, affordable_: int
) -> None:
    asked: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (have, most))
    monkeypatch.setattr(resource, "setrlimit", lambda *what: asked.append(what))
    assert affordable(2_000) == affordable_
    assert asked == ([] if asked_for is None else [(resource.RLIMIT_NOFILE, (asked_for, most))])
