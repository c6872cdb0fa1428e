"""Answers to segments that come when nobody waits for them any more."""

from bridge.model.outcome import Rejected, RetryLater
from bridge.outbound.record import load
from tests.outbound.long_mts import TIMEOUT, TWO, answer, finish, one_event, only, sent, start, taken
from tests.outbound.world import Worker, World


def held_in_a_lane(world: World) -> Worker:
    """The first segment is taken, the second in doubt; that is told, and there is no slot to send it again."""
    worker = start(world, text=TWO)
    for link in worker.links:
        link.full = True
    answer(world, 1, taken(world))
    answer(world, 2, TIMEOUT)
    assert world.rabbit.told("m", "resent")
    assert worker.dispatcher.in_hand == 1
    return worker


def test_a_late_answer_to_the_last_segment_accepts_what_waits(world: World) -> None:
    worker = held_in_a_lane(world)
    worker.links[0].answer_late(0, taken(world))
    world.flow()
    assert one_event(world, "accepted")["smsc_ids"] == ["a1", "a2"]
    assert worker.dispatcher.in_hand == 0
    finish(world)
    assert sent(world) == [("p", 1), ("p", 2)]


def test_a_late_answer_spares_a_segment_that_waits(world: World) -> None:
    worker = start(world)
    for link in worker.links:
        link.full = True
    answer(world, 1, taken(world))
    answer(world, 2, TIMEOUT)
    worker.links[0].answer_late(0, taken(world))
    finish(world)
    assert sent(world) == [("p", number) for number in (1, 2, 3, 4)]
    assert world.redis.joins["m"].ids == {1: "a1", 2: "a2", 3: "a3", 4: "a4"}
    assert not world.redis.verdicts["stale"], "what was left is known"


def test_a_late_answer_spares_a_segment_that_is_being_claimed(world: World) -> None:
    worker = held_in_a_lane(world)
    worker.links[1].up()
    world.turn()
    worker.links[0].answer_late(0, taken(world))
    finish(world)
    assert sent(world) == [("p", 1), ("p", 2)]
    assert worker.dispatcher.tally["ended", "r", "accepted"] == 1


def test_a_late_answer_while_another_segment_is_claimed_leaves_only_that(world: World) -> None:
    worker = start(world)
    for link in worker.links:
        link.full = True
    answer(world, 1, taken(world))
    answer(world, 2, TIMEOUT)
    worker.links[1].up()
    world.turn()
    worker.links[0].answer_late(0, taken(world))
    world.flow()
    assert [submit.number for submit in worker.links[1].open] == [3]
    assert not world.redis.strays
    finish(world)


def test_a_late_answer_while_the_resend_is_told_accepts_it(world: World) -> None:
    worker = start(world, text=TWO)
    only(worker, "p1")
    answer(world, 1, taken(world))
    worker.links[0].answer(0, TIMEOUT)
    worker.links[0].answer_late(0, taken(world))
    world.flow()
    assert one_event(world, "accepted")
    finish(world)
    assert sent(world) == [("p", 1), ("p", 2)]
    assert worker.dispatcher.tally["ended", "r", "accepted"] == 1


def test_a_late_answer_spares_a_segment_on_the_ladder(world: World) -> None:
    worker = start(world, text=TWO)
    only(worker, "p1")
    answer(world, 1, taken(world))
    answer(world, 2, TIMEOUT)
    assert worker.dispatcher.in_hand == 0
    worker.links[0].answer_late(0, taken(world))
    finish(world)
    assert sent(world) == [("p", 1), ("p", 2)]
    assert one_event(world, "accepted")["smsc_ids"] == ["a1", "a2"]


def test_a_late_answer_counts_when_the_second_copy_of_its_segment_is_refused(world: World) -> None:
    worker = start(world, text=TWO)
    answer(world, 1, taken(world))
    first = answer(world, 2, TIMEOUT)
    assert [submit.number for submit in worker.links[1].open] == [2]
    first.answer_late(0, taken(world))
    answer(world, 2, Rejected(0x0B, "bad number"))
    assert one_event(world, "accepted")["smsc_ids"] == ["a1", "a2"]
    finish(world)


def test_a_late_answer_that_comes_before_the_end_of_its_volley_leaves_no_doubt(world: World) -> None:
    worker = start(world, text=TWO)
    first = answer(world, 1, TIMEOUT)
    first.answer_late(0, taken(world))
    answer(world, 2, taken(world))
    finish(world)
    assert not world.rabbit.told("m", "resent")
    assert sent(world) == [("p", 1), ("p", 2)]
    assert worker.dispatcher.tally["ended", "r", "accepted"] == 1


def test_a_late_answer_while_it_is_not_known_whose_the_claim_is_counts_for_receipts(world: World) -> None:
    worker = held_in_a_lane(world)
    worker.links[1].up()
    world.turn()
    worker.claims.fail(executed=1)
    world.turn()
    worker.links[0].answer_late(0, taken(world))
    finish(world)
    assert world.redis.joins["m"].ids == {1: "a1", 2: "a2"}


def test_the_first_name_of_a_segment_stands(world: World) -> None:
    """The provider has that segment twice, under two names; the rest is sent by another worker."""
    worker = start(world)
    answer(world, 1, taken(world))
    first = answer(world, 2, TIMEOUT)
    first.answer_late(0, taken(world))
    answer(world, 2, taken(world))
    answer(world, 3, RetryLater(0x14, "queue full"))
    assert world.redis.strays == {"a3"}, "whose receipts are those of an extra copy"
    worker.kill(0, 0)
    world.worker()
    finish(world)
    assert len(world.rabbit.told("m", "resent")) == 1
    assert world.redis.joins["m"].ids == {1: "a1", 2: "a2", 3: "a4", 4: "a5"}
    assert one_event(world, "accepted")["smsc_ids"] == ["a1", "a2", "a4", "a5"]


def test_a_late_answer_to_a_copy_that_was_given_up_is_no_answer_to_the_next(world: World) -> None:
    worker = start(world, text=TWO)
    answer(world, 1, taken(world))
    first = answer(world, 2, Rejected(0x0B, "bad number"))
    q1 = worker.links[2]
    assert len(q1.open) == 2
    first.given_up.append(world.submits["m"][1])
    first.answer_late(0, taken(world))
    world.flow()
    assert not world.rabbit.told("m", "accepted")
    finish(world)
    assert one_event(world, "accepted")["smsc_ids"] == ["a3", "a4"]
    assert world.redis.joins["m"].ids == {1: "a3", 2: "a4"}


def test_a_late_answer_while_a_copy_is_given_up_does_not_revive_it(world: World) -> None:
    worker = start(world, text=TWO)
    p1, p2, q1 = worker.links
    p1.answer(0, TIMEOUT)
    p1.answer(0, Rejected(0x0B, "bad number"))
    worker.publisher.confirm(1)
    world.turn()
    p1.answer_late(0, taken(world))
    world.flow()
    assert not p2.open
    assert [submit.number for submit in q1.open] == [1, 2]
    finish(world)
    assert len(world.rabbit.told("m", "resent")) == 1
    assert one_event(world, "accepted")["smsc_ids"] == ["a2", "a3"]


def test_a_late_refusal_changes_nothing(world: World) -> None:
    worker = held_in_a_lane(world)
    worker.links[0].answer_late(0, Rejected(0x0B, "bad number"))
    assert worker.dispatcher.in_hand == 1
    finish(world)


def test_late_answers_resolve_what_was_parked_when_all_is_taken(world: World) -> None:
    worker = start(world, text=TWO, on_doubt="park")
    worker.links[0].answer(0, TIMEOUT)
    worker.links[0].answer(0, TIMEOUT)
    world.flow()
    worker.links[0].answer_late(0, taken(world))
    world.flow()
    assert not world.rabbit.told("m", "resolved")
    worker.links[0].answer_late(0, taken(world))
    finish(world)
    assert one_event(world, "resolved")["smsc_ids"] == ["a1", "a2"]
    assert load(world.redis.claims["m"].text).report.outcome == "accepted"
