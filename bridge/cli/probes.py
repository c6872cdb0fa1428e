"""One short, harmless try of each thing a worker needs: RabbitMQ, Redis, a bind to a node, an HTTP endpoint.

Nothing is declared, consumed or sent. An endpoint is asked for its head, which shows no credentials; a message that a
provider delivers to a bind made here is refused with the busy status, so that the provider keeps it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from bridge.broker.broker import Broker
from bridge.broker.errors import BrokerUnavailable, TopologyError
from bridge.broker.session import place_of
from bridge.config.settings import HostPort, Settings
from bridge.links.http.plan import EndpointPlan, endpoint_plans
from bridge.links.http.probe import probe
from bridge.links.node import Unreachable, connect
from bridge.links.plan import BindPlan, plans
from bridge.links.shell import SessionShell
from bridge.model.names import Names
from bridge.smpp.consts import ESME_RALYBND, describe_status
from bridge.smpp.events import BindRefused, Bound, DeliverReceived, Event, SessionClosed
from bridge.smpp.status import StatusGroup, status_group
from bridge.store.store import Store, StoreUnavailable

LIMIT_S = 15.0
"""For one try, whatever happens."""
BIND_LIMIT_S = 5.0
"""For the answer to a bind."""
LEAVE_S = 3.0
"""For the answer to an unbind."""
NAMED = 3
"""How many missing exchanges or queues are named."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one try. `notes`: what works, but not as it should."""

    kind: str
    name: str
    works: bool
    detail: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """Something to try: what, where, and how."""

    kind: str
    name: str
    attempt: Callable[[], Awaitable[tuple[bool, str, tuple[str, ...]]]]

    async def run(self) -> Finding:
        """Try it once, within LIMIT_S."""
        try:
            async with asyncio.timeout(LIMIT_S):
                works, detail, notes = await self.attempt()
        except TimeoutError:
            works, detail, notes = False, f"no result within {LIMIT_S:g} s", ()
        return Finding(self.kind, self.name, works, detail, notes)


def probes(settings: Settings) -> list[Probe]:
    """What this configuration needs, in the order it is reported. Raises links.tls.Unusable."""
    places = ", ".join(place_of(url.get_secret_value()) for url in settings.broker.urls)
    redis = urlsplit(settings.redis.url.get_secret_value())
    redis_at = HostPort(redis.hostname or "", redis.port or 6379)
    return [
        Probe("RabbitMQ", places, partial(_try_broker, settings)),
        Probe("Redis", f"{redis_at}{redis.path}", partial(_try_store, settings)),
        *_node_probes(settings),
        *_endpoint_probes(settings),
    ]


def _node_probes(settings: Settings) -> Iterator[Probe]:
    """A bind of each kind to each node; of `binds_per_node` only the first."""
    for name, provider in settings.providers.items():
        seen = set()
        for plan in plans(name, provider):
            if (plan.node, plan.session.mode) not in seen:
                seen.add((plan.node, plan.session.mode))
                yield Probe(f"{name} {plan.site}", plan.name, partial(_try_bind, plan))


def _endpoint_probes(settings: Settings) -> Iterator[Probe]:
    for name, provider in settings.providers.items():
        for plan in endpoint_plans(name, provider):
            yield Probe(f"{name} {plan.site}", plan.name, partial(_try_endpoint, plan))


async def _try_broker(settings: Settings) -> tuple[bool, str, tuple[str, ...]]:
    looks_only = settings.broker.model_copy(update={"declare": False})
    broker = Broker(looks_only, Names(settings.broker.prefix), list(settings.routes), worker="bridge check")
    try:
        await broker.open()
    except BrokerUnavailable as error:
        return False, str(error), ()
    except TopologyError as error:
        return _about_topology(error.problems, declares=settings.broker.declare)
    else:
        return True, "connected; exchanges and queues are there", ()
    finally:
        await broker.close()


def _about_topology(problems: tuple[str, ...], *, declares: bool) -> tuple[bool, str, tuple[str, ...]]:
    """What is missing is no fault where `bridge run` declares it."""
    wrong = [problem for problem in problems if not (declares and "is missing" in problem)]
    if not wrong:
        return True, f"connected; bridge run will declare {len(problems)} exchanges and queues", ()
    more = f"; and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
    return False, "; ".join(wrong[:NAMED]) + more, ()


async def _try_store(settings: Settings) -> tuple[bool, str, tuple[str, ...]]:
    store = Store(settings.redis, worker="check")
    try:
        await store.open()
        return True, "connected; takes writes", tuple(await store.check())
    except StoreUnavailable as error:
        return False, str(error), ()
    finally:
        await store.close()


async def _try_bind(plan: BindPlan) -> tuple[bool, str, tuple[str, ...]]:
    loop = asyncio.get_running_loop()
    verdict: asyncio.Future[Event] = loop.create_future()

    def hear(shell: SessionShell, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, DeliverReceived):
                shell.answer(event.sequence_number, plan.busy_status)
            elif isinstance(event, Bound | BindRefused | SessionClosed) and not verdict.done():
                verdict.set_result(event)

    settings = replace(plan.session, session_init_s=BIND_LIMIT_S)
    try:
        shell = await connect(plan.node, lambda: SessionShell(settings, hear, loop))
    except Unreachable as error:
        return False, str(error), ()
    try:
        event = await verdict
        if isinstance(event, Bound):
            shell.leave()
            await asyncio.wait([shell.gone], timeout=LEAVE_S)
        return _about_bind(event, plan, left=shell.gone.done())
    finally:
        shell.abort()


async def _try_endpoint(plan: EndpointPlan) -> tuple[bool, str, tuple[str, ...]]:
    found = await probe(plan)
    return found.works, found.detail, (found.note,) if found.note else ()


def _about_bind(event: Event, plan: BindPlan, *, left: bool) -> tuple[bool, str, tuple[str, ...]]:
    match event:
        case Bound():
            notes = () if left else (f"did not answer unbind within {LEAVE_S:g} s",)
            return True, f"bound as {plan.session.mode.name.lower()}, and unbound", notes
        case BindRefused(status=status):
            return False, f"bind refused: {describe_status(status)}{_hint(status, plan)}", ()
        case SessionClosed(reason=reason):
            return False, reason, ()
        case _:
            raise AssertionError(event)


def _hint(status: int, plan: BindPlan) -> str:
    if status == ESME_RALYBND:
        return "; is a worker bound already, and does the provider allow no more binds?"
    if status_group(status, plan.statuses) is StatusGroup.ACCOUNT:
        return "; check system_id and password, and that the provider admits this machine's address"
    return ""
