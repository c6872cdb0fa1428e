"""What is unwise in the URLs of RabbitMQ and Redis: options that do nothing, and certificates nobody looks at."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from bridge.config.problems import Place
from bridge.config.sentences import did_you_mean
from bridge.config.settings import Settings

_AMQPS_OPTIONS = ("cafile", "capath", "cadata", "certfile", "keyfile", "no_verify_ssl")
_AMQP_OPTIONS = ("heartbeat", "auth")
_UNVERIFIED = "whoever stands between can read and change all of it"


def url_advice(settings: Settings) -> Iterator[tuple[Place, str]]:
    """Warnings: where, and what is to be thought of. What Redis' URL may not have was refused before (`shapes.py`)."""
    for url in settings.broker.urls:
        yield from ((("broker", "url"), message) for message in _about_broker(url.get_secret_value()))
    options = _options(settings.redis.url.get_secret_value())
    if options.get("ssl_cert_reqs") == "none":
        yield ("redis", "url"), f"ssl_cert_reqs=none trusts any server: {_UNVERIFIED}; use ssl_ca_certs"
    if options.get("ssl_check_hostname", "yes").upper() in ("0", "F", "FALSE", "N", "NO"):
        yield ("redis", "url"), f"ssl_check_hostname trusts the certificate of any server: {_UNVERIFIED}"


def _about_broker(url: str) -> Iterator[str]:
    encrypted, options = urlsplit(url).scheme == "amqps", _options(url)
    for name in options:
        if name in _AMQPS_OPTIONS and not encrypted:
            yield f"{name} does nothing without amqps://: this connection is not encrypted"
        elif name not in (*_AMQPS_OPTIONS, *_AMQP_OPTIONS):
            yield f"has an option that does nothing{did_you_mean(name, _AMQPS_OPTIONS + _AMQP_OPTIONS)}"
    if encrypted and options.get("no_verify_ssl", "0") != "0":
        yield f"no_verify_ssl trusts any server: {_UNVERIFIED}; use cafile"


def _options(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
