"""Long MOs over two workers: held, joined, published once, answered only when safe; repeats, crashes, outages."""

from dataclasses import replace

import pytest

from bridge.inbound.parts import LARGEST_PART
from bridge.store import segments as store_segments
from tests.inbound.lab import Heard, Lab, redis_proxy
from tests.inbound.messages import OTHER, Link, mo, segments
from tests.inbound.worker import Worker

pytestmark = pytest.mark.servers


@pytest.fixture
async def other(lab: Lab) -> Worker:
    return await lab.worker("w2")


def told(events: list[Heard]) -> list[tuple[str, int, bool]]:
    return [(event.body["text"], event.body["segments"], event.body["complete"]) for event in events]


async def test_the_last_segment_publishes_the_whole(lab: Lab, worker: Worker, other: Worker) -> None:
    """Whichever that is, over binds, sites and workers."""
    one, two, three = segments("The ", "whole ", "text")
    assert await worker.receives(three)
    assert await other.receives(one, OTHER)
    assert await lab.events() == [], "two of three are answered, and wait"
    assert await worker.receives(two, OTHER)
    (event,) = await lab.events()
    assert told([event]) == [("The whole text", 3, True)]
    assert event.key == "mo.p.12345"
    assert (event.properties.message_id, event.properties.type) == (event.body["event_id"], "mo")
    assert (event.body["site"], event.body["link"]) == ("two", "smsc2:2775"), "whence the last one came"
    assert worker.receiver.tally["held", "mo", "p"] == 1
    assert worker.receiver.tally["safe", "mo", "p"] == 1
    assert worker.receiver.unanswered == other.receiver.unanswered == 0


async def test_segments_that_come_at_once(lab: Lab, worker: Worker) -> None:
    replies = [worker.offer(segment) for segment in segments("a", "b", "c")]
    assert all([await reply.safe() for reply in replies])
    assert told(await lab.events()) == [("abc", 3, True)]


async def test_the_last_is_not_answered_before_the_whole_is_confirmed(lab: Lab, worker: Worker) -> None:
    one, two = segments("a", "b")
    assert await worker.receives(one)
    worker.gate.holds = True
    reply = worker.offer(two)
    confirmed = await worker.gate.held()
    assert reply.told == []
    confirmed()
    assert reply.told == [], "nor before Redis knows"
    assert await reply.safe()


async def test_repeats_before_and_after_the_whole_are_nothing(
    lab: Lab, worker: Worker, other: Worker
) -> None:
    one, two = segments("a", "b")
    for receiver in (worker, other, worker):
        assert await receiver.receives(one)
    assert await other.receives(two)
    for receiver in (worker, other):
        for segment in (two, one):
            assert await receiver.receives(segment, OTHER)
    assert told(await lab.events()) == [("ab", 2, True)]
    assert worker.receiver.tally["repeat", "mo", "p"] == 2


@pytest.mark.parametrize(("wait_s", "repeat_s"), [(300, 10), (10, 300)])
async def test_repeats_are_known_as_long_as_a_set_waits_and_as_any_mos(
    lab: Lab, wait_s: float, repeat_s: float
) -> None:
    """One that is not known would begin a set that never becomes complete."""
    worker = await lab.worker(segment_wait_s=wait_s, mo_repeat_s=repeat_s)
    for segment in segments("a", "b"):
        assert await worker.receives(segment)
    (key,) = [key async for key in lab.redis.scan_iter(match=f"{lab.names.prefix}:seg:*")]
    assert 200_000 < await lab.redis.pttl(key) <= 300_000


async def test_a_repeat_with_what_another_site_adds_is_a_repeat(lab: Lab, worker: Worker) -> None:
    one, two, three = segments("a", "b", "c")
    for segment in (one, two):
        assert await worker.receives(segment)
    assert await worker.receives(replace(one, identity=b"other", raw={"tlvs": {"0x1400": "00"}}), OTHER)
    assert await worker.receives(three)
    assert told(await lab.events()) == [("abc", 3, True)]


async def test_repeats_join_while_the_whole_is_worked_on(lab: Lab, worker: Worker, other: Worker) -> None:
    """Those of any of its segments; another worker refuses them."""
    one, two = segments("a", "b")
    assert await worker.receives(one)
    worker.gate.holds = True
    replies = [worker.offer(two), worker.offer(two, OTHER)]
    confirmed = await worker.gate.held()
    assert not await other.receives(one)
    replies.append(worker.offer(one))
    assert not await other.receives(two), "Redis has answered the one before"
    assert [reply.told for reply in replies] == [[], [], []]
    confirmed()
    assert [await reply.safe() for reply in replies] == [True] * 3
    assert told(await lab.events()) == [("ab", 2, True)]


async def test_what_differs_in_its_name_is_another_message(lab: Lab, worker: Worker) -> None:
    for_all = [
        segments("a", "b"),
        segments("c", "d", ref=8),
        segments("e", "f", from_="447700900124"),
        segments("g", "h", "i"),
    ]
    for message in for_all:
        assert await worker.receives(message[0])
    elsewhere = Link(provider="q")
    assert await worker.receives(segments("A", "B")[0], elsewhere)
    for message in for_all:
        for segment in message[1:]:
            assert await worker.receives(segment)
    assert await worker.receives(segments("A", "B")[1], elsewhere)
    assert [text for text, *_ in told(await lab.events())] == ["ab", "cd", "ef", "ghi", "AB"]


async def test_a_message_that_is_whole_is_not_taken_for_a_segment(lab: Lab, worker: Worker) -> None:
    one, two = segments("a", "b")
    assert await worker.receives(one)
    assert await worker.receives(mo("a"))
    assert await worker.receives(two)
    assert [text for text, *_ in told(await lab.events())] == ["a", "ab"]


async def test_what_a_dead_worker_left_is_published_under_its_event_id(
    lab: Lab, worker: Worker, other: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died between the last segment and the answer; the provider sends that one again, elsewhere."""
    one, two = segments("a", "b")
    assert await worker.receives(one)
    worker.gate.holds = True
    monkeypatch.setattr(store_segments, "LEASE_MS", 0)
    worker.offer(two)
    await worker.gate.held()  # and dies
    monkeypatch.undo()
    assert await other.receives(two)
    first, second = await lab.events()
    assert first.body["event_id"] == second.body["event_id"] == second.properties.message_id
    assert told([first, second]) == [("ab", 2, True)] * 2
    assert await other.receives(one)
    assert await lab.events() == []


async def test_what_rabbitmq_refused_is_refused_and_comes_under_the_same_id(
    lab: Lab, worker: Worker, other: Worker
) -> None:
    one, two = segments("a", "b")
    assert await worker.receives(one)
    worker.gate.loses = True
    assert not await worker.receives(two)
    assert worker.receiver.tally["refused", "mo", "p"] == 1
    assert await other.receives(two), "at once: it was given up"
    first, second = await lab.events()
    assert first.body["event_id"] == second.body["event_id"]


async def test_without_redis_segments_are_refused(lab: Lab) -> None:
    """What was published is settled when it is back, and answered then."""
    one, two = segments("a", "b")
    proxy, url = await redis_proxy(lab.redis_url)
    async with proxy:
        worker = await lab.worker("w1", redis_url=url)
        assert await worker.receives(one)
        worker.gate.holds = True
        reply = worker.offer(two)
        confirmed = await worker.gate.held()
        await proxy.cut()
        assert not await worker.receives(segments("c", "d", ref=8)[0])
        confirmed()
        assert reply.told == []
        await proxy.heal()
        assert await reply.safe()
        assert await worker.receives(one)
        assert told(await lab.events()) == [("ab", 2, True)]


async def test_a_reference_used_again_while_the_old_message_is_not_complete(
    lab: Lab, worker: Worker, other: Worker
) -> None:
    """Nothing of the two is mixed. The old one is published as it is."""
    old, new = segments("old ", "lost"), segments("new ", "text")
    assert await worker.receives(old[0])
    assert await other.receives(new[0])
    assert await worker.receives(new[1])
    assert told(await lab.events()) == [("new text", 2, True)]
    lab.looks(other)
    event = await lab.event()
    assert told([event]) == [("old …", 2, False)]


async def test_a_reference_used_again_after_the_old_message_was_complete(lab: Lab, worker: Worker) -> None:
    for message in (segments("old ", "text"), segments("new ", "words")):
        for segment in message:
            assert await worker.receives(segment)
    events = await lab.events()
    assert told(events) == [("old text", 2, True), ("new words", 2, True)]
    assert events[0].body["event_id"] != events[1].body["event_id"]


@pytest.mark.parametrize("stored", [b"", b"nobody's", b"\xff\xfe", b"[]"])
async def test_a_part_that_cannot_be_read_is_a_missing_one(
    lab: Lab, worker: Worker, stored: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = segments("a", "b")
    with monkeypatch.context() as patched:
        patched.setattr("bridge.inbound.parts.Part.dump", lambda _: stored)
        assert await worker.receives(one)
    assert await worker.receives(two)
    assert told(await lab.events()) == [("…b", 2, False)]
    assert await worker.receives(one), "it is settled"
    assert await worker.receives(mo("and stops nothing"))
    assert len(await lab.events()) == 1


async def test_a_segment_too_large_to_be_held_goes_out_by_itself(lab: Lab, worker: Worker) -> None:
    text = "x" * (LARGEST_PART + 1)
    large, larger, three = segments(text, text + "y", "z")
    for segment in (large, larger, large):
        assert await worker.receives(segment)
    assert told(await lab.events()) == [(f"{text}……", 3, False), (f"…{text}y…", 3, False)]
    assert await worker.receives(three), "and their fellow waits in vain"


async def test_every_key_of_a_segment_ends(lab: Lab, worker: Worker) -> None:
    for segment in segments("a", "b"):
        assert await worker.receives(segment)
    assert await worker.receives(segments("c", "d", ref=8)[0])
    keys = [key async for key in lab.redis.scan_iter(match=f"{lab.names.prefix}:*")]
    assert keys
    assert all([await lab.redis.pttl(key) > 0 for key in keys])


async def test_a_flood_of_segments_waits_at_the_provider(
    lab: Lab, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.inbound.pending.MOST_PENDING", 2)
    replies = [worker.offer(segment) for segment in segments("a", "b", "c")]
    assert replies[2].told == [False], "at once"
    assert all([await reply.safe() for reply in replies[:2]])
    assert await worker.receives(segments("a", "b", "c")[2])
    assert told(await lab.events()) == [("abc", 3, True)]


async def test_a_late_segment_is_not_lost(lab: Lab) -> None:
    """The others were published without it: it comes as an event of its own."""
    worker = await lab.worker(segment_wait_s=0.01)
    one, two = segments("a", "b")
    assert await worker.receives(one)
    lab.looks(worker)
    first = await lab.event()
    assert await worker.receives(two)
    assert await worker.receives(two)
    second = await lab.event()
    assert told([first, second]) == [("a…", 2, False), ("…b", 2, False)]
    assert first.body["event_id"] != second.body["event_id"], "else a consumer would drop it"
    assert await lab.events() == []
