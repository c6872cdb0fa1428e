"""The verdict: whom a loss is told beside, what Redis forgot, what fails a run; and the table."""

import pytest

from bridge.proof.audit import Audit, Complaint, Ledger
from tests.chaos.report import GRACE_S, Span, Verdict, judged, verdict
from tests.chaos.telling import as_json, sentences, table

LONG_AGO = -100.0


def span(faults: tuple[str, ...], began: float, recovered_s: float | None = 1.0) -> Span:
    return Span(faults=faults, began=began, seconds=5.0, sent=10, stall_s=2.0, recovered_s=recovered_s)


SPANS = [span((), 0.0), span(("smsc-cut",), 10.0), span(("redis-full", "smsc-cut"), 30.0)]


def complaint(kind: str, *about: str, what: str = "things") -> Complaint:
    return Complaint(kind, what, frozenset(about))  # type: ignore[arg-type]


def audited(*complaints: Complaint, marked: frozenset[str] = frozenset()) -> Audit:
    return Audit(
        published=30,
        per_link={},
        accepted=30,
        long=1,
        ended={},
        doubled_marked=marked,
        receipts=30,
        unmatched=0,
        mos=3,
        long_mos=1,
        repeated=0,
        suppressed=0,
        complaints=complaints,
    )


def judge(
    *complaints: Complaint,
    lives: dict[str, tuple[float, float]] | None = None,
    marked: frozenset[str] = frozenset(),
    forgot_at: tuple[float, ...] = (),
) -> Verdict:
    return verdict(SPANS, audited(*complaints, marked=marked), lives or {}, forgot_at, [])


@pytest.mark.parametrize(
    ("last", "row"),
    [
        (5.0, 0),
        (10.0 - GRACE_S - 0.1, 0),
        (10.0 - GRACE_S, 1),
        (12.0, 1),
        (29.0, 2),
        (1000.0, 2),
        (LONG_AGO, 0),
    ],
)
def test_a_loss_is_told_beside_the_fault_that_struck_last(last: float, row: int) -> None:
    found = judge(complaint("lost", "m"), lives={"m": (0.0, last)})
    assert [counts.lost for counts in found.counts] == [int(number == row) for number in range(3)]
    assert not found.passed


def test_each_kind_has_its_column() -> None:
    lives = dict.fromkeys("abcdef", (11.0, 12.0))
    found = judge(
        complaint("lost", "a"),
        complaint("doubled", "b", "c"),
        complaint("wrong", "d"),
        lives=lives,
        marked=frozenset("ef"),
    )
    counts = found.counts[1]
    assert (counts.lost, counts.doubled, counts.otherwise, counts.marked) == (1, 2, 1, 2)


def test_what_nobody_ever_heard_of_is_told_all_the_same() -> None:
    found = judge(complaint("wrong", "stranger"))
    assert found.counts[0].otherwise == 1
    assert not found.passed


def test_marked_doubles_are_no_failure() -> None:
    assert judge(lives={"m": (0.0, 1.0)}, marked=frozenset({"m"})).passed


def test_a_fault_that_was_not_recovered_from_fails_the_run() -> None:
    found = verdict([span(("smsc-cut",), 0.0, None)], audited(), {}, [], [])
    assert not found.passed
    assert "WRONG: all was not well in time after smsc-cut" in list(sentences(found))
    assert "never" in "\n".join(table(found))


def test_a_worker_that_died_by_itself_fails_the_run() -> None:
    found = verdict(SPANS, audited(), {}, [], ["the worker 2 ended by itself"])
    assert not found.passed
    assert "WRONG: the worker 2 ended by itself" in list(sentences(found))


@pytest.mark.parametrize(
    ("first", "last", "excused"),
    [(15.0, 25.0, True), (20.0, 20.0, True), (1.0, 17.0, False), (23.0, 25.0, False), (1.0, 19.0, True)],
)
def test_what_lived_when_redis_forgot_is_known(first: float, last: float, excused: bool) -> None:
    held, known = judged([complaint("doubled", "m")], {"m": (first, last)}, [20.0])
    assert (bool(known), bool(held)) == (excused, not excused)


def test_a_complaint_is_split_between_what_is_known_and_what_is_not() -> None:
    lives = {"then": (19.0, 35.0), "later": (40.0, 41.0)}
    found = judge(
        complaint("lost", "then", "later", "never", what="receipts lost"), lives=lives, forgot_at=(20.0,)
    )
    assert [it.about for it in found.known] == [{"then"}]
    assert [it.about for it in found.held] == [{"later", "never"}]
    assert [counts.known for counts in found.counts] == [0, 1, 0], "beside what made Redis forget"


def test_that_redis_forgot_excuses_no_lost_mt() -> None:
    ledger = Ledger()
    ledger.published("m")
    complaints = ledger.audit().complaints
    held, known = judged(complaints, {"m": (19.0, 21.0)}, [20.0])
    assert [it.about for it in held] == [{"m"}]
    assert not known


def test_the_table_has_a_row_for_each_kind_of_fault_and_one_for_all() -> None:
    found = judge(
        complaint("lost", "m"), complaint("doubled", "n"), lives={"m": (11.0, 12.0), "n": (31.0, 32.0)}
    )
    head, line, *rows = table(found)
    assert set(line) == set("|-:")
    assert len({len(row) for row in (head, line, *rows)}) == 1
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert cells == [
        ["(before the first)", "0", "10", *"00000", "2.0", "1.0"],
        ["redis-full", "1", "10", *"01000", "2.0", "1.0"],
        ["smsc-cut", "2", "20", *"11000", "2.0", "1.0"],
        ["**all**", "3", "30", *"11000", "2.0", "1.0"],
    ]


def test_what_was_not_played_to_its_end_is_told() -> None:
    remarked = span(("smsc-cut",), 0.0)
    remarked.remark = "was cut short"
    assert "smsc-cut: was cut short" in list(sentences(verdict([remarked], audited(), {}, [], [])))


def test_a_script_gets_every_strike() -> None:
    found = as_json(judge(complaint("lost", "m"), lives={"m": (31.0, 32.0)}))
    assert found["passed"] is False
    assert found["faults"][2]["faults"] == ["redis-full", "smsc-cut"]
    assert [row["lost"] for row in found["faults"]] == [0, 0, 1]
    assert found["complaints"] == [{"what": "things", "about": ["m"]}]
