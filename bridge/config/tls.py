"""TLS as settings: whom to trust, who we are, and which setting to look at when that failed.

The files are opened where the connections are made.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Discriminator, Tag, model_validator

from bridge.config.shapes import Section, raise_problems


class TlsSettings(Section):
    """TLS to the provider. Without `ca` the system's authorities are trusted; the host name is always checked."""

    ca: Path | None = None
    """File of the authorities to trust instead of the system's, PEM."""
    cert: Path | None = None
    """Our certificate, PEM, where the provider asks for one."""
    key: Path | None = None
    """The private key of `cert`, PEM; not needed if it is in the same file."""

    @model_validator(mode="after")
    def _key_has_cert(self) -> "TlsSettings":
        raise_problems(self, [(("key",), "needs cert beside it")] if self.key and not self.cert else [])
        return self


def _tls_kind(value: object) -> str:
    return "section" if isinstance(value, dict | TlsSettings) else "flag"


Tls = Annotated[
    Annotated[bool, Tag("flag")] | Annotated[TlsSettings, Tag("section")], Discriminator(_tls_kind)
]
"""A flag, or a section."""


class TlsOptions(NamedTuple):
    """How the settings of a kind of party name the file of its authorities, and ours."""

    ca: str
    own: str


OF_PROVIDER = TlsOptions("tls.ca", "tls.cert and tls.key")
OF_BROKER = TlsOptions("?cafile= of broker.url", "?certfile= and &keyfile= of broker.url")
OF_REDIS = TlsOptions("?ssl_ca_certs= of redis.url", "?ssl_certfile= and &ssl_keyfile= of redis.url")

_UNKNOWN_AUTHORITY = (18, 19, 20, 21)
_OTHER_NAME = (62, 64)
_NOT_NOW = (9, 10)
"""OpenSSL's codes for why a certificate is refused."""


def tls_trouble(error: BaseException, options: TlsOptions) -> str | None:
    """What TLS had against a connection, as one line that says where to look; None if it was not TLS.

    It may be anywhere among the causes of what a library raised. An ssl.SSLError is known by what it carries.
    """
    for cause in causes(error):
        if isinstance(cause, FileNotFoundError | PermissionError):
            return f"TLS: {cause.strerror}: can the files of {options.ca}, {options.own} be read?"
        code = getattr(cause, "verify_code", None)
        if code is not None:
            return f"TLS: {getattr(cause, 'verify_message', code)}{_distrust(code, options)}"
        if hasattr(cause, "library"):
            reason = getattr(cause, "reason", None) or str(cause)
            return f"TLS: {reason.lower().replace('_', ' ')}{_failure(reason, options)}"
    return None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came of, each once: libraries raise errors that are each other's cause."""
    seen = list[BaseException]()
    while error is not None and error not in seen:
        yield error
        seen.append(error)
        error = error.__cause__ or error.__context__


def _distrust(code: int, options: TlsOptions) -> str:
    if code in _UNKNOWN_AUTHORITY:
        return f": if its authority is a private one, name the file of that in {options.ca}"
    if code in _OTHER_NAME:
        return " Connect by a name that stands in its certificate"
    return ": it has to be renewed, or the clock here set right" if code in _NOT_NOW else ""


def _failure(reason: str, options: TlsOptions) -> str:
    if "PROTOCOL" in reason:
        return ": it has to speak TLS 1.2 or newer"
    if "ALERT" in reason:
        return f": it may ask for a certificate of ours, and trust its authority; see {options.own}"
    if "VERSION" in reason or "RECORD" in reason:
        return ": is it TLS that listens there?"
    return "" if "EOF" in reason else f": what is in the files of {options.ca}, {options.own}?"
