"""What the configuration asks for, endpoint by endpoint."""

from pathlib import Path
from typing import Any

import pytest

from bridge.config.settings import ProviderSettings, Settings
from bridge.dialects.generic_http import GenericHttp
from bridge.dialects.genesys_http import GenesysHttp
from bridge.links.bind import Bind
from bridge.links.http.endpoint import Endpoint
from bridge.links.http.plan import EndpointPlan, endpoint_plans
from bridge.links.pool import build_links
from bridge.links.tls import Unusable
from tests.links.lab import Recorder, http_provider

DC3 = "https://smsc-api.dc3.example/httpapi/receiver"
BOS = "https://smsc-api.bos.example/httpapi/receiver"


def planned(settings: ProviderSettings) -> list[EndpointPlan]:
    return list(endpoint_plans("genesys", settings))


def one_site(url: str, **http: object) -> EndpointPlan:
    (plan,) = planned(http_provider(url, **http))
    return plan


def test_an_endpoint_for_each_site_with_a_url_the_primary_first() -> None:
    plans = planned(http_provider(DC3, BOS, "http://third.example/", primary="dc2"))
    assert [(plan.rank, plan.site, plan.url) for plan in plans] == [
        (0, "dc2", BOS),
        (1, "dc1", DC3),
        (2, "dc3", "http://third.example/"),
    ]
    assert {plan.provider for plan in plans} == {"genesys"}


def test_a_site_without_a_url_has_none() -> None:
    provider = {
        "dialect": "genesys",
        "smpp": {"system_id": "us", "password": "secret"},
        "http": {"login": "us", "password": "secret"},
        "sites": {"dc3": {"smsc": ["h:2775"]}, "bos": {"http": BOS}},
    }
    (plan,) = planned(ProviderSettings.model_validate(provider))
    assert (plan.site, plan.rank) == ("bos", 0)
    assert not planned(
        ProviderSettings.model_validate({**provider, "http": None, "sites": {"dc3": {"smsc": ["h:2775"]}}})
    )


def test_everything_the_account_says_arrives() -> None:
    plan = one_site(DC3, window=7, timeout_seconds=20, resubmit_seconds=45)
    assert (plan.window, plan.timeout_s, plan.resubmit_s, plan.probe_s) == (7, 20, 45, 45)
    assert isinstance(plan.dialect, GenesysHttp)
    assert (plan.dialect.login, plan.dialect.password) == ("bridge", "secret")


def test_sites_that_stand_in_for_each_other_are_looked_up_by_the_system() -> None:
    plan = one_site(DC3)
    assert (plan.resubmit_s, plan.nameservers) == (30, None)


def test_one_url_found_through_dns_is_submitted_to_no_second_time() -> None:
    plan = one_site(DC3, strategy="dns", nameservers=["192.0.2.53"], primary=None)
    assert (plan.resubmit_s, plan.probe_s, plan.nameservers) == (None, 30, ("192.0.2.53:53",))
    assert one_site(DC3, strategy="dns", primary=None).nameservers == (), "the system's"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (DC3, "smsc-api.dc3.example/httpapi/receiver"),
        ("http://h.example:8080", "h.example:8080"),
        ("http://h.example:8080/", "h.example:8080"),
        ("https://us:secret@h.example/send?key=secret", "h.example/send"),
    ],
)
def test_a_name_tells_the_place_and_no_secret(url: str, name: str) -> None:
    assert one_site(url).name == name


def test_a_name_has_nothing_that_the_record_of_an_answer_could_not_hold() -> None:
    """Names are kept between bars there."""
    assert one_site("https://h.example/a|b").name == "h.example/a%7Cb"


def test_names_tell_sites_apart_that_differ_only_in_what_is_not_told() -> None:
    urls = ("https://h.example/send?to=a", "https://h.example/send?to=b", "http://h.example/send/")
    names = [plan.name for plan in planned(http_provider(*urls))]
    assert names == ["h.example/send", "h.example/send#dc2", "h.example/send#dc3"]


def test_tls_is_for_https_alone() -> None:
    encrypted, plain = planned(http_provider(DC3, "http://plain.example/"))
    assert encrypted.tls is not None
    assert plain.tls is None


def test_tls_files_that_cannot_be_used_are_named_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"^providers\.genesys\.http\.tls: "):
        planned(http_provider(DC3, tls={"ca": tmp_path / "missing.pem"}))


def test_a_described_provider_speaks_as_described() -> None:
    provider: dict[str, Any] = {
        "dialect": "generic-http",
        "http": {"request": {"fields": {"to": "{to}", "text": "{text}"}}},
        "sites": {"dc1": {"http": DC3}},
    }
    (plan,) = planned(ProviderSettings.model_validate(provider))
    assert isinstance(plan.dialect, GenericHttp)
    assert plan.dialect.known_as("m1") is None


async def test_the_endpoints_of_a_provider_know_each_other_and_stand_behind_its_binds() -> None:
    genesys = {
        "dialect": "genesys",
        "smpp": {"system_id": "us", "password": "secret"},
        "http": {"login": "us", "password": "secret", "primary": "dc3"},
        "sites": {"dc3": {"smsc": ["h:2775"], "http": DC3}, "bos": {"http": BOS}},
    }
    other = {
        "dialect": "genesys",
        "http": {"login": "us", "password": "secret"},
        "sites": {"dc3": {"http": DC3}},
    }
    settings = Settings.model_validate(
        {
            "broker": {"url": "amqp://h"},
            "redis": {"url": "redis://h"},
            "providers": {"genesys": genesys, "other": other},
            "routes": {"default": {"providers": ["genesys", "other"]}},
        }
    )
    links = build_links(settings, Recorder())
    assert [(type(link), link.provider, link.site, link.rank) for link in links] == [
        (Bind, "genesys", "dc3", 0),
        (Endpoint, "genesys", "dc3", 0),
        (Endpoint, "genesys", "bos", 1),
        (Endpoint, "other", "dc3", 0),
    ]
    _, first, second, alone = links
    assert isinstance(first, Endpoint)
    assert isinstance(second, Endpoint)
    assert isinstance(alone, Endpoint)
    assert list(first.siblings) == list(second.siblings) == [first, second]
    assert list(alone.siblings) == [alone]
    assert (first.via, first.transmits, first.tried, first.lease_s, first.node) == (
        "http",
        True,
        True,
        40.0,
        DC3,
    )
    assert (first.bound, first.active, first.sound, first.reason) == (True, True, True, "")
