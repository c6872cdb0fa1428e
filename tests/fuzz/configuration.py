"""A configuration file, to settings that can be used, or to problems that name their lines and show no secret."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

import yaml

from bridge.config.interpolate import hide, show
from bridge.config.load import ConfigError, load_config
from bridge.config.settings import Settings
from bridge.inbound.callbacks.callers import Callers
from bridge.links.http.origin import read_origin
from bridge.links.http_dialects import http_dialect
from bridge.links.plan import plans
from bridge.links.tls import Unusable
from bridge.model.names import Names
from tests.fuzz.damage import as_json, changed, damaged
from tests.fuzz.target import Target

_SCHEMAS = Path(__file__).parents[2] / "schemas"
CANARY = "K4n4r1e"
"""In every secret; shown nowhere."""
_NAMES_OF_SECRETS = (
    *(
        "AMQP_URL",
        "REDIS_URL",
        "GENESYS_SYSTEM_ID",
        "GENESYS_PASSWORD",
        "GENESYS_LOGIN",
        "GENESYS_HTTP_PASSWORD",
    ),
    *("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "CALLBACK_TOKEN"),
)
ENVIRONS: Mapping[str, Mapping[str, str]] = {
    "usual": {
        name: f"{name[:4].lower()}://u:{CANARY}@h/0" if name.endswith("URL") else CANARY
        for name in _NAMES_OF_SECRETS
    }
    | {"AMQP_URL": f"amqp://u:{CANARY}@h/", "REDIS_URL": f"redis://:{CANARY}@h/0"},
    "odd": dict.fromkeys(_NAMES_OF_SECRETS, f"{CANARY}\0\r\n{{x}}${{X}}"),
    "not UTF-8": dict.fromkeys(_NAMES_OF_SECRETS, f"{CANARY}\udce9"),
    "none": {},
}
_TELLING = (
    *rb'- # " \' *a ${ } $${ ${HOME} ${CALLBACK_TOKEN} ${file:/etc/hostname} ${file:/} { [ ] , ~ 0o7 1_0 1:2:3'.split(),
    *rb'"\U00110000" "\ud800" "\x00" .inf .nan -0x1 2001-01-01 = <<'.split(),
    *(b": ", b"\n", b"\n  ", b"\n\t", b"|\n", b">-\n", b"---\n", b"...\n", b"? ", b"&a ", b"<<: *a\n"),
    *(
        b"!!binary ",
        b"!!python/object:os.system ",
        b"!x ",
        b"!<tag:yaml.org,2002:int> ",
        b"%TAG ! tag:x,2000:\n---\n",
    ),
    *(b"%YAML 1.2\n---\n", b"%YAML 1.99999999999999999999\n---\n", b"${file:\0}", b"9" * 5_000, b"[" * 400),
    *(b"\xff", b"\x00", b"\xef\xbb\xbf", b"\xee\x80\x80", b"\xc2\x85", b"\xe2\x80\xa8"),
)


_SMALL = (
    b"""broker: {url: [${AMQP_URL}, "amqps://b/"], prefix: b.1}
providers:
  p: &p
    smpp: {system_id: me, password: "${CALLBACK_TOKEN}", window: 10, tls: false, status: {0x45: permanent}}
    sites: {a: {smsc: ["h:2775", "[::1]:2776"]}}
  q: {<<: *p, sites: {b: {smsc: h:1}}}
routes: {default: {providers: [p, q], from: 0123, on_doubt: park}}
""",
    b"""providers:
  h:
    dialect: generic-http
    http:
      strategy: dns
      nameservers: ["192.0.2.53:53"]
      login: ${GENESYS_LOGIN}
      request: {format: json, path: "/{id}", headers: {X-To: "{to}"}, fields: {a: ["{text}", 1, {b: "{{x}}"}]}}
      answer: {accepted: [201], id: a.0.id, result: code, results: {1: rejected}, statuses: {418: retry}}
      callback: {receipt: {when: {type: dr}, id: i, state: s}, message: {when: [a, b], from: f, to: t, text: x}}
    sites: {w: {http: "https://u:p@example.com/api"}}
callbacks: {listen: "[::]:8080", token: "${CALLBACK_TOKEN}", allow: [192.0.2.0/24]}
""",
)
"""Beside the examples that are shipped: those are long, and take long."""


@cache
def _texts() -> tuple[bytes, ...]:
    examples = (path.read_bytes() for path in sorted(_SCHEMAS.glob("*.example.yaml")))
    return (*_SMALL, *_SMALL, *_SMALL, *examples)


@cache
def _values() -> tuple[Any, ...]:
    """The same as data; references as they are written."""
    texts = (hide(text.decode()) for text in _texts())
    return tuple(_as_written(yaml.load(text, yaml.BaseLoader)) for text in texts)  # noqa: S506  only text comes of it


def _as_written(value: Any) -> Any:
    if isinstance(value, dict):
        return {show(name): _as_written(inner) for name, inner in value.items()}
    return [_as_written(inner) for inner in value] if isinstance(value, list) else show(value)


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(_keys(_values())))


def _keys(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list | tuple) else set()


def document(random: Random, _environ: str) -> bytes:
    """An example with other values or other octets."""
    if random.random() < 0.6:
        octets = as_json(changed(random, random.choice(_values()), _names()))
        return octets if random.random() < 0.8 else damaged(random, octets, _TELLING)
    return damaged(random, random.choice(_texts()), _TELLING)


@cache
def _place() -> Path:
    return Path(mkdtemp(prefix="bridge-fuzz-")) / "bridge.yaml"


def run(octets: bytes, environ: str) -> int:
    """Load it; 1 if these are settings."""
    path = _place()
    path.write_bytes(octets)
    try:
        loaded = load_config(path, ENVIRONS[environ])
    except ConfigError as error:
        _check_problems(error, octets)
        return 0
    for warning in loaded.warnings:
        _shown(warning)
    _use(loaded.settings)
    return 1


def _check_problems(error: ConfigError, octets: bytes) -> None:
    assert error.problems
    lines = len(octets.decode("utf-8", "replace").splitlines()) + 1
    for problem in error.problems:
        assert problem.line is not None
        assert 1 <= problem.line <= lines
        _shown(problem.within(error.file))


def _shown(line: str) -> None:
    assert line.isprintable(), "one line that any terminal can show"
    assert CANARY not in line, "no secret is shown"
    assert "Value error" not in line, "it speaks in our words"


def _use(settings: Settings) -> None:
    """What the worker makes of settings before it connects."""
    Names(settings.broker.prefix)
    if settings.callbacks is not None:
        callers = Callers(
            settings.callbacks.token.get_secret_value(),
            settings.callbacks.allow,
            trust_proxy=settings.callbacks.trust_proxy,
        )
        assert not callers.shows_token({}, b"")
    for name, provider in settings.providers.items():
        if provider.http is not None:
            assert http_dialect(provider)
            for site in provider.sites.values():
                if site.http is not None:
                    assert read_origin(site.http)
        try:
            assert provider.smpp is None or list(plans(name, provider))
        except Unusable as unusable:
            _shown(str(unusable))


CONFIGURATION = Target(ways=tuple(ENVIRONS), make=document, run=run)
