"""What a finished claim remembers: the same end can be told again, word for word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.attempt import Attempt
from bridge.model.events import MtReport, Origin
from bridge.outbound.record import dump_accepted, dump_ended, dump_long, load

NAME = st.from_regex(r"[A-Za-z0-9_:.#/-]{1,30}", fullmatch=True)
ORIGIN = st.builds(Origin, NAME, NAME, st.just("smpp"), NAME)
ANY_WAY = st.builds(Origin, NAME, NAME, st.sampled_from(["smpp", "http"]), NAME)


@given(st.text(), ANY_WAY, st.booleans())
def test_an_accepted_mt(smsc_id: str, origin: Origin, doubled: bool) -> None:
    record = load(dump_accepted(smsc_id, origin, possible_duplicate=doubled))
    assert record.sealed
    assert record.report == MtReport(
        outcome="accepted", smsc_ids=(smsc_id or None,), possible_duplicate=doubled, origin=origin
    )


@given(
    st.lists(st.none() | st.text(min_size=1), min_size=2, max_size=5).map(tuple),
    st.integers(0, 2**53),
    ORIGIN,
    st.booleans(),
)
def test_an_mt_accepted_in_several_segments(
    ids: tuple[str | None, ...], reference: int, origin: Origin, doubled: bool
) -> None:
    info = dump_long(ids, reference, origin, possible_duplicate=doubled)
    assert info.isprintable()
    record = load(info)
    assert record.sealed
    assert record.reference == reference
    assert record.report == MtReport(
        outcome="accepted", smsc_ids=ids, segments=len(ids), possible_duplicate=doubled, origin=origin
    )


def test_an_mt_that_a_receipt_showed_to_be_accepted() -> None:
    """Of such a one it is known only who has it, and by which way."""
    record = load(dump_accepted("m1", Origin("genesys", via="http"), possible_duplicate=True))
    assert record.report.origin == Origin("genesys", None, "http", None)
    assert record.report.smsc_ids == ("m1",)


def test_an_acceptance_recorded_before_there_was_http_can_be_read() -> None:
    assert load("A||s1|p|dc|p1").report.origin == Origin("p", "dc", "smpp", "p1")
    assert dump_accepted("s1", Origin("p", "dc", "smpp", "p1"), possible_duplicate=False) == "A||s1|p|dc|p1"


def test_an_end_recorded_before_there_were_segments_can_be_read() -> None:
    old = 'S|{"o":"failed","r":"x","s":null,"n":1,"d":false,"a":[],"l":["p","s","smpp","p1"]}'
    assert load(old).report.smsc_ids == ()


@given(
    st.builds(
        MtReport,
        outcome=st.sampled_from(["rejected", "failed", "parked", "expired"]),
        reason=st.none() | st.text(),
        status=st.none() | st.integers(0, 0xFFFF),
        smsc_ids=st.lists(st.none() | st.text(), max_size=3).map(tuple),
        segments=st.integers(1, 255),
        attempts=st.lists(st.builds(Attempt, NAME, NAME, NAME, NAME, NAME), max_size=3).map(tuple),
        possible_duplicate=st.booleans(),
        origin=ANY_WAY | st.just(Origin()),
    ),
    st.booleans(),
)
def test_an_mt_that_ended_otherwise(report: MtReport, sealed: bool) -> None:
    record = load(dump_ended(report, sealed=sealed))
    assert (record.report, record.sealed) == (report, sealed)


@pytest.mark.parametrize(
    "info",
    ["", "A", "A||x", "H", "H||x", "X|{}", "L|", "L||x|p|s|l|[]", "L||1|p|s|l|{", "O|", "O|{", "nonsense"],
)
def test_what_is_no_record_is_a_value_error(info: str) -> None:
    with pytest.raises(ValueError):
        load(info)
