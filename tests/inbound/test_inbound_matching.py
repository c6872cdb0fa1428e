"""What a receipt becomes: whether its MT asked for it, what its event says, how long it may wait for its MT."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inbound.matching import early_rung, is_published, matched_event, rematched_event
from bridge.model.events import Origin, dr_event
from bridge.model.inbound import Dr
from bridge.model.mt import ReceiptMode
from bridge.model.names import WAIT_RUNGS_S
from bridge.store.claims import Unmatched
from bridge.store.correlation import Correlation

NOW = 1795363200.0
BIND = Origin("p", "one", "smpp", "smsc:2775")
DR = Dr(
    ids=("received",),
    state="delivered",
    final=True,
    error="000",
    network_error=None,
    submitted_at=None,
    done_at="2026-11-22T16:00",
    to="12345",
    from_="447700900123",
    text="hello",
    identity=b"i",
    raw={"esm_class": 4},
)
FOUND = Correlation(
    mt_id="m-1",
    provider="p",
    smsc_id="stored",
    to="447700900123",
    possible_duplicate=True,
    app_id="shop",
    conversation_id="c-9",
    metadata={"order": [7]},
)
LIMIT_S = st.floats(0, 90_000) | st.integers(0, 200).map(float)


@pytest.mark.parametrize(
    ("receipt", "final", "stale", "published", "joined"),
    [
        ("final", True, False, True, True),
        ("final", True, True, False, False),
        ("final", False, False, False, False),
        ("final", False, True, False, False),
        ("all", True, False, True, True),
        ("all", True, True, True, False),
        ("all", False, False, True, False),
        ("all", False, True, True, False),
        ("none", True, False, False, False),
        ("none", True, True, False, False),
        ("none", False, False, False, False),
        ("none", False, True, False, False),
    ],
)
def test_who_is_told_of_which_receipt(
    receipt: ReceiptMode, final: bool, stale: bool, published: bool, joined: bool
) -> None:
    dr, found = replace(DR, final=final), replace(FOUND, receipt=receipt)
    assert is_published(dr, found, stale=stale) is published
    event = matched_event(dr, found, BIND, "dr-1", NOW, stale=stale)
    assert (event is not None) is published
    if event is not None:
        assert (event.body["final"], event.body["stale"], event.body["joined"]) == (final, stale, joined)


def test_the_event_says_what_its_mt_said() -> None:
    event = matched_event(DR, FOUND, BIND, "dr-1", NOW, stale=False)
    assert event is not None
    assert (event.event_id, event.correlation_id, event.routing_key) == ("dr-1", "m-1", "dr.p.delivered")
    told = {"mt_id", "smsc_id", "possible_duplicate", "matched", "app_id", "conversation_id", "metadata"}
    assert {name: event.body[name] for name in told} == {
        "mt_id": "m-1",
        "smsc_id": "stored",
        "possible_duplicate": True,
        "matched": True,
        "app_id": "shop",
        "conversation_id": "c-9",
        "metadata": {"order": [7]},
    }


@pytest.mark.parametrize("dr", [DR, replace(DR, state=None, final=False)])
def test_an_event_that_went_out_without_its_mt_comes_again_with_it(dr: Dr) -> None:
    """Under its own id and key, and with nothing else changed."""
    first = dr_event(dr, None, BIND, "dr-1", NOW, stale=False, joined=False)
    again = rematched_event(Unmatched(orjson.dumps(first.body), stale=False), FOUND)
    assert (again.kind, again.event_id, again.routing_key) == ("dr", "dr-1", first.routing_key)
    assert again.correlation_id == "m-1"
    told = {
        "mt_id": "m-1",
        "smsc_id": "stored",
        "matched": True,
        "possible_duplicate": True,
        "app_id": "shop",
        "conversation_id": "c-9",
        "metadata": {"order": [7]},
    }
    kept = first.body.keys() - told.keys() - {"joined"}
    assert {name: again.body[name] for name in told} == told
    assert {name: again.body[name] for name in kept} == {name: first.body[name] for name in kept}
    assert again.body.keys() == first.body.keys()
    assert again.body["joined"] == dr.final, "a receipt that ends its MT is the MT's joined one"


@pytest.mark.parametrize(
    ("waited_s", "limit_s", "rung_s"),
    [
        (0, 120, 1),
        (2.9, 120, 1),
        (3, 120, 5),
        (29.9, 120, 5),
        (30, 120, 30),
        (90, 120, 30),
        (91, 120, 5),
        (115.5, 120, 1),
        (119.9, 120, 1),
        (120, 120, None),
        (121, 120, None),
        (0, 0, None),
        (0, 0.5, 1),
        (0, 1, 1),
        (4, 8, 1),
        (4, 9, 5),
    ],
)
def test_the_rungs(waited_s: float, limit_s: float, rung_s: int | None) -> None:
    assert early_rung(waited_s, limit_s) == rung_s


@given(LIMIT_S, st.data())
def test_a_receipt_waits_as_long_as_it_may_and_no_longer(limit_s: float, data: st.DataObject) -> None:
    """Whatever each round takes beside its rung; a round over the limit is at most the shortest rung."""
    late_s = data.draw(st.sampled_from([0.0, 0.001, 0.3]))
    waited_s, rounds = 0.0, 0
    while (rung_s := early_rung(waited_s, limit_s)) is not None:
        assert rung_s in WAIT_RUNGS_S
        assert waited_s + rung_s <= limit_s + min(WAIT_RUNGS_S)
        waited_s += rung_s + late_s
        rounds += 1
    assert limit_s <= waited_s <= limit_s + min(WAIT_RUNGS_S) + late_s
    assert rounds <= 3 + 6 + limit_s / 30 + 10


@given(st.floats(-1e9, 1e9), LIMIT_S)
def test_every_rung_has_a_queue(waited_s: float, limit_s: float) -> None:
    assert early_rung(waited_s, limit_s) in {None, *WAIT_RUNGS_S}
