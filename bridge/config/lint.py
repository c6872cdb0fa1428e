"""What no section sees alone: references between sections (errors), and what is unwise (warnings)."""

from collections.abc import Iterator

from bridge.config.document import Document
from bridge.config.problems import Place, Problem, shown
from bridge.config.sentences import did_you_mean
from bridge.config.settings import ProviderSettings, RouteSettings, Settings
from bridge.config.urls import url_advice

SPEC_REBIND_S = 30
SPEC_PASSWORD_CHARACTERS = 8


def broken_references(document: Document) -> Iterator[Problem]:
    """Routes that name a provider which is not there. Works on a document that has other problems too."""
    data = document.data if isinstance(document.data, dict) else {}
    providers, routes = data.get("providers"), data.get("routes")
    if not isinstance(providers, dict) or not isinstance(routes, dict):
        return
    for name, route in routes.items():
        named = route.get("providers") if isinstance(route, dict) else None
        for index, provider in enumerate(named if isinstance(named, list) else ()):
            if isinstance(provider, str) and provider not in providers:
                hint = did_you_mean(provider, providers) or f"; there is {', '.join(map(shown, providers))}"
                yield document.problem(("routes", name, "providers", index), "names no provider" + hint)


def advice(settings: Settings) -> Iterator[tuple[Place, str]]:
    """Warnings: where, and what is to be thought of."""
    yield from url_advice(settings)
    for name, provider in settings.providers.items():
        for place, message in _about_provider(provider):
            yield ("providers", name, *place), message
        if provider.http and settings.callbacks is None:
            yield (
                ("providers", name, "http"),
                "there is no callbacks section: nothing listens for its receipts and messages",
            )
        if settings.routes and not any(name in route.providers for route in settings.routes.values()):
            yield ("providers", name), "no route uses it: it only receives"
    for name, route in settings.routes.items():
        yield from ((("routes", name, *place), message) for place, message in _about_route(route, settings))
    if settings.inbound.dr_join_hours > settings.redis.retention_hours:
        yield (
            ("inbound", "dr_join_hours"),
            "is longer than redis.retention_hours: what is known of an MT is forgotten before",
        )
    if not settings.routes:
        yield (), "there are no routes: no MT is taken from RabbitMQ"


def _about_provider(provider: ProviderSettings) -> Iterator[tuple[Place, str]]:
    smpp = provider.smpp
    if smpp and smpp.rebind_seconds <= SPEC_REBIND_S:
        yield (
            ("smpp", "rebind_seconds"),
            "30 or less is for labs: providers want more than 30 s between binds",
        )
    if smpp and len(smpp.password.get_secret_value()) > SPEC_PASSWORD_CHARACTERS:
        yield ("smpp", "password"), "is longer than SMPP's 8 characters; some providers refuse or cut it"
    if provider.http and provider.dialect == "generic-http" and provider.http.callback is None:
        yield ("http",), "has no callback: its receipts and messages cannot be read"
    for name, site in provider.sites.items():
        if site.http and site.http.startswith("http://"):
            yield ("sites", name, "http"), "http:// shows messages and password to the network; use https://"


def _about_route(route: RouteSettings, settings: Settings) -> Iterator[tuple[Place, str]]:
    if route.from_ is None:
        yield (), "has no from: an MT that names none either is refused"
    for way in ("smpp", "http"):
        prefers = route.prefer == way and "prefer" in route.model_fields_set
        if prefers and not any(getattr(settings.providers[name], way) for name in route.providers):
            yield ("prefer",), f"changes nothing: none of its providers has {way}"
    if all(_only_receives(settings.providers[name]) for name in route.providers):
        yield ("providers",), "none of them can send: bind is receiver"


def _only_receives(provider: ProviderSettings) -> bool:
    return provider.http is None and provider.smpp is not None and provider.smpp.bind == "receiver"
