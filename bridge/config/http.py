"""A provider's HTTP account: how its sites take over from each other, and how to speak to it."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from bridge.config.generic import AnswerSettings, CallbackFormSettings, RequestSettings
from bridge.config.shapes import HostPort, Name, ProblemAt, Seconds, Secret, Section, problem
from bridge.config.tls import TlsSettings

_DNS_PORT = 53
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


def _read_nameserver(value: object) -> HostPort:
    """An address with or without port. Not a name: to find that, one would need a server of names."""
    if isinstance(value, HostPort):
        return value
    text = value if isinstance(value, str) else ""
    host, port = (text, str(_DNS_PORT)) if _is_address(text) else text.rpartition(":")[::2]
    if not _is_address(host):
        raise problem("must be the address of a DNS server, for example 192.0.2.53 or 192.0.2.53:53")
    if not (_PORT.fullmatch(port) and 1 <= int(port) <= 65535):
        raise problem("must have a port from 1 to 65535")
    return HostPort(host.strip("[]"), int(port))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


NameServer = Annotated[
    HostPort,
    PlainValidator(_read_nameserver),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["192.0.2.53", "[2001:db8::53]:53"]}),
]


class HttpSettings(Section):
    """The HTTP account and how its sites take over from each other."""

    strategy: Literal["sites", "dns"] = "sites"
    """`sites`: one site primary, the others for its failure. `dns`: one URL, whose DNS answer is obeyed."""
    primary: Name | None = None
    """The site to use while it works; may be left out if only one site has a URL."""
    resubmit_seconds: Seconds = 30
    """A message that met a failure is posted again after this long, then to the alternative."""
    timeout_seconds: Seconds = 30
    """A request without an answer for this long is in doubt."""
    window: Annotated[int, Field(ge=1, le=1000)] = 50
    """Parallel requests per endpoint."""
    login: str | None = None
    """Account name."""
    password: Secret | None = None
    """Account password."""
    tls: TlsSettings | None = None
    """Whom to trust and who we are, for https://. The certificate and the host name are always checked."""
    nameservers: tuple[NameServer, ...] = ()
    """DNS servers to ask instead of the system's, as address or address:port; only for `strategy: dns`."""
    mms_names: Literal["brackets", "plain"] = "brackets"
    """`genesys`: what MMS parts are called: mms_attachment[0].content or mms_attachment0.content."""
    request: RequestSettings | None = None
    """`generic-http`: how an MT is said."""
    answer: AnswerSettings | None = None
    """`generic-http`: what an answer means; without it the status alone tells."""
    callback: CallbackFormSettings | None = None
    """`generic-http`: how receipts and messages read; without it there are none."""


def account_problems(http: HttpSettings, dialect: str) -> Iterator[ProblemAt]:
    """What the account lacks for its dialect, or has too much."""
    if http.nameservers and http.strategy != "dns":
        yield ("nameservers",), "are only for strategy: dns"
    if dialect == "generic-http":
        if "mms_names" in http.model_fields_set:
            yield ("mms_names",), "is for dialect genesys"
        if http.request is None:
            yield (), "needs request: how an MT is said to this provider"
        else:
            yield from _credentials(http, http.request)
        return
    for way in ("request", "answer", "callback"):
        if getattr(http, way) is not None:
            yield (way,), f"is for dialect generic-http; {dialect} knows its own"
    if dialect == "genesys":
        yield from (((), f"needs {key}") for key in ("login", "password") if getattr(http, key) is None)


def _credentials(http: HttpSettings, request: RequestSettings) -> Iterator[ProblemAt]:
    """What of login and password the request uses, and cannot as it is."""
    used = (
        request.names | {"none": set(), "basic": {"login", "password"}, "bearer": {"password"}}[request.auth]
    )
    yield from (
        ((), f"needs {key}: the request uses it")
        for key in ("login", "password")
        if key in used and getattr(http, key) is None
    )
    if request.auth == "basic" and http.login and ":" in http.login:
        yield ("login",), "must have no colon with auth: basic"
    in_headers = {name for header in request.headers.values() for name in header.names}
    if request.auth == "bearer":
        in_headers.add("password")
    values = {
        "login": http.login or "",
        "password": http.password.get_secret_value() if http.password else "",
    }
    for key, value in values.items():
        if key in in_headers and not (value.isascii() and value.isprintable()):
            yield (key,), "must be printable ASCII to go into a header"
