"""One message of `bridge.dead` as a person is told of it: what it is, why it is there, what became of it since. Pure.

Read without trust: anybody may have written its headers. Not responsible for words (`dead_show.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, cast, get_args

from bridge.broker.message import Delivery
from bridge.model.attempt import Attempt
from bridge.model.ids import digest
from bridge.model.mt import Mt
from bridge.model.names import (
    HEADER_AT,
    HEADER_ATTEMPTS,
    HEADER_DETAIL,
    HEADER_DOUBT,
    HEADER_REASON,
    Lane,
    Names,
)
from bridge.outbound.body import read_mt
from bridge.outbound.flight import generation_of, key_of
from bridge.outbound.record import load
from bridge.outbound.retry import load_attempts

Reason = Literal["rejected", "failed", "doubt", "invalid", "unknown-route", "delivery-limit", "other"]
"""The first four are the bridge's own words; the others say what RabbitMQ did, or somebody else."""
REASONS: tuple[Reason, ...] = get_args(Reason)
_OURS = REASONS[:4]

HANDLE_OCTETS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """`handle` names it where it has no id, and tells two of one id apart; it stays the same while it is in the queue.

    `is_mt`: its body can be read as one. `route`: None where its routing key names none. `resolved`: whether Redis
    says that a provider has it after all; None while that is not known. `maybe_sent`: a provider may have it, which
    nobody knows. `given_back`: how often it was delivered to somebody who did not keep it.
    """

    handle: str
    id: str | None
    is_mt: bool
    reason: Reason
    detail: str
    at: datetime | None
    routing_key: str
    route: str | None
    lane: Lane
    to: str | None
    attempts: tuple[Attempt, ...]
    generation: int
    octets: int
    given_back: int
    maybe_sent: bool = False
    resolved: bool | None = None

    @property
    def name(self) -> str:
        """What a person calls it by."""
        return self.id or self.handle

    @property
    def mt_key(self) -> str | None:
        """Under which its claim is kept, if it can have one."""
        return key_of(self.id, self.generation) if self.id is not None and self.is_mt else None

    def recalled(self, info: str) -> "Letter":
        """With what its claim has recorded of its end; empty: nothing. What another version wrote is not known."""
        if not info:
            return replace(self, resolved=False)
        try:
            report = load(info).report
        except ValueError:
            return replace(self, resolved=None)
        attempts = max(self.attempts, tuple(report.attempts), key=len)
        return replace(
            self,
            resolved=report.outcome == "accepted",
            attempts=attempts,
            maybe_sent=self.maybe_sent or report.possible_duplicate,
        )


def letter_of(delivery: Delivery, names: Names) -> Letter:
    """Read one. Never raises."""
    headers = delivery.headers
    read = read_mt(delivery.body, delivery.message_id, len(delivery.body))
    generation = generation_of(delivery)
    route, lane = route_of(delivery.routing_key)
    reason, detail, at = _why(delivery, names)
    given_back = headers.get("x-delivery-count")
    return Letter(
        handle=_handle(delivery, generation),
        id=read.id,
        is_mt=isinstance(read, Mt),
        reason=reason,
        detail=detail,
        at=at,
        routing_key=delivery.routing_key,
        route=route,
        lane=lane,
        to=read.to if isinstance(read, Mt) else None,
        attempts=tuple(load_attempts(headers.get(HEADER_ATTEMPTS))),
        generation=generation,
        octets=len(delivery.body),
        given_back=given_back if isinstance(given_back, int) else 0,
        maybe_sent=reason == "doubt" or headers.get(HEADER_DOUBT) is True,
    )


def route_of(routing_key: str) -> tuple[str | None, Lane]:
    """The route that an MT's routing key names, if it names one, and the lane."""
    match routing_key.split("."):
        case ["mt", route] if route:
            return route, "bulk"
        case ["mt", route, "interactive"] if route:
            return route, "interactive"
        case _:
            return None, "bulk"


def _handle(delivery: Delivery, generation: int) -> str:
    said = delivery.headers.get(HEADER_AT)
    parts = (delivery.message_id or "", delivery.routing_key, str(generation), str(said or ""))
    return "@" + digest(delivery.body, *parts)[:HANDLE_OCTETS].hex()


def _why(delivery: Delivery, names: Names) -> tuple[Reason, str, datetime | None]:
    """Reason, detail, and since when.

    What comes by an alternate exchange still has the name of the exchange it was published to, and may have been dead
    before; what RabbitMQ dead-lettered says so first of all.
    """
    headers = delivery.headers
    if delivery.exchange in (names.mt, names.retry):
        return "unknown-route", "no queue of a route takes its routing key", None
    deaths = headers.get("x-death")
    if isinstance(deaths, list) and deaths and isinstance(deaths[0], Mapping):
        return _by_rabbitmq(deaths[0])
    said, detail = headers.get(HEADER_REASON), headers.get(HEADER_DETAIL)
    at = _instant(headers.get(HEADER_AT))
    if said in _OURS:
        return cast("Reason", said), detail if isinstance(detail, str) else "", at
    return "other", f"the reason given is {said}" if isinstance(said, str) else "no reason is given", at


def _by_rabbitmq(death: Mapping[str, Any]) -> tuple[Reason, str, datetime | None]:
    cause, queue, time = death.get("reason"), death.get("queue"), death.get("time")
    at = _in_utc(time if time.tzinfo else time.replace(tzinfo=UTC)) if isinstance(time, datetime) else None
    if cause == "delivery_limit":
        return "delivery-limit", f"queue {queue} gave it to workers too often", at
    return "other", f"RabbitMQ took it from queue {queue}: {cause}", at


def _instant(header: object) -> datetime | None:
    try:
        instant = datetime.fromisoformat(header) if isinstance(header, str) else None
    except ValueError:
        return None
    return _in_utc(instant) if instant is not None and instant.tzinfo else None


def _in_utc(instant: datetime) -> datetime | None:
    """None on the last day of the year 9999, or the first of the year 1, where the calendar ends."""
    try:
        return datetime.fromtimestamp(instant.timestamp(), UTC)
    except (ValueError, OverflowError):
        return None
