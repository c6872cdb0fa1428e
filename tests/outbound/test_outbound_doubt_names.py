"""The events of doubts: one id for one doubt, whoever tells of it, another for another; and each is counted."""

import pytest

from bridge.model.outcome import Doubt, RetryLater
from tests.outbound.world import Worker, World

LEASE_S = 60.0
TWO = "p=2,q=2"


def finish(world: World) -> None:
    world.heal()
    world.check_the_end()


def submitted(world: World) -> Worker:
    """The newest worker, which has written a copy."""
    world.flow()
    worker = world.workers[-1]
    assert any(link.open for link in worker.links)
    return worker


def next_worker(world: World, dead: Worker) -> Worker:
    """One in the place of another, which dies; and the lease of that one passes."""
    dead.kill(0, 0)
    world.worker()
    world.advance(LEASE_S)
    return submitted(world)


def doubts(world: World) -> list[str]:
    return [event["event_id"] for event in world.rabbit.told("m", "resent")]


@pytest.mark.parametrize("text", ["t", TWO])
def test_two_doubts_over_two_deaths_are_two_events(world: World, text: str) -> None:
    world.worker()
    world.publish("m", text=text)
    second = next_worker(world, submitted(world))
    assert len(doubts(world)) == 1
    next_worker(world, second)
    assert len(doubts(world)) == len(set(doubts(world))) == 2
    finish(world)


def test_one_doubt_that_two_workers_tell_of_is_one_event(world: World) -> None:
    """The first had it confirmed, and died before it claimed for the second copy."""
    first = world.worker()
    world.publish("m")
    submitted(world)
    for link in first.links:
        link.full = True
    next(link for link in first.links if link.open).answer(0, Doubt("response timeout"))
    world.flow()
    next_worker(world, first)
    assert len(doubts(world)) == 2
    assert len(set(doubts(world))) == 1
    finish(world)
    assert len(world.submits["m"]) == 2


def test_a_doubt_told_before_the_ladder_is_not_told_again_by_whoever_has_it_then(world: World) -> None:
    """RabbitMQ delivers it a second time: the first to have it died without a claim."""
    first = world.worker()
    world.publish("m", text="p")
    submitted(world)
    next(link for link in first.links if link.open).answer(0, Doubt("response timeout"))
    world.flow()
    for link in first.links:
        link.full = True
    world.advance(1)
    world.flow()
    assert world.in_hand() == 1
    next_worker(world, first)
    assert len(doubts(world)) == 1
    finish(world)


@pytest.mark.parametrize("text", ["t", TWO])
def test_attempts_are_counted_over_deaths(world: World, text: str) -> None:
    """Three: each worker that dies over it uses up one, whoever knows of it."""
    world.worker()
    world.publish("m", text=text)
    second = next_worker(world, submitted(world))
    third = next_worker(world, second)
    third.kill(0, 0)
    world.worker()
    world.advance(LEASE_S)
    world.flow()
    assert len(doubts(world)) == 2
    (event,) = world.rabbit.told("m", "failed")
    assert event["reason"].startswith("3 attempts, the last in doubt")
    world.check_the_end()


def test_an_attempt_that_was_refused_before_counts_for_the_next_worker_too(world: World) -> None:
    """Its delivery says so; the producer's repeat, which finds its claim, knows nothing of that."""
    first = world.worker()
    world.publish("m")
    submitted(world)
    next(link for link in first.links if link.open).answer(0, RetryLater(0x14, "queue full"))
    world.flow()
    world.advance(1)
    submitted(world)
    world.publish("m")
    second = next_worker(world, first)
    second.kill(0, 0)
    world.worker()
    world.advance(LEASE_S)
    world.flow()
    assert len(doubts(world)) == 1
    assert len(world.rabbit.told("m", "failed")) >= 1
