"""Bringing a topology about, or checking that it is there. Says all that is wrong at once, not the first thing only."""

import asyncio
from collections.abc import Sequence

import aiormq.abc

from bridge.broker.errors import ChannelLost, TopologyError, library_errors
from bridge.broker.session import CALL_LIMIT_S, Session
from bridge.broker.topology import Binding, Exchange, Item, Queue

_MAY_NOT = 403
_DIFFERS = 406

FLAG_IS_OFF = (
    "RabbitMQ's feature flag stream_queue is off, so that dead lettering can lose messages: "
    "run `rabbitmqctl enable_feature_flag stream_queue`, then start again"
)


async def apply(session: Session, items: Sequence[Item]) -> None:
    """Declare everything; what is there already stays as it is.

    Raises TopologyError naming what differs or may not be declared, ChannelLost when the connection fails.
    """
    await _each(session, items, passive=False)


async def check(session: Session, items: Sequence[Item]) -> None:
    """Look whether all exchanges and queues are there; changes nothing. AMQP cannot show bindings or arguments.

    Raises TopologyError naming what is missing, ChannelLost when the connection fails.
    """
    await _each(session, [item for item in items if not isinstance(item, Binding)], passive=True)


async def _each(session: Session, items: Sequence[Item], *, passive: bool) -> None:
    problems = []
    channel = await session.channel()
    for item in items:
        try:
            with library_errors():
                async with asyncio.timeout(CALL_LIMIT_S):
                    await _declare(channel, item, passive=passive)
        except ChannelLost as lost:
            if lost.code is None or not session.alive:
                raise
            problems.append(_problem(item, lost))
            channel = await session.channel()  # RabbitMQ closed the other one
    with library_errors():
        async with asyncio.timeout(CALL_LIMIT_S):
            await channel.close()
    if problems:
        raise TopologyError(problems)


async def _declare(channel: aiormq.abc.AbstractChannel, item: Item, *, passive: bool) -> None:
    match item:
        case Exchange(name, kind, arguments):
            await channel.exchange_declare(
                name, exchange_type=kind, durable=True, passive=passive, arguments=dict(arguments)
            )
        case Queue(name, arguments):
            await channel.queue_declare(name, durable=True, passive=passive, arguments=dict(arguments))
        case Binding(source, destination, key, to_exchange=True):
            await channel.exchange_bind(destination, source, key)
        case Binding(source, destination, key):
            await channel.queue_bind(destination, source, key)


def _problem(item: Item, lost: ChannelLost) -> str:
    match item:
        case Exchange(name):
            what = f"exchange {name}"
        case Queue(name):
            what = f"queue {name}"
        case Binding(source, destination):
            what = f"binding {source} -> {destination}"
    match lost.code, item:
        case 404, Binding():
            return f"{what}: one of its ends is missing ({lost.reason})"
        case 404, _:
            return f"{what} is missing: run `bridge topology apply`"
        case 403, _:
            return (
                f"{what}: this user may not declare it; run `bridge topology apply` as one who may, "
                f"and set broker.declare: false here ({lost.reason})"
            )
        case 406, Queue():
            return (
                f"{what} exists with other arguments: empty it, delete it and run `bridge topology apply`, "
                f"or use another broker.prefix ({lost.reason})"
            )
        case 406, _:
            return (
                f"{what} exists with another type or arguments: delete it and run `bridge topology apply`, "
                f"or use another broker.prefix ({lost.reason})"
            )
        case _:
            return f"{what}: {lost.reason}"


async def check_dead_lettering(session: Session, probe: str) -> None:
    """On RabbitMQ 3.10 and 3.11: raise TopologyError when the feature flag `stream_queue` is off.

    Without it quorum queues dead-letter at most once, whatever their arguments say, and only the server's log tells:
    a node that dies can lose what waits for a retry. New nodes have the flag on, upgraded ones not. AMQP does not
    show flags, but a stream that is not durable, which no version declares, is refused in two ways: with the flag
    off as unknown (the connection is lost with it), with the flag on as not durable. `probe`: a name no queue has.
    A user that may declare nothing cannot look, and need not: who declared the queues has looked.
    """
    if not session.version.startswith(("3.10.", "3.11.")):
        return
    channel = await session.channel()
    try:
        with library_errors():
            async with asyncio.timeout(CALL_LIMIT_S):
                await channel.queue_declare(probe, durable=False, arguments={"x-queue-type": "stream"})
    except ChannelLost as lost:
        if "feature flag" in lost.reason:
            raise TopologyError([FLAG_IS_OFF]) from lost
        if lost.code not in (_DIFFERS, _MAY_NOT):
            raise
