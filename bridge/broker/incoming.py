"""A short way for the frames that come with every message: deliveries with their content, and confirmations.

The library reads each frame piece by piece, makes an object of each of its arguments, and takes it through two queues
and a task. `Incoming` stands between the socket and the library: it hands what a channel hears (`hear`) straight to
whoever listens, and passes everything else on untouched. Not responsible for what the frames mean.
"""

import asyncio
import struct
from collections.abc import Callable, Iterable
from typing import SupportsIndex

import structlog

from bridge.broker.amqp import (
    ACK,
    BASIC,
    CONTENT_HEADER,
    DELIVER,
    END,
    FRAME,
    HEADER,
    HEARTBEAT,
    KINDS,
    METHOD,
    MULTIPLE,
    NACK,
    RETURN,
)

log = structlog.get_logger(__name__)

FRAMES_AT_ONCE = 64
"""After so many the loop gets a turn: what a read brought may be more than the rest of the worker should wait for."""
ALIVE_EVERY_S = 1.0

OnContent = Callable[[bytes, bytes, bytes], None]
"""Told of a delivery or a returned message: the method's arguments, the properties with their flags, the body."""
OnConfirm = Callable[[int, bool, bool], None]
"""Told of a confirmation: delivery tag, whether it speaks of all up to it, whether RabbitMQ took them."""

_OF_METHOD = struct.Struct(">HH")
_OF_CONFIRM = struct.Struct(">QB")
_HEARTBEAT = FRAME.pack(HEARTBEAT, 0, 0) + END
_AROUND = FRAME.size + len(END)
_CONTENTS = ((BASIC, DELIVER), (BASIC, RETURN))
_CONFIRMS = ((BASIC, ACK), (BASIC, NACK))


class Incoming(asyncio.StreamReader):
    """The stream the library reads, without the frames that are heard."""

    def __init__(self, alive_every_s: float = ALIVE_EVERY_S) -> None:
        """`alive_every_s`: so often the library is told that the other side lives, while frames are heard."""
        loop = asyncio.get_running_loop()
        super().__init__(loop=loop)
        self._loop = loop
        self._ears: dict[int, _Ear] = {}
        self._octets = b""
        self._more: asyncio.Handle | None = None
        self._alive_every_s = alive_every_s
        self._told_alive_at = loop.time()
        self._is_amqp = True

    def hear(self, channel: int, on_content: OnContent, on_confirm: OnConfirm | None = None) -> None:
        """Tell of this channel's contents, and confirmations; what is told must be fast, what it raises is logged.

        The channel is used for nothing else, and never for basic.get.
        """
        self._ears[channel] = _Ear(on_content, on_confirm)

    def forget(self, channel: int) -> None:
        """Its number belongs to another channel now."""
        self._ears.pop(channel, None)

    # What the transport tells

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Octets came."""
        self._octets += bytes(data)
        if self._more is None:
            self._go_on()

    def feed_eof(self) -> None:
        """No more will come."""
        self._end()
        super().feed_eof()

    def set_exception(self, exc: Exception) -> None:
        """The connection broke."""
        self._end()
        super().set_exception(exc)

    def _end(self) -> None:
        while self._more is not None:
            self._more.cancel()
            self._go_on()
        rest, self._octets = self._octets, b""
        self._pass_on(rest)

    def _go_on(self) -> None:
        """Take whole frames off the stream, for as long as it is our turn."""
        self._more = None
        octets, at, passed_on, heard = self._octets, 0, 0, 0
        while self._is_amqp and len(octets) - at >= _AROUND:
            kind, channel, size = FRAME.unpack_from(octets, at)
            start = at + FRAME.size
            end = start + size
            if kind not in KINDS or octets[end : end + 1] not in (END, b""):
                self._is_amqp = False  # the library says so
                break
            if end >= len(octets):
                break
            ear = self._ears.get(channel)
            if ear is not None and ear.hears(kind, octets[start:end]):
                self._pass_on(octets[passed_on:at])
                passed_on = end + 1
                heard += 1
            at = end + 1
            if heard == FRAMES_AT_ONCE:
                self._more = self._loop.call_soon(self._go_on)
                break
        if not self._is_amqp:
            at = len(octets)
        self._pass_on(octets[passed_on:at])
        self._octets = octets[at:]
        if heard:
            self._tell_alive()

    def _pass_on(self, octets: bytes) -> None:
        if octets:
            super().feed_data(octets)

    def _tell_alive(self) -> None:
        """The library ends a connection on which it hears nothing, and RabbitMQ sends no heartbeat beside frames."""
        now = self._loop.time()
        if now - self._told_alive_at >= self._alive_every_s:
            self._told_alive_at = now
            super().feed_data(_HEARTBEAT)


class _Ear:
    """What one channel has said of a content so far."""

    __slots__ = ("_arguments", "_missing", "_on_confirm", "_on_content", "_pieces", "_properties")

    def __init__(self, on_content: OnContent, on_confirm: OnConfirm | None) -> None:
        self._on_content = on_content
        self._on_confirm = on_confirm
        self._arguments: bytes | None = None
        self._properties = b""
        self._missing = 0
        self._pieces: list[bytes] = []

    def hears(self, kind: int, payload: bytes) -> bool:
        """Whether this frame is for us. Never raises."""
        try:
            return self._hears(kind, payload)
        except Exception:
            log.exception("frame.handover_failed")
            return True

    def _hears(self, kind: int, payload: bytes) -> bool:
        if kind == METHOD:
            method = _OF_METHOD.unpack_from(payload)
            if method in _CONTENTS:
                self._arguments = payload[_OF_METHOD.size :]
                return True
            if method in _CONFIRMS and self._on_confirm is not None:
                tag, bits = _OF_CONFIRM.unpack_from(payload, _OF_METHOD.size)
                self._on_confirm(tag, bool(bits & MULTIPLE), method[1] == ACK)
                return True
            return False
        if self._arguments is None:
            return False
        if kind == HEADER:
            *_, self._missing = CONTENT_HEADER.unpack_from(payload)
            self._properties = payload[CONTENT_HEADER.size :]
            self._pieces.clear()
        else:
            self._pieces.append(payload)
            self._missing -= len(payload)
        if self._missing <= 0:
            arguments, self._arguments = self._arguments, None
            body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            self._on_content(arguments, self._properties, body)
        return True
