"""The words and numbers of a receipt's state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.states import state_of_number, state_of_word


@pytest.mark.parametrize(
    ("octets", "state"),
    [
        (b"\x00", "enroute"),
        (b"\x01", "enroute"),
        (b"\x02", "delivered"),
        (b"\x03", "expired"),
        (b"\x04", "deleted"),
        (b"\x05", "undeliverable"),
        (b"\x06", "accepted"),
        (b"\x07", "unknown"),
        (b"\x08", "rejected"),
        (b"\x09", "skipped"),
        (b"\x00\x00\x00\x02", "delivered"),  # an integer too wide
        (b"\x02\x00", "delivered"),  # with a NUL after it
        (b"\x00\x00", "enroute"),
        (b"\x02\x05", None),
        (b"\x0a", None),
        (b"2", None),
        (b"", None),
        (None, None),
    ],
)
def test_numbers(octets: bytes | None, state: str | None) -> None:
    assert state_of_number(octets) == state


@pytest.mark.parametrize(
    ("stat", "state"),
    [
        ("DELIVRD", "delivered"),
        ("delivrd", "delivered"),
        ("Delivered", "delivered"),
        ("DELIVERED  to\tCarrier", "accepted"),
        ("DELIVERED_TO_CARRIER", "accepted"),
        ("EXPIRED", "expired"),
        ("EXPIRD", "expired"),
        ("DELETED", "deleted"),
        ("DELETD", "deleted"),
        ("UNDELIV", "undeliverable"),
        ("UNDELIVERED", "undeliverable"),
        ("FAILED", "undeliverable"),
        ("NETWORK_ERROR", "undeliverable"),
        ("ACCEPTD", "accepted"),
        ("ACCEPTED BY CARRIER", "accepted"),
        ("ACKED", "accepted"),
        ("UNKNOWN", "unknown"),
        ("REJECTD", "rejected"),
        ("SPAM_REJECTED", "rejected"),
        ("NOCRED", "rejected"),
        ("ENROUTE", "enroute"),
        ("SCHEDULED", "enroute"),
        ("BUFFERED", "enroute"),
        ("SKIPPED", "skipped"),
        ("OK", "unknown"),
        ("DELIVERED-ISH", "unknown"),  # nothing nobody knows is delivered
        ("2", "unknown"),
    ],
)
def test_words(stat: str, state: str) -> None:
    assert state_of_word(stat, "000") == state


@pytest.mark.parametrize(
    ("error", "state"), [("0", "delivered"), ("000", "delivered"), ("5", "unknown"), (None, "unknown")]
)
def test_a_stat_of_0_is_delivered_only_without_an_error(error: str | None, state: str) -> None:
    assert state_of_word("0", error) == state


@given(st.text(), st.none() | st.text())
def test_every_word_has_a_state(stat: str, error: str | None) -> None:
    assert state_of_word(stat, error)
