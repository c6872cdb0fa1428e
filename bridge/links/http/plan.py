"""Which HTTP endpoints the configuration asks for, and everything it says about each. Pure but for the TLS files."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from bridge.config.settings import HttpSettings, ProviderSettings, TlsSettings
from bridge.dialects.http import HttpDialect
from bridge.links.http_dialects import http_dialect
from bridge.links.tls import Unusable, client_context


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPlan:
    """Everything about an endpoint that the configuration says. `name` is unique within its provider.

    `rank`: 0 of the primary. `resubmit_s`: None where no other site stands in for it (strategy `dns`).
    `nameservers`: None where the host is not looked up by us; empty: the system's.
    """

    provider: str
    site: str
    name: str
    url: str
    rank: int
    window: int
    timeout_s: float
    resubmit_s: float | None
    probe_s: float
    tls: ssl.SSLContext | None
    nameservers: tuple[str, ...] | None
    dialect: HttpDialect


def endpoint_plans(name: str, provider: ProviderSettings) -> Iterator[EndpointPlan]:
    """The endpoints of one provider, its primary first, then the others as they stand. Raises tls.Unusable."""
    http = provider.http
    if http is None:
        return
    sites = [(site_name, site.http) for site_name, site in provider.sites.items() if site.http]
    sites.sort(key=lambda site: site[0] != http.primary)
    dialect, tls = http_dialect(provider), _tls(name, http)
    resolves = http.strategy == "dns"
    names: set[str] = set()
    for rank, (site_name, url) in enumerate(sites):
        place = _name(url)
        endpoint = f"{place}#{site_name}" if place in names else place
        names.add(endpoint)
        yield EndpointPlan(
            provider=name,
            site=site_name,
            name=endpoint,
            url=url,
            rank=rank,
            window=http.window,
            timeout_s=http.timeout_seconds,
            resubmit_s=None if resolves else http.resubmit_seconds,
            probe_s=http.resubmit_seconds,
            tls=tls if url.startswith("https:") else None,
            nameservers=tuple(map(str, http.nameservers)) if resolves else None,
            dialect=dialect,
        )


def _tls(name: str, http: HttpSettings) -> ssl.SSLContext:
    try:
        return client_context(http.tls or TlsSettings())
    except Unusable as error:
        raise Unusable(f"providers.{name}.http.tls: {error}") from error


def _name(url: str) -> str:
    """The URL without what tells nothing, or too much: scheme, credentials, query. No name has a bar."""
    parts = urlsplit(url)
    return (parts.netloc.rpartition("@")[2] + parts.path.rstrip("/")).replace("|", "%7C")
