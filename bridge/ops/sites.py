"""What is said of a provider's sites: to the log, and as events. Whether a site is up is not decided here."""

import time
from collections.abc import Sequence

import structlog

from bridge.broker.message import Confirmation
from bridge.broker.outbox import PublisherPort, event_message
from bridge.links.pool import Link, SiteState
from bridge.model.events import SiteReport, site_event
from bridge.model.ids import event_id
from bridge.model.names import Names

log = structlog.get_logger(__name__)


class SiteNews:
    """Tells what this worker sees of the sites. Once and never again: what a site was like is soon no news."""

    def __init__(self, names: Names, publisher: PublisherPort, links: Sequence[Link], *, worker: str) -> None:
        self._names = names
        self._publisher = publisher
        self._links = links
        self._worker = worker

    def alarm(self, link: Link, reason: str) -> None:
        """A person has to look."""
        log.error("site.alarm", provider=link.provider, site=link.site, link=link.name, reason=reason)
        whose = (link.provider, link.site)
        of_site = [other for other in self._links if (other.provider, other.site) == whose]
        self._tell(
            SiteReport(
                provider=link.provider,
                site=link.site,
                state="alarm",
                reason=reason,
                links_up=sum(other.bound for other in of_site),
                links_total=len(of_site),
                worker=self._worker,
                via=link.via,
                link=link.name,
            )
        )

    def changed(self, state: SiteState) -> None:
        """A site came up, is degraded or down."""
        tell = log.info if state.state == "up" else log.warning
        tell(
            "site.changed",
            state=state.state,
            provider=state.provider,
            site=state.site,
            up=state.up,
            total=state.total,
        )
        self._tell(
            SiteReport(
                provider=state.provider,
                site=state.site,
                state=state.state,
                reason=state.reason,
                links_up=state.up,
                links_total=state.total,
                worker=self._worker,
            )
        )

    def _tell(self, report: SiteReport) -> None:
        now = time.time()
        ident = event_id("site", self._worker, report.provider, report.site, report.state, repr(now))
        message = event_message(site_event(report, ident, now), self._names, now)
        self._publisher.publish(message, _whatever)


def _whatever(_confirmation: Confirmation) -> None:
    """Stored or not: it is not told again."""
