"""The table of settlements: every outcome in every standing."""

import itertools
from dataclasses import replace

import pytest

from bridge.model.outcome import (
    Accepted,
    Doubt,
    Duplicate,
    NotSent,
    Outcome,
    Rejected,
    RetryLater,
    Throttled,
)
from bridge.outbound.settle import (
    Accept,
    Again,
    Elsewhere,
    End,
    Resend,
    Resubmit,
    Settlement,
    Standing,
    Wait,
    decide_settlement,
    result_word,
)

FRESH = Standing(counted=0, max_attempts=8, other_providers=False, on_doubt="resend")
LAST = Standing(counted=7, max_attempts=8, other_providers=False, on_doubt="resend")
PARK = Standing(counted=7, max_attempts=8, other_providers=True, on_doubt="park")
TWO = Standing(counted=0, max_attempts=8, other_providers=True, on_doubt="resend")

MISSING = Standing(0, 8, other_providers=False, on_doubt="resend", begun=True, missing=True)
BEGUN = Standing(0, 8, other_providers=True, on_doubt="resend", begun=True, missing=True)
BEGUN_LAST = Standing(7, 8, other_providers=True, on_doubt="resend", begun=True, missing=True)
BEGUN_PARK = Standing(0, 8, other_providers=True, on_doubt="park", begun=True, missing=True)
WHOLE = Standing(0, 8, other_providers=True, on_doubt="resend", begun=True)
REFUSED_LATER = "refused after a part of it was sent: bad number"

SITE = Standing(0, 8, other_providers=True, on_doubt="resend", resubmit_s=30.0)
SITE_LAST = replace(SITE, counted=7)
SITE_PARK = replace(SITE, on_doubt="park")
SITE_AGAIN = replace(SITE, failures=1)
SITE_THIRD = replace(SITE, failures=2)
SITE_BOUNCED = replace(SITE, failures=1, bounced=True)
ONE_URL = replace(SITE, resubmit_s=None)
HAD = replace(SITE, doubt=True)
NO_WAY = NotSent("connection refused", link_failed=True)
NO_WAY_SAID = NotSent("HTTP 503: not available just now", 503, link_failed=True)
SILENT = Doubt("no answer within 30 s", link_failed=True)
COPY = Duplicate("m1", 7, "7: the service has had a message of this id")

CASES: list[tuple[Outcome, Standing, Settlement]] = [
    (Accepted("a1"), LAST, Accept("a1")),
    (Rejected(0x0B, "bad number"), FRESH, End("rejected", "bad number", 0x0B)),
    (Rejected(0x0B, "bad number"), TWO, Elsewhere()),
    (Rejected(None, "too long"), FRESH, End("rejected", "too long", None)),
    (RetryLater(0x14, "queue full"), FRESH, Wait()),
    (RetryLater(0x14, "queue full"), LAST, End("failed", "8 attempts, the last: queue full", 0x14)),
    (Throttled(0x58, "slow down"), LAST, Again(answered=True)),
    (NotSent("link lost"), LAST, Again(answered=False)),
    (NotSent("account", 0x0E), LAST, Again(answered=True)),
    (Doubt("link lost"), FRESH, Resend("link lost")),
    (Doubt("link lost"), LAST, End("failed", "8 attempts, the last in doubt: link lost")),
    (Doubt("link lost"), PARK, End("parked", "link lost")),
    # Segments
    (Accepted(""), MISSING, Again(answered=True)),
    (Accepted(""), WHOLE, Accept("")),
    (Rejected(0x0B, "bad number"), MISSING, End("rejected", "bad number", 0x0B)),
    (Rejected(0x0B, "bad number"), BEGUN, Resend(REFUSED_LATER)),
    (
        Rejected(0x0B, "bad number"),
        BEGUN_LAST,
        End("failed", f"8 attempts, the last in doubt: {REFUSED_LATER}"),
    ),
    (Rejected(0x0B, "bad number"), BEGUN_PARK, End("parked", REFUSED_LATER)),
    (Throttled(0x58, "slow down"), BEGUN, Again(answered=True)),
    (NotSent("no bind"), BEGUN, Again(answered=False)),
    (RetryLater(0x14, "queue full"), BEGUN, Wait()),
    (Doubt("link lost"), BEGUN, Resend("link lost")),
    (Doubt("link lost"), BEGUN_PARK, End("parked", "link lost")),
    # HTTP sites that stand in for each other
    (NO_WAY, SITE, Resubmit(30.0)),
    (NO_WAY, SITE_LAST, Resubmit(30.0)),
    (NO_WAY, SITE_PARK, Resubmit(30.0)),
    (NO_WAY, SITE_AGAIN, Again(answered=False)),
    (NO_WAY, SITE_THIRD, Again(answered=False)),
    (NO_WAY, ONE_URL, Again(answered=False)),
    (NO_WAY_SAID, SITE, Resubmit(30.0)),
    (NO_WAY_SAID, SITE_AGAIN, Again(answered=True)),
    (NO_WAY_SAID, SITE_BOUNCED, Again(answered=True)),
    (NO_WAY_SAID, ONE_URL, Again(answered=True)),
    (NotSent("account", 2), SITE, Again(answered=True)),
    (NotSent("account", 2), SITE_BOUNCED, Wait()),
    (SILENT, SITE, Resend("no answer within 30 s", same_after_s=30.0)),
    (SILENT, SITE_AGAIN, Resend("no answer within 30 s")),
    (SILENT, SITE_THIRD, Resend("no answer within 30 s")),
    (SILENT, ONE_URL, Resend("no answer within 30 s")),
    (SILENT, SITE_PARK, End("parked", "no answer within 30 s")),
    (SILENT, SITE_LAST, End("failed", "8 attempts, the last in doubt: no answer within 30 s")),
    (Doubt("99: unknown"), SITE, Resend("99: unknown")),
    (RetryLater(98, "internal"), SITE, Wait()),
    # The provider has had one of this name
    (COPY, HAD, Accept("m1")),
    (COPY, replace(HAD, on_doubt="park", counted=7), Accept("m1")),
    (COPY, SITE, Resend(COPY.reason)),
    (COPY, SITE_PARK, End("parked", COPY.reason)),
    (COPY, SITE_LAST, End("failed", f"8 attempts, the last in doubt: {COPY.reason}")),
]


@pytest.mark.parametrize(("outcome", "standing", "settlement"), CASES)
def test_the_table(outcome: Outcome, standing: Standing, settlement: Settlement) -> None:
    assert decide_settlement(outcome, standing) == settlement


def test_every_outcome_in_every_standing_has_a_settlement() -> None:
    outcomes: list[Outcome] = [
        Accepted(""),
        Rejected(1, "r"),
        RetryLater(1, "r"),
        Throttled(1, "r"),
        NotSent("r"),
        NotSent("r", 4),
        NotSent("r", link_failed=True),
        NotSent("r", 503, link_failed=True),
        Doubt("r"),
        Doubt("r", link_failed=True),
        Duplicate("n", 7, "r"),
    ]
    yes_no = (True, False)
    for outcome, counted, limit, others, begun, missing in itertools.product(
        outcomes, (0, 1, 7, 900), (1, 8), yes_no, yes_no, yes_no
    ):
        for policy in ("resend", "park"):
            standing = Standing(counted, limit, others, policy, begun=begun, missing=missing)
            for site in (standing, replace(standing, resubmit_s=30.0), replace(standing, failures=1)):
                assert decide_settlement(outcome, site) is not None


@pytest.mark.parametrize("counted", range(12))
def test_only_retries_and_resends_use_up_attempts(counted: int) -> None:
    standing = Standing(counted, 8, other_providers=True, on_doubt="resend")
    used_up = counted + 1 >= 8
    assert isinstance(decide_settlement(RetryLater(8, "later"), standing), End) is used_up
    assert isinstance(decide_settlement(Doubt("lost"), standing), End) is used_up
    assert not isinstance(decide_settlement(Throttled(0x58, "slow"), standing), End)
    assert not isinstance(decide_settlement(NotSent("no bind"), standing), End)
    site = replace(standing, resubmit_s=30.0)
    assert decide_settlement(NO_WAY, site) == Resubmit(30.0)
    assert isinstance(decide_settlement(SILENT, site), End) is used_up


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Accepted("x"), "accepted"),
        (Rejected(0x0B, "r"), "rejected 0xB"),
        (Rejected(None, "r"), "rejected"),
        (RetryLater(0x14, "r"), "retry 0x14"),
        (Throttled(0x58, "r"), "throttled 0x58"),
        (NotSent("r"), "not sent"),
        (Doubt("r"), "doubt"),
        (Duplicate("n", 7, "r"), "duplicate 0x7"),
        (Duplicate("n", None, "r"), "duplicate"),
    ],
)
def test_the_word_for_an_attempt(outcome: Outcome, word: str) -> None:
    assert result_word(outcome) == word


def test_a_message_that_two_links_in_a_row_blamed_on_themselves_is_treated_as_refused_for_now() -> None:
    bounced = Standing(counted=0, max_attempts=8, other_providers=False, on_doubt="resend", bounced=True)
    assert decide_settlement(NotSent("bind", 4), bounced) == Wait()
    assert decide_settlement(NotSent("link lost"), bounced) == Again(answered=False)
    last = Standing(counted=7, max_attempts=8, other_providers=False, on_doubt="park", bounced=True)
    assert decide_settlement(NotSent("bind", 4), last) == End("failed", "8 attempts, the last: bind", 4)
