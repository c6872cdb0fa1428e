"""Attempts: what a header or an event says of one can be read back; what others wrote there does no harm."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.attempt import KEPT_ATTEMPTS, Attempt

PARTS = ("at", "provider", "site", "link", "result")
ATTEMPT = Attempt("2026-11-22T16:00:00.123Z", "genesys", "dc3", "smsc1:2775", "throttled 0x58")


def test_an_attempt_as_events_show_it() -> None:
    assert ATTEMPT.as_body() == {
        "at": "2026-11-22T16:00:00.123Z",
        "provider": "genesys",
        "site": "dc3",
        "link": "smsc1:2775",
        "result": "throttled 0x58",
    }
    assert KEPT_ATTEMPTS == 16


@given(st.builds(Attempt, *[st.text()] * 5))
def test_it_can_be_read_back(attempt: Attempt) -> None:
    assert Attempt.from_body(json.loads(json.dumps(attempt.as_body()))) == attempt


@pytest.mark.parametrize("missing", PARTS)
def test_a_missing_part_is_empty(missing: str) -> None:
    body = ATTEMPT.as_body()
    del body[missing]
    assert Attempt.from_body(body).as_body() == body | {missing: ""}


@given(st.dictionaries(st.sampled_from(PARTS) | st.text(max_size=3), st.none() | st.integers() | st.text()))
def test_whatever_a_foreign_header_says_is_read_as_text(body: dict[str, object]) -> None:
    read = Attempt.from_body(body).as_body()
    assert read == {part: str(body.get(part, "")) for part in PARTS}
