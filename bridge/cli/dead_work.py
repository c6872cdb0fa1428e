"""What `bridge dead` does: lists, shows, replays, drops.

Nothing leaves the queue but by an ack, and nothing that is replayed is acked before RabbitMQ has confirmed its copy:
whatever ends a command in between, the rest is in the queue again, and what was published twice is one MT, because
both copies are of the same generation. Not responsible for options, nor for how errors end the process (`dead.py`).
"""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import click

from bridge.broker.declare import check
from bridge.broker.errors import ChannelLost
from bridge.broker.message import Confirmation
from bridge.broker.topology import Queue
from bridge.cli.dead_choice import Left, Target, Wanted, new_generation, target_of
from bridge.cli.dead_desk import Desk, Found, desk_of
from bridge.cli.dead_report import Report
from bridge.cli.publishing import BATCH, publishing
from bridge.config.settings import Settings
from bridge.store.store import StoreUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a command was asked for. `limit`: at most so many, the oldest; None: all."""

    wanted: Wanted
    limit: int | None = None
    to_route: str | None = None
    force: bool = False
    dry_run: bool = False
    yes: bool = False


async def look(settings: Settings, order: Order, report: Report, tell: Callable[[Found], None]) -> bool:
    """Tell each message that is meant. Whether every name that was asked for is there."""
    async with desk_of(settings) as desk:
        left = order.limit
        async for found in desk.found(order.wanted):
            report.read(desk)
            for one in found:
                report.counts(one.letter)
                if left != 0:
                    tell(one)
                    left = None if left is None else left - 1
        report.looked(desk)
    return report.all_named(order.wanted)


async def replay(settings: Settings, order: Order, report: Report) -> bool:
    """Publish what is meant as a new generation. Whether all of it could be."""
    async with desk_of(settings) as desk:
        found = await _taken(desk, order, report)
        if desk.blind and any(one.letter.mt_key for one in found):
            raise StoreUnavailable(desk.blind)
        to_go = []
        for one in found:
            target = _target(settings, order, one)
            if isinstance(target, Left):
                report.left(one.letter, target.word, wrong=target.wrong)
            else:
                to_go.append((one, target))
        await _check_queues(desk, {target for _, target in to_go})
        if order.dry_run:
            for one, target in to_go:
                report.would_go(one.letter, desk.names.route_key(target.route, target.lane))
        elif to_go:
            if not await _agreed(order, f"replay {report.number(len(to_go))}"):
                return False
            await _publish(desk, settings, order, [one for one, _ in to_go], report)
    return report.all_named(order.wanted) and not report.wrong


async def drop(settings: Settings, order: Order, report: Report) -> bool:
    """Acknowledge what is meant. Whether every name that was asked for was there."""
    async with desk_of(settings, with_redis=False) as desk:
        found = await _taken(desk, order, report)
        if found:
            if not await _agreed(order, f"drop for good {report.number(len(found))}"):
                return False
            await desk.sweep.stop()
            for one in found:
                _must_live(one)
                one.delivery.ack()
            await desk.sweep.finish()
            for one in found:
                report.dropped(one.letter)
    return report.all_named(order.wanted)


def _target(settings: Settings, order: Order, found: Found) -> Target | Left:
    return target_of(found.letter, settings.routes, order.to_route, force=order.force)


async def _taken(desk: Desk, order: Order, report: Report) -> list[Found]:
    """What is meant, the oldest first, up to the limit."""
    taken: list[Found] = []
    async for found in desk.found(order.wanted):
        report.read(desk)
        room = len(found) if order.limit is None else order.limit - len(taken)
        taken += found[:room]
    for one in taken:
        report.counts(one.letter)
    report.looked(desk)
    return taken


async def _check_queues(desk: Desk, targets: set[Target]) -> None:
    """An MT that no queue takes would come back as dead. Raises TopologyError."""
    queues = [desk.names.route_queue(target.route, target.lane) for target in targets]
    await check(desk.session, [Queue(queue, {}) for queue in sorted(queues)])


async def _agreed(order: Order, what: str) -> bool:
    """Whether the person at the terminal wants it. Meanwhile the connection is kept up."""
    if order.yes:
        return True
    click.echo(f"{what}? [y/N] ", nl=False, err=True)
    loop, typed = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), typed.set)
    try:
        await typed.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline().strip().lower() in ("y", "yes")


async def _publish(desk: Desk, settings: Settings, order: Order, to_go: list[Found], report: Report) -> None:
    """A batch at a time; the first batch that RabbitMQ does not confirm is the last.

    A person may have taken their time to agree: once more it is asked which were resolved meanwhile.
    """

    def answered(one: Found, target: Target, confirmation: Confirmation) -> None:
        if confirmation is Confirmation.CONFIRMED:
            one.delivery.ack()
            report.replayed(one.letter, desk.names.route_key(target.route, target.lane))
        else:
            word = "refused" if confirmation is Confirmation.REFUSED else "not confirmed"
            report.left(one.letter, word, wrong=True)

    await desk.sweep.stop()
    async with publishing(desk.session) as publisher:
        for first in range(0, len(to_go), BATCH):
            for one in await desk.recall(to_go[first : first + BATCH]):
                _must_live(one)
                target = _target(settings, order, one)
                if isinstance(target, Left):
                    report.left(one.letter, target.word, wrong=target.wrong)
                else:
                    message = new_generation(
                        one.delivery, desk.names, target, maybe_sent=one.letter.maybe_sent
                    )
                    publisher.publish(message, partial(answered, one, target))
            await publisher.idle()
            report.went(first + BATCH, len(to_go))
            if report.unconfirmed:
                break
    await desk.sweep.finish()


def _must_live(found: Found) -> None:
    if not found.delivery.alive:
        raise ChannelLost("it has taken its messages back")
