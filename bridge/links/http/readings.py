"""What became of an exchange, as what it means: an answer in the words of its dialect, and all else in ours."""

from structlog.typing import FilteringBoundLogger

from bridge.dialects.http import Effect, HttpDialect, Reading
from bridge.links.http.errors import AnswerLost, NotConnected
from bridge.model.outcome import Doubt, NotSent
from bridge.model.web import HttpAnswer


def reading_of(
    found: HttpAnswer | Exception, ident: str, dialect: HttpDialect, log: FilteringBoundLogger
) -> Reading:
    """`ident`: of the request. Never raises: a fault of ours goes to `log`, and its message has an end all the same."""
    if isinstance(found, HttpAnswer):
        try:
            return dialect.read_answer(found, ident)
        except Exception as error:  # noqa: BLE001
            found = error
    if isinstance(found, NotConnected):
        return Reading(NotSent(str(found), link_failed=True), Effect.FAILED)
    if isinstance(found, AnswerLost):
        return Reading(Doubt(str(found), link_failed=True), Effect.FAILED)
    log.error("endpoint.fault", exc_info=found)
    return Reading(Doubt(f"a fault of the bridge: {type(found).__name__}"))
