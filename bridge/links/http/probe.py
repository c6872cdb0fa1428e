"""Asking an endpoint for its head: it shows whether somebody is there, and sends nobody a message.

Each try has a connection of its own. That costs more than a worker's exchanges may (`client.py`), and shows that one
can still be made.
"""

import asyncio
from typing import Any, NamedTuple

import httpx
import structlog

from bridge.config.tls import causes
from bridge.links.http.errors import NameNotResolved
from bridge.links.http.names import names_of
from bridge.links.http.plan import EndpointPlan
from bridge.links.reasons import reason_of

log = structlog.get_logger(__name__)

_SERVER_FAULTS = range(500, 600)
_NO_SUCH_METHOD = (501, 505)
_NOBODY_THERE = (404, 410)


class Probed(NamedTuple):
    """Whether the site answers, and what there is to say of it. `note`: it answers, but perhaps not as it should."""

    works: bool
    detail: str
    note: str = ""


async def probe(plan: EndpointPlan) -> Probed:
    """One try, within the time limit of a request. Whoever answers is there, unless to say that it does not work.

    Never raises: there is a next time.
    """
    try:
        async with (
            asyncio.timeout(plan.timeout_s),
            httpx.AsyncClient(verify=plan.tls or False, trust_env=False, timeout=plan.timeout_s) as client,
        ):
            answer = await client.head(**await _place(plan))
    except TimeoutError:
        return Probed(False, f"no answer within {plan.timeout_s:g} s")
    except NameNotResolved as error:
        return Probed(False, str(error))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:  # OSError: TLS's, which httpx lets through
        return Probed(False, _reason(error, plan.timeout_s))
    except Exception as error:  # ours, or a library's
        log.exception("endpoint.fault", provider=plan.provider, site=plan.site)
        return Probed(False, f"a fault of the bridge: {type(error).__name__}")
    works = answer.status_code not in _SERVER_FAULTS or answer.status_code in _NO_SUCH_METHOD
    return Probed(works, f"HTTP {answer.status_code} to HEAD", _note(answer))


async def _place(plan: EndpointPlan) -> dict[str, Any]:
    """Where the host is now; its name goes with the request, and the certificate has to be that name's."""
    url = httpx.URL(plan.url)
    names = names_of(plan.nameservers)
    if names is None:
        return {"url": url}
    found = await names.resolve(url.host)
    headers = {"Host": url.netloc.decode("ascii")}
    return {
        "url": url.copy_with(host=found.addresses[0]),
        "headers": headers,
        "extensions": {"sni_hostname": url.host},
    }


def _note(answer: httpx.Response) -> str:
    if answer.status_code in _NOBODY_THERE:
        return f"HTTP {answer.status_code}: is the URL right?"
    return "redirects elsewhere: configure the URL it points to" if answer.is_redirect else ""


def _reason(error: Exception, limit_s: float) -> str:
    """The network's own, which the library wraps."""
    for inner in causes(error):
        if isinstance(inner, OSError) and (inner.errno or isinstance(inner, TimeoutError)):
            return reason_of(inner, limit_s)
    return str(error) or type(error).__name__
