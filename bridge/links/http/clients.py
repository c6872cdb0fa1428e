"""What an endpoint exchanges requests with, as its plan wants it."""

from bridge.links.http.client import HttpClient
from bridge.links.http.names import Names
from bridge.links.http.plan import EndpointPlan


def client_of(plan: EndpointPlan, *, window: int) -> HttpClient:
    """With a window of its own: an endpoint's, or that of one exchange."""
    return HttpClient(
        plan.url, timeout_s=plan.timeout_s, window=window, tls=plan.tls, resolver=names_of(plan)
    )


def names_of(plan: EndpointPlan) -> Names | None:
    """Who is asked where its host is; None: the system."""
    if plan.nameservers is None:
        return None
    # dnspython takes its part of a start, and few ask DNS themselves.
    from bridge.links.http.resolver import Resolver  # noqa: PLC0415

    return Resolver(plan.nameservers)
