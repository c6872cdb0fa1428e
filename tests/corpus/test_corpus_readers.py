"""Every case of the corpus is understood as it should be, by the readers and in the events made of them."""

import json

import pytest

from bridge.dialects.deliver import join_segments, read_inbound
from bridge.model.events import Event, Origin, dr_event, mo_event
from bridge.model.inbound import Dr, MoSegment
from tests.corpus.cases import Case, cases, differences, told_by_event, told_by_reader

CASES = cases()
ORIGIN = Origin(provider="corpus")


def test_the_corpus_is_whole() -> None:
    assert len(CASES) == len({case.name for case in CASES}) == 129
    assert sum(case.expect["kind"] == "dr" for case in CASES) == 82


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_readers_understand(case: Case) -> None:
    told = told_by_reader(case.pdu(), case.options)
    assert case.expect.keys() <= told.keys()
    assert differences(case.expect, told) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_events_tell(case: Case) -> None:
    body = json.loads(json.dumps(event_of(case).body))
    assert differences(case.expect, told_by_event(body)) == []


def event_of(case: Case) -> Event:
    """The event of a case on its own: unmatched, or with the other segments missing."""
    inbound = read_inbound(case.pdu(), case.options)
    if isinstance(inbound, Dr):
        return dr_event(inbound, None, ORIGIN, "dr-1", 0.0, stale=False, joined=False)
    mo = join_segments([inbound], case.options) if isinstance(inbound, MoSegment) else inbound
    return mo_event(mo, ORIGIN, "mo-1", 0.0)


@pytest.mark.parametrize(
    ("names", "text"), [("surrogate-split-part-", "яя😀я"), ("escape-split-part-", "price 5€ only")]
)
def test_segments_of_one_message_say_more_together(names: str, text: str) -> None:
    parts = [case for case in CASES if case.name.startswith(names)]
    read = [read_inbound(part.pdu(), part.options) for part in parts]
    segments = [segment for segment in read if isinstance(segment, MoSegment)]
    mo = join_segments(segments[::-1], parts[0].options)
    assert (mo.text, mo.segments, mo.complete) == (text, 2, True)


def test_what_is_told_otherwise_is_found() -> None:
    expect = {"id": "7", "state": None, "sub": 1}
    assert differences(expect, {"id": "7", "state": None}) == []
    assert differences(expect, {"id": None, "state": "delivered", "sub": 1}) == [
        "id: expected '7', told None",
        "state: expected None, told 'delivered'",
    ]
