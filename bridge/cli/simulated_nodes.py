"""Which nodes `bridge simulate` plays, and for whom: from its options, or from a configuration."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import click

from bridge.cli.options import settings_of

SMPP_PORT = 2775
HTTP_PORT = 8090
HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Node:
    """Where one node of the simulated provider listens."""

    site: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Account:
    """Who may bind, or send over HTTP."""

    system_id: str
    password: str
    alphabet: str = "gsm"


@dataclass(frozen=True, slots=True)
class CallTo:
    """Where receipts and texts go over HTTP, and with which token."""

    urls: tuple[str, ...] = ()
    token: str = field(default="", repr=False)


def named_nodes(
    host: str, ports: tuple[int, ...], sites: tuple[str, ...], default_port: int = SMPP_PORT
) -> list[Node]:
    """The nodes that --port and --site name."""
    named = [text for text in sites if "=" not in text]
    if len(named) > 1:
        raise click.UsageError(
            f"--site {named[1]}: only one site can have the ports of --port; write {named[1]}=PORT,..."
        )
    nodes = []
    for text in sites:
        name, equals, list_of_ports = text.partition("=")
        if not equals:
            continue
        try:
            nodes += [Node(name, host, int(port)) for port in list_of_ports.split(",")]
        except ValueError:
            raise click.UsageError(
                f"--site {text}: ports are numbers, as in {name}={default_port},{default_port + 1}"
            ) from None
    if ports or named or not nodes:
        nodes += [Node(named[0] if named else "site", host, port) for port in ports or (default_port,)]
    return nodes


def configured_nodes(config: Path, provider: str | None) -> tuple[list[Node], Account]:
    """The nodes and the account of a configuration's provider, as far as its nodes are on this machine."""
    speakers = {name: one for name, one in settings_of(config).providers.items() if one.smpp}
    if provider is None and len(speakers) == 1:
        (provider,) = speakers
    if provider not in speakers:
        raise click.UsageError(f"--provider must be one of: {', '.join(speakers) or 'none speaks SMPP'}")
    chosen = speakers[provider]
    assert chosen.smpp is not None  # noqa: S101 - as chosen
    nodes = [
        Node(name, address.host, address.port)
        for name, site in chosen.sites.items()
        for address in site.smsc
        if address.host in HERE
    ]
    if not nodes:
        raise click.UsageError(f"provider {provider} has no node on this machine ({', '.join(HERE)})")
    smpp = chosen.smpp
    return nodes, Account(smpp.system_id, smpp.password.get_secret_value(), smpp.default_alphabet)


def configured_sites(config: Path, provider: str | None) -> tuple[list[Node], Account, CallTo]:
    """The same of a provider that speaks HTTP as Genesys does, with the address of the worker's own listener."""
    settings = settings_of(config)
    speakers = {
        name: one for name, one in settings.providers.items() if one.http and one.dialect == "genesys"
    }
    if provider is None and len(speakers) == 1:
        (provider,) = speakers
    if provider not in speakers:
        raise click.UsageError(
            f"--provider must be one of: {', '.join(speakers) or 'none of dialect genesys speaks HTTP'}"
        )
    chosen = speakers[provider]
    assert chosen.http is not None  # noqa: S101 - as chosen
    nodes = []
    for name, site in chosen.sites.items():
        parts = urlsplit(site.http or "")
        if parts.hostname in HERE:
            nodes.append(Node(name, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)))
    if not nodes:
        raise click.UsageError(f"provider {provider} has no site on this machine ({', '.join(HERE)})")
    password = chosen.http.password
    account = Account(chosen.http.login or "", password.get_secret_value() if password else "")
    callbacks = settings.callbacks
    if callbacks is None:
        return nodes, account, CallTo()
    url = f"http://localhost:{callbacks.listen.port}/callbacks/{provider}"
    return nodes, account, CallTo((url,), callbacks.token.get_secret_value())
