"""What a receipt becomes: whether its MT asked for it, what its event says, and what that of the whole MT says."""

from dataclasses import replace
from typing import Literal, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inbound.matching import (
    joined_id,
    joined_state,
    matched_events,
    overdue_receipt,
    question_of,
    rematched_events,
)
from bridge.model.events import Origin, dr_event
from bridge.model.inbound import FAILURE_STATES, Dr, DrState
from bridge.model.mt import ReceiptMode
from bridge.store.claims import Unmatched
from bridge.store.correlation import Correlation
from bridge.store.receipts import Overdue, Question, ReceiptClaim

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


def claim(stale: bool = False, extra: bool = False, joined: tuple[str, ...] | None = None) -> ReceiptClaim:
    return ReceiptClaim("new", "dr-1", FOUND, stale, 0, extra, joined)


@pytest.mark.parametrize("extra", [False, True])
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
def test_who_is_told_of_which_receipt_of_a_single_segment(
    receipt: ReceiptMode, final: bool, stale: bool, published: bool, joined: bool, extra: bool
) -> None:
    """Of a copy that was sent beside it only who asked for all, and that one ends nothing."""
    dr, found = replace(DR, final=final), replace(FOUND, receipt=receipt)
    events = matched_events(dr, claim(stale, extra), found, BIND, "dr-1", NOW)
    assert len(events) == (published if not extra else receipt == "all")
    for event in events:
        assert (event.event_id, event.body["final"], event.body["stale"]) == ("dr-1", final, stale)
        assert event.body["joined"] is (joined and not extra)
        assert event.body["segment"] is None


@pytest.mark.parametrize(
    ("receipt", "joined", "told"),
    [
        ("final", None, []),
        ("final", ("delivered", "delivered"), [(True, None)]),
        ("all", None, [(False, {"n": 2, "of": 3})]),
        ("all", ("delivered", "delivered"), [(False, {"n": 2, "of": 3}), (True, None)]),
        ("none", None, []),
        ("none", ("delivered", "delivered"), []),
    ],
)
def test_who_is_told_of_which_receipt_of_a_segment(
    receipt: ReceiptMode, joined: tuple[str, ...] | None, told: list[tuple[bool, object]]
) -> None:
    found = replace(FOUND, receipt=receipt, segment=(2, 3))
    events = matched_events(DR, claim(joined=joined), found, BIND, "dr-1", NOW)
    assert [(event.body["joined"], event.body["segment"]) for event in events] == told
    assert [event.event_id for event in events if not event.body["joined"]] == ["dr-1"] * (receipt == "all")


@pytest.mark.parametrize(("stale", "extra"), [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize(("receipt", "told"), [("final", 0), ("all", 1)])
def test_what_ends_nothing_of_a_long_mt(receipt: ReceiptMode, told: int, stale: bool, extra: bool) -> None:
    found = replace(FOUND, receipt=receipt, segment=(2, 3))
    events = matched_events(DR, claim(stale, extra), found, BIND, "dr-1", NOW)
    assert [(event.body["joined"], event.body["stale"]) for event in events] == [(False, stale)] * told


def test_the_joined_event_speaks_of_the_whole_mt_in_the_words_of_the_receipt_that_ended_it() -> None:
    found = replace(FOUND, segment=(2, 3))
    dr = replace(DR, state="accepted")
    (event,) = matched_events(
        dr, claim(joined=("delivered", "accepted", "delivered")), found, BIND, "dr-1", NOW
    )
    assert (event.routing_key, event.correlation_id) == ("dr.p.accepted", "m-1")
    assert event.event_id == event.body["event_id"] == joined_id(found)
    told = {"state": "accepted", "final": True, "stale": False, "smsc_id": "stored", "matched": True}
    assert {name: event.body[name] for name in told} == told
    plain = dr_event(dr, found.link, BIND, "dr-1", NOW, stale=False, joined=False).body
    same = ("error", "done_at", "text", "raw", "from", "to", "link", "site", "metadata", "possible_duplicate")
    assert {name: event.body[name] for name in same} == {name: plain[name] for name in same}


def test_the_joined_event_has_one_id_for_each_mt() -> None:
    """Whichever segment ended it: a repeat after a crash may come by another."""
    others = [replace(FOUND, mt_id="m-2"), replace(FOUND, generation=1)]
    assert len({joined_id(FOUND), *map(joined_id, others)}) == 1 + len(others)
    assert joined_id(replace(FOUND, provider="q")) == joined_id(FOUND), "whoever got it in the end"
    assert joined_id(replace(FOUND, segment=(1, 3), smsc_id="s1")) == joined_id(
        replace(FOUND, segment=(2, 3), smsc_id="s2")
    )


@pytest.mark.parametrize(
    ("states", "deciding", "state"),
    [
        (("delivered", "delivered"), "delivered", "delivered"),
        (("", "undeliverable", ""), "undeliverable", "undeliverable"),
        (("expired", "undeliverable"), "undeliverable", "undeliverable"),
        (("delivered", "rejected"), "delivered", "rejected"),
        (("delivered", "accepted"), "delivered", "accepted"),
        (("accepted", "delivered"), "delivered", "accepted"),
        (("accepted", "unknown", "delivered"), "accepted", "unknown"),
        (("enroute", "accepted"), "accepted", "enroute"),
        (("accepted", "accepted"), "accepted", "accepted"),
    ],
)
def test_the_state_of_a_long_mt(states: tuple[str, ...], deciding: DrState, state: str) -> None:
    assert joined_state(states, deciding) == state


@given(st.lists(st.sampled_from(get_args(DrState)), min_size=2, max_size=5), st.data())
def test_a_long_mt_is_delivered_when_all_of_it_is_and_failed_when_any_is(
    states: list[DrState], data: st.DataObject
) -> None:
    deciding = data.draw(st.sampled_from(states))
    state = joined_state(tuple(states), deciding)
    assert (state == "delivered") is (set(states) == {"delivered"})
    assert (state in FAILURE_STATES) is any(one in FAILURE_STATES for one in states)
    assert state in states
    if deciding in FAILURE_STATES:
        assert state == deciding


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ((), None),
        (("",), None),
        (("enroute",), "enroute"),
        (("accepted",), "accepted"),
        (("unknown",), "unknown"),
        (("", ""), None),
        (("delivered", ""), "enroute"),
        (("", "delivered", "accepted"), "enroute"),
    ],
)
def test_what_is_known_of_an_mt_that_has_not_ended(states: tuple[str, ...], state: str | None) -> None:
    """Never `delivered`: what is not all there has not arrived."""
    overdue = Overdue(due=b"d-1", entry=FOUND, states=states)
    event = overdue_receipt(overdue, NOW)
    assert (event.body["state"], event.body["final"], event.body["joined"]) == (state, False, True)
    assert event.routing_key == f"dr.p.{state or 'unknown'}"


def test_the_event_of_an_overdue_receipt_has_one_id_and_not_that_of_the_joined_one() -> None:
    """Which may yet come, and must not be dropped as a repeat then."""
    event = overdue_receipt(Overdue(due=b"d-1", entry=FOUND, states=("",)), NOW)
    again = overdue_receipt(Overdue(due=b"d-1", entry=FOUND, states=("enroute",)), NOW + 9)
    assert event.event_id == again.event_id != joined_id(FOUND)
    assert overdue_receipt(Overdue(due=b"d-2", entry=FOUND, states=("",)), NOW).event_id != event.event_id
    told = {"mt_id": "m-1", "from": FOUND.to, "app_id": "shop", "possible_duplicate": True, "matched": True}
    assert {name: event.body[name] for name in told} == told


@pytest.mark.parametrize(
    ("state", "final", "grade"),
    [
        ("delivered", True, 1),
        ("accepted", True, 1),
        ("undeliverable", True, 2),
        ("expired", True, 2),
        ("skipped", True, 2),
        ("enroute", False, 0),
        ("undeliverable", False, 0),
        (None, False, 0),
    ],
)
def test_what_redis_is_asked(state: DrState | None, final: bool, grade: Literal[0, 1, 2]) -> None:
    question = question_of(replace(DR, state=state, final=final), "p", ("17",))
    assert question == Question(
        provider="p",
        ids=("received",),
        guesses=("17",),
        addresses=("447700900123", "12345"),
        state=state or "",
        grade=grade,
    )


def test_the_event_says_what_its_mt_said() -> None:
    (event,) = matched_events(DR, claim(), FOUND, BIND, "dr-1", NOW)
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


def unmatched_body(dr: Dr) -> bytes:
    return orjson.dumps(dr_event(dr, None, BIND, "dr-1", NOW, stale=False, joined=False).body)


@pytest.mark.parametrize("dr", [DR, replace(DR, state=None, final=False)])
def test_an_event_that_went_out_without_its_mt_comes_again_with_it(dr: Dr) -> None:
    """Under its own id and key, and with nothing else changed."""
    first = dr_event(dr, None, BIND, "dr-1", NOW, stale=False, joined=False)
    (again,) = rematched_events(Unmatched(orjson.dumps(first.body), False, False, None), FOUND)
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


@pytest.mark.parametrize(("stale", "extra"), [(True, False), (False, True)])
def test_one_that_ended_nothing_comes_again_as_such(stale: bool, extra: bool) -> None:
    (again,) = rematched_events(Unmatched(unmatched_body(DR), stale, extra, None), FOUND)
    assert (again.body["joined"], again.body["stale"], again.body["matched"]) == (False, stale, True)


@pytest.mark.parametrize(
    ("receipt", "joined", "told"),
    [
        ("final", None, [("delivered", False)]),
        ("final", ("accepted", "delivered"), [("delivered", False), ("accepted", True)]),
        ("all", ("accepted", "delivered"), [("delivered", False), ("accepted", True)]),
        ("none", ("accepted", "delivered"), [("delivered", False)]),
    ],
)
def test_one_of_a_segment_comes_again_and_the_joined_one_with_it(
    receipt: ReceiptMode, joined: tuple[str, ...] | None, told: list[tuple[str, bool]]
) -> None:
    found = replace(FOUND, receipt=receipt, segment=(2, 2))
    events = rematched_events(Unmatched(unmatched_body(DR), False, False, joined), found)
    assert [(event.body["state"], event.body["joined"]) for event in events] == told
    assert [event.routing_key for event in events] == [f"dr.p.{state}" for state, _ in told]
    assert events[0].event_id == events[0].body["event_id"] == "dr-1"
    assert events[0].body["segment"] == {"n": 2, "of": 2}
    for event in events[1:]:
        assert event.event_id == event.body["event_id"] == joined_id(found)
        assert (event.body["segment"], event.body["final"]) == (None, True)
        live = matched_events(DR, claim(joined=joined), found, BIND, "dr-1", NOW)[-1]
        assert event.body == live.body, "the same, however its MT was found"
