"""What TLS had against a connection, found among the causes of whatever a library raised."""

import ssl

import pytest

from bridge.config.tls import OF_BROKER, causes, tls_trouble


def test_an_error_that_is_no_tls_has_no_words() -> None:
    assert tls_trouble(ConnectionResetError("reset"), OF_BROKER) is None


def connect() -> None:
    """As libraries do: what is raised is theirs, and the reason behind it."""
    try:
        ssl.create_default_context(cadata="no certificate")
    except ssl.SSLError:
        raise RuntimeError("no connection")  # noqa: B904


def test_it_is_found_behind_what_the_library_made_of_it() -> None:
    with pytest.raises(RuntimeError) as raised:
        connect()
    assert (tls_trouble(raised.value, OF_BROKER) or "").startswith("TLS: ")


def test_errors_that_are_each_others_cause_come_to_an_end() -> None:
    one, two = RuntimeError("one"), RuntimeError("two")
    one.__cause__, two.__context__ = two, one
    assert list(causes(one)) == [one, two]
    assert tls_trouble(one, OF_BROKER) is None
