"""What can go wrong with RabbitMQ, in this room's own words; the library's exceptions are translated here."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import aiormq.exceptions as amqp


class BrokerUnavailable(Exception):
    """No connection to any of the URLs. The message is one line, fit for a person, and holds no password."""


class TopologyError(Exception):
    """Exchanges or queues are missing or differ from what the bridge needs.

    `problems`: one sentence for each, saying what to do about it.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class ChannelLost(Exception):
    """A call on a channel or connection did not come to an end: it closed, or it did not answer in time.

    `code` is RabbitMQ's reply code where it gave one (404, 406, ...), else None.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


LIBRARY_ERRORS = (amqp.AMQPError, OSError, RuntimeError, StopAsyncIteration)
"""What the library raises; the last when the peer has hung up before it began to read. TimeoutError is an OSError."""

_CHANNEL_CODES: tuple[tuple[type[amqp.AMQPError], int], ...] = (
    (amqp.ChannelAccessRefused, 403),
    (amqp.ChannelNotFoundEntity, 404),
    (amqp.ChannelLockedResource, 405),
    (amqp.ChannelPreconditionFailed, 406),
)


def reason_of(error: BaseException | None) -> str:
    """What an exception of the library says, as one line."""
    if error is None or isinstance(error, asyncio.CancelledError | StopAsyncIteration):
        return "the connection closed"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if type(error) is Exception and not error.args:
        return "the connection closed"
    texts = [part for part in error.args if isinstance(part, str) and part]
    return " ".join((texts[-1] if texts else repr(error)).split())


def lost(error: BaseException | None) -> ChannelLost:
    """An exception of the library, or a channel's reason to close, as ours."""
    code = next((code for kind, code in _CHANNEL_CODES if isinstance(error, kind)), None)
    return ChannelLost(reason_of(error), code)


@contextmanager
def library_errors() -> Iterator[None]:
    """Turn whatever the library raises inside into ChannelLost.

    The library rejects pending calls with CancelledError when a connection closes, although nobody cancelled this
    task; only a cancellation that was asked for goes on as one. A deadline belongs inside this block.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        if cancelled_by_owner():
            raise
        raise lost(error) from error
    except Exception as error:
        if is_of_library(error):
            raise lost(error) from error
        raise


def is_of_library(error: BaseException) -> bool:
    """Whether the library raises this of its own, for a call that a closing connection ended: also a mere Exception."""
    return isinstance(error, LIBRARY_ERRORS) or type(error) is Exception


def cancelled_by_owner() -> bool:
    """Whether a CancelledError caught just now was meant for this task."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
