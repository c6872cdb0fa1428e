"""What an HTTP status means for an MT and its endpoint where the dialect has nothing to say: refusals, mostly.

A status of success is for the dialect to read; one that gets here says neither yes nor no.
"""

from bridge.dialects.http import Effect, Reading
from bridge.model.outcome import Doubt, NotSent, Rejected, RetryLater, Throttled

_ACCOUNT = {401: "wants other credentials", 403: "forbids us this", 407: "a proxy wants credentials"}
_NOBODY_THERE = (404, 405, 410)
_COME_AGAIN = {408: "waited too long for us", 425: "too early"}


def reading_of_status(status: int, redirects_to: str = "", said: str = "") -> Reading:
    """What the status alone means. `redirects_to`: where a redirect points; `said`: the provider's own words.

    Both as far as they may be shown.
    """

    def reason(meaning: str) -> str:
        return ": ".join(part for part in (f"HTTP {status}", meaning, said) if part)

    if 300 <= status < 400:
        where = f"redirects to {redirects_to}; configure that URL" if redirects_to else "redirects elsewhere"
        return _down(status, reason(where))
    if status in _ACCOUNT:
        return Reading(NotSent(reason(_ACCOUNT[status]), status), Effect.STOP)
    if status in _NOBODY_THERE:
        return _down(status, reason("nothing there takes messages; is the URL right?"))
    if status in _COME_AGAIN:
        return Reading(RetryLater(status, reason(_COME_AGAIN[status])))
    if status == 429:
        return Reading(Throttled(status, reason("too many requests")))
    if 400 <= status < 500:
        return Reading(Rejected(status, reason("refuses the request")))
    if status == 503:
        return _down(status, reason("not available just now"))
    if 500 <= status < 600:
        return Reading(Doubt(reason("broke, and may have the message"), link_failed=True), Effect.FAILED)
    return Reading(Doubt(reason("neither yes nor no")))


def _down(status: int, reason: str) -> Reading:
    """It did not take the message, and would take no other."""
    return Reading(NotSent(reason, status, link_failed=True), Effect.FAILED)
