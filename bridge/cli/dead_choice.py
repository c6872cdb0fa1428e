"""Which messages of `bridge.dead` a command is about, and where each would be replayed to. Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from bridge.broker.message import Delivery, Outgoing, forward
from bridge.cli.dead_letter import Letter
from bridge.model.names import (
    HEADER_AT,
    HEADER_ATTEMPT,
    HEADER_ATTEMPTS,
    HEADER_DETAIL,
    HEADER_DOUBT,
    HEADER_GENERATION,
    HEADER_REASON,
    HEADER_REFUSED,
    HEADER_TOLD,
    HEADER_TROUBLE,
    Lane,
    Names,
)
from bridge.outbound.flight import generation_of

_AGE = re.compile(r"([0-9]{1,9})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

_OF_THE_OLD_LIFE = (
    HEADER_REASON,
    HEADER_DETAIL,
    HEADER_AT,
    HEADER_ATTEMPTS,
    HEADER_ATTEMPT,
    HEADER_DOUBT,
    HEADER_TOLD,
    HEADER_REFUSED,
    HEADER_TROUBLE,
)
"""Headers that a new generation begins without."""


def instant_of(text: str, now: datetime) -> datetime:
    """So long before now (90s, 30m, 2h, 7d), or RFC 3339 with an offset. Anything else is a ValueError."""
    if age := _AGE.fullmatch(text):
        try:
            return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    instant = datetime.fromisoformat(text.upper())
    if instant.tzinfo is None:
        raise ValueError("it has no offset")
    return instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Messages that every given part fits. `names`: ids or handles. One whose time is not known fits no time."""

    reasons: frozenset[str] = frozenset()
    routes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is asked of them."""
        return self == Wanted()

    def fits(self, letter: Letter) -> bool:
        """Whether this one is meant."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.routes or letter.route in self.routes)
            and (not self.names or letter.handle in self.names or letter.id in self.names)
            and self._in_time(letter.at)
        )

    def _in_time(self, at: datetime | None) -> bool:
        if at is None:
            return self.since is None and self.until is None
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


@dataclass(frozen=True, slots=True)
class Target:
    """It goes to this lane of this route."""

    route: str
    lane: Lane


@dataclass(frozen=True, slots=True)
class Left:
    """It stays where it is. `word` says why; `wrong`: it should not have to."""

    word: Literal["resolved", "not known", "invalid", "unknown route"]
    wrong: bool


def target_of(letter: Letter, routes: Collection[str], to_route: str | None, *, force: bool) -> Target | Left:
    """Where to replay it. `to_route`: instead of its own route; `force`: though it was found invalid.

    One that a provider has after all, or of which nobody can tell, is never sent once more.
    """
    if letter.resolved:
        return Left("resolved", wrong=False)
    if letter.resolved is None and letter.mt_key is not None:
        return Left("not known", wrong=True)
    if (letter.reason == "invalid" or not letter.is_mt) and not force:
        return Left("invalid", wrong=True)
    route = to_route or letter.route
    if route not in routes or route is None:
        return Left("unknown route", wrong=True)
    return Target(route, letter.lane)


def new_generation(delivery: Delivery, names: Names, target: Target, *, maybe_sent: bool) -> Outgoing:
    """The MT as it was published once, but of the next generation: to the same lane again it is the same message.

    `maybe_sent`: a provider may have it already, and its events are to say so.
    """
    key = names.route_key(target.route, target.lane)
    message = forward(delivery, names.mt, key)
    headers = {name: value for name, value in (message.headers or {}).items() if name not in _OF_THE_OLD_LIFE}
    headers[HEADER_GENERATION] = generation_of(delivery) + 1
    if maybe_sent:
        headers[HEADER_DOUBT] = True
    return replace(message, headers=headers)
