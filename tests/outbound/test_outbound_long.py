"""Long MTs on their way: volleys, binds and providers that are lost, segments that are refused."""

import pytest

from bridge.model.names import HEADER_REFUSED
from bridge.model.outcome import Accepted, Rejected, RetryLater, Throttled
from tests.outbound.fake_links import Submit
from tests.outbound.long_mts import (
    FOUR,
    TIMEOUT,
    TWO,
    answer,
    finish,
    link_with,
    one_event,
    only,
    sent,
    start,
    taken,
)
from tests.outbound.world import JOIN_S, WINDOW, World

# All goes well


def test_an_mt_of_more_segments_than_a_window_leaves_in_volleys_over_one_bind(world: World) -> None:
    worker = start(world)
    for number in (1, 2):
        answer(world, number, taken(world))
    assert [submit.number for submit in worker.links[0].open] == [3, 4], "the same bind"
    finish(world)
    assert sent(world) == [("p", number) for number in (1, 2, 3, 4)]
    assert len({submit.copy for submit in world.submits["m"]}) == 1
    event = one_event(world, "accepted")
    assert event["segments"] == 4
    assert event["smsc_ids"] == ["a1", "a2", "a3", "a4"]
    assert len(event["attempts"]) == 1
    assert world.redis.expected["m"] == JOIN_S * 1000
    assert worker.dispatcher.tally["ended", "r", "accepted"] == 1
    assert worker.dispatcher.in_hand == 0


def test_nobody_waits_for_receipts_that_were_not_asked_for(world: World) -> None:
    start(world, receipt="none")
    finish(world)
    assert world.redis.expected["m"] == 0


def test_a_segment_the_provider_gives_no_name_is_taken_all_the_same(world: World) -> None:
    start(world, text=TWO)
    answer(world, 2, Accepted(""))
    answer(world, 1, Accepted("a"))
    assert one_event(world, "accepted")["smsc_ids"] == ["a", None]


def test_each_long_mt_has_its_own_reference(world: World) -> None:
    world.worker()
    for number in range(4):
        world.publish(f"m{number}", text=TWO)
    finish(world)
    assert len(world.references) == 4


def test_an_mt_that_waits_for_its_own_bind_holds_up_no_other(world: World) -> None:
    worker = start(world)
    p1, p2, _ = worker.links
    for number in (1, 2):
        link, index = link_with(worker, number)
        link.full = True
        link.answer(index, taken(world))
        world.flow()
    world.publish("other")
    world.flow()
    assert worker.dispatcher.in_hand == 2
    assert [submit.flight.mt.id for submit in p2.open] == ["other"]
    p1.up()
    world.flow()
    assert [submit.number for submit in p1.open] == [3, 4]
    finish(world)


def test_a_message_that_is_begun_goes_before_those_that_are_not(world: World) -> None:
    worker = world.worker()
    only(worker, "p1")
    for number in range(3):
        world.publish(f"m{number}", text=FOUR)
    finish(world)
    order = [world.submits[f"m{number}"][-1].ref for number in range(3)]
    assert len(order) == 3
    assert sent(world, "m0") == [("p", number) for number in (1, 2, 3, 4)]


def test_links_are_not_given_more_than_they_have_room_for(world: World) -> None:
    worker = world.worker()
    for number in range(6):
        world.publish(f"m{number}", text=FOUR)
    world.flow()
    assert all(len(link.open) == WINDOW for link in worker.links)
    for slot in worker.dispatcher.routes["r"].slots:
        assert (slot.reserved, slot.in_flight) == (0, WINDOW)
    finish(world)
    assert all(slot.in_flight == slot.reserved == 0 for slot in worker.dispatcher.routes["r"].slots)


def test_a_link_that_takes_fewer_than_it_had_room_for_is_counted_for_those(world: World) -> None:
    worker = world.worker()
    world.publish("m", text=FOUR)
    worker.deliver("bulk")
    world.turn()
    p1, slot = worker.links[0], worker.dispatcher.routes["r"].slots[0]
    assert slot.reserved == 2
    p1.window = 1
    worker.claims.flow(1)
    assert (slot.reserved, slot.in_flight, len(p1.open)) == (0, 1, 1)
    finish(world)
    assert slot.in_flight == 0
    assert not world.rabbit.told("m", "resent")


# A bind is lost, or the provider


def test_the_rest_goes_over_another_bind_of_the_provider_when_its_own_is_lost(world: World) -> None:
    worker = start(world)
    for number in (1, 2):
        link, index = link_with(worker, number)
        link.full = True
        link.answer(index, taken(world))
    worker.links[0].down()
    world.flow()
    assert [submit.number for submit in worker.links[1].open] == [3, 4]
    assert not world.rabbit.told("m", "resent")
    finish(world)
    assert len({submit.copy for submit in world.submits["m"]}) == 1


def test_segments_in_doubt_are_told_and_sent_again_under_the_same_reference(world: World) -> None:
    worker = start(world)
    answer(world, 1, taken(world))
    worker.links[0].down()
    world.flow()
    event = one_event(world, "resent")
    assert event["possible_duplicate"]
    assert event["segments"] == 4
    assert event["smsc_ids"] == ["a1", None, None, None]
    finish(world)
    assert sent(world) == [("p", number) for number in (1, 2, 2, 3, 4)]
    assert len({submit.copy for submit in world.submits["m"]}) == 1
    assert one_event(world, "accepted")["possible_duplicate"]


def test_segments_that_were_never_written_are_sent_again_and_nobody_hears_of_it(world: World) -> None:
    worker = start(world)
    answer(world, 1, taken(world))
    worker.links[0].down(written=False)
    finish(world)
    assert sent(world) == [("p", number) for number in (1, 2, 2, 3, 4)]
    assert not world.rabbit.told("m", "resent")


@pytest.mark.parametrize("written", [True, False])
def test_with_another_provider_it_begins_anew_and_that_is_told_first(world: World, written: bool) -> None:
    """Whether the second segment is in doubt or not: the first is there."""
    worker = start(world)
    answer(world, 1, taken(world))
    worker.links[1].down()
    worker.links[0].down(written)
    world.turn()
    assert not worker.links[2].open
    world.flow()
    one_event(world, "resent")
    assert [submit.number for submit in worker.links[2].open] == [1, 2]
    for link in worker.links[:2]:
        link.up()
    finish(world)
    assert sent(world) == [("p", 1), ("p", 2), *(("q", number) for number in (1, 2, 3, 4))]
    assert one_event(world, "accepted")["smsc_ids"] == ["a2", "a3", "a4", "a5"]
    assert set(world.redis.joins["m"].ids) == {1, 2, 3, 4}


def test_a_provider_lost_while_the_rest_waits_is_doubt(world: World) -> None:
    worker = start(world)
    p1, p2, q1 = worker.links
    for number in (1, 2):
        link, index = link_with(worker, number)
        link.full = True
        link.answer(index, taken(world))
    world.flow()
    p2.down()
    p1.down()
    world.flow()
    assert "no link up" in one_event(world, "resent")["reason"]
    assert [submit.number for submit in q1.open] == [1, 2]
    finish(world)


def test_a_provider_lost_is_doubt_to_be_parked_where_that_is_the_policy(world: World) -> None:
    worker = start(world, on_doubt="park")
    answer(world, 1, taken(world))
    worker.links[1].down()
    worker.links[0].down(written=False)
    world.flow()
    event = one_event(world, "parked")
    assert event["smsc_ids"] == ["a1", None, None, None]
    assert world.rabbit.dead[0]["reason"] == "doubt"
    finish(world)
    assert sent(world) == [("p", 1), ("p", 2)]


def test_with_no_link_up_it_goes_back_and_the_next_worker_sends_the_rest(world: World) -> None:
    worker = start(world)
    answer(world, 1, taken(world))
    for link in worker.links:
        link.down(written=False)
    world.flow()
    assert worker.dispatcher.in_hand == 0
    claim = world.redis.claims["m"]
    assert claim.deadline == 0.0, "left"
    other = world.worker()
    world.flow()
    assert world.in_hand() == 1
    assert {submit.number for link in other.links for submit in link.open} == {2, 3}
    finish(world)
    assert sent(world) == [("p", number) for number in (1, 2, 2, 3, 4)]
    assert not world.rabbit.told("m", "resent")
    assert world.redis.joins["m"].ids == {1: "a1", 2: "a2", 3: "a3", 4: "a4"}


# The provider refuses a segment


def test_a_refused_segment_ends_it_where_there_is_no_other_provider(world: World) -> None:
    worker = world.worker()
    world.publish("m", headers={HEADER_REFUSED: "q"}, text=FOUR)
    world.flow()
    answer(world, 1, taken(world))
    answer(world, 2, Rejected(0x0B, "bad number"))
    event = one_event(world, "rejected")
    assert event["smsc_ids"] == ["a1", None, None, None]
    assert not event["possible_duplicate"]
    finish(world)
    assert sent(world) == [("p", 1), ("p", 2)]
    assert worker.dispatcher.tally["ended", "r", "rejected"] == 1


def test_a_refused_segment_is_doubt_where_another_provider_may_take_the_whole(world: World) -> None:
    worker = start(world)
    answer(world, 1, taken(world))
    answer(world, 2, Rejected(0x0B, "bad number"))
    assert one_event(world, "resent")["reason"] == "refused after a part of it was sent: bad number"
    assert [submit.number for submit in worker.links[2].open] == [1, 2]
    answer(world, 1, taken(world))
    answer(world, 2, Rejected(0x0B, "bad number"))
    event = one_event(world, "rejected")
    assert event["segments"] == 4
    assert event["smsc_ids"] == ["a2", None, None, None]
    assert event["status"] == 0x0B
    finish(world)


def test_a_copy_its_provider_refused_is_given_up_though_the_other_is_away(world: World) -> None:
    worker = start(world)
    only(worker, "p1")
    answer(world, 1, taken(world))
    answer(world, 2, Rejected(0x0B, "bad number"))
    assert world.rabbit.ladder
    finish(world)
    assert len(world.rabbit.told("m", "resent")) == 1, "and not again when the other is there"
    assert sent(world)[2:] == [("q", number) for number in (1, 2, 3, 4)]


def test_a_first_segment_refused_alone_is_no_doubt(world: World) -> None:
    worker = world.worker()
    for link in worker.links:
        link.window = 1
    world.publish("m", text=TWO)
    world.flow()
    answer(world, 1, Rejected(0x0B, "bad number"))
    assert not world.rabbit.told("m", "resent")
    finish(world)
    assert {submit.provider for submit in world.submits["m"] if submit.fate == "taken"} == {"q"}


# The provider cannot take a segment just now


def test_a_throttled_segment_is_sent_again_and_costs_nothing(world: World) -> None:
    worker = start(world)
    answer(world, 1, taken(world))
    answer(world, 2, Throttled(0x58, "too fast"))
    assert [submit.number for submit in worker.links[1].open] == [2, 3], "over the other bind"
    finish(world)
    assert sent(world) == [("p", number) for number in (1, 2, 2, 3, 4)]
    assert not world.rabbit.told("m", "resent")


def test_a_segment_for_later_climbs_the_ladder_and_the_rest_leaves_under_the_same_reference(
    world: World,
) -> None:
    worker = start(world)
    answer(world, 1, RetryLater(0x14, "queue full"))
    answer(world, 2, taken(world))
    assert worker.dispatcher.in_hand == 0
    worker.kill(0, 0)
    other = world.worker()
    world.advance(1.1)
    world.flow()
    assert {submit.number for link in other.links for submit in link.open} == {1, 3}
    finish(world)
    assert sent(world) == [("p", number) for number in (1, 2, 1, 3, 4)]
    assert len({submit.copy for submit in world.submits["m"]}) == 1
    assert not world.rabbit.told("m", "resent")


def test_an_mt_of_which_nothing_was_taken_may_go_to_any_provider(world: World) -> None:
    worker = start(world)
    for number in (1, 2):
        answer(world, number, RetryLater(0x14, "queue full"))
    assert "m" not in world.redis.claims
    only(worker, "q1")
    world.advance(1.1)
    world.flow()
    assert [submit.number for submit in worker.links[2].open] == [1, 2]
    finish(world)
    assert not world.rabbit.told("m", "resent")


# From one piece to several, and back


def test_a_doubtful_single_segment_goes_on_as_a_long_mt_elsewhere(world: World) -> None:
    worker = world.worker()
    only(worker, "p1", "q1")
    world.publish("m", text="q=2")
    world.flow()
    submit: Submit
    (submit,) = worker.links[0].open
    assert submit.of == 1
    worker.links[0].answer(0, TIMEOUT)
    world.flow()
    assert [submit.number for submit in worker.links[2].open] == [1, 2]
    finish(world)


def test_a_long_mt_given_up_goes_on_as_a_single_segment_elsewhere(world: World) -> None:
    worker = start(world, text="p=4")
    answer(world, 1, taken(world))
    only(worker, "q1")
    world.flow()
    (submit,) = worker.links[2].open
    assert submit.of == 1
    finish(world)
    assert world.redis.joins["m"].ids == {}, "its receipts are of an extra copy"
    assert one_event(world, "accepted")["segments"] == 1
