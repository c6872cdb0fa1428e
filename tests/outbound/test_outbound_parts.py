"""What becomes of the segments of a copy: every step."""

import itertools

import pytest
from hypothesis import strategies as st

from bridge.model.outcome import Accepted, Doubt, NotSent, Outcome, Rejected, RetryLater, Throttled
from bridge.outbound.parts import NOBODY, Fate, Parts, Segment, combine, unbegun

NONE, WRITTEN, AGAIN = Fate.NONE, Fate.WRITTEN, Fate.AGAIN
SEGMENT: st.SearchStrategy[Segment] = st.sampled_from([*Fate]) | st.text()
PARTS = st.builds(Parts, st.text(), st.text(), st.text(), st.lists(SEGMENT, min_size=2).map(tuple))


def parts(*segments: Segment) -> Parts:
    return Parts("p", "p1", "c0ffee00", segments)


def test_a_copy_begins_with_nothing_written() -> None:
    copy = unbegun("p", "c0ffee00", 3)
    assert copy.missing == [1, 2, 3]
    assert not copy.begun
    assert not copy.complete


@pytest.mark.parametrize(
    ("copy", "missing", "begun", "in_doubt", "complete"),
    [
        (parts(NONE, NONE), [1, 2], False, False, False),
        (parts("a", NONE), [2], True, False, False),
        (parts("", NONE), [2], True, False, False),
        (parts(WRITTEN, NONE), [2], True, True, False),
        (parts(AGAIN, NONE), [1, 2], True, False, False),
        (parts("a", AGAIN), [2], True, False, False),
        (parts("a", WRITTEN), [], True, True, False),
        (parts("a", "b"), [], True, False, True),
        (parts("", ""), [], True, False, True),
    ],
)
def test_what_a_copy_tells(
    copy: Parts, missing: list[int], begun: bool, in_doubt: bool, complete: bool
) -> None:
    assert (copy.missing, copy.begun, copy.in_doubt, copy.complete) == (missing, begun, in_doubt, complete)


def test_a_taken_segment_without_a_name_is_taken_all_the_same() -> None:
    assert parts("a", "", WRITTEN).smsc_ids == ("a", None, None)
    assert parts("a", "", WRITTEN).is_taken(2)


def test_a_volley_is_written_and_answered() -> None:
    before = parts("a", NONE, AGAIN, NONE)
    written = before.written([2, 3], "p2")
    assert written == Parts("p", "p2", "c0ffee00", ("a", WRITTEN, WRITTEN, NONE))
    assert written.taken(2, "b").segments == ("a", "b", WRITTEN, NONE)
    assert written.returned(2, before).segments == ("a", NONE, WRITTEN, NONE)
    assert written.returned(3, before).segments == before.written([2], "p2").segments, (
        "still to be sent again"
    )


def test_the_first_answer_to_a_segment_counts() -> None:
    copy = parts("a", NONE)
    assert copy.taken(1, "x") is copy
    assert copy.returned(1, parts(AGAIN, NONE)) is copy


def test_a_doubt_that_was_told_lets_only_what_was_written_go_again() -> None:
    assert parts("a", WRITTEN, NONE, AGAIN).told().segments == ("a", AGAIN, NONE, AGAIN)


def test_only_who_cuts_it_alike_can_go_on() -> None:
    copy = parts("a", NONE)
    assert copy.cut_as("p", "c0ffee00", 2)
    for other in (("q", "c0ffee00", 2), ("p", "c0ffee01", 2), ("p", "c0ffee00", 3)):
        assert not copy.cut_as(*other)
    assert copy.orphaned().provider == NOBODY
    assert copy.orphaned().begun


def test_a_copy_that_was_given_up_leaves_its_place() -> None:
    stands = parts("a", WRITTEN).given_up()
    assert stands.abandoned
    assert stands.count == 2
    assert not stands.begun
    assert not parts(NONE, NONE).abandoned
    assert not parts("a", NONE).orphaned().abandoned


# The outcome of a volley

WORST_FIRST: list[Outcome] = [
    Rejected(0x0B, "bad number"),
    Doubt("link lost"),
    RetryLater(0x14, "queue full"),
    NotSent("no bind"),
    Throttled(0x58, "slow down"),
    Accepted("a"),
]


@pytest.mark.parametrize(("worse", "better"), list(itertools.combinations(WORST_FIRST, 2)))
def test_the_worst_outcome_is_that_of_the_volley(worse: Outcome, better: Outcome) -> None:
    assert combine([better, worse, better]) is worse
    assert combine([worse, better]) is worse


def test_a_volley_in_which_nothing_failed_is_accepted() -> None:
    assert combine([]) == Accepted("")
