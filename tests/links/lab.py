"""A link in its laboratory: what it tells is recorded, and whoever waits for something of it is woken."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bridge.config.settings import ProviderSettings
from bridge.links.bind import Bind
from bridge.links.http.endpoint import Endpoint
from bridge.links.http.plan import endpoint_plans
from bridge.links.plan import plans
from bridge.links.pool import Link
from bridge.model.inbound import Inbound
from bridge.model.mt import Mt
from bridge.model.outcome import Outcome

FROM = "12345"
NOW = 1_800_000_000.0


@dataclass
class Recorder:
    """The rooms above, as far as a link can tell: remembers everything, answers inbound as told."""

    changes: list[tuple[str, bool, int]] = field(default_factory=list)
    ended: list[tuple[object, Outcome]] = field(default_factory=list)
    late: list[tuple[object, Outcome]] = field(default_factory=list)
    inbound: list[tuple[Inbound, Callable[[bool], None]]] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    answer_with: bool | None = True
    """What to answer inbound at once; None: the test answers."""
    on_end: Callable[[object], object] | None = None
    """What a test does about an attempt's end, early or late, inside the call."""
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def link_changed(self, link: Link) -> None:
        self.changes.append((link.name, link.active, link.free))
        self._woken.set()

    def attempt_ended(self, _link: Link, ref: object, outcome: Outcome) -> None:
        self.ended.append((ref, outcome))
        self._woken.set()
        if self.on_end is not None:
            self.on_end(ref)

    def answered_late(self, _link: Link, ref: object, outcome: Outcome) -> None:
        self.late.append((ref, outcome))
        self._woken.set()
        if self.on_end is not None:
            self.on_end(ref)

    def received(self, _link: Link, inbound: Inbound, answer: Callable[[bool], None]) -> None:
        self.inbound.append((inbound, answer))
        if self.answer_with is not None:
            answer(self.answer_with)
        self._woken.set()

    def alarm(self, _link: Link, reason: str) -> None:
        self.alarms.append(reason)
        self._woken.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns as soon as it is true; asked after everything a link tells."""
        async with asyncio.timeout(20):
            while not condition():
                self._woken.clear()
                await self._woken.wait()

    @property
    def outcomes(self) -> dict[object, Outcome]:
        """How each ref ended; each has ended once."""
        ends = dict(self.ended)
        assert len(ends) == len(self.ended), "a ref ended twice"
        return ends


def provider(*nodes: str, **smpp: object) -> ProviderSettings:
    """A provider with one site; times are short, and whatever is given overrides."""
    account = {"system_id": "bridge", "password": "secret", "rebind_seconds": 0.05}
    return ProviderSettings.model_validate({"smpp": account | smpp, "sites": {"dc1": {"smsc": list(nodes)}}})


def http_provider(*urls: str, **http: object) -> ProviderSettings:
    """A Genesys account with these sites, the first of them primary; what is given is of `http`."""
    sites = {f"dc{number}": {"http": url} for number, url in enumerate(urls, start=1)}
    account = {"login": "bridge", "password": "secret", "primary": "dc1"}
    return ProviderSettings.model_validate({"dialect": "genesys", "http": account | http, "sites": sites})


def binds(recorder: Recorder, settings: ProviderSettings) -> list[Bind]:
    """The binds of this provider."""
    return [Bind(plan, recorder) for plan in plans("lab", settings)]


def endpoints(recorder: Recorder, settings: ProviderSettings) -> list[Endpoint]:
    """The endpoints of this provider."""
    made = [Endpoint(plan, recorder) for plan in endpoint_plans("lab", settings)]
    for endpoint in made:
        endpoint.siblings = made
    return made


@asynccontextmanager
async def running(*links: Link) -> AsyncIterator[None]:
    """These links run; at the end they are stopped hard."""
    tasks = [asyncio.create_task(link.run(), name=link.name) for link in links]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        done, _ = await asyncio.wait(tasks)
        for task in done:
            if not task.cancelled():
                task.result()


def send(link: Link, ref: object, text: str | None = None, failures: int = 0) -> bool:
    """Prepare and submit one MT, which has failed so often; by default it says `message <ref>`."""
    mt = Mt(id=str(ref), to="447700900123", text=text or f"message {ref}")
    body: Any = link.prepare(mt, str(ref), FROM, NOW)
    return link.submit(body, ref, failures)
