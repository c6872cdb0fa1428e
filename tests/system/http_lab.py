"""An HTTP provider with two sites, what a bridge has to be told to use it, and bridges that do.

The SMSCs beside it, where a test wants some, are those of `conftest.py`.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bridge.config.settings import Settings
from bridge.model.names import Names
from bridge.simulator.http import Callback, HttpProvider, HttpSite
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from tests.system.application import Application
from tests.system.lab import Event, Lab
from tests.system.processes import LIMIT_S, Crew

TOKEN = "callback-secret"
SITES = ("one", "two")
LOGIN, PASSWORD = "bridge", "secret"
PATIENT = {"timeout_seconds": 10}
"""Of tests that wait for no time-out: a busy machine must not make one."""


class HttpStage:
    """The provider `p`: sites `one`, the primary, and `two`; and bridges, which end with it.

    It calls back to a port that is its bridges' alone, and is theirs to open. `options` are those of HttpProvider.
    """

    def __init__(
        self,
        amqp_url: str,
        redis_url: str,
        prefix: str,
        *,
        smscs: Sequence[SimulatedSmsc] = (),
        **options: Any,
    ) -> None:
        self._where = (amqp_url, redis_url, prefix)
        self._smscs = smscs
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._held.bind(("127.0.0.1", 0))  # not listening: nobody is connected to it, nor takes its port
        self.port: int = self._held.getsockname()[1]
        self.provider = HttpProvider(
            **{
                "callback_urls": [f"http://127.0.0.1:{self.port}/callbacks/p"],
                "callback_token": TOKEN,
                "receipt_delay_s": 0.01,
                "again_s": 0.2,
                "most_times": 1000,
                **options,
            }
        )
        self.one, self.two = (HttpSite(self.provider, site=name) for name in SITES)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "HttpStage":
        await self.one.start()
        await self.two.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        await self.provider.close()
        self._held.close()

    def document(
        self,
        *,
        amqp_url: str | None = None,
        http: Mapping[str, Any] | None = None,
        urls: Mapping[str, str] | None = None,
        smpp: Mapping[str, Any] | None = None,
        route: Mapping[str, Any] | None = None,
        inbound: Mapping[str, Any] | None = None,
        dialect: str = "genesys",
    ) -> dict[str, Any]:
        """The configuration file, what should be short kept short; `urls` in place of those of the sites."""
        urls = {site.site: site.url for site in (self.one, self.two)} if urls is None else urls
        sites: dict[str, dict[str, Any]] = {name: {"http": url} for name, url in urls.items()}
        for smsc in self._smscs:
            sites.setdefault(smsc.site, {})["smsc"] = [smsc.node]
        account = {
            "resubmit_seconds": 1,
            "timeout_seconds": 1,
            "login": LOGIN,
            "password": PASSWORD,
            **({"primary": "one"} if len(urls) > 1 else {}),
            **(http or {}),
        }
        provider: dict[str, Any] = {"dialect": dialect, "http": account, "sites": sites}
        if self._smscs:
            provider["smpp"] = {
                "system_id": "bridge",
                "password": "secret",
                "rebind_seconds": 1,
                **(smpp or {}),
            }
        own_url, redis_url, prefix = self._where
        return {
            "broker": {"url": amqp_url or own_url, "prefix": prefix},
            "redis": {"url": redis_url, "prefix": prefix},
            "providers": {"p": provider},
            "routes": {
                "default": {"providers": ["p"], "from": "12345", "accepted_events": True, **(route or {})}
            },
            "inbound": {"early_dr_wait_seconds": 3, **(inbound or {})},
            "callbacks": {"listen": f"127.0.0.1:{self.port}", "token": TOKEN},
            "ops": {"listen": "127.0.0.1:0"},
        }

    async def lab(self, **parts: Any) -> Lab:
        """A bridge in this process; `parts` go to `document`."""
        return await self.lab_of(Settings.model_validate(self.document(**parts)))

    async def lab_of(self, settings: Settings) -> Lab:
        """A bridge in this process on this configuration."""
        return await self._stack.enter_async_context(Lab(settings))

    async def crew(
        self, directory: Path, workers: int, network: Network, **parts: Any
    ) -> tuple[Crew, Application]:
        """Worker processes, and an application that hears them; `parts` go to `document`.

        With an `amqp_url` among them, only the workers use that.
        """
        crew = await self._stack.enter_async_context(Crew(directory, self.document(**parts)))
        await crew.workers(workers)
        amqp_url, _, prefix = self._where
        app = Application(amqp_url, Names(prefix), network)
        return crew, await self._stack.enter_async_context(app)

    @property
    def books(self) -> Counter[str]:
        """How often the provider took each message over HTTP."""
        return Counter(request.ident for request in self.provider.taken)

    def asked(self, ident: str) -> list[str]:
        """The sites that were asked for this message, in order."""
        return [request.site for request in self.provider.requests if request.ident == ident]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Until this holds of the provider."""
        async with asyncio.timeout(LIMIT_S):
            await self.provider.until(condition)

    async def until_told(self, *callbacks: Callback) -> None:
        """Until the bridge has these, or whatever is owed to it."""
        if callbacks:
            await self.until(lambda: not any(callback.open for callback in callbacks))
        else:
            await self.until(lambda: not self.provider.outbox.counts.open)


def results(event: Event) -> list[tuple[str, str]]:
    """Where an MT was tried, and what came of it."""
    return [(attempt["site"], attempt["result"]) for attempt in event["attempts"]]


def once_each(events: Sequence[Event]) -> list[Event]:
    """Without those that a consumer would drop, having seen their id."""
    return list({event["event_id"]: event for event in events}.values())
