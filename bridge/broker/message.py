"""Messages as they come from and go to RabbitMQ: plain values, no object of the library in sight."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

import structlog
from pamqp import encode

from bridge.model.names import HEADER_ORIGINAL

log = structlog.get_logger(__name__)

_BROKER_HEADERS = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-count")
_COPY_HEADERS = ("CC", "BCC")
"""Headers that make RabbitMQ send copies elsewhere."""
_MOST_HEADER_OCTETS = 65_536
"""Of a message that is forwarded. RabbitMQ ends the connection for a header table that fills more than one frame
(131,072 octets unless configured), and a producer's may do so as soon as ours are beside it."""


class Confirmation(Enum):
    """How a publish ended."""

    CONFIRMED = "confirmed"
    """Stored in every queue it was routed to."""
    REFUSED = "refused"
    """Returned as unroutable, or nacked: surely not stored everywhere."""
    UNKNOWN = "unknown"
    """No answer: time-out, or the connection was lost. It may be stored; repeat it under the same id."""


@dataclass(slots=True, kw_only=True)
class Outgoing:
    """A message to be published, persistent always.

    `message_id`: never None on the wire, since returned messages are told apart by it; without one it gets a chance
    id. `timestamp`: seconds since the epoch. `mandatory`: a message that no queue takes is REFUSED instead of dropped.
    """

    exchange: str
    routing_key: str
    body: bytes
    message_id: str | None
    type: str | None = None
    correlation_id: str | None = None
    headers: dict[str, Any] | None = None
    timestamp: int | None = None
    mandatory: bool = True
    content_type: str | None = "application/json"
    content_encoding: str | None = None
    reply_to: str | None = None
    priority: int | None = None
    app_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Properties:
    """The AMQP properties of a delivery; what is empty is None. `timestamp`: seconds since the epoch."""

    content_type: str | None = None
    content_encoding: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    priority: int | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    expiration: str | None = None
    message_id: str | None = None
    timestamp: int | None = None
    type: str | None = None
    user_id: str | None = None
    app_id: str | None = None


class Settling(Protocol):
    """Where a delivery is settled: the channel that brought it."""

    @property
    def alive(self) -> bool: ...
    def is_open(self, tag: int) -> bool: ...
    def ack(self, tag: int) -> None: ...
    def requeue(self, tag: int) -> None: ...


class Delivery:
    """A message handed over by RabbitMQ, to be settled once: acked or requeued.

    Settling it twice, or after its session died, does nothing: in the second case RabbitMQ delivers it again.
    """

    __slots__ = ("_settling", "_tag", "body", "exchange", "properties", "redelivered", "routing_key")

    def __init__(
        self,
        settling: Settling,
        tag: int,
        body: bytes,
        exchange: str,
        routing_key: str,
        redelivered: bool,
        properties: Properties,
    ) -> None:
        self._settling = settling
        self._tag = tag
        self.properties = properties
        self.body = body
        self.exchange = exchange
        self.routing_key = routing_key
        self.redelivered = redelivered

    @property
    def message_id(self) -> str | None:
        """The AMQP message_id."""
        return self.properties.message_id

    @property
    def headers(self) -> Mapping[str, Any]:
        """The header table; empty if there is none."""
        return self.properties.headers

    @property
    def alive(self) -> bool:
        """Whether it can still be settled: its channel lives, and it was not settled before."""
        return self._settling.alive and self._settling.is_open(self._tag)

    def ack(self) -> None:
        """It is done with; RabbitMQ forgets it."""
        self._settling.ack(self._tag)

    def requeue(self) -> None:
        """Give it back; RabbitMQ delivers it again, to any worker."""
        self._settling.requeue(self._tag)

    def __repr__(self) -> str:
        return f"<Delivery {self._tag} {self.exchange!r} {self.routing_key!r} {self.message_id!r}>"


def _writable(value: Any) -> tuple[Any, int]:
    """The value and its octets on the wire; its text where it can be read but not be written (huge numbers, ...)."""
    try:
        return value, len(encode.encode_table_value(value))
    except (TypeError, ValueError, ArithmeticError, struct.error):
        return str(value), len(str(value).encode())


def _carried(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The headers as they can be written, without the largest where they are too many octets."""
    writable = {name: _writable(value) for name, value in headers.items()}
    octets = {name: len(name.encode()) + value_octets for name, (_, value_octets) in writable.items()}
    excess = sum(octets.values()) - _MOST_HEADER_OCTETS
    while excess > 0:
        largest = max(octets, key=octets.__getitem__)
        excess -= octets.pop(largest)
        log.warning("headers.too_large", left_out=largest)
    return {name: writable[name][0] for name in octets}


def forward(
    delivery: Delivery, exchange: str, routing_key: str, headers: Mapping[str, Any] | None = None
) -> Outgoing:
    """The delivery as a message to another exchange: same body and properties, `headers` added.

    `user_id`, `expiration`, `CC` and `BCC` would have effects of their own on the way and become headers
    `bridge-original-*` (contract, section 2). What RabbitMQ noted in headers stays behind, and of more than 64 KiB
    of headers the largest.
    """
    old = delivery.properties
    kept = {
        name: value
        for name, value in old.headers.items()
        if name not in _COPY_HEADERS and not name.startswith(_BROKER_HEADERS)
    }
    aside = {
        "user_id": old.user_id,
        "expiration": old.expiration,
        **{name: old.headers[name] for name in _COPY_HEADERS if name in old.headers},
    }
    kept.update({HEADER_ORIGINAL + name: value for name, value in aside.items() if value is not None})
    return Outgoing(
        exchange=exchange,
        routing_key=routing_key,
        body=delivery.body,
        message_id=old.message_id,
        type=old.type,
        correlation_id=old.correlation_id,
        headers={**_carried(kept), **(headers or {})},
        timestamp=old.timestamp,
        content_type=old.content_type,
        content_encoding=old.content_encoding,
        reply_to=old.reply_to,
        priority=old.priority,
        app_id=old.app_id,
    )
