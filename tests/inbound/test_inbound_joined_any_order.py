"""Any receipts of a long MT in any order with any repeats, over two workers: one joined event, and the right one."""

from itertools import count
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.model.inbound import FAILURE_STATES
from bridge.model.mt import ReceiptMode
from tests.inbound.lab import Lab
from tests.inbound.messages import ONE, OTHER, dr
from tests.inbound.worker import Worker

pytestmark = pytest.mark.servers

STATES = st.sampled_from(["enroute", "delivered", "delivered", "delivered", "expired", "undeliverable"])
MTS = count()


@st.composite
def receipts(draw: st.DrawFn) -> tuple[int, list[tuple[int, str, int]]]:
    """How many segments; then segment, state and worker of each receipt."""
    total = draw(st.integers(2, 4))
    segment = st.integers(0, total - 1)
    return total, draw(st.lists(st.tuples(segment, STATES, st.integers(0, 1)), max_size=12))


def joined(total: int, came: list[tuple[int, str, int]]) -> str | None:
    """What the contract says of these receipts, in this order."""
    final: dict[int, str] = {}
    for number, state, _ in came:
        if state != "enroute" and number not in final:
            final[number] = state
            if state in FAILURE_STATES:
                return state
            if len(final) == total:
                return "delivered"
    return None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=receipts(), mode=st.sampled_from(get_args(ReceiptMode)))
async def test_any_order_and_any_repeats_end_it_once(
    lab: Lab,
    two_workers: tuple[Worker, Worker],
    drawn: tuple[int, list[tuple[int, str, int]]],
    mode: ReceiptMode,
) -> None:
    (total, came), mt = drawn, next(MTS)
    ids = [f"s-{mt}-{number}" for number in range(total)]
    await two_workers[0].submitted_long(*ids, mt_id=f"m-{mt}", receipt=mode)
    for number, state, which in came:
        assert await two_workers[which].receives(dr(ids[number], state=state), (ONE, OTHER)[which])
    events = await lab.events()
    whole = joined(total, came)
    told = [event.body["state"] for event in events if event.body["joined"]]
    assert told == ([whole] if whole and mode != "none" else [])
    of_segments = {
        (event.body["smsc_id"], event.body["state"]) for event in events if not event.body["joined"]
    }
    assert of_segments == ({(ids[number], state) for number, state, _ in came} if mode == "all" else set())
    assert len(events) == len(of_segments) + len(told), "each once"
