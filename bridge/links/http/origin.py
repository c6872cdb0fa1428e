"""What a site's URL says of its requests: whom to connect to, and what each request begins with. Pure."""

from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from bridge import __version__
from bridge.model.web import HttpRequest

_PORTS = {"http": 80, "https": 443}
_AS_IT_IS = "/%:@!$&'()*+,;=~?"
"""What a path and a query may hold beside letters and digits; a percent sign begins what is quoted already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A site. `target`: its own path and query. `headers`: what every request to it carries."""

    host: str
    port: int
    encrypted: bool
    target: str
    headers: tuple[tuple[str, str], ...]

    def target_of(self, request: HttpRequest) -> str:
        """The path and query of a request."""
        base = self.target
        if request.target.startswith("/"):
            base = base.removesuffix("/")  # one between them is enough
        return base + request.target


def read_origin(url: str) -> Origin:
    """Raises ValueError for what is no URL of http or https with a host."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("must be a URL with a host that begins with https:// or http://")
    host = parts.hostname if ":" in parts.hostname else parts.hostname.encode("idna").decode()
    shown = f"[{host}]" if ":" in host else host
    default_port = _PORTS[parts.scheme]
    port = default_port if parts.port is None else parts.port
    target = quote(parts.path, safe=_AS_IT_IS) or "/"
    if parts.query:
        target += "?" + quote(parts.query, safe=_AS_IT_IS)
    headers = [
        ("Host", shown if port == default_port else f"{shown}:{port}"),
        ("User-Agent", f"bridge/{__version__}"),
        ("Accept-Encoding", "identity"),
    ]
    if parts.username is not None:
        account = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers.append(("Authorization", f"Basic {b64encode(account.encode()).decode()}"))
    return Origin(
        host=host, port=port, encrypted=parts.scheme == "https", target=target, headers=tuple(headers)
    )
