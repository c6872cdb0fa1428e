"""Is this worker alive, is it ready, what is it doing: read from the running application, as plain data.

Decides what "ready" means (contract, section 6). Speaks no HTTP (`server.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class LinkView(Protocol):
    """A link as an operator sees it."""

    @property
    def provider(self) -> str: ...
    @property
    def site(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def via(self) -> str: ...
    @property
    def bound(self) -> bool: ...
    @property
    def active(self) -> bool: ...
    @property
    def free(self) -> int: ...
    @property
    def in_flight(self) -> int: ...
    @property
    def reason(self) -> str: ...


class State(Protocol):
    """What `app.py` tells of the worker. Reading it costs nothing and waits for nothing."""

    @property
    def worker(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def broker_up(self) -> bool: ...
    @property
    def store_up(self) -> bool: ...
    @property
    def links(self) -> Sequence[LinkView]: ...
    @property
    def routes(self) -> Mapping[str, Mapping[str, Any]]:
        """By name: whatever is worth showing (consuming, in flight, ...), fit for JSON."""
        ...


def missing(state: State) -> list[str]:
    """What keeps the worker from being ready; empty when it is."""
    return [
        what
        for what, there in (
            ("broker", state.broker_up),
            ("redis", state.store_up),
            ("link", any(link.active for link in state.links)),
        )
        if not there
    ]


def snapshot(state: State) -> dict[str, Any]:
    """The whole worker, fit for JSON."""
    lacking = missing(state)
    return {
        "worker": state.worker,
        "version": state.version,
        "ready": not lacking,
        "missing": lacking,
        "broker": {"up": state.broker_up},
        "redis": {"up": state.store_up},
        "routes": {name: dict(route) for name, route in state.routes.items()},
        "links": [_link(link) for link in state.links],
    }


def _link(link: LinkView) -> dict[str, Any]:
    return {
        "provider": link.provider,
        "site": link.site,
        "link": link.name,
        "via": link.via,
        "bound": link.bound,
        "up": link.active,
        "free": link.free,
        "in_flight": link.in_flight,
        "reason": link.reason or None,
    }
