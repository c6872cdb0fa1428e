"""What became of an exchange has a meaning, whatever became of it."""

from typing import cast

import pytest
import structlog
from structlog.testing import capture_logs

from bridge.dialects.genesys_http import GenesysHttp
from bridge.dialects.http import Effect, HttpDialect, Reading
from bridge.links.http.errors import AnswerLost, NotConnected
from bridge.links.http.readings import reading_of
from bridge.model.outcome import Accepted, Doubt, NotSent
from bridge.model.web import HttpAnswer

log = structlog.get_logger()


class Faulty:
    """A dialect with a fault."""

    def read_answer(self, answer: HttpAnswer, ident: str) -> Reading:
        raise ZeroDivisionError(f"{answer} {ident}")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (HttpAnswer(status=200, body=b"result=0"), Reading(Accepted("m1"))),
        (NotConnected("refused"), Reading(NotSent("refused", link_failed=True), Effect.FAILED)),
        (AnswerLost("cut short"), Reading(Doubt("cut short", link_failed=True), Effect.FAILED)),
    ],
)
def test_what_it_means(found: HttpAnswer | Exception, expected: Reading) -> None:
    with capture_logs() as logs:
        assert reading_of(found, "m1", GenesysHttp(login="me", password="secret"), log) == expected
    assert not logs


@pytest.mark.parametrize("found", [HttpAnswer(status=200, body=b"secret"), ZeroDivisionError("secret")])
def test_a_fault_of_ours_is_told_and_leaves_doubt_that_is_not_the_sites(
    found: HttpAnswer | Exception,
) -> None:
    with capture_logs() as logs:
        reading = reading_of(found, "m1", cast("HttpDialect", Faulty()), log)
    assert reading == Reading(Doubt("a fault of the bridge: ZeroDivisionError"))
    assert [entry["event"] for entry in logs] == ["endpoint.fault"]
