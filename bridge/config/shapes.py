"""The shapes single values of the configuration may have. Not their meaning: that is with the fields.

The loader hands in every plain scalar as the text that stands in the file (or in the environment), so numbers
and flags are read from text here, and `from: 0123` keeps its zero.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

ProblemAt = tuple[tuple[str | int, ...], str]
"""A problem that a section finds in itself: where below the section, and what."""


class Section(BaseModel):
    """A section of the file: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True
    )


def problem(message: str) -> PydanticCustomError:
    """An error whose message is ours, whole. Without a context pydantic leaves braces alone."""
    return PydanticCustomError("bridge", message)


def raise_problems(section: object, problems: list[ProblemAt]) -> None:
    """Raise all problems of a section at once, each at its own place."""
    if problems:
        details = [InitErrorDetails(type=problem(message), loc=loc, input=None) for loc, message in problems]
        raise ValidationError.from_exception_data(type(section).__name__, details, hide_input=True)


def _one_or_list(value: object) -> object:
    return [value] if isinstance(value, str | SecretStr) else value


def _one_or_list_schema(what: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [what, {"type": "array", "items": what, "minItems": 1}]})


def _url_problem(url: str, schemes: tuple[str, ...]) -> str | None:
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return f"must be a URL that begins with {wanted}; its host or port cannot be read"
    if parts.scheme not in schemes or not parts.hostname or not _is_host(parts.hostname):
        return f"must be a URL with a host that begins with {wanted}"
    return None


def _is_host(name: str) -> bool:
    """Whether the system can be asked for it: no label of it is empty, too long, or of what no name may hold."""
    try:
        return ":" in name or bool(name.encode("idna"))
    except UnicodeError:
        return False


def _secret_url(*schemes: str) -> Callable[[SecretStr], SecretStr]:
    def check(value: SecretStr) -> SecretStr:
        if reason := _url_problem(value.get_secret_value(), schemes):
            raise problem(reason)
        return value

    return check


def _redis_url(value: SecretStr) -> SecretStr:
    """What else the client would take from a URL changes how the store works, or is passed over in silence."""
    parts = urlsplit(value.get_secret_value())
    if not re.fullmatch(r"(/\d*)?", parts.path):
        raise problem("must end in the number of a database, for example redis://localhost:6379/0")
    options = _REDIS_OPTIONS + (_REDISS_OPTIONS if parts.scheme == "rediss" else ())
    if not {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} <= set(options):
        raise problem(f"takes no options but {', '.join(options)}")
    return value


def _http_url(value: str) -> str:
    if reason := _url_problem(value, ("https", "http")):
        raise problem(reason)
    return value


_URL_SCHEMA = {"type": "string", "format": "uri"}
AmqpUrls = Annotated[
    tuple[Annotated[SecretStr, AfterValidator(_secret_url("amqp", "amqps"))], ...],
    Field(min_length=1),
    BeforeValidator(_one_or_list),
    _one_or_list_schema(_URL_SCHEMA),
]
_REDIS_OPTIONS = ("username", "password")
_REDISS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
RedisUrl = Annotated[
    SecretStr,
    AfterValidator(_secret_url("redis", "rediss")),
    AfterValidator(_redis_url),
    WithJsonSchema(_URL_SCHEMA),
]
HttpUrl = Annotated[str, AfterValidator(_http_url), WithJsonSchema(_URL_SCHEMA)]


class HostPort(NamedTuple):
    """Where to connect to, or to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


def _host_port(lowest_port: int) -> Callable[[object], HostPort]:
    def read(value: object) -> HostPort:
        if isinstance(value, HostPort):
            return value
        host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
        bare = host.removeprefix("[").removesuffix("]")
        well_formed = (
            bool(bare)
            and (":" not in bare or host.startswith("["))
            and not any(c in host for c in " /@")
            and _is_host(bare)
        )
        if not (colon and well_formed and _PORT.fullmatch(port)):
            raise problem("must be host:port, for example smsc1.example.com:2775")
        if not lowest_port <= int(port) <= 65535:
            raise problem(f"must have a port from {lowest_port} to 65535")
        return HostPort(bare, int(port))

    return read


_HOST_PORT_SCHEMA = {"type": "string", "pattern": r"^.+:[0-9]{1,5}$", "examples": ["smsc1.example.com:2775"]}
_AS_TEXT = PlainSerializer(str)
Node = Annotated[HostPort, PlainValidator(_host_port(1)), _AS_TEXT, WithJsonSchema(_HOST_PORT_SCHEMA)]
Nodes = Annotated[tuple[Node, ...], BeforeValidator(_one_or_list), _one_or_list_schema(_HOST_PORT_SCHEMA)]
Listen = Annotated[HostPort, PlainValidator(_host_port(0)), _AS_TEXT, WithJsonSchema(_HOST_PORT_SCHEMA)]


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise problem("must be an IP address or a network such as 192.0.2.0/24") from None


Network = Annotated[str, AfterValidator(_network)]
NAME_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
PREFIX_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Prefix = Annotated[str, StringConstraints(pattern=PREFIX_PATTERN)]
Secret = Annotated[SecretStr, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=8_784, allow_inf_nan=False)]


def _hex_too(value: object) -> object:
    if isinstance(value, str) and value[:2] in ("0x", "0X"):
        try:
            return int(value, 16)
        except ValueError:
            return value
    return value


_STATUS_PATTERN = r"^(0[xX][0-9A-Fa-f]{1,8}|[0-9]{1,10})$"
CommandStatus = Annotated[
    int,
    BeforeValidator(_hex_too),
    Field(ge=1, le=0xFFFFFFFF),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 0xFFFFFFFF},
                {"type": "string", "pattern": _STATUS_PATTERN},
            ]
        }
    ),
]
"""An SMPP command_status that is not ESME_ROK, decimal or hex (0x58)."""


_SMALL = re.compile(r"[0-9]{1,9}", re.ASCII)


def _auto_or_int(highest: int) -> Callable[[object], int | Literal["auto"]]:
    def read(value: object) -> int | Literal["auto"]:
        if value == "auto":
            return "auto"
        value = _hex_too(value)
        if isinstance(value, str) and _SMALL.fullmatch(value):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= highest:
            return value
        raise problem(f"must be auto or a number from 0 to {highest}")

    return read


def _auto_or_int_schema(highest: int) -> WithJsonSchema:
    return WithJsonSchema(
        {"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 0, "maximum": highest}]}
    )


Ton = Annotated[int | Literal["auto"], PlainValidator(_auto_or_int(6)), _auto_or_int_schema(6)]
Npi = Annotated[int | Literal["auto"], PlainValidator(_auto_or_int(18)), _auto_or_int_schema(18)]
