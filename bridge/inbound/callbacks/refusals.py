"""Callbacks that are not answered OK: as data, and as lines in the log, of which a flood must not fill the disk."""

import asyncio
from collections import Counter

import orjson
import structlog

log = structlog.get_logger(__name__)

LINE_EVERY_S = 1.0

Header = tuple[bytes, bytes]
RETRY_AFTER: Header = (b"retry-after", b"5")


Kind = tuple[str, int | None, str]
"""Provider, status and reason of a refusal."""


class Refused(Exception):
    """Why a callback is not answered OK: never what it holds. `reason` is one of a few fixed sentences.

    `field` and `rule`: what is wrong in the callback. `detail`: for the log alone. `closes`: the connection cannot go
    on, for the body was not read to its end.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        field: str = "",
        rule: str = "",
        detail: str = "",
        headers: tuple[Header, ...] = (),
        closes: bool = False,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.field = field
        self.rule = rule
        self.detail = detail or ": ".join(filter(None, (field, rule)))
        self.headers = headers
        self.closes = closes

    @property
    def body(self) -> bytes:
        """What the peer reads of it."""
        said = {"error": self.rule or self.reason} | ({"field": self.field} if self.field else {})
        return orjson.dumps(said)


def unavailable(reason: str, *, closes: bool = False) -> Refused:
    """Not now: the provider keeps it, and brings it again."""
    return Refused(503, reason, headers=(RETRY_AFTER,), closes=closes)


class Refusals:
    """Tells of refusals: the first of a kind at once, those that follow within a second in one line after it."""

    def __init__(self) -> None:
        self._gathered: Counter[Kind] = Counter()

    def tell(self, provider: str, status: int | None, reason: str, detail: str = "") -> None:
        """`provider`: empty where it is not known. `status`: None where the connection was closed instead."""
        kind = (provider, status, reason)
        if kind in self._gathered:
            self._gathered[kind] += 1
        else:
            self._line(kind, 1, detail)

    def _line(self, kind: Kind, times: int, detail: str = "") -> None:
        self._gathered[kind] = 0
        asyncio.get_running_loop().call_later(LINE_EVERY_S, self._next_line, kind)
        provider, status, reason = kind
        fields = {"detail": detail} if detail else {}
        log.warning(
            "callback.refused", provider=provider, status=status, reason=reason, times=times, **fields
        )

    def _next_line(self, kind: Kind) -> None:
        if times := self._gathered.pop(kind):
            self._line(kind, times)
