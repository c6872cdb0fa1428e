"""The configuration as frozen settings, section by section as in the file, with all defaults.

Built by `bridge.config.load`, which also checks what no section sees alone: that a route's providers exist.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, StringConstraints

from bridge.config.generic import (
    AnswerSettings,
    CallbackFormSettings,
    MessageSettings,
    ReceiptSettings,
    RequestSettings,
)
from bridge.config.http import HttpSettings
from bridge.config.provider import ProviderSettings, SiteSettings, SmppSettings
from bridge.config.shapes import (
    AmqpUrls,
    HostPort,
    Hours,
    Listen,
    Name,
    Network,
    Prefix,
    RedisUrl,
    Seconds,
    Secret,
    Section,
)
from bridge.config.tls import TlsSettings
from bridge.model.addresses import SENDER_PATTERN
from bridge.model.mt import DoubtPolicy

__all__ = [
    "AnswerSettings",
    "BrokerSettings",
    "CallbackFormSettings",
    "CallbackSettings",
    "HostPort",
    "HttpSettings",
    "InboundSettings",
    "LimitSettings",
    "MessageSettings",
    "OpsSettings",
    "ProviderSettings",
    "ReceiptSettings",
    "RedisSettings",
    "RequestSettings",
    "RouteSettings",
    "Settings",
    "SiteSettings",
    "SmppSettings",
    "TlsSettings",
]


LOCAL_AMQP = "amqp://guest:guest@localhost:5672/"
LOCAL_REDIS = "redis://localhost:6379/0"


def _listens(host: str, port: int) -> Any:
    return Field(default=HostPort(host, port), json_schema_extra={"default": f"{host}:{port}"})


class BrokerSettings(Section):
    """RabbitMQ."""

    url: AmqpUrls = Field(default=(SecretStr(LOCAL_AMQP),), json_schema_extra={"default": LOCAL_AMQP})
    """One URL, or those of a cluster, tried in turn. amqps:// for TLS, with ?cafile=/path where the CA is private."""
    prefix: Prefix = "bridge"
    """First part of the name of every exchange and queue."""
    declare: bool = True
    """Whether `bridge run` declares exchanges and queues; if not, it checks and names what is missing."""

    @property
    def urls(self) -> tuple[SecretStr, ...]:
        """The URLs, at least one."""
        return self.url


class RedisSettings(Section):
    """Redis: claims, correlation, segments."""

    url: RedisUrl = Field(default=SecretStr(LOCAL_REDIS), json_schema_extra={"default": LOCAL_REDIS})
    """redis://[user:password@]host:port/db; rediss:// for TLS, with ?ssl_ca_certs=/path where the CA is private."""
    prefix: Prefix = "bridge"
    """First part of the name of every key."""
    retention_hours: Hours = 168
    """How long after the last attempt a repeat or a receipt of an MT is still recognised."""


class RouteSettings(Section):
    """A named pair of queues of MTs, and who may carry them."""

    providers: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Names of the providers that may carry these MTs."""
    prefer: Literal["smpp", "http", "any"] = "smpp"
    """`smpp`: HTTP only while no bind is up; `http`: the reverse; `any`: whichever is ready."""
    from_: Annotated[str, StringConstraints(pattern=SENDER_PATTERN)] | None = Field(
        default=None, alias="from"
    )
    """Sender of MTs that name none."""
    on_doubt: DoubtPolicy = "resend"
    """What to do with an MT whose answer was lost: send again, marked, or put into the dead queue."""
    accepted_events: bool = False
    """Whether an event is published for every MT the provider took."""
    max_attempts: Annotated[int, Field(ge=1, le=1000)] = 8
    """Retry-later answers and resends after which an MT has failed."""


class CallbackSettings(Section):
    """The HTTP listener for receipts and messages of HTTP providers."""

    listen: Listen = _listens("0.0.0.0", 8080)  # noqa: S104 - the public face of the bridge
    """Address and port to listen on."""
    token: Secret
    """What callers must show, as Bearer token or query parameter."""
    allow: tuple[Network, ...] = ()
    """Networks callers may come from; empty: any."""
    trust_proxy: bool = False
    """Whether to believe X-Forwarded-For."""


class OpsSettings(Section):
    """The private HTTP listener: /healthz, /readyz, /metrics."""

    listen: Listen = _listens("127.0.0.1", 9090)
    """Address and port to listen on."""


class InboundSettings(Section):
    """How long things that come back may wait for each other."""

    segment_wait_seconds: Seconds = 300
    """How long the first segment of an MO waits for the others; then what is there is published."""
    early_dr_wait_seconds: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 120
    """How long a receipt may wait for its MT before it is published as unmatched."""
    mo_repeat_seconds: Seconds = 10
    """An MO without id is taken for a repeat of an equal one until this long after the first was answered."""
    dr_join_hours: Hours = 72
    """An MT whose receipts did not all come by then gets a DR event of what is known, not final."""


class LimitSettings(Section):
    """What the bridge takes at most."""

    mt_bytes: Annotated[int, Field(ge=1_024, le=16_777_216)] = 1_048_576
    """Largest body of an MT without media."""


class Settings(Section):
    """The whole file."""

    broker: BrokerSettings = BrokerSettings()
    redis: RedisSettings = RedisSettings()
    providers: Annotated[dict[Name, ProviderSettings], Field(min_length=1)]
    """Providers by name."""
    routes: dict[Name, RouteSettings] = Field(default={})
    """Routes by name."""
    callbacks: CallbackSettings | None = None
    """Without this section nothing listens for callbacks."""
    ops: OpsSettings = OpsSettings()
    inbound: InboundSettings = InboundSettings()
    limits: LimitSettings = LimitSettings()
