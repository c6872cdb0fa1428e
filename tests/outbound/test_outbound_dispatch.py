"""Single ways of an MT through a worker that are easy to get wrong, each in a small world where all is decided."""

import pytest

from bridge.model.names import HEADER_ATTEMPTS, HEADER_DOUBT
from bridge.model.outcome import Accepted, Doubt, NotSent, Rejected, RetryLater, Throttled
from tests.outbound.fake_redis import Value
from tests.outbound.world import World

LATE = Accepted("late")


def finish(world: World) -> None:
    world.heal()
    world.check_the_end()


def test_an_mt_is_accepted(world: World) -> None:
    world.worker()
    world.publish("m")
    finish(world)
    assert len(world.submits["m"]) == 1


# Timers that ring early


def test_claims_go_on_after_redis_was_silent_for_a_moment(world: World) -> None:
    worker = world.worker()
    world.publish("m")
    worker.deliver("bulk")
    world.turn()
    worker.claims.fail(0)
    world.advance(0.3)
    assert worker.claims.waiting


@pytest.mark.parametrize("times", [1, 6])
def test_a_throttled_link_goes_on_after_its_pause(world: World, times: int) -> None:
    """Six times: the pause is long enough for the link to count as down and the route to stop consuming."""
    worker = world.worker()
    p1, *others = worker.links
    for link in others:
        link.down()
    world.publish("m")
    for _ in range(times):
        world.flow()
        p1.answer(0, Throttled(0x58, "too fast"))
        world.flow()
        world.advance(20)
    world.flow()
    assert len(p1.open) == 1


# Doubt that must not be forgotten


def doubtful(world: World) -> None:
    """One worker holds `m` in its lane; a first copy of it is in doubt, and that has been told."""
    worker = world.worker()
    world.publish("m")
    world.flow()
    for link in worker.links:
        link.full = True
    next(link for link in worker.links if link.open).answer(0, Doubt("response timeout"))
    world.flow()
    assert world.rabbit.told("m", "resent")
    assert world.in_hand() == 1


def test_a_doubtful_mt_given_back_stays_doubtful(world: World) -> None:
    doubtful(world)
    for link in world.links():
        link.down()
    world.flow()
    assert not world.in_hand()
    world.worker()
    finish(world)
    assert all(event["possible_duplicate"] for event in world.rabbit.told("m", "accepted"))


def test_a_doubtful_mt_of_a_killed_worker_stays_doubtful_whatever_its_last_answer(world: World) -> None:
    """The second copy was throttled, so that nothing was sent then; the first is in doubt all the same."""
    worker = world.worker()
    world.publish("m")
    world.flow()
    first = next(link for link in worker.links if link.open)
    first.answer(0, Doubt("response timeout"))
    world.flow()
    second = next(link for link in worker.links if link.open)
    second.answer(0, Throttled(0x58, "too fast"))
    worker.kill(executed=9, stored=9)
    world.worker()
    finish(world)
    assert len(world.submits["m"]) == 3


def test_a_producers_repeat_of_a_doubtful_mt_that_waits_is_doubtful(world: World) -> None:
    """The copy that knows is on the ladder; the repeat knows nothing, but for the claim."""
    worker = world.worker()
    world.publish("m", text="p")
    world.flow()
    next(link for link in worker.links if link.open).answer(0, Doubt("response timeout"))
    world.flow()
    assert world.rabbit.ladder
    world.publish("m")
    world.flow()
    finish(world)


def test_a_resend_that_waited_is_counted_and_told_once(world: World) -> None:
    worker = world.worker()
    world.publish("m", text="p")
    world.flow()
    next(link for link in worker.links if link.open).answer(0, Doubt("response timeout"))
    world.flow()
    finish(world)
    assert len(world.rabbit.told("m", "resent")) == 1
    assert len(world.submits["m"]) == 2


def test_a_doubtful_mt_on_its_way_to_the_ladder_stays_doubtful(world: World) -> None:
    worker = world.worker()
    p1, p2, q1 = worker.links
    p2.down()
    q1.down()
    world.publish("m")
    world.flow()
    p1.answer(0, Doubt("response timeout"))
    worker.publisher.confirm(1)
    world.turn()
    worker.kill(executed=9, stored=0)
    world.worker()
    finish(world)


def test_a_takeover_whose_answer_was_lost_is_doubt(world: World) -> None:
    dead = world.worker()
    world.publish("m")
    world.flow()
    dead.kill(0, 0)
    world.advance(60)
    worker = world.worker()
    worker.deliver("bulk")
    world.turn()
    worker.claims.flow(1)
    world.turn()
    worker.claims.fail(executed=1)
    finish(world)
    assert len(world.submits["m"]) == 2


def test_a_takeover_whose_answer_was_lost_is_doubt_for_the_next_one_too(world: World) -> None:
    dead = world.worker()
    world.publish("m")
    world.flow()
    dead.kill(0, 0)
    world.advance(60)
    worker = world.worker()
    worker.deliver("bulk")
    world.turn()
    worker.claims.flow(1)
    world.turn()
    for link in worker.links:
        link.down()
    worker.claims.fail(executed=1)
    world.worker()
    finish(world)


# Late answers


def test_a_late_answer_counts_when_the_second_copy_is_refused(world: World) -> None:
    worker = world.worker()
    world.publish("m")
    world.flow()
    first = next(link for link in worker.links if link.open)
    first.answer(0, Doubt("response timeout"))
    world.flow()
    first.answer_late(0, LATE)
    world.flow()
    for _ in range(2):
        second = next(link for link in worker.links if link.open)
        second.answer(0, Rejected(0x0B, "bad number"))
        world.flow()
        if not any(link.open for link in worker.links):
            break
    finish(world)
    assert world.rabbit.told("m", "accepted")


def test_a_late_answer_ends_the_wait_in_a_lane(world: World) -> None:
    doubtful(world)
    worker = world.workers[0]
    link = next(link for link in worker.links if link.given_up)
    link.answer_late(0, LATE)
    finish(world)
    assert len(world.submits["m"]) == 1


def test_a_late_answer_resolves_what_was_parked(world: World) -> None:
    worker = world.worker()
    world.publish("m", on_doubt="park")
    world.flow()
    link = next(link for link in worker.links if link.open)
    link.answer(0, Doubt("response timeout"))
    world.flow()
    link.answer_late(0, LATE)
    finish(world)
    assert world.rabbit.told("m", "parked")
    assert world.rabbit.told("m", "resolved")


# What must not go on for ever


def test_an_mt_that_every_bind_blames_does_not_circulate_at_full_speed(world: World) -> None:
    worker = world.worker()
    world.publish("m")
    for _ in range(12):
        world.flow()
        for link in worker.links:
            while link.open:
                link.answer(0, NotSent("bind", 0x04))
        world.flow()
    assert len(world.submits["m"]) == 2
    assert world.rabbit.ladder
    finish(world)


def test_an_mt_that_every_bind_blames_fails_in_the_end(world: World) -> None:
    worker = world.worker()
    world.publish("m")
    for _ in range(12):
        world.flow()
        for link in worker.links:
            while link.open:
                link.answer(0, NotSent("bind", 0x04))
        world.advance(3)
    world.flow()
    assert world.rabbit.told("m", "failed")
    finish(world)


def test_the_attempts_told_are_the_last_sixteen(world: World) -> None:
    worker = world.worker()
    world.publish("m")
    for _ in range(30):
        world.flow()
        link = next(link for link in worker.links if link.open)
        link.down(written=False)
        link.up()
    finish(world)
    (event,) = world.rabbit.told("m", "accepted")
    assert len(event["attempts"]) == 16


# Two providers


def refused_by_p(world: World, count: int) -> None:
    """The first worker holds so many MTs that only q may carry, and q has no slot."""
    worker = world.worker()
    worker.links[2].full = True
    for number in range(count):
        world.publish(f"m{number}")
    for _ in range(count):
        world.flow()
        for link in worker.links:
            while link.open:
                link.answer(0, Rejected(0x0B, "bad number"))
    world.flow()


def test_what_only_a_lost_provider_may_carry_goes_back(world: World) -> None:
    """Else it would be held in a worker that cannot send it, and hold back what others may carry."""
    refused_by_p(world, 5)
    worker = world.workers[0]
    held = worker.dispatcher.in_hand
    assert held
    worker.links[2].down()
    world.flow()
    assert worker.dispatcher.in_hand == 0
    assert len(world.rabbit.ladder) == 5
    world.advance(5)
    world.flow()
    assert worker.dispatcher.in_hand == 0
    finish(world)


def test_each_provider_is_asked_once(world: World) -> None:
    refused_by_p(world, 1)
    worker = world.workers[0]
    worker.links[2].up()
    world.flow()
    worker.links[2].answer(0, Rejected(0x0B, "bad number"))
    finish(world)
    assert len(world.submits["m0"]) == 2
    assert world.rabbit.told("m0", "rejected")
    assert worker.dispatcher.tally["ended", "r", "rejected"] == 1, "operators see it, too"


def test_what_one_provider_cannot_say_goes_to_the_other(world: World) -> None:
    world.worker()
    for number in range(4):
        world.publish(f"m{number}", text="p")
    finish(world)
    assert all(submit.flight.refused_by <= {"p"} for found in world.submits.values() for submit in found)


# What anybody may have written


def test_a_claim_nobody_can_read_ends_in_the_dead_queue(world: World) -> None:
    world.worker()
    world.redis.claims["m"] = Value("E", "what is this")
    world.publish("m")
    finish(world)
    assert world.rabbit.dead[0]["reason"] == "failed"


@pytest.mark.parametrize(
    "headers",
    [
        {HEADER_ATTEMPTS: r'[{"provider": "\ud800"}]', HEADER_DOUBT: True},
        {HEADER_ATTEMPTS: [1, 2], HEADER_DOUBT: "yes", "bridge-attempt": "7", "bridge-refused-by": 3},
        {HEADER_ATTEMPTS: b"\xff", "bridge-attempt": -1, "bridge-generation": "x"},
        {"bridge-attempt": 2**63 - 1, "bridge-refused-by": "p,q,r,,"},
    ],
)
def test_foreign_headers_do_no_harm(world: World, headers: dict[str, object]) -> None:
    worker = world.worker()
    world.publish("m", headers=headers)
    world.flow()
    for link in worker.links:
        while link.open:
            link.answer(0, RetryLater(0x14, "queue full"))
    finish(world)


# Repeats, redelivery, stopping


def test_a_producers_repeat_is_told_again_and_not_sent_again(world: World) -> None:
    world.worker()
    world.publish("m")
    world.heal()
    world.publish("m")
    finish(world)
    assert len(world.submits["m"]) == 1
    assert len({event["event_id"] for event in world.rabbit.told("m", "accepted")}) == 1


def test_a_redelivery_joins_the_flight(world: World) -> None:
    worker = world.worker()
    world.publish("m")
    world.flow()
    for _ in range(3):
        worker.lose_rabbit(0)
        world.flow()
    assert worker.dispatcher.in_hand == 1
    finish(world)
    assert len(world.submits["m"]) == 1


def test_a_stop_waits_for_what_is_in_flight_and_gives_back_the_rest(world: World) -> None:
    worker = world.worker()
    for number in range(10):
        world.publish(f"m{number}")
    world.flow()
    worker.stop()
    world.flow()
    assert worker.dispatcher.in_hand == 6
    assert len(world.rabbit.ready["bulk"]) == 4
    assert worker.stopped is not None
    assert not worker.stopped.done()
    world.worker()
    finish(world)
    assert worker.stopped.done()


def test_a_link_lost_before_the_write_costs_nothing(world: World) -> None:
    worker = world.worker()
    world.publish("m")
    world.flow()
    next(link for link in worker.links if link.open).down(written=False)
    finish(world)
    assert not world.rabbit.told("m", "resent")
