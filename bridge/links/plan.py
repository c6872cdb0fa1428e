"""Which binds the configuration asks for, and everything it says about each. Pure but for the TLS files it opens."""

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge.config.settings import HostPort, ProviderSettings, SmppSettings
from bridge.dialects import SMPP_DIALECTS
from bridge.dialects.deliver import ReadOptions
from bridge.dialects.submit import SubmitOptions
from bridge.links.node import Node
from bridge.links.tls import Unusable, client_context
from bridge.smpp.codec import BadField
from bridge.smpp.cold import build_bind
from bridge.smpp.session import BindMode, SessionSettings
from bridge.smpp.status import StatusGroup
from bridge.text.national import LANGUAGES

MODES: Mapping[str, tuple[tuple[str, BindMode], ...]] = {
    "transceiver": (("", BindMode.TRANSCEIVER),),
    "transmitter": (("", BindMode.TRANSMITTER),),
    "receiver": (("", BindMode.RECEIVER),),
    "transmitter+receiver": (("/tx", BindMode.TRANSMITTER), ("/rx", BindMode.RECEIVER)),
}
"""The configuration's `bind`: the binds it makes of one, with what their names end in."""

MAX_UNANSWERED = 500
"""deliver_sm of one session that may wait for our answer; whatever comes beyond is told to come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BindPlan:
    """Everything about a bind that the configuration says. `name` is unique within its provider."""

    provider: str
    site: str
    name: str
    node: Node
    session: SessionSettings
    submit: SubmitOptions
    read: ReadOptions
    statuses: Mapping[int, StatusGroup]
    busy_status: int
    rebind_s: float


def read_options(provider: ProviderSettings) -> ReadOptions:
    """How to read what this provider's SMSCs send. `provider` has an SMPP side."""
    assert provider.smpp is not None  # noqa: S101
    return ReadOptions(
        default_alphabet=provider.smpp.default_alphabet,
        final_states=frozenset(provider.smpp.final_states),
        dialect=SMPP_DIALECTS[provider.dialect],
    )


def plans(name: str, provider: ProviderSettings) -> Iterator[BindPlan]:
    """What binds this provider needs. Raises tls.Unusable for what no bind can be made of, naming the setting."""
    if provider.smpp is None:
        return
    tls = _tls(name, provider.smpp)
    for site_name, site in provider.sites.items():
        for address in site.smsc:
            for number in range(1, provider.smpp.binds_per_node + 1):
                for ending, mode in MODES[provider.smpp.bind]:
                    link = f"{address}{'' if number == 1 else f'#{number}'}{ending}"
                    yield _plan(name, provider, provider.smpp, site_name, link, address, mode, tls)


def _tls(name: str, smpp: SmppSettings) -> ssl.SSLContext | None:
    files = smpp.tls_settings
    try:
        return client_context(files) if files else None
    except Unusable as error:
        raise Unusable(f"providers.{name}.smpp.tls: {error}") from error


def _plan(
    name: str,
    provider: ProviderSettings,
    smpp: SmppSettings,
    site: str,
    link: str,
    address: HostPort,
    mode: BindMode,
    tls: ssl.SSLContext | None,
) -> BindPlan:
    session = SessionSettings(
        system_id=smpp.system_id,
        password=smpp.password.get_secret_value(),
        system_type=smpp.system_type,
        address_range=smpp.address_range,
        mode=mode,
        window=smpp.window,
        enquire_link_s=smpp.enquire_link_seconds,
        response_timeout_s=smpp.response_timeout_seconds,
        busy_status=smpp.busy_status,
        inbound_window=MAX_UNANSWERED,
    )
    try:
        build_bind(mode.value, 1, session.bind_request())
    except BadField as error:
        raise Unusable(f"providers.{name}.smpp.{error}") from error
    return BindPlan(
        provider=name,
        site=site,
        name=link,
        node=Node(host=address.host, port=address.port, tls=tls),
        session=session,
        submit=SubmitOptions(
            source_ton=smpp.source_ton,
            source_npi=smpp.source_npi,
            dest_ton=smpp.dest_ton,
            dest_npi=smpp.dest_npi,
            number_format=smpp.number_format,
            default_alphabet=smpp.default_alphabet,
            national_tables=tuple(LANGUAGES[word] for word in smpp.national_tables),
            long_messages=smpp.long_messages,
            max_segments=smpp.max_segments,
            dialect=SMPP_DIALECTS[provider.dialect],
        ),
        read=read_options(provider),
        statuses={status: StatusGroup(word) for status, word in smpp.status.items()},
        busy_status=smpp.busy_status,
        rebind_s=smpp.rebind_seconds,
    )
