"""What the configuration asks for, bind by bind; and what links make of a site."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.config.settings import ProviderSettings, Settings
from bridge.dialects.genesys import GENESYS
from bridge.links.plan import plans
from bridge.links.pool import Sites, SiteState, build_links, site_state
from bridge.links.tls import Unusable
from bridge.simulator.smsc import SimulatedSmsc
from bridge.smpp.session import BindMode
from bridge.smpp.status import StatusGroup
from tests.links.lab import Recorder, binds, provider, running

TWO_SITES = {
    "dc3": {"smsc": ["smsc1.dc3.example:2775", "smsc2.dc3.example:2775"]},
    "bos": {"smsc": ["[2001:db8::1]:2775"]},
}


def two_sites(**smpp: object) -> ProviderSettings:
    account = {"system_id": "us", "password": "secret"}
    return ProviderSettings.model_validate({"smpp": account | smpp, "sites": TWO_SITES})


def test_a_bind_for_every_node_of_every_site() -> None:
    links = list(plans("genesys", two_sites()))
    assert [(plan.provider, plan.site, plan.name, plan.session.mode) for plan in links] == [
        ("genesys", "dc3", "smsc1.dc3.example:2775", BindMode.TRANSCEIVER),
        ("genesys", "dc3", "smsc2.dc3.example:2775", BindMode.TRANSCEIVER),
        ("genesys", "bos", "[2001:db8::1]:2775", BindMode.TRANSCEIVER),
    ]


def test_names_tell_the_binds_of_a_node_apart() -> None:
    settings = two_sites(binds_per_node=2, bind="transmitter+receiver")
    names = [plan.name for plan in plans("genesys", settings) if plan.site == "bos"]
    node = "[2001:db8::1]:2775"
    assert names == [f"{node}/tx", f"{node}/rx", f"{node}#2/tx", f"{node}#2/rx"]


def test_everything_the_account_says_arrives() -> None:
    settings = ProviderSettings.model_validate(
        {
            "dialect": "genesys",
            "smpp": {
                "system_id": "us",
                "password": "secret",
                "bind": "receiver",
                "window": 3,
                "rebind_seconds": 40,
                "enquire_link_seconds": 20,
                "response_timeout_seconds": 15,
                "number_format": "plus",
                "final_states": ["accepted"],
                "status": {"0x45": "permanent"},
                "busy_status": "0x64",
            },
            "sites": TWO_SITES,
        }
    )
    plan = next(plans("genesys", settings))
    session = plan.session
    assert (session.system_id, session.password, session.mode) == ("us", "secret", BindMode.RECEIVER)
    assert (session.window, session.enquire_link_s, session.response_timeout_s) == (3, 20, 15)
    assert (session.busy_status, plan.busy_status, plan.rebind_s) == (0x64, 0x64, 40)
    assert (plan.submit.number_format, plan.submit.default_alphabet) == ("plus", "utf-8")
    assert (plan.read.final_states, plan.read.dialect) == (frozenset({"accepted"}), GENESYS)
    assert plan.statuses == {0x45: StatusGroup.PERMANENT}
    (link, *_) = [*binds(Recorder(), settings)]
    assert (link.lease_s, link.window, link.transmits, link.via) == (25.0, 3, False, "smpp")
    assert link.node == "smsc1.dc3.example:2775"


def test_a_provider_without_smpp_has_no_binds() -> None:
    settings = ProviderSettings.model_validate(
        {
            "dialect": "genesys",
            "http": {"login": "us", "password": "secret"},
            "sites": {"dc1": {"http": "https://x.example"}},
        }
    )
    assert list(plans("http", settings)) == []


def test_what_no_bind_can_be_made_of_names_the_setting_and_no_secret(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"^providers\.genesys\.smpp\.password: only ASCII") as caught:
        list(plans("genesys", two_sites(password="geheimnisträger")))
    assert "geheim" not in str(caught.value)
    missing = tmp_path / "ca.pem"
    with pytest.raises(Unusable, match=rf"^providers\.genesys\.smpp\.tls: .*{missing}: No such file"):
        list(plans("genesys", two_sites(tls={"ca": str(missing)})))


def test_links_of_all_providers() -> None:
    settings = Settings(providers={"one": two_sites(), "two": two_sites()})
    links = build_links(settings, Recorder())
    assert [link.provider for link in links] == ["one"] * 3 + ["two"] * 3


@dataclass
class Health:
    name: str
    bound: bool
    tried: bool = True

    @property
    def reason(self) -> str:
        return "" if self.bound else "connection refused"


def test_site_states_are_a_matter_of_counting() -> None:
    def state(*links: Health) -> SiteState | None:
        return site_state("lab", "dc1", links)

    here, gone, new = Health("a:1", bound=True), Health("b:2", bound=False), Health("c:3", False, tried=False)
    assert state(here, gone, new) is None  # too early to tell
    assert state(here, here) == SiteState("lab", "dc1", "up", 2, 2, None)
    assert state(here, gone) == SiteState("lab", "dc1", "degraded", 1, 2, "b:2: connection refused")
    assert state(gone) == SiteState("lab", "dc1", "down", 0, 1, "b:2: connection refused")


class Watching(Recorder):
    """The rooms above, with sites."""

    sites: Sites

    def link_changed(self, link: object) -> None:
        self.sites.link_changed(link)  # type: ignore[arg-type]
        super().link_changed(link)  # type: ignore[arg-type]


async def test_a_site_tells_each_change_once() -> None:
    nodes = [SimulatedSmsc(), SimulatedSmsc()]
    for node in nodes:
        await node.start()
    recorder = Watching()
    links = binds(recorder, provider(*(node.node for node in nodes)))
    told: list[str] = []
    recorder.sites = Sites(links, lambda state: told.append(state.state))
    async with running(*links):
        await recorder.until(lambda: told == ["up"])
        nodes[0].kill()
        await recorder.until(lambda: told == ["up", "degraded"])
        nodes[1].kill()
        await recorder.until(lambda: told == ["up", "degraded", "down"])
        await nodes[1].start()
        await recorder.until(lambda: told == ["up", "degraded", "down", "degraded"])
        await nodes[0].start()
        await recorder.until(lambda: told == ["up", "degraded", "down", "degraded", "up"])
    for node in nodes:
        node.kill()
