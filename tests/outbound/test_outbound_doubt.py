"""Doubt that is told once too seldom if nobody looks: ways that only chance finds, over whatever link."""

import pytest

from bridge.model.outcome import Accepted, Doubt
from tests.outbound.world import World

DIED = "the worker that was sending it died before the answer was recorded"


def finish(world: World) -> None:
    world.heal()
    world.check_the_end()


def submitted(world: World) -> None:
    """It is on its way over some link of the newest worker."""
    world.flow()
    assert any(link.open for link in world.workers[-1].links)


def test_a_doubtful_copy_that_waited_for_a_dead_workers_lease_is_told_of_that_copy_too(world: World) -> None:
    """It came off the ladder told and counted, was sent by a worker that died, and then found that one's lease."""
    first = world.worker()
    world.publish("m", text="p")
    submitted(world)
    next(link for link in first.links if link.open).answer(0, Doubt("response timeout"))
    world.flow()
    world.advance(1)
    submitted(world)
    first.kill(0, 0)
    world.worker()
    world.flow()
    assert not world.in_hand(), "the lease has not passed yet"
    finish(world)
    reasons = [event["reason"] for event in world.rabbit.told("m", "resent")]
    assert reasons == ["response timeout", DIED]
    assert len(world.submits["m"]) == 3
    (event,) = world.rabbit.told("m", "accepted")
    assert event["possible_duplicate"]


@pytest.mark.parametrize("on_doubt", ["park", "resend"])
def test_an_end_that_its_own_late_answer_overtook_is_told_as_what_it_is(world: World, on_doubt: str) -> None:
    """Redis did both, the end first, and was silent: asked again, it knows only of the answer."""
    worker = world.worker()
    headers = {"bridge-attempt": 2}
    world.publish("m", headers=headers, on_doubt=on_doubt)
    submitted(world)
    link = next(link for link in worker.links if link.open)
    link.answer(0, Doubt("response timeout"))
    world.turn()
    link.answer_late(0, Accepted("late"))
    world.turn()
    worker.claims.fail(executed=2)
    finish(world)
    (event,) = world.rabbit.told("m", "accepted")
    assert event["smsc_ids"] == ["late"]
    assert not world.rabbit.told("m", "parked", "failed", "resolved")
    assert not world.rabbit.dead
