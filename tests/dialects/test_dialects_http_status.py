"""What HTTP statuses mean by themselves, for an MT and for the endpoint."""

import pytest

from bridge.dialects.http import Effect, ident_of
from bridge.dialects.http_status import reading_of_status
from bridge.dialects.quoted import bare_url, origin, quoted
from bridge.model.outcome import Doubt, NotSent, Outcome, Rejected, RetryLater, Throttled


@pytest.mark.parametrize(
    ("status", "kind", "effect"),
    [
        (301, NotSent, Effect.FAILED),
        (307, NotSent, Effect.FAILED),
        (400, Rejected, Effect.NONE),
        (401, NotSent, Effect.STOP),
        (402, Rejected, Effect.NONE),
        (403, NotSent, Effect.STOP),
        (404, NotSent, Effect.FAILED),
        (405, NotSent, Effect.FAILED),
        (407, NotSent, Effect.STOP),
        (408, RetryLater, Effect.NONE),
        (410, NotSent, Effect.FAILED),
        (413, Rejected, Effect.NONE),
        (422, Rejected, Effect.NONE),
        (425, RetryLater, Effect.NONE),
        (429, Throttled, Effect.NONE),
        (500, Doubt, Effect.FAILED),
        (502, Doubt, Effect.FAILED),
        (503, NotSent, Effect.FAILED),
        (504, Doubt, Effect.FAILED),
        (200, Doubt, Effect.NONE),
        (199, Doubt, Effect.NONE),
        (600, Doubt, Effect.NONE),
    ],
)
def test_a_status_is_told_with_what_it_means(status: int, kind: type[Outcome], effect: Effect) -> None:
    outcome, found = reading_of_status(status)
    assert type(outcome) is kind
    assert found is effect
    assert isinstance(outcome, Doubt) or outcome.status == status  # type: ignore[union-attr]
    assert outcome.reason.startswith(f"HTTP {status}: ")  # type: ignore[union-attr]


@pytest.mark.parametrize("status", [301, 404, 405, 410, 500, 502, 503, 504])
def test_a_site_that_does_not_work_is_told_with_the_outcome(status: int) -> None:
    outcome = reading_of_status(status).outcome
    assert isinstance(outcome, NotSent | Doubt)
    assert outcome.link_failed


def test_only_a_broken_server_is_a_doubt_about_the_link() -> None:
    assert reading_of_status(500).outcome == Doubt(
        "HTTP 500: broke, and may have the message", link_failed=True
    )
    assert reading_of_status(204).outcome == Doubt("HTTP 204: neither yes nor no")


def test_a_redirect_tells_where_it_points() -> None:
    assert reading_of_status(308, "https://x/y").outcome == NotSent(
        "HTTP 308: redirects to https://x/y; configure that URL", 308, link_failed=True
    )
    assert reading_of_status(302).outcome == NotSent("HTTP 302: redirects elsewhere", 302, link_failed=True)


def test_the_providers_own_words_follow() -> None:
    outcome = reading_of_status(400, said="21211: no such number").outcome
    assert outcome == Rejected(400, "HTTP 400: refuses the request: 21211: no such number")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no number +447700900123 here", "no number +4477*****123 here"),
        ("(447) 700-900-123", "(447)*********123"),
        ("code 21211", "code 21211"),
        ("a\r\n\tb\x00c\u2028d", "a b c d"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_providers_words_become_one_short_line_without_numbers(text: str, shown: str) -> None:
    assert quoted(text) == shown


@pytest.mark.parametrize(
    ("url", "bare", "host"),
    [
        (
            "https://me:secret@x.example:8443/a/b?password=secret#c",
            "https://x.example:8443/a/b",
            "https://x.example:8443",
        ),
        ("/a/b?x", "/a/b", ""),
        ("http://x", "http://x", "http://x"),
        ("https://[bad/a", "https://[bad/a", "https://[bad"),
        ("", "", ""),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, bare: str, host: str) -> None:
    assert bare_url(url) == bare
    assert origin(url) == host


@pytest.mark.parametrize("key", ["a", "A.b_c:d-9", "x" * 64])
def test_a_plain_key_is_its_own_name(key: str) -> None:
    assert ident_of(key) == key


@pytest.mark.parametrize("key", ["", "x" * 65, "a b", "a\t1", "a/b", "a\n", "é", "١"])
def test_another_key_has_a_name_of_32_hex_digits(key: str) -> None:
    assert len(ident_of(key)) == 32
    assert int(ident_of(key), 16) >= 0
    assert ident_of(key) == ident_of(key) != ident_of(key + " ")
