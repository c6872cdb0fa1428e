"""Reading bodies within limits: each so long, in so much time, and all of them together so much.

What is read counts until it is given back, so that the callbacks not answered yet are bounded too.
"""

import asyncio
from collections.abc import Mapping

from starlette.types import Receive

from bridge.inbound.callbacks.limits import Limits
from bridge.inbound.callbacks.refusals import Refused, unavailable

SMALL_BYTES = 64 * 1024
PASSED_OVER_WITHIN_S = 2.0


class Gone(Exception):
    """The peer left before its body was whole."""


class Bodies:
    """All bodies in hand."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.held = 0

    async def read(self, receive: Receive, headers: Mapping[bytes, bytes], most_bytes: int) -> bytes:
        """The whole body, to be given back by `release`. Raises Refused, or Gone."""
        if _declared(headers) > most_bytes:
            raise _too_large()
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_within_s):
                await self._fill(body, receive, most_bytes)
        except BaseException as error:
            self.held -= len(body)
            if isinstance(error, TimeoutError):
                raise Refused(408, "the body took too long", closes=True) from None
            raise
        return bytes(body)

    async def _fill(self, body: bytearray, receive: Receive, most_bytes: int) -> None:
        more = True
        while more:
            piece, more = await _piece(receive)
            body += piece
            self.held += len(piece)
            if len(body) > most_bytes:
                raise _too_large()
            if self.held > self._limits.all_bodies_bytes:
                raise unavailable("too much is being read", closes=True)

    def release(self, body: bytes) -> None:
        """It is answered."""
        self.held -= len(body)


async def passed_over(receive: Receive, headers: Mapping[bytes, bytes]) -> bool:
    """Read a body that nobody wants, if it is small; whether it came to its end.

    A peer that is still writing when the connection is closed may see a reset in place of its answer.
    """
    if b"expect" in headers or _declared(headers) > SMALL_BYTES:
        return False
    left, more = SMALL_BYTES, True
    try:
        async with asyncio.timeout(PASSED_OVER_WITHIN_S):
            while more and left >= 0:
                piece, more = await _piece(receive)
                left -= len(piece)
    except (TimeoutError, Gone):
        return False
    return not more


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] != "http.request":
        raise Gone
    return message["body"], message["more_body"]


def _declared(headers: Mapping[bytes, bytes]) -> int:
    declared = headers.get(b"content-length", b"")
    return int(declared) if declared.isdigit() else 0


def _too_large() -> Refused:
    return Refused(413, "the body is too large", closes=True)
