"""A short way for the frames that come with every message: deliveries with their content, and confirmations.

The library puts each frame of a channel into a queue; a task of the channel takes it out and joins it with others, and
each delivery gets a task of its own. `Incoming` stands where that queue stood (a public attribute of the channel),
hands over at once what it knows, and leaves all other frames to the queue. Not responsible for what they mean.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import structlog
from aiormq import spec
from aiormq.channel import Channel
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

log = structlog.get_logger(__name__)

FRAMES_AT_ONCE = 64
"""After so many the loop gets a turn: what a read brought may be more than the rest of the worker should wait for."""

Method = spec.Basic.Deliver | spec.Basic.Return
OnContent = Callable[[Method, spec.Basic.Properties, bytes], None]
"""Told of a delivery, or a returned message: method, properties, body."""
OnConfirm = Callable[[int, bool, bool], None]
"""Told of a confirmation: delivery tag, whether it speaks of all up to it, whether RabbitMQ took them."""

_KNOWN: dict[str, type] = {
    "number": int,
    "max_content_size": int,
    "frames": asyncio.Queue,
    "write_queue": asyncio.Queue,
}


def is_known(channel: Channel) -> bool:
    """Whether the channel has what is used of it here and where frames are written; else the library has changed."""
    return all(isinstance(getattr(channel, name, None), kind) for name, kind in _KNOWN.items())


class Incoming:
    """In place of the queue of frames of a channel that is used for one thing only, and never for basic.get."""

    def __init__(self, channel: Channel, on_content: OnContent, on_confirm: OnConfirm | None = None) -> None:
        """Takes its place at once. What is told must be fast; what it raises is logged."""
        self._queue: asyncio.Queue[Any] = channel.frames
        self._on_content = on_content
        self._on_confirm = on_confirm
        self._method: Method | None = None
        self._properties = spec.Basic.Properties()
        self._missing = 0
        self._body: list[bytes] = []
        self._handled = 0
        channel.frames = cast("asyncio.Queue[Any]", self)

    # asyncio.Queue, as far as the library uses it

    async def put(self, item: tuple[int, Any]) -> None:
        """The connection's reader brings a frame (and its size)."""
        try:
            handled = self._handle(item[1])
        except Exception:
            log.exception("frame.handover_failed")
            return
        if not handled:
            await self._queue.put(item)
            return
        self._handled += 1
        if self._handled == FRAMES_AT_ONCE:
            self._handled = 0
            await asyncio.sleep(0)

    async def get(self) -> tuple[int, Any]:
        """The channel's reader takes what was left to it."""
        item: tuple[int, Any] = await self._queue.get()
        return item

    def task_done(self) -> None:
        """See asyncio.Queue."""
        self._queue.task_done()

    # What is handled here

    def _handle(self, frame: object) -> bool:
        """Whether it was a frame of ours."""
        match frame:
            case spec.Basic.Deliver() | spec.Basic.Return():
                self._method = frame
            case ContentHeader() if self._method is not None:
                self._properties = frame.properties
                self._missing = frame.body_size
                self._body.clear()
                self._look_whole()
            case ContentBody() if self._method is not None:
                self._body.append(frame.value)
                self._missing -= len(frame.value)
                self._look_whole()
            case spec.Basic.Ack() | spec.Basic.Nack() if self._on_confirm is not None:
                took = isinstance(frame, spec.Basic.Ack)
                self._on_confirm(frame.delivery_tag or 0, bool(frame.multiple), took)
            case _:
                return False
        return True

    def _look_whole(self) -> None:
        if self._missing > 0 or self._method is None:
            return
        method, self._method = self._method, None
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._on_content(method, self._properties, body)
