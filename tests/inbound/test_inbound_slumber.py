"""A worker that slept: what it reads then may have been sent again, taken elsewhere, and be forgotten by now."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inbound.slumber import AFTER_S, Slumber
from tests.inbound.lab import Lab
from tests.inbound.messages import dr, mo, segments
from tests.inbound.worker import Worker


def test_whoever_beats_is_awake() -> None:
    slumber = Slumber(5.0)
    assert not slumber.over(1e6), "nobody has begun"
    for second in range(100):
        slumber.beat(second)
        assert not slumber.over(second + 0.9)


def test_without_a_beat_for_too_long_it_slept() -> None:
    slumber = Slumber(5.0)
    slumber.beat(10.0)
    assert not slumber.over(15.0)
    assert slumber.over(15.1), "even before it beats again"
    slumber.beat(30.0)
    assert slumber.over(30.0 + AFTER_S - 0.1), "and for a while after it"
    slumber.beat(30.0 + AFTER_S)
    assert not slumber.over(30.0 + AFTER_S)


@given(st.lists(st.floats(0, 60), min_size=1), st.floats(0, 60))
def test_after_any_gap_that_is_too_long_what_comes_is_old(gaps: list[float], last: float) -> None:
    slumber, now = Slumber(5.0), 0.0
    slumber.beat(now)
    for gap in gaps:
        now += gap
        if gap > 5.0:
            assert slumber.over(now)
        slumber.beat(now)
        assert slumber.over(now) or gap <= 5.0
    assert slumber.over(now + last) or last <= 5.0


@pytest.mark.servers
async def test_it_refuses_for_now_what_only_time_tells_from_a_repeat(lab: Lab, worker: Worker) -> None:
    slumber = worker.receiver._slumber
    slumber.beat(worker.receiver._loop.time() - 100)
    first, _ = segments("a", "b")
    assert not await worker.receives(mo("YES"))
    assert not await worker.receives(first)
    assert await worker.receives(mo("with an id", "x-1"))
    assert await worker.receives(dr("s-1"))
    slumber._beat_at = worker.receiver._loop.time()
    slumber._old_until = 0.0
    assert await worker.receives(mo("YES")), "when it comes again"
    texts = [event.body["text"] for event in await lab.events() if event.key.startswith("mo.")]
    assert sorted(texts) == ["YES", "with an id"]
