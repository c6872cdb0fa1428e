"""What a provider is: its SMPP account, its sites and their nodes, and whether all that fits together."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, WithJsonSchema, model_validator

from bridge.config.http import HttpSettings, account_problems
from bridge.config.shapes import (
    CommandStatus,
    HostPort,
    HttpUrl,
    Name,
    Nodes,
    Npi,
    ProblemAt,
    Seconds,
    Secret,
    Section,
    Ton,
    raise_problems,
)
from bridge.config.tls import Tls, TlsSettings
from bridge.model.inbound import DrState

Dialect = Literal["smpp34", "genesys", "generic-http"]
BindWord = Literal["transceiver", "transmitter+receiver", "transmitter", "receiver"]
Alphabet = Literal["gsm", "gsm-packed", "ascii", "latin1", "utf-8", "shift_jis"]
Language = Literal[
    "turkish",
    "spanish",
    "portuguese",
    "bengali",
    "gujarati",
    "hindi",
    "kannada",
    "malayalam",
    "oriya",
    "punjabi",
    "tamil",
    "telugu",
    "urdu",
]
StatusWord = Literal["ok", "permanent", "retry", "throttled", "bind", "account"]
Ids = Literal["auto", "exact", "hex_dec", "dec_hex"]
C_OCTETS = r"^[\x20-\x7e]*$"
COctets = StringConstraints(pattern=C_OCTETS)

STATUS_MAP_SCHEMA = {
    "type": "object",
    "propertyNames": {"pattern": r"^(0[xX][0-9A-Fa-f]{1,8}|[0-9]{1,10})$"},
    "additionalProperties": {"enum": list(StatusWord.__args__)},  # type: ignore[attr-defined]
}


class SmppSettings(Section):
    """The SMPP account and how to speak to this provider's SMSCs."""

    system_id: Annotated[str, COctets, Field(min_length=1, max_length=15)]
    """Account name, as the provider gave it."""
    password: Annotated[Secret, Field(max_length=64)]
    """Account password. SMPP allows 8 characters; more (up to 64) are sent where a provider wants them."""
    system_type: Annotated[str, COctets, Field(max_length=12)] = ""
    """Sent in the bind; most providers want it empty."""
    address_range: Annotated[str, COctets, Field(max_length=40)] = ""
    """Sent in the bind: which of our numbers this account receives for; most providers want it empty."""
    bind: BindWord = "transceiver"
    """Which binds to make per node; `transmitter+receiver` makes two."""
    window: Annotated[int, Field(ge=1, le=1000)] = 10
    """How many submit_sm may be unanswered per bind."""
    binds_per_node: Annotated[int, Field(ge=1, le=64)] = 1
    """Parallel binds to each node (each a pair with `transmitter+receiver`). Mind the provider's limit."""
    rebind_seconds: Seconds = 31
    """Least time between two attempts to bind to a node, plus up to 10 %. 30 or less is for labs only."""
    enquire_link_seconds: Seconds = 30
    """An enquire_link is sent after this long without a word from the SMSC."""
    response_timeout_seconds: Seconds = 30
    """A submit_sm unanswered for this long is in doubt; an enquire_link unanswered twice ends the bind."""
    tls: Tls = False
    """`true`, or a section with `ca`, `cert`, `key`."""
    source_ton: Ton = "auto"
    """source_addr_ton of an MT; `auto`: by the shape of the address."""
    source_npi: Npi = "auto"
    """source_addr_npi of an MT."""
    dest_ton: Ton = "auto"
    """dest_addr_ton of an MT."""
    dest_npi: Npi = "auto"
    """dest_addr_npi of an MT."""
    number_format: Literal["digits", "plus"] = "digits"
    """How numbers are written in submit_sm: 447700900123 or +447700900123."""
    default_alphabet: Alphabet = "gsm"
    """What data_coding 0 and the GSM classes mean (shift_jis: data_coding 5 too). `genesys`: utf-8."""
    national_tables: tuple[Language, ...] = ()
    """Languages whose GSM tables (3GPP TS 23.038) this provider passes on: their letters need no UCS-2 then."""
    long_messages: Literal["udh8", "udh16", "sar", "payload"] = "udh8"
    """How a long message is sent: user data headers (8 or 16 bits of reference), SAR TLVs, or message_payload."""
    max_segments: Annotated[int, Field(ge=1, le=255)] = 10
    """An MT that needs more segments is rejected."""
    ids: Ids = "auto"
    """The id in the answer against that in the receipt: `exact`, `hex_dec` (hex, then decimal) or `dec_hex`.

    `auto` learns it from the first matches. Case, leading zeros and 0x never count."""
    final_states: tuple[DrState, ...] = ()
    """States after which this provider sends no more, beside the usual ones; for example [accepted]."""
    status: Annotated[dict[CommandStatus, StatusWord], WithJsonSchema(STATUS_MAP_SCHEMA)] = Field(default={})
    """What a command_status means here, where it differs from the usual; for example {0x45: permanent}."""
    busy_status: CommandStatus = 0x14
    """command_status of deliver_sm_resp while the bridge cannot store; the provider sends it again later."""

    @property
    def tls_settings(self) -> TlsSettings | None:
        """TLS as a section: None where it is off."""
        if isinstance(self.tls, TlsSettings):
            return self.tls
        return TlsSettings() if self.tls else None


class SiteSettings(Section):
    """One data centre of the provider: its SMSCs, its URL, or both."""

    smsc: Nodes = ()
    """Nodes of this site, host:port; a bind is kept to every one."""
    http: HttpUrl | None = None
    """The URL MTs are posted to."""

    @model_validator(mode="after")
    def _leads_somewhere(self) -> "SiteSettings":
        raise_problems(self, [] if self.smsc or self.http else [((), "needs smsc, http, or both")])
        return self


class ProviderSettings(Section):
    """An account with an aggregator or operator: one space of message ids."""

    dialect: Dialect = "smpp34"
    """What it speaks: any SMPP 3.4 provider, Genesys (SMPP and HTTP), or a plain HTTP API."""
    smpp: SmppSettings | None = None
    """The SMPP account; needs sites with `smsc`."""
    http: HttpSettings | None = None
    """The HTTP account; needs sites with `http`. `genesys` and `generic-http` only."""
    sites: Annotated[dict[Name, SiteSettings], Field(min_length=1)]
    """Its data centres, by name."""

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_dialect(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("dialect") != "genesys":
            return value
        smpp = value.get("smpp")
        if isinstance(smpp, dict):
            return {**value, "smpp": {"default_alphabet": "utf-8", **smpp}}
        if isinstance(smpp, SmppSettings) and "default_alphabet" not in smpp.model_fields_set:
            return {**value, "smpp": smpp.model_copy(update={"default_alphabet": "utf-8"})}
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> "ProviderSettings":
        raise_problems(self, [*self._ways(), *self._nodes(), *self._http_sites(), *self._http_account()])
        return self

    def _ways(self) -> list[ProblemAt]:
        problems: list[ProblemAt] = []
        if not self.smpp and not self.http:
            problems.append(((), "needs smpp, http, or both"))
        if self.http and self.dialect == "smpp34":
            problems.append((("http",), "smpp34 has no HTTP side; dialect genesys and generic-http have"))
        if self.smpp and self.dialect == "generic-http":
            problems.append((("smpp",), "generic-http has no SMPP side; dialect smpp34 and genesys have"))
        for way, nodes in (("smpp", "smsc"), ("http", "http")):
            sites = [name for name, site in self.sites.items() if getattr(site, nodes)]
            if getattr(self, way) and not sites:
                problems.append(((way,), f"no site has {nodes}: nothing to connect to"))
            if not getattr(self, way):
                problems += [(("sites", name, nodes), f"the provider has no {way} section") for name in sites]
        return problems

    def _nodes(self) -> list[ProblemAt]:
        problems: list[ProblemAt] = []
        seen: set[HostPort] = set()
        for name, site in self.sites.items():
            for index, node in enumerate(site.smsc):
                if node in seen:
                    problems.append(
                        (
                            ("sites", name, "smsc", index),
                            "is listed twice; binds_per_node makes several binds",
                        )
                    )
                seen.add(node)
        return problems

    def _http_sites(self) -> list[ProblemAt]:
        sites = [name for name, site in self.sites.items() if site.http]
        if not self.http or not sites:
            return []
        if self.http.strategy == "dns":
            return (
                [(("http", "strategy"), "dns takes one URL: exactly one site may have http")]
                if len(sites) > 1
                else []
            )
        if self.http.primary is None:
            return [(("http",), "needs primary: " + " or ".join(sites))] if len(sites) > 1 else []
        if self.http.primary not in sites:
            return [(("http", "primary"), "must be a site with http: " + " or ".join(sites))]
        return []

    def _http_account(self) -> list[ProblemAt]:
        if not self.http or self.dialect == "smpp34":
            return []
        problems = [
            (("http", *place), message) for place, message in account_problems(self.http, self.dialect)
        ]
        if self.dialect == "generic-http":
            problems += [
                (
                    ("sites", name, "http"),
                    "must have no query: that belongs into request.path or request.fields",
                )
                for name, site in self.sites.items()
                if site.http and ("?" in site.http or "#" in site.http)
            ]
        return problems
