"""Any segments in any order with any repeats, over two workers at once: one event, the whole text."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.inbound.lab import Lab
from tests.inbound.messages import ONE, OTHER, segments
from tests.inbound.worker import Worker

pytestmark = pytest.mark.servers

TEXTS = st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=2, max_size=6)
REFERENCES = count()


@st.composite
def offers(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, int, bool]]]:
    """Texts of the segments; which segment comes to which worker, and whether its answer is awaited."""
    texts = draw(TEXTS)
    numbers = list(range(len(texts)))
    repeats = draw(st.lists(st.sampled_from(numbers), max_size=6))
    order = draw(st.permutations(numbers + repeats))
    return texts, [(number, draw(st.integers(0, 1)), draw(st.booleans())) for number in order]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=offers())
async def test_any_order_and_any_repeats_make_one_message(
    lab: Lab, two_workers: tuple[Worker, Worker], drawn: tuple[list[str], list[tuple[int, int, bool]]]
) -> None:
    """A refused segment (the other worker is publishing the whole) comes again, as from a provider."""
    texts, order = drawn
    parts = segments(*texts, ref=next(REFERENCES))
    open_replies = []
    for number, which, waits in order:
        reply = two_workers[which].offer(parts[number], (ONE, OTHER)[which])
        open_replies.append((number, which, reply))
        if waits:
            await reply.safe()
    for number, which, reply in open_replies:
        safe = await reply.safe()
        while not safe:
            safe = await two_workers[which].receives(parts[number], (ONE, OTHER)[which])
    (event,) = await lab.events()
    assert (event.body["text"], event.body["complete"]) == ("".join(texts), True)
    assert event.body["segments"] == len(texts)
