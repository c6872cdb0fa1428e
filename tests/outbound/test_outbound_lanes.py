"""Which waiting message goes next: interactive first, bulk never starving, nobody held back by the picky."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.model.mt import Mt
from bridge.model.names import Lane
from bridge.outbound.flight import Flight, Long
from bridge.outbound.lanes import INTERACTIVE_RUN, LOOK_AHEAD, Lanes
from bridge.outbound.parts import Fate, Parts
from tests.outbound.papers import paper


def flight(number: int, lane: Lane = "bulk") -> Flight:
    return Flight(Mt(id=str(number), to="447700900000", text=""), "r", lane, paper(), str(number), "w:1")


def take_all(lanes: Lanes) -> list[str]:
    order = []
    while (taken := lanes.take(lambda _: True)) is not None:
        order.append(taken[0].mt.id)
    return order


def test_interactive_overtakes_bulk() -> None:
    lanes = Lanes()
    for number in range(3):
        lanes.push(flight(number))
    lanes.push(flight(9, "interactive"))
    assert take_all(lanes) == ["9", "0", "1", "2"]


def begun(number: int, lane: Lane = "bulk") -> Flight:
    """Of which a segment is with p already."""
    made = flight(number, lane)
    made.long = Long(Parts("p", "p1", "c0ffee00", ("a", Fate.NONE)))
    return made


def test_what_is_begun_goes_before_the_rest_of_its_lane() -> None:
    lanes = Lanes()
    lanes.push(flight(0))
    lanes.push(begun(1))
    lanes.push(begun(2))
    lanes.push(flight(9, "interactive"))
    assert len(lanes) == 4
    assert take_all(lanes) == ["9", "1", "2", "0"]
    assert not lanes


def test_many_that_are_begun_and_cannot_go_hold_nobody_back() -> None:
    lanes = Lanes()
    for number in range(2 * LOOK_AHEAD):
        lanes.push(begun(number))
    lanes.push(flight(99))
    taken = lanes.take(lambda candidate: candidate.begun is None or None)
    assert taken is not None
    assert taken[0].mt.id == "99"


def test_bulk_does_not_starve() -> None:
    lanes = Lanes()
    lanes.push(flight(-1))
    for number in range(2 * INTERACTIVE_RUN):
        lanes.push(flight(number, "interactive"))
    assert take_all(lanes).index("-1") == INTERACTIVE_RUN


def test_a_message_whose_turn_it_was_goes_first() -> None:
    lanes = Lanes()
    lanes.push(flight(1))
    lanes.push_front(flight(0))
    assert take_all(lanes) == ["0", "1"]


def test_a_picky_message_holds_nobody_back() -> None:
    lanes = Lanes()
    for number in range(4):
        lanes.push(flight(number))
    taken = lanes.take(lambda candidate: candidate.mt.id != "0" or None)
    assert taken is not None
    assert taken[0].mt.id == "1"
    assert len(lanes) == 3


def test_only_the_next_few_are_looked_at() -> None:
    lanes = Lanes()
    for number in range(LOOK_AHEAD + 1):
        lanes.push(flight(number))
    assert lanes.take(lambda candidate: candidate.mt.id == str(LOOK_AHEAD) or None) is None


@given(st.lists(st.sampled_from(["interactive", "bulk"])))
def test_each_message_is_taken_once_and_each_lane_in_order(order: list[Lane]) -> None:
    lanes = Lanes()
    for number, lane in enumerate(order):
        lanes.push(flight(number, lane))
    assert len(lanes) == len(order)
    taken = [int(ident) for ident in take_all(lanes)]
    assert sorted(taken) == list(range(len(order)))
    for lane in ("interactive", "bulk"):
        mine = [number for number in taken if order[number] == lane]
        assert mine == sorted(mine)


def test_drain_and_remove() -> None:
    lanes = Lanes()
    first, second = flight(0), flight(1, "interactive")
    lanes.push(first)
    lanes.push(second)
    lanes.remove(first)
    assert lanes.drain() == [second]
    assert not lanes
