"""What `bridge send` was asked for: MTs as a producer would publish them, refused here where a worker would."""

from dataclasses import dataclass
from typing import Any

import orjson

from bridge.broker.message import Outgoing
from bridge.config.settings import Settings
from bridge.model.names import Lane, Names
from bridge.model.times import rfc3339
from bridge.outbound.body import InvalidMt, read_mt


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to publish, where, and how long to wait for the last word. `fields`: the body's, None where absent."""

    names: Names
    route: str
    lane: Lane
    ids: tuple[str, ...]
    fields: dict[str, Any]
    expires_in_s: float | None
    timeout_s: float

    def problem(self, settings: Settings, now: float) -> str | None:
        """Why a worker would refuse it, in the worker's own words; None if it would not."""
        longest = self.ids[-1]
        read = read_mt(self.body(longest, now), longest, settings.limits.mt_bytes)
        if isinstance(read, InvalidMt):
            return f"this is no MT: {read.reason}"
        if not read.from_ and not settings.routes[self.route].from_:
            return f"nobody to be from: route {self.route!r} has no from; give --from"
        return None

    def body(self, mt_id: str, now: float) -> bytes:
        """The MT as JSON. `now`: epoch seconds."""
        expiry = {} if self.expires_in_s is None else {"expires_at": rfc3339(now + self.expires_in_s)}
        given = {name: value for name, value in self.fields.items() if value is not None}
        return orjson.dumps({"id": mt_id, **given, **expiry})

    def message(self, mt_id: str, now: float) -> Outgoing:
        """The MT as RabbitMQ gets it."""
        return Outgoing(
            exchange=self.names.mt,
            routing_key=self.names.route_key(self.route, self.lane),
            body=self.body(mt_id, now),
            message_id=mt_id,
            timestamp=int(now),
            app_id="bridge send",
        )
