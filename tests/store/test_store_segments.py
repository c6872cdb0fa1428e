"""Segments of long MOs on a real Redis: every verdict, what is due, and a random walk in which nothing is lost."""

import asyncio
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.store.segments import Due, SetClaim
from bridge.store.store import Store

if TYPE_CHECKING:
    from tests.store.conftest import Lab, OpenLab

KEY = bytes(range(0xF0, 0x100))
WAIT_MS, KEEP_MS, LEASE_MS = 300_000, 60_000, 60_000
HELD, REPEAT, BUSY = SetClaim("held"), SetClaim("repeat"), SetClaim("busy")


@pytest.fixture
async def store(lab: "Lab") -> Store:
    return await lab.stuttering()


async def added(
    lab: "Lab",
    store: Store,
    number: int,
    event_id: str = "e1",
    *,
    owner: str = "w1",
    total: int = 3,
    tag: bytes = b"\n|:\xff0000",
    body: bytes | None = None,
) -> Any:
    """A segment of KEY; its body is its number, unless said otherwise."""
    body = b"%d" % number if body is None else body
    add = store.segments.add
    return await lab.ask(add, KEY, number, total, tag, body, event_id, owner, WAIT_MS, KEEP_MS)


async def due(lab: "Lab", store: Store, owner: str = "w1", limit: int = 10) -> Any:
    """What is due just now."""
    return await lab.ask(store.segments.overdue, limit, LEASE_MS, owner)


async def published(lab: "Lab", store: Store, event_id: str, key: bytes = KEY) -> None:
    await lab.ask(store.segments.published, key, event_id, KEEP_MS)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
async def test_whoever_brings_the_last_one_gets_all_in_order(
    lab: "Lab", store: Store, order: tuple[int, ...]
) -> None:
    other = await lab.store("w2")
    assert await added(lab, store, order[0], "e1") == HELD
    assert await added(lab, other, order[1], "e2", owner="w2") == HELD
    assert await added(lab, store, order[2], "e3") == SetClaim("complete", "e1", [b"1", b"2", b"3"])
    assert await added(lab, other, order[0], "e4", owner="w2") == BUSY
    await published(lab, store, "e1")
    for number in order:
        assert await added(lab, other, number, "e5", owner="w2") == REPEAT
    assert await lab.redis.zcard(lab.key("due", "mo")) == 0


async def test_a_repeat_of_what_is_held_is_held_once(lab: "Lab", store: Store) -> None:
    for body in (b"first", b"again"):
        assert await added(lab, store, 1, total=2, body=body) == HELD
    assert await added(lab, store, 2, total=2) == SetClaim("complete", "e1", [b"first", b"2"])


async def test_the_worker_that_publishes_is_told_again(lab: "Lab", store: Store) -> None:
    await added(lab, store, 1, total=2)
    whole = SetClaim("complete", "e1", [b"1", b"2"])
    assert [await added(lab, store, number, total=2) for number in (2, 1, 2)] == [whole] * 3


@pytest.mark.parametrize("how", ["dies", "gives up"])
async def test_what_one_worker_did_not_publish_another_does(lab: "Lab", store: Store, how: str) -> None:
    for number in (1, 2):
        await added(lab, store, number, total=2)
    assert await added(lab, store, 1, total=2, owner="w2") == BUSY
    await lab.ask(store.segments.abandon, KEY, "w2")
    assert await added(lab, store, 1, total=2, owner="w2") == BUSY, "it was not its own"
    if how == "dies":
        await lab.pass_time("mo")
    else:
        await lab.ask(store.segments.abandon, KEY, "w1")
    whole = SetClaim("complete", "e1", [b"1", b"2"])
    assert await added(lab, store, 1, total=2, owner="w2") == whole
    assert await added(lab, store, 1, total=2, owner="w1") == BUSY


async def test_a_complete_set_that_nobody_publishes_is_due_when_its_lease_passes(
    lab: "Lab", store: Store
) -> None:
    for number in (1, 2):
        await added(lab, store, number, total=2)
    assert await due(lab, store, "w2") == []
    score = await lab.redis.zscore(lab.key("due", "mo"), lab.key("seg", KEY))
    seconds, _ = await lab.redis.time()
    assert score is not None
    assert 3_000 < score - seconds * 1000 <= 6_000
    await lab.pass_time("mo")
    assert await due(lab, store, "w2") == [Due(KEY, "e1", [b"1", b"2"])]
    assert await due(lab, store, "w1") == []
    assert await added(lab, store, 2, total=2, owner="w1") == BUSY
    await published(lab, store, "e1")
    await lab.pass_time("mo")
    assert await due(lab, store) == []
    assert await added(lab, store, 2, total=2) == REPEAT


async def test_an_incomplete_set_is_due_after_its_wait_from_the_first(lab: "Lab", store: Store) -> None:
    await added(lab, store, 3)
    scores = [await lab.redis.zscore(lab.key("due", "mo"), lab.key("seg", KEY))]
    await added(lab, store, 1)
    scores.append(await lab.redis.zscore(lab.key("due", "mo"), lab.key("seg", KEY)))
    assert scores[0] == scores[1]
    assert await due(lab, store) == []
    await lab.pass_time("mo")
    (told,) = await due(lab, store)
    assert (told.event_id, told.parts) == ("e1", [b"1", b"3"])
    assert await due(lab, store) == [], "its lease"
    await lab.pass_time("mo")
    assert await due(lab, store, "w2") == [told], "again, to the next"
    assert await added(lab, store, 1, "e2") == REPEAT, "it is safe, and will be published"
    await published(lab, store, "e1", told.set_key)
    await lab.pass_time("mo")
    assert await due(lab, store) == []
    assert 0 < await lab.redis.pttl(lab.key("seg", KEY)) <= KEEP_MS
    assert await added(lab, store, 3, "e2") == REPEAT


async def test_a_segment_that_comes_too_late_is_published_alone(lab: "Lab", store: Store) -> None:
    await added(lab, store, 1)
    await lab.pass_time("mo")
    (told,) = await due(lab, store)
    assert await added(lab, store, 2, "e2") == HELD, "the third may still come"
    await published(lab, store, "e1", told.set_key)
    assert await added(lab, store, 1, "e3") == REPEAT
    assert await added(lab, store, 3, "e4") == SetClaim("complete", "e2", [b"2", b"3"])
    await published(lab, store, "e2")
    assert [await added(lab, store, number, "e5") for number in (1, 2, 3)] == [REPEAT] * 3


@pytest.mark.parametrize("differs", [{"tag": b"another!"}, {"total": 4}])
async def test_other_content_under_a_number_begins_a_set_of_its_own(
    lab: "Lab", store: Store, differs: dict[str, Any]
) -> None:
    await added(lab, store, 1)
    await added(lab, store, 2)
    assert await added(lab, store, 2, "e2", body=b"other", **differs) == HELD
    (old,) = await due(lab, store)
    assert (old.event_id, old.parts) == ("e1", [b"1", b"2"])
    await published(lab, store, "e1", old.set_key)
    await lab.pass_time("mo")
    (new,) = await due(lab, store)
    assert (new.event_id, new.parts) == ("e2", [b"other"])
    await published(lab, store, "e2", new.set_key)
    assert await added(lab, store, 2, "e3", **differs) == REPEAT


async def test_other_content_does_not_disturb_who_is_publishing(lab: "Lab", store: Store) -> None:
    for number in (1, 2):
        await added(lab, store, number, total=2)
    assert await added(lab, store, 1, "e2", total=2, tag=b"another!", body=b"other") == HELD
    assert await due(lab, store, "w2") == [], "the first set is still being published"
    await published(lab, store, "e1")
    await lab.pass_time("mo")
    (left,) = await due(lab, store)
    assert (left.event_id, left.parts) == ("e2", [b"other"])


async def test_other_content_after_a_published_set_is_new(lab: "Lab", store: Store) -> None:
    for number in (1, 2):
        await added(lab, store, number, total=2)
    await published(lab, store, "e1")
    assert await added(lab, store, 1, "e2", total=2, tag=b"another!") == HELD
    assert await added(lab, store, 2, "e3", total=2, tag=b"another!") == SetClaim(
        "complete", "e2", [b"1", b"2"]
    )


async def test_a_few_are_told_at_a_time(lab: "Lab", store: Store) -> None:
    for n in range(5):
        key = bytes([n]) * 16
        await lab.ask(store.segments.add, key, 1, 2, b"t" * 8, b"b", f"e{n}", "w1", WAIT_MS, KEEP_MS)
    await lab.pass_time("mo")
    told = [await due(lab, store, limit=2) for _ in range(4)]
    assert [len(some) for some in told] == [2, 2, 1, 0]
    assert {one.event_id for some in told for one in some} == {f"e{n}" for n in range(5)}


async def test_what_is_held_lives_for_the_retention(lab: "Lab") -> None:
    store = await lab.run(lab.make(retention_hours=2))
    await added(lab, store, 1)
    for key in (lab.key("seg", KEY), lab.key("due", "mo")):
        assert 7_000_000 < await lab.redis.pttl(key) <= 7_200_000


# The random walk


class World:
    """Two workers, one set key, and all that was answered OK and published."""

    def __init__(self, lab: "Lab", stores: dict[str, Store]) -> None:
        self.lab = lab
        self.stores = stores
        self.serial = 0
        self.owed: set[tuple[int, str]] = set()
        self.events: dict[str, tuple[bytes, ...]] = {}
        self.at_work: list[tuple[str, bytes, str]] = []

    async def add(self, owner: str, number: int, content: str) -> None:
        self.serial += 1
        body = f"{number}{content} {self.serial}".encode()
        tag = content.encode() * 8
        claim = await added(
            self.lab, self.stores[owner], number, f"e{self.serial}", owner=owner, tag=tag, body=body
        )
        if claim.verdict in ("held", "repeat"):
            self.owed.add((number, content))
        elif claim.verdict == "complete":
            self.take(owner, [Due(KEY, claim.event_id, claim.parts)])

    def take(self, owner: str, told: Iterable[Due]) -> None:
        """What a worker is told to publish, which it may do at once or much later."""
        for one in told:
            assert self.events.setdefault(one.event_id, tuple(one.parts)) == tuple(one.parts)
            self.at_work.append((owner, one.set_key, one.event_id))

    async def look(self, owner: str) -> None:
        self.take(owner, await due(self.lab, self.stores[owner], owner))

    async def settle(self, which: int, how: str) -> None:
        if self.at_work:
            owner, key, event_id = self.at_work.pop(which % len(self.at_work))
            segments = self.stores[owner].segments
            if how == "publish":
                await self.lab.ask(segments.published, key, event_id, KEEP_MS)
            else:
                await self.lab.ask(segments.abandon, key, owner)

    async def pass_time(self) -> None:
        await self.lab.pass_time("mo")

    async def drain(self) -> None:
        """Publish all that is due until nothing is."""
        while True:
            await self.pass_time()
            told = await due(self.lab, self.stores["w1"])
            if not told:
                return
            self.take("w1", told)
            for one in told:
                await published(self.lab, self.stores["w1"], one.event_id, one.set_key)


owners = st.sampled_from(["w1", "w2"])
steps = st.one_of(
    st.tuples(st.just("add"), owners, st.integers(1, 3), st.sampled_from("aaaab")),
    st.tuples(st.just("settle"), st.integers(0, 9), st.sampled_from(["publish", "abandon"])),
    st.tuples(st.just("look"), owners),
    st.tuples(st.just("pass_time")),
)


@settings(max_examples=80)
@given(walk=st.lists(steps, max_size=30))
def test_nothing_that_was_answered_is_lost_and_nothing_told_twice(
    open_lab: "OpenLab", walk: list[tuple[Any, ...]]
) -> None:
    async def play() -> None:
        async with open_lab(f"t{secrets.token_hex(4)}") as lab:
            world = World(lab, {owner: await lab.stuttering(owner) for owner in ("w1", "w2")})
            for word, *arguments in walk:
                await getattr(world, word)(*arguments)
            await world.drain()
            bodies = [body.decode() for parts in world.events.values() for body in parts]
            assert len(bodies) == len(set(bodies)), "no body in two events"
            told = {(int(body[0]), body[1]) for body in bodies}
            assert world.owed <= told

    asyncio.run(play())


async def test_what_nobody_of_us_wrote_keeps_no_other_set_from_its_deadline(lab: "Lab", store: Store) -> None:
    await added(lab, store, 1)
    await lab.pass_time("mo")
    foreign = lab.key("seg", "foreign")
    await lab.redis.set(foreign, b"foreign", px=KEEP_MS)
    await lab.redis.zadd(lab.key("due", "mo"), {foreign: 0})
    assert [one.parts for one in await due(lab, store)] == [[b"1"]]
