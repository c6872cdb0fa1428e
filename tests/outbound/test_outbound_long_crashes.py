"""Long MTs whose worker dies, stops or cannot reach Redis, and what the next one makes of them."""

import time
from datetime import UTC, datetime

import pytest

from bridge.model.names import HEADER_REFUSED
from bridge.outbound.bequest import Bequest
from bridge.outbound.parts import Fate, Parts
from tests.outbound.fake_redis import Value
from tests.outbound.long_mts import (
    FOUR,
    TWO,
    answer,
    finish,
    half_sent,
    link_with,
    one_event,
    only,
    sent,
    start,
    taken,
)
from tests.outbound.world import World

# A worker dies, or stops


def test_a_worker_killed_between_two_volleys_leaves_no_doubt(world: World) -> None:
    worker = start(world)
    for number in (1, 2):
        link, index = link_with(worker, number)
        link.full = True
        link.answer(index, taken(world))
        world.flow()
    worker.kill(0, 0)
    world.worker()
    finish(world)
    assert sent(world) == [("p", number) for number in (1, 2, 3, 4)]
    assert not world.rabbit.told("m", "resent")


def test_a_worker_killed_with_segments_it_never_wrote_leaves_no_doubt(world: World) -> None:
    worker = start(world)
    answer(world, 1, taken(world))
    for link in worker.links:
        link.full = True
    worker.links[0].down(written=False)
    world.flow()
    assert worker.dispatcher.in_hand == 1
    worker.kill(0, 0)
    world.worker()
    finish(world)
    assert not world.rabbit.told("m", "resent")


def test_a_worker_killed_between_two_answers_leaves_doubt_about_the_second(world: World) -> None:
    worker = start(world)
    answer(world, 1, taken(world))
    worker.kill(0, 0)
    world.worker()
    finish(world)
    assert sent(world) == [("p", number) for number in (1, 2, 2, 3, 4)]
    assert "died" in one_event(world, "resent")["reason"]


def test_who_sends_the_rest_records_again_what_the_dead_worker_recorded(world: World) -> None:
    """It may have died before it told the receipts it found with those answers."""
    half_sent(world)
    world.redis.joins.clear()
    world.worker()
    finish(world)
    assert world.redis.joins["m"].ids == {1: "a1", 2: "a2", 3: "a3", 4: "a4"}


def test_a_worker_killed_before_its_answers_are_recorded_leaves_doubt_about_both(world: World) -> None:
    worker = start(world)
    for number in (1, 2):
        link, index = link_with(worker, number)
        link.answer(index, taken(world))
    worker.kill(0, 0)
    world.worker()
    finish(world)
    assert sent(world) == [("p", number) for number in (1, 2, 1, 2, 3, 4)]
    assert len(world.rabbit.told("m", "resent")) == 1


def test_a_worker_killed_after_its_claim_leaves_doubt_to_be_parked(world: World) -> None:
    worker = world.worker()
    world.publish("m", text=FOUR, on_doubt="park")
    worker.deliver("bulk")
    world.turn()
    worker.kill(1, 0)
    world.worker()
    finish(world)
    assert not sent(world)
    assert one_event(world, "parked")["segments"] == 4


def test_a_worker_killed_after_the_resend_was_told_makes_the_next_tell_it_again(world: World) -> None:
    worker = start(world)
    worker.links[0].down()
    worker.publisher.confirm(1)
    worker.kill(0, 0)
    world.worker()
    finish(world)
    assert len(world.rabbit.told("m", "resent")) == 2


def test_a_worker_killed_after_it_gave_up_a_copy_leaves_that_known(world: World) -> None:
    worker = start(world)
    answer(world, 1, taken(world))
    only(worker, "q1")
    world.turn()
    worker.publisher.confirm(1)
    world.turn()
    worker.claims.flow(1)
    assert world.redis.claims["m"].reference == 1
    worker.kill(0, 0)
    world.worker()
    finish(world)
    assert len(world.rabbit.told("m", "resent")) == 1
    assert len({submit.copy for submit in world.submits["m"]}) == 2
    assert one_event(world, "accepted")["possible_duplicate"]
    assert set(world.redis.joins["m"].ids) == {1, 2, 3, 4}


def test_a_worker_that_was_held_for_dead_does_no_harm_to_the_copy_of_another(world: World) -> None:
    held = start(world)
    held.stop()
    world.advance(45)
    world.publish("m")
    other = world.worker()
    world.flow()
    for link in other.links:
        while link.open:
            link.answer(0, taken(world))
    world.flow()
    for link in held.links[:2]:
        link.down()
    finish(world)
    assert world.redis.claims["m"].word == "D"
    assert set(world.redis.joins["m"].ids) == {1, 2, 3, 4}


def test_a_soft_stop_finishes_the_volley_and_leaves_the_rest_to_others(world: World) -> None:
    worker = start(world)
    worker.stop()
    world.flow()
    assert worker.dispatcher.in_hand == 1
    for number in (1, 2):
        answer(world, number, taken(world))
    assert worker.dispatcher.in_hand == 0
    assert worker.stopped is not None
    assert worker.stopped.done()
    world.worker()
    finish(world)
    assert sent(world) == [("p", number) for number in (1, 2, 3, 4)]
    assert not world.rabbit.told("m", "resent")


def test_a_paused_worker_does_not_send_on_a_lease_gone_by(world: World) -> None:
    worker = world.worker()
    world.publish("m", text=TWO)
    worker.deliver("bulk")
    world.turn()
    world.clock.now += 60
    worker.claims.flow(1)
    assert not sent(world)
    finish(world)
    assert sent(world) == [("p", 1), ("p", 2)]
    assert not world.rabbit.told("m", "resent")


# Redis is silent


@pytest.mark.parametrize("executed", [0, 1])
def test_a_volley_whose_claim_was_not_heard_is_asked_for_again(world: World, executed: int) -> None:
    worker = start(world)
    for number in (1, 2):
        link, index = link_with(worker, number)
        link.answer(index, taken(world))
    world.turn()
    worker.claims.flow(3)  # two answers, and the claim is left
    worker.claims.fail(executed)
    world.advance(0.3)
    finish(world)
    assert sent(world) == [("p", number) for number in (1, 2, 3, 4)]
    assert not world.rabbit.told("m", "resent")
    assert set(world.redis.joins["m"].ids) == {1, 2, 3, 4}


def test_answers_wait_for_redis_and_nothing_is_told_before(world: World) -> None:
    worker = start(world, text=TWO)
    for number in (1, 2):
        link, index = link_with(worker, number)
        link.answer(index, taken(world))
    for _ in range(3):
        worker.claims.fail(0)
        world.turn()
    assert worker.dispatcher.in_hand == 1
    finish(world)
    assert one_event(world, "accepted")


# Expiry


def test_what_expires_in_between_is_not_sent_any_further(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    expires_at = datetime.fromtimestamp(time.time() + 60, UTC).isoformat()
    start(world, expires_at=expires_at)
    answer(world, 1, taken(world))
    later = time.time() + 120
    monkeypatch.setattr("bridge.outbound.sender.time.time", lambda: later)
    answer(world, 2, taken(world))
    event = one_event(world, "expired")
    assert event["smsc_ids"] == ["a1", "a2", None, None]
    finish(world)
    assert sent(world) == [("p", 1), ("p", 2)]


# Who cuts it otherwise


def test_who_cuts_it_otherwise_begins_anew_and_says_so(world: World) -> None:
    half_sent(world)
    world.worker(cut="otherwise")
    finish(world)
    assert "cut otherwise" in one_event(world, "resent")["reason"]
    assert sorted(sent(world)[2:]) == [("p", number) for number in (1, 2, 3, 4)]
    assert one_event(world, "accepted")["possible_duplicate"]


def test_who_would_send_it_in_one_piece_begins_anew_and_says_so(world: World) -> None:
    half_sent(world)
    world.published["m"]["text"] = "t"
    (message,) = world.rabbit.ready["bulk"]
    message.body = message.body.replace(FOUR.encode(), b"t")
    world.worker()
    finish(world)
    assert len(world.rabbit.told("m", "resent")) == 1
    assert len(sent(world)) == 3
    assert one_event(world, "accepted")["segments"] == 1


def test_a_state_nobody_can_read_is_doubt(world: World) -> None:
    world.worker()
    world.redis.claims["m"] = Value("P", "another:1", 0.0, 7, "of a later version")
    world.publish("m", text=TWO)
    finish(world)
    assert len(world.rabbit.told("m", "resent")) == 1
    assert one_event(world, "accepted")["possible_duplicate"]


def test_a_copy_one_worker_left_whose_provider_refused_is_doubt_in_another(world: World) -> None:
    """The copy on the ladder knows who refused; the claim knows who has a part of it."""
    worker = world.worker()
    state = Bequest(0, "another:1/0", parts=Parts("p", "p1", "p", ("a", Fate.NONE))).dump("another:1")
    world.redis.claims["m"] = Value("P", "another:1", 0.0, 7, state)
    world.publish("m", headers={HEADER_REFUSED: "p"}, text=TWO)
    world.flow()
    assert "refuses the rest" in one_event(world, "resent")["reason"]
    assert [submit.number for submit in worker.links[2].open] == [1, 2]
    finish(world)


# Repeats


def test_a_repeat_is_told_again_and_its_answers_recorded_again(world: World) -> None:
    world.worker()
    world.publish("m", text=TWO)
    world.heal()
    recorded = dict(world.redis.joins["m"].ids)
    world.redis.joins.clear()  # as if the worker had died before it told what it found
    world.publish("m")
    finish(world)
    assert world.redis.joins["m"].ids == recorded
    events = world.rabbit.told("m", "accepted")
    assert len(events) == 2
    assert events[0]["event_id"] == events[1]["event_id"]
    assert events[0]["smsc_ids"] == events[1]["smsc_ids"]
    assert len(sent(world)) == 2


def test_a_repeat_of_what_ended_in_the_middle_tells_its_segments_again(world: World) -> None:
    worker = start(world, on_doubt="park")
    answer(world, 1, taken(world))
    worker.links[0].down()
    world.flow()
    world.publish("m")
    finish(world)
    first, again = world.rabbit.told("m", "parked")
    assert first["smsc_ids"] == again["smsc_ids"] == ["a1", None, None, None]
    assert again["segments"] == 4
