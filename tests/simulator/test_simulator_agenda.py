"""The agenda: in order, on time, and not stopped by a call that fails."""

import asyncio

import uvloop

from bridge.simulator.agenda import Agenda


async def in_order() -> None:
    agenda, done, seen = Agenda(), asyncio.Event(), list[str]()
    agenda.after(0.02, done.set)
    agenda.after(0.01, seen.append, "second")
    agenda.after(0.0, seen.append, "first")
    assert seen == []
    await done.wait()
    assert seen == ["first", "second"]


async def test_in_order() -> None:
    await in_order()


def test_in_order_on_uvloop_too() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(in_order())


async def test_a_call_that_fails_keeps_nothing_from_being_done() -> None:
    loop, failures = asyncio.get_running_loop(), list[object]()
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    agenda, done = Agenda(), asyncio.Event()
    error = ValueError("no")

    def fail() -> None:
        raise error

    agenda.after(0.0, fail)
    agenda.after(0.0, done.set)
    await done.wait()
    assert failures == [error]


async def test_what_is_forgotten_is_not_done() -> None:
    agenda, done, seen = Agenda(), asyncio.Event(), list[str]()
    agenda.after(0.0, seen.append, "forgotten")
    agenda.clear()
    agenda.after(0.005, done.set)
    await done.wait()
    assert seen == []


async def test_a_call_may_put_another_on_the_agenda() -> None:
    agenda, done = Agenda(), asyncio.Event()
    agenda.after(0.0, agenda.after, 0.005, done.set)
    await done.wait()
