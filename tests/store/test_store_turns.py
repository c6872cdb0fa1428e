"""What Redis does late, from a connection that was given up, must not undo what was asked since: it is refused."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ResponseError

from bridge.store.store import PROBE, SHA, Store, StoreUnavailable

if TYPE_CHECKING:
    from tests.store.conftest import Lab, Proxy

LEASE_MS = 60_000


async def late(lab: "Lab", store: Store, turn: int, *words: Any) -> Any:
    """A call that a worker wrote in this turn, executed now."""
    return await lab.redis.evalsha(SHA, 0, *store._globals, turn, *words)


async def test_a_claim_that_comes_late_undoes_no_newer_one(lab: "Lab", proxy: "Proxy") -> None:
    store, up = await lab.store(url=proxy.url), asyncio.Event()
    proxy.lose_replies = 1
    assert await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS, reference=1, state="older") is None
    store.on_change(lambda is_up: up.set() if is_up else None)
    await up.wait()
    await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS, reference=1, state="newer")
    before = await lab.snapshot()
    older = (b"claim_long", lab.key("mt", "m1"), "o1", LEASE_MS, 0, "", 0, b"", 1, "older")
    with pytest.raises(ResponseError, match="LATE"):
        await late(lab, store, 1, *older)
    assert await lab.snapshot() == before
    await late(lab, store, 2, *older)
    assert await lab.snapshot() != before, "of the turn that it has come to it is done"


async def test_each_call_without_an_answer_begins_a_turn(lab: "Lab", proxy: "Proxy") -> None:
    store = lab.make(url=proxy.url)
    for turn in (1, 2):
        await store.open()
        assert await lab.value("turn", "w1") == b"%d" % turn
        proxy.lose_replies = 1
        with pytest.raises(StoreUnavailable):
            await store.open()
    with pytest.raises(ResponseError, match="LATE"):
        await late(lab, store, 1, *PROBE)
    await store.close()
