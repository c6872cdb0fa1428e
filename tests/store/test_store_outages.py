"""Redis away, crippled or forgetful: what each operation is told, and that what is kept is executed."""

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from bridge.proof.machine import free_ports
from bridge.proof.servers import PrivateRedis
from bridge.store import batcher as batcher_room
from bridge.store import store as store_room
from bridge.store.claims import Claim, Recorded, Unmatched
from bridge.store.receipts import MessageClaim, ReceiptClaim
from bridge.store.store import Store, StoreUnavailable

if TYPE_CHECKING:
    from tests.store.conftest import Lab, Proxy

KEY = bytes(16)
LEASE_MS = 60_000


class Turns:
    """Lets a test wait until a store is up or down."""

    def __init__(self, store: Store) -> None:
        self._events = {True: asyncio.Event(), False: asyncio.Event()}
        self._events[store.up].set()
        self.seen: list[bool] = []
        store.on_change(self._changed)

    def _changed(self, up: bool) -> None:
        self.seen.append(up)
        self._events[up].set()
        self._events[not up].clear()

    async def up(self) -> None:
        await self._events[True].wait()

    async def down(self) -> None:
        await self._events[False].wait()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that suit a test."""
    monkeypatch.setattr(store_room, "ANSWER_LIMIT_S", 1.0)
    monkeypatch.setattr(store_room, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(batcher_room, "RETRY_REFUSED_S", 0.05)


# Lost replies


async def test_a_claim_whose_reply_is_lost_is_unknown_and_still_ours(lab: "Lab", proxy: "Proxy") -> None:
    store = await lab.store(url=proxy.url)
    turns = Turns(store)
    proxy.lose_replies = 1
    assert await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS) is None
    assert not store.up
    assert store.last_error
    await turns.up()
    assert await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS) == Claim("mine")
    assert turns.seen == [False, True]


async def test_every_fail_fast_operation_is_unknown_without_its_reply(lab: "Lab", proxy: "Proxy") -> None:
    store = await lab.store(url=proxy.url)
    turns = Turns(store)
    whose = lab.question("s1")
    for operation in (
        partial(store.claims.claim, "m1", "o1", LEASE_MS),
        partial(store.receipts.receipt, KEY, "w1", "dr-1", whose),
        partial(store.receipts.message, KEY, "w1", "mo-1"),
        partial(store.receipts.lookup, KEY, whose),
    ):
        proxy.lose_replies = 1
        assert await lab.ask(operation) is None
        await turns.up()


async def test_kept_operations_whose_replies_are_lost_come_out_as_if_once(lab: "Lab", proxy: "Proxy") -> None:
    other = await lab.store("w2")
    await lab.ask(other.receipts.unmatched, KEY, lab.question("s1"), b"{}")
    store = await lab.store(url=proxy.url)
    turns = Turns(store)
    for name in ("given", "given-up"):
        await lab.ask(store.claims.claim, name, "o1", LEASE_MS)

    async def lost(operation: Any, *arguments: Any, **named: Any) -> Any:
        await turns.up()
        proxy.lose_replies = 1
        proxy.lost.clear()
        result = await lab.ask(operation, *arguments, **named)
        assert proxy.lost.is_set()
        return result

    assert await lost(store.claims.answered, "m1", "o1", "A", lab.entry()) == Recorded(
        fenced=False, unmatched=[Unmatched(b"{}", stale=False)]
    )
    assert await lost(store.claims.finish, "given", "o1", "owed") is True
    assert await lost(store.claims.amend, "given", "owed", "sealed") is True
    await lost(store.claims.release, "given-up", "o1")
    other_key = b"k" * 16
    await lab.ask(store.receipts.message, other_key, "w1", "mo-1")
    await lost(store.receipts.abandon, other_key, 0, "w1")
    assert await lab.ask(other.receipts.message, other_key, "w2", "mo-2") == MessageClaim("taken", "mo-1")
    await lost(store.receipts.waiting, other_key, "mo-1")
    await lost(store.receipts.commit, other_key, 0, None)
    found = await lost(store.receipts.unmatched, b"u" * 16, lab.question("s1", grade=0), b"")
    assert found.entry == lab.entry()
    assert await lab.ask(other.claims.claim, "given", "o2", LEASE_MS) == Claim("done", info="sealed")
    assert await lab.ask(other.claims.claim, "given-up", "o2", LEASE_MS) == Claim("new")
    value = await lab.value("id", "p", "s1")
    assert value is not None
    assert value.count(b"\n") == 0, "one use of the id"


# Killed, paused, emptied


async def test_killed_in_a_stream_of_kept_operations(own_lab: "Lab", own_redis: PrivateRedis) -> None:
    store = await own_lab.store()
    turns = Turns(store)
    total, told, finished = 4000, Counter[int](), asyncio.Event()

    def done(number: int, ours: bool) -> None:
        assert ours
        told[number] += 1
        if len(told) == total:
            finished.set()

    for number in range(total):
        store.claims.finish(f"m{number}", "o1", f"info {number}", partial(done, number))
        if number % 20 == 0:
            await asyncio.sleep(0.001)
        if number == total // 2:
            own_redis.kill()
    await turns.down()
    assert await own_lab.ask(store.claims.claim, "m0", "o2", LEASE_MS) is None
    await own_redis.start()
    await finished.wait()
    assert set(told.values()) == {1}
    assert len(told) == total
    values = await own_lab.redis.mget([own_lab.key("mt", f"m{number}") for number in range(total)])
    assert values == [f"E|info {number}".encode() for number in range(total)]


@pytest.mark.usefixtures("impatient")
async def test_paused_and_resumed(own_lab: "Lab", own_redis: PrivateRedis) -> None:
    store = await own_lab.store()
    turns = Turns(store)
    own_redis.pause()
    try:
        kept = asyncio.create_task(own_lab.ask(store.claims.finish, "m1", "o1", "A"))
        assert await own_lab.ask(store.claims.claim, "m2", "o1", LEASE_MS) is None
        await turns.down()
        assert await own_lab.ask(store.claims.claim, "m2", "o1", LEASE_MS) is None
        assert not kept.done()
    finally:
        own_redis.resume()
    assert await kept is True
    assert store.up
    assert await own_lab.ask(store.claims.claim, "m1", "o2", LEASE_MS) == Claim("done", info="A")


@pytest.mark.usefixtures("impatient")
async def test_an_idle_store_notices_that_redis_is_gone_and_back(
    own_lab: "Lab", own_redis: PrivateRedis
) -> None:
    with capture_logs() as logs:
        store = await own_lab.store()
        turns = Turns(store)
        own_redis.kill()
        await turns.down()
        await own_redis.start()
        await turns.up()
    assert turns.seen == [False, True]
    assert [entry["event"] for entry in logs] == ["store.up", "store.down", "store.up"]


async def test_a_store_may_run_before_redis_does(own_lab: "Lab", own_redis: PrivateRedis) -> None:
    own_redis.kill()
    store = own_lab.make()
    kept = asyncio.create_task(own_lab.ask(store.claims.finish, "m1", "o1", "A"))
    running = asyncio.create_task(own_lab.run(store))
    assert await own_lab.ask(store.claims.claim, "m1", "o1", LEASE_MS) is None
    await own_redis.start()
    await running
    assert await kept is True


async def test_a_forgotten_script_is_loaded_again(lab: "Lab", store: Store) -> None:
    turns = Turns(store)
    await lab.redis.script_flush()
    assert await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS) == Claim("new")
    assert turns.seen == []


# There, but not willing


@pytest.mark.parametrize(
    ("cripple", "heal", "error"),
    [
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "read only"),
        ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", "maxmemory"),
        ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0", "replicas"),
        ("CONFIG SET requirepass x", "CONFIG SET requirepass ''", "password"),
    ],
)
@pytest.mark.usefixtures("impatient")
async def test_a_redis_that_takes_no_writes_is_down(
    own_lab: "Lab", cripple: str, heal: str, error: str
) -> None:
    store = await own_lab.store()
    turns = Turns(store)
    await own_lab.command(*cripple.split())
    try:
        if "requirepass" in cripple:
            await own_lab.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        kept = asyncio.create_task(own_lab.ask(store.claims.finish, "m1", "o1", "A"))
        assert await own_lab.ask(store.claims.claim, "m2", "o1", LEASE_MS) is None
        await turns.down()
        another = own_lab.make("w2")
        with pytest.raises(StoreUnavailable) as refused:
            await another.open()
        await another.close()
        assert error in str(refused.value)
        assert "\n" not in str(refused.value)
        assert not kept.done()
    finally:
        await own_lab.command(*[word.strip("'") for word in heal.split()])
    assert await kept is True
    assert (await own_lab.ask(store.claims.claim, "m2", "o2", LEASE_MS)).verdict == "new"


@pytest.mark.usefixtures("impatient")
async def test_a_foreign_value_troubles_only_its_own_operations(lab: "Lab", store: Store) -> None:
    turns = Turns(store)
    await lab.redis.lpush(lab.key("mt", "m1"), "not ours")
    with capture_logs() as logs:
        kept = asyncio.create_task(lab.ask(store.claims.finish, "m1", "o1", "A"))
        claims = [lab.ask(store.claims.claim, name, "o1", LEASE_MS) for name in ("m1", "m2")]
        assert await asyncio.gather(*claims) == [None, Claim("new")]
        assert turns.seen == []
        await lab.redis.delete(lab.key("mt", "m1"))
        assert await kept is True
    assert {(entry["event"], entry["log_level"]) for entry in logs} == {("store.refused", "error")}


@pytest.mark.usefixtures("impatient")
async def test_an_entry_that_cannot_be_read_troubles_only_its_own_operations(
    lab: "Lab", store: Store
) -> None:
    turns = Turns(store)
    await lab.redis.set(lab.key("id", "p", "s1"), "0||447700900123||not JSON", ex=60)
    lookups = [lab.ask(store.receipts.lookup, KEY, lab.question(name)) for name in ("s1", "s2")]
    assert await asyncio.gather(*lookups) == [None, ReceiptClaim("waiting", "")]
    assert turns.seen == []


# Opening, closing, checking


async def test_open_tells_in_one_line_why_not(lab: "Lab") -> None:
    (port,) = free_ports(1)
    store = lab.make(url=f"redis://127.0.0.1:{port}/0")
    with pytest.raises(StoreUnavailable, match=f":{port}: Connection refused$"):
        await store.open()
    assert "refused" in store.last_error
    await store.close()
    store = lab.make(url=lab.url.replace("//", "//nobody:secret@"))
    with pytest.raises(StoreUnavailable, match="user name or password") as refused:
        await store.open()
    assert "secret" not in str(refused.value)
    await store.close()
    store = lab.make(url="redis://nowhere.invalid/0")
    with pytest.raises(StoreUnavailable, match=r"nowhere\.invalid:6379: .*known"):
        await store.open()
    await store.close()
    store = lab.make()
    await store.open()
    await store.close()


async def test_what_waits_when_the_store_ends_is_told_so_or_dropped(lab: "Lab") -> None:
    store = lab.make()
    told: list[Any] = []
    store.claims.claim("m1", "o1", LEASE_MS, told.append)
    store.claims.finish("m1", "o1", "A", told.append)
    await asyncio.sleep(0)
    assert told == [None]
    with capture_logs() as logs:
        await store.close()
    assert logs == [{"event": "store.dropped", "log_level": "warning", "operations": 1}]
    assert told == [None]
