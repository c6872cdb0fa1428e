"""What tests of long MTs say again and again."""

from typing import Any

from bridge.model.outcome import Accepted, Doubt, Outcome
from tests.outbound.fake_links import Link
from tests.outbound.world import Worker, World

TIMEOUT = Doubt("response timeout")
FOUR = "p=4,q=4"
"""Twice the window of a link: two volleys at least."""
TWO = "p=2,q=2"


def finish(world: World) -> None:
    world.heal()
    world.check_the_end()


def only(worker: Worker, *names: str) -> None:
    """All its other links are lost."""
    for link in worker.links:
        if link.name not in names:
            link.down()


def sent(world: World, mt_id: str = "m") -> list[tuple[str, int]]:
    """Provider and segment, in the order in which they were written."""
    return [(submit.provider, submit.number) for submit in world.submits[mt_id]]


def link_with(worker: Worker, number: int) -> tuple[Link, int]:
    """The link on which this segment is open, and where."""
    for link in worker.links:
        for index, submit in enumerate(link.open):
            if submit.number == number:
                return link, index
    raise AssertionError(f"segment {number} is not on its way")


def answer(world: World, number: int, outcome: Outcome) -> Link:
    """The provider's answer to this segment, and all that follows from it."""
    link, index = link_with(world.workers[0], number)
    link.answer(index, outcome)
    world.flow()
    return link


def taken(world: World) -> Accepted:
    return Accepted(world.smsc_id())


def start(world: World, text: str = FOUR, **parts: Any) -> Worker:
    """One worker, and a long MT of which the first two segments are on their way over p1."""
    worker = world.worker()
    world.publish("m", text=text, **parts)
    world.flow()
    assert [submit.number for submit in worker.links[0].open] == [1, 2]
    return worker


def one_event(world: World, outcome: str, mt_id: str = "m") -> dict[str, Any]:
    (event,) = world.rabbit.told(mt_id, outcome)
    return event


def half_sent(world: World, text: str = FOUR) -> None:
    """Two of four segments are with p; the worker is dead, and nothing in doubt."""
    worker = start(world, text=text)
    for number in (1, 2):
        link, index = link_with(worker, number)
        link.full = True
        link.answer(index, taken(world))
        world.flow()
    worker.kill(0, 0)
