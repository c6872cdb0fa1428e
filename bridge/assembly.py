"""The objects of one worker, made from the settings and introduced to each other. Part of the composition: knows all
rooms. Nothing here runs or decides (`app.py`).
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from bridge.broker.broker import Broker
from bridge.broker.outbox import Outbox
from bridge.config.settings import Settings
from bridge.dialects.deliver import join_segments
from bridge.inbound.deadlines import Deadlines
from bridge.inbound.early import EarlyReceipts
from bridge.inbound.parts import Join
from bridge.inbound.receive import Receiver
from bridge.inbound.relations import Relations
from bridge.links.events import LinkEvents
from bridge.links.plan import read_options
from bridge.links.pool import Sites, SiteState, build_links
from bridge.model.events import Origin
from bridge.model.names import Names
from bridge.ops.sites import SiteNews
from bridge.outbound.consume import RouteConsumers
from bridge.outbound.dispatch import Dispatcher
from bridge.outbound.settler import Settler
from bridge.store.correlation import Correlation
from bridge.store.store import Store

if TYPE_CHECKING:
    from bridge.inbound.callbacks.door import CallbackDoor


class Assembly:
    """One worker's rooms. Make it inside a running loop. Raises links.tls.Unusable."""

    def __init__(
        self,
        settings: Settings,
        events: LinkEvents,
        site_changed: Callable[[SiteState], None],
        *,
        worker: str,
    ) -> None:
        """`events`: who hears the links; `site_changed`: and who the sites."""
        self._settings = settings
        self._worker = worker
        self.names = names = Names(settings.broker.prefix)
        self.store = Store(settings.redis, worker=worker)
        self.broker = Broker(settings.broker, names, list(settings.routes), worker=worker)
        self.outbox = Outbox(self.broker.publisher)
        self.links = build_links(settings, events)
        self.sites = Sites(self.links, site_changed)
        self.news = SiteNews(names, self.broker.publisher, self.links, worker=worker)
        self._receive()
        self._send()
        self.door = self._door()

    def _receive(self) -> None:
        settings, names, store, wait = self._settings, self.names, self.store, self._settings.inbound
        smpp = {name: one for name, one in settings.providers.items() if one.smpp}
        join: dict[str, Join] = {
            name: partial(join_segments, options=read_options(one)) for name, one in smpp.items()
        }
        relations = Relations({name: one.smpp.ids for name, one in smpp.items() if one.smpp})
        self.receiver = Receiver(
            names,
            store.receipts,
            store.segments,
            self.broker.publisher,
            self.outbox,
            worker=self._worker,
            join=join,
            relations=relations,
            resolve=self._resolve,
            early_wait_s=wait.early_dr_wait_seconds,
            mo_repeat_s=wait.mo_repeat_seconds,
            segment_wait_s=wait.segment_wait_seconds,
        )
        self.early = EarlyReceipts(
            names,
            store.receipts,
            self.outbox,
            relations=relations,
            resolve=self._resolve,
            early_wait_s=wait.early_dr_wait_seconds,
        )
        self.deadlines = Deadlines(
            names,
            store.receipts,
            store.segments,
            self.outbox,
            worker=self._worker,
            join=join,
            segment_wait_s=wait.segment_wait_seconds,
            mo_repeat_s=wait.mo_repeat_seconds,
        )

    def _send(self) -> None:
        settings, names, claims = self._settings, self.names, self.store.claims
        self.consumers = RouteConsumers(names, settings.routes, self.broker)
        self.settler = Settler(
            names,
            frozenset(name for name, route in settings.routes.items() if route.accepted_events),
            claims,
            self.outbox,
            self.receiver.matched_late,
            join_s=settings.inbound.dr_join_hours * 3600,
        )
        self.dispatcher = Dispatcher(
            settings.routes,
            [link for link in self.links if link.transmits],
            claims,
            self.settler,
            self.consumers,
            worker=self._worker,
            body_limit=settings.limits.mt_bytes,
        )
        self.consumers.attach(self.dispatcher.take, self.dispatcher.return_waiting)

    def _resolve(self, found: Correlation, origin: Origin, then: Callable[[], None]) -> None:
        """Inbound comes first, and outbound after it."""
        self.settler.resolve(found, origin, then)

    def _door(self) -> "CallbackDoor | None":
        """Where HTTP providers call, if there is one and somebody may."""
        callbacks = self._settings.callbacks
        providers = {name: one for name, one in self._settings.providers.items() if one.http}
        if callbacks is None or not providers:
            return None
        # Loading these rooms takes its part of a start, which is spared where nobody has HTTP.
        from bridge.inbound.callbacks.callers import Callers  # noqa: PLC0415
        from bridge.inbound.callbacks.door import CallbackDoor  # noqa: PLC0415
        from bridge.links.http_dialects import http_dialect  # noqa: PLC0415

        return CallbackDoor(
            callbacks.listen,
            Callers(callbacks.token.get_secret_value(), callbacks.allow, trust_proxy=callbacks.trust_proxy),
            {name: http_dialect(one) for name, one in providers.items()},
            {name: frozenset(one.sites) for name, one in providers.items()},
            self.receiver.received,
        )
