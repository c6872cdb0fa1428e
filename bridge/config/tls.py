"""TLS to a provider as settings: whom to trust, and who we are. The files are opened where the connections are made."""

from pathlib import Path
from typing import Annotated

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
