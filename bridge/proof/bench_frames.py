"""Publishes with confirms as cheaply as it can be done: all of a loop turn is one buffer of prebuilt AMQP frames.

The bench's own way of loading RabbitMQ, and that of the bare loop. It fits one kind of message: small, persistent,
JSON, under one exchange. What the library keeps of a publish (delivery tag, confirmation) is kept here as it does it.
"""

import asyncio
import struct
from collections.abc import Callable

from aiormq.abc import ChannelFrame
from aiormq.channel import Channel

_FRAME = struct.Struct(">BHI")
_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"
_BASIC, _PUBLISH, _MANDATORY = 60, 40, b"\x01"
_CONTENT_TYPE, _DELIVERY_MODE, _MESSAGE_ID = 0x8000, 0x1000, 0x0080
_PROPERTIES = b"\x10application/json\x02"
"""content_type and delivery_mode 2."""

Done = Callable[["asyncio.Future[object]"], None]


class FrameWriter:
    """A confirm channel that is used for nothing else, and its exchange."""

    def __init__(self, channel: Channel, exchange: str) -> None:
        self._channel = channel
        self._exchange = _short(exchange)
        self._loop = asyncio.get_running_loop()
        self._gathered: list[tuple[str, bytes, bytes, Done]] = []
        self._methods: dict[str, bytes] = {}
        self._flush: asyncio.Task[None] | None = None

    def put(self, routing_key: str, message_id: bytes, body: bytes, done: Done) -> None:
        """Publish; `done` is called with the finished future when RabbitMQ confirmed, refused, or was lost."""
        self._gathered.append((routing_key, message_id, body, done))
        if self._flush is None:
            self._flush = self._loop.create_task(self._write())

    async def _write(self) -> None:
        channel = self._channel
        async with channel.lock:
            while self._gathered:
                gathered, self._gathered = self._gathered, []
                pieces: list[bytes] = []
                for routing_key, message_id, body, done in gathered:
                    channel.delivery_tag += 1
                    confirmation = channel.create_future()
                    confirmation.add_done_callback(done)
                    channel.confirmations[channel.delivery_tag] = confirmation
                    pieces.append(self._method(routing_key))
                    pieces.append(content_frames(channel.number, message_id, body))
                await channel.write_queue.put(ChannelFrame(payload=b"".join(pieces), should_close=False))
        self._flush = None

    def _method(self, routing_key: str) -> bytes:
        frame = self._methods.get(routing_key)
        if frame is None:
            frame = self._methods[routing_key] = publish_frame(
                self._channel.number, self._exchange, routing_key
            )
        return frame


def publish_frame(channel: int, exchange: bytes, routing_key: str) -> bytes:
    """basic.publish, mandatory. `exchange`: with its length before it."""
    arguments = struct.pack(">HHH", _BASIC, _PUBLISH, 0) + exchange + _short(routing_key) + _MANDATORY
    return _FRAME.pack(_METHOD, channel, len(arguments)) + arguments + _END


def content_frames(channel: int, message_id: bytes, body: bytes) -> bytes:
    """Header and body of one message."""
    header = (
        struct.pack(">HHQH", _BASIC, 0, len(body), _CONTENT_TYPE | _DELIVERY_MODE | _MESSAGE_ID)
        + _PROPERTIES
        + bytes((len(message_id),))
        + message_id
    )
    return b"".join(
        (
            _FRAME.pack(_HEADER, channel, len(header)),
            header,
            _END,
            _FRAME.pack(_BODY, channel, len(body)),
            body,
            _END,
        )
    )


def _short(text: str) -> bytes:
    octets = text.encode()
    return bytes((len(octets),)) + octets
