"""MTs, MOs, DRs and outcomes as data: what is usual, what cannot be changed, which states nothing follows."""

from dataclasses import FrozenInstanceError
from typing import get_args

import pytest

from bridge.model.inbound import FAILURE_STATES, FINAL_STATES, Concat, Dr, DrState, Mo, Ports
from bridge.model.mt import PRIORITIES, Mt
from bridge.model.outcome import Accepted, Doubt, Duplicate, NotSent, Outcome, Rejected, RetryLater, Throttled

MT = Mt(id="m-1", to="447700900123")
MO = Mo(id=None, from_="1", to="2", text="YES", data=None, encoding="gsm", identity=b"i")
DR = Dr(
    ids=("s1",),
    state="delivered",
    final=True,
    error=None,
    network_error=None,
    submitted_at=None,
    done_at=None,
    to="12345",
    from_="447700900123",
    text=None,
    identity=b"i",
)


def test_what_an_mt_is_when_its_body_says_no_more() -> None:
    assert (MT.encoding, MT.receipt, PRIORITIES[MT.priority]) == ("auto", "final", "bulk")
    assert (MT.text, MT.data, MT.udh, MT.media, MT.tlvs) == (None, None, None, (), ())
    assert (MT.from_, MT.expires_at, MT.on_doubt) == (None, None, None)
    assert (MT.carrier, MT.app_id, MT.conversation_id, MT.metadata) == (None, None, None, None)


def test_priorities_are_smpps_flags() -> None:
    assert PRIORITIES == ("bulk_low", "bulk", "interactive_low", "interactive")


def test_states_that_nothing_follows() -> None:
    assert FINAL_STATES.issubset(get_args(DrState))
    assert set(get_args(DrState)) - FINAL_STATES == {"enroute", "accepted", "unknown"}
    assert {"delivered"} == FINAL_STATES - FAILURE_STATES


def test_what_is_usual_of_mos_and_drs() -> None:
    assert (MO.ports, MO.carrier, MO.media, MO.raw) == (None, None, (), {})
    assert (MO.segments, MO.complete) == (1, True)
    assert DR.raw == {}
    assert MO.raw is not Mo(id=None, from_="", to="", text="", data=None, encoding="", identity=b"").raw


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (MT, "to"),
        (MO, "text"),
        (Ports(dst=1, src=2), "dst"),
        (Concat(ref=1, total=2, seq=1), "seq"),
        (Accepted("s1"), "smsc_id"),
    ],
)
def test_none_of_them_can_be_changed(thing: object, name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(thing, name, None)


def test_no_two_outcomes_are_equal() -> None:
    outcomes: list[Outcome] = [
        Accepted("r"),
        Rejected(None, "r"),
        RetryLater(None, "r"),
        Throttled(None, "r"),
        NotSent("r"),
        Doubt("r"),
        Duplicate("r", None, "r"),
    ]
    assert len(set(outcomes)) == len(get_args(Outcome)) == 7
