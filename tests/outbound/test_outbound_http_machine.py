"""Binds and HTTP sites on one route, anything in any order: nothing is lost, nothing doubled without being told."""

from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from bridge.model.events import Origin
from bridge.store.correlation import Correlation
from tests.outbound.test_outbound_machine import ANY, FEW, Workers, some_link
from tests.outbound.world import HttpWorld, World

RECEIPT = Origin("h", "s", "http")


def is_asked(link: object) -> bool:
    """Whether it is an HTTP site with a request open."""
    return getattr(link, "via", "") == "http" and bool(getattr(link, "open", ()))


class HttpWorkers(Workers):
    """The same, and sites that fail messages."""

    prefer: ClassVar[str] = "any"

    def make_world(self) -> World:
        return HttpWorld(self.prefer)

    def _shown(self) -> list[Correlation]:
        """What a receipt may speak of: MTs that the HTTP provider has, as they are known without an answer."""
        redis = self.world.redis
        return [
            Correlation(mt_id=mt_key, provider=provider, smsc_id=name, to="447700900123", unanswered=where)
            for mt_key, names in redis.names.items()
            for provider, name, where in sorted(names)[-1:]
            if name not in redis.extra[mt_key]
            and any(
                submit.provider == "h" and submit.fate == "taken" for submit in self.world.submits[mt_key]
            )
        ]

    @precondition(lambda self: self._shown())
    @rule(who=FEW, which=FEW, smoothly=st.booleans())
    def a_receipt_comes(self, who: int, which: int, smoothly: bool) -> None:
        shown = self._shown()
        found = shown[which % len(shown)]
        self._worker(who).settler.resolve(found, RECEIPT, lambda: None)
        self._go_on(smoothly)

    @precondition(some_link(is_asked))
    @rule(which=ANY, index=FEW, written=st.booleans(), taken=st.booleans(), smoothly=st.booleans())
    def a_site_fails_a_message(
        self, which: int, index: int, written: bool, taken: bool, smoothly: bool
    ) -> None:
        self._link(which, is_asked).fail(index, written=written, taken=taken)
        self._go_on(smoothly)


class PrefersSmpp(HttpWorkers):
    prefer = "smpp"


class PrefersHttp(HttpWorkers):
    prefer = "http"


FEWER = settings(max_examples=100, stateful_step_count=40)
TestAny = HttpWorkers.TestCase
TestAny.settings = FEWER
TestPrefersSmpp = PrefersSmpp.TestCase
TestPrefersSmpp.settings = FEWER
TestPrefersHttp = PrefersHttp.TestCase
TestPrefersHttp.settings = FEWER
