"""All links of all providers, and what they make of each site.

Not responsible for choosing among them (`outbound`) nor for publishing what a site does (`app`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, Union

from bridge.config.settings import ProviderSettings, Settings
from bridge.links.bind import Bind
from bridge.links.events import LinkEvents
from bridge.links.plan import plans

if TYPE_CHECKING:
    from bridge.links.http.endpoint import Endpoint

Link = Union[Bind, "Endpoint"]


def build_links(settings: Settings, events: LinkEvents) -> list[Link]:
    """Every link of the configuration. Raises tls.Unusable.

    A bind to each node of each site, `binds_per_node` times; an endpoint for each site's URL.
    """
    links: list[Link] = []
    for name, provider in settings.providers.items():
        links += [Bind(plan, events) for plan in plans(name, provider)]
        if provider.http is not None:
            links += _endpoints(name, provider, events)
    return links


def _endpoints(name: str, provider: ProviderSettings, events: LinkEvents) -> "list[Endpoint]":
    # Loading their room takes its part of a start, which is spared where nobody has HTTP.
    from bridge.links.http.endpoint import Endpoint  # noqa: PLC0415
    from bridge.links.http.plan import endpoint_plans  # noqa: PLC0415

    endpoints = [Endpoint(plan, events) for plan in endpoint_plans(name, provider)]
    for endpoint in endpoints:
        endpoint.siblings = endpoints
    return endpoints


class LinkHealth(Protocol):
    """What a site's state depends on."""

    @property
    def name(self) -> str: ...
    @property
    def bound(self) -> bool: ...
    @property
    def tried(self) -> bool: ...
    @property
    def reason(self) -> str: ...


SiteWord = Literal["up", "degraded", "down"]


@dataclass(frozen=True, slots=True)
class SiteState:
    """A provider's site as this worker sees it. `reason`: why some of its links are not bound, None if all are."""

    provider: str
    site: str
    state: SiteWord
    up: int
    total: int
    reason: str | None


def site_state(provider: str, site: str, links: Sequence[LinkHealth]) -> SiteState | None:
    """What its links make of a site; None while some are still at their first attempt: it is too early to tell."""
    if not all(link.tried for link in links):
        return None
    up = sum(link.bound for link in links)
    word: SiteWord = "up" if up == len(links) else "degraded" if up else "down"
    reasons = dict.fromkeys(f"{link.name}: {link.reason}" for link in links if not link.bound)
    return SiteState(provider, site, word, up, len(links), "; ".join(reasons) or None)


class Sites:
    """Tells each change of a site's state, once. `link_changed` is called for every change of any link."""

    def __init__(self, links: Iterable[Link], on_change: Callable[[SiteState], None]) -> None:
        self._links: dict[tuple[str, str], list[Link]] = {}
        for link in links:
            self._links.setdefault((link.provider, link.site), []).append(link)
        self._states: dict[tuple[str, str], SiteWord] = {}
        self._on_change = on_change

    def link_changed(self, link: Link) -> None:
        """Look at the link's site again."""
        key = (link.provider, link.site)
        state = site_state(*key, self._links[key])
        if state is not None and self._states.get(key) != state.state:
            self._states[key] = state.state
            self._on_change(state)
