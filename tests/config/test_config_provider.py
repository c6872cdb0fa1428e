"""What a provider's sections find wrong in themselves, and the defaults its dialect brings."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bridge.config.settings import HostPort, ProviderSettings, SiteSettings, SmppSettings

ACCOUNT: dict[str, Any] = {"system_id": "me", "password": "secret"}
NODES: dict[str, Any] = {"here": {"smsc": ["localhost:2775"]}}
URL = "https://sms.example.com/"
LOGIN: dict[str, Any] = {"login": "me", "password": "secret"}
REQUEST: dict[str, Any] = {"fields": {"to": "{to}", "text": "{text}"}}


def problems_of(provider: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        ProviderSettings.model_validate(provider)
    return [(item["loc"], item["msg"]) for item in caught.value.errors()]


@pytest.mark.parametrize(
    ("provider", "place", "message"),
    [
        ({"sites": NODES}, (), "needs smpp, http, or both"),
        ({"sites": NODES}, ("sites", "here", "smsc"), "no smpp section"),
        ({"smpp": ACCOUNT, "http": {}, "sites": NODES}, ("http",), "smpp34 has no HTTP side"),
        (
            {"dialect": "generic-http", "smpp": ACCOUNT, "sites": NODES},
            ("smpp",),
            "generic-http has no SMPP side",
        ),
        ({"smpp": ACCOUNT, "sites": {"a": {"http": URL}}}, ("smpp",), "no site has smsc"),
        (
            {"http": {}, "sites": {"a": {"http": "ftp://x"}}},
            ("sites", "a", "http"),
            "begins with https:// or",
        ),
        ({"smpp": ACCOUNT, "sites": {"a": {"http": URL}}}, ("sites", "a", "http"), "no http section"),
        (
            {"smpp": ACCOUNT, "sites": {"a": {"smsc": ["x:1", "y:1"]}, "b": {"smsc": ["y:1"]}}},
            ("sites", "b", "smsc", 0),
            "is listed twice",
        ),
        (
            {
                "dialect": "genesys",
                "http": {**LOGIN, "strategy": "dns"},
                "sites": {"a": {"http": URL}, "b": {"http": URL}},
            },
            ("http", "strategy"),
            "exactly one site",
        ),
        (
            {"dialect": "genesys", "http": LOGIN, "sites": {"a": {"http": URL}, "b": {"http": URL}}},
            ("http",),
            "needs primary: a or b",
        ),
        (
            {"dialect": "genesys", "http": {**LOGIN, "primary": "c"}, "sites": {"a": {"http": URL}}},
            ("http", "primary"),
            "must be a site with http: a",
        ),
    ],
)
def test_what_does_not_fit_together(provider: dict[str, Any], place: tuple[str, ...], message: str) -> None:
    assert any(at == place and message in said for at, said in problems_of(provider)), problems_of(provider)


@pytest.mark.parametrize(
    "provider",
    [
        {"smpp": ACCOUNT, "sites": NODES},
        {"dialect": "genesys", "http": LOGIN, "sites": {"a": {"http": URL}}},
        {
            "dialect": "genesys",
            "http": {**LOGIN, "primary": "b"},
            "sites": {"a": {"http": URL}, "b": {"http": URL}},
        },
        {
            "dialect": "generic-http",
            "http": {"strategy": "dns", "request": REQUEST},
            "sites": {"a": {"http": URL}},
        },
        {"dialect": "genesys", "smpp": ACCOUNT, "http": LOGIN, "sites": {**NODES, "a": {"http": URL}}},
    ],
)
def test_what_fits(provider: dict[str, Any]) -> None:
    assert ProviderSettings.model_validate(provider).sites


def test_genesys_reads_utf_8_unless_told_otherwise() -> None:
    def alphabet(smpp: Any) -> str:
        provider = ProviderSettings.model_validate({"dialect": "genesys", "smpp": smpp, "sites": NODES})
        assert provider.smpp
        return provider.smpp.default_alphabet

    assert alphabet(ACCOUNT) == "utf-8"
    assert alphabet({**ACCOUNT, "default_alphabet": "latin1"}) == "latin1"
    assert alphabet(SmppSettings(system_id="me", password=SecretStr("x"))) == "utf-8"
    assert alphabet(SmppSettings(system_id="me", password=SecretStr("x"), default_alphabet="gsm")) == "gsm"


def test_nodes_and_numbers_in_all_their_spellings() -> None:
    site = SiteSettings.model_validate({"smsc": "[::1]:2775"})
    assert site.smsc == (HostPort("::1", 2775),)
    assert str(site.smsc[0]) == "[::1]:2775"
    assert SiteSettings(smsc=(HostPort("a", 1),)).smsc[0].port == 1
    smpp = SmppSettings.model_validate(
        {
            **ACCOUNT,
            "source_ton": "0x5",
            "dest_npi": 18,
            "source_npi": "1",
            "status": {0x58: "retry", "0x45": "ok"},
        }
    )
    assert (smpp.source_ton, smpp.dest_npi, smpp.source_npi, smpp.dest_ton) == (5, 18, 1, "auto")
    assert SmppSettings.model_validate({**ACCOUNT, "source_ton": "auto"}).source_ton == "auto"
    assert smpp.status == {0x58: "retry", 0x45: "ok"}


def test_tls_is_off_on_or_a_section() -> None:
    def tls(value: object) -> Any:
        return SmppSettings.model_validate({**ACCOUNT, "tls": value}).tls_settings

    assert tls("false") is None
    assert tls("true").ca is None
    assert str(tls({"ca": "ca.pem"}).ca) == "ca.pem"
    assert str(tls(tls({"cert": "c.pem", "key": "k.pem"})).key) == "k.pem"


def test_settings_cannot_be_changed() -> None:
    smpp = SmppSettings.model_validate(ACCOUNT)
    with pytest.raises(ValidationError, match="frozen"):
        smpp.window = 5
