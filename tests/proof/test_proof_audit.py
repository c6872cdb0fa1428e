"""The audit: each way of losing, doubling, inventing or mixing up is seen; a clean run passes."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.inbound import Concat
from bridge.proof.audit import Ledger


def mt(mt_id: str, outcome: str, *, marked: bool = False, event_id: str = "") -> dict[str, Any]:
    event_id = event_id or f"mt-{mt_id}-{outcome}"
    return {
        "type": "mt",
        "event_id": event_id,
        "id": mt_id,
        "outcome": outcome,
        "possible_duplicate": marked,
    }


def dr(
    smsc_id: str, mt_id: str | None, *, marked: bool = False, event_id: str = "", joined: bool = True
) -> dict[str, Any]:
    return {
        "type": "dr",
        "event_id": event_id or f"dr-{smsc_id}",
        "smsc_id": smsc_id,
        "mt_id": mt_id,
        "matched": mt_id is not None,
        "joined": joined,
        "possible_duplicate": marked,
    }


def mo(text: str, *, event_id: str = "", segments: int = 1) -> dict[str, Any]:
    return {
        "type": "mo",
        "event_id": event_id or f"mo-{text}",
        "text": text,
        "segments": segments,
        "possible_duplicate": False,
    }


def segment(number: int, *, ref: int = 7, of: int = 2) -> Concat:
    return Concat(ref=ref, total=of, seq=number)


def a_clean_run() -> Ledger:
    """Three MTs over two links with their receipts, one of them long, one rejected, two MOs, one of them long."""
    ledger = Ledger()
    for mt_id in ("one", "two", "three"):
        ledger.published(mt_id)
    ledger.taken("one", "a", "left")
    ledger.taken("two", "b", "right")
    ledger.event(mt("three", "rejected"))
    for smsc_id, mt_id in (("a", "one"), ("b", "two")):
        ledger.delivered(smsc_id)
        ledger.event(dr(smsc_id, mt_id))
    ledger.published("long")
    for number, smsc_id in ((2, "l2"), (1, "l1")):
        ledger.taken("long", smsc_id, "left", segment=segment(number))
        ledger.delivered(smsc_id)
    ledger.event(dr("l2", "long"))
    ledger.mo_sent("hello")
    ledger.event(mo("hello"))
    ledger.mo_sent("hello and hello")
    ledger.event(mo("hello and hello", segments=2))
    return ledger


def test_a_clean_run_passes_and_is_counted() -> None:
    audit = a_clean_run().audit()
    assert audit.passed
    assert (audit.published, audit.accepted, audit.receipts, audit.mos) == (4, 3, 3, 2)
    assert (audit.long, audit.long_mos) == (1, 1)
    assert audit.per_link == {"left": 3, "right": 1}
    assert audit.ended == {"rejected": 1}
    assert (audit.repeated, audit.suppressed, audit.unmatched) == (0, 0, 0)
    assert not audit.doubled_marked


@pytest.mark.parametrize(
    ("fact", "complaint"),
    [
        (
            lambda it: it.published("four"),
            "1 MTs lost (not taken by the provider, and no event says why): four",
        ),
        (lambda it: it.taken("one", "c", "left", receipt=False), "1 MTs doubled without a mark: one"),
        (lambda it: it.taken("x", "c", "left", receipt=False), "1 MTs taken that nobody published: x"),
        (lambda it: it.event(mt("three", "failed")), "1 MTs with more than one outcome: three"),
        (lambda it: it.event(mt("one", "rejected")), "1 MTs said to be refused that the provider took: one"),
        (lambda it: it.event(dr("a", "one", event_id="other")), "1 receipts doubled: a"),
        (lambda it: it.event(dr("z", None)), "1 receipts that nobody sent: z"),
        (lambda it: it.mo_sent("bye"), "1 MOs lost: bye"),
        (lambda it: it.event(mo("hello", event_id="other")), "1 MOs doubled: hello"),
        (lambda it: it.event(mo("boo")), "1 MOs that nobody sent: boo"),
        (
            lambda it: (it.mo_sent("first, second"), it.event(mo("second"))),
            "1 MOs lost in part (segments are missing): first, second",
        ),
        (lambda it: it.event(mo("o and h")), "1 MOs doubled in part: hello and hello"),
        (
            lambda it: it.taken("long", "l3", "right", segment=segment(2)),
            "1 MTs doubled without a mark: long",
        ),
        (
            lambda it: it.taken("long", "l3", "right", segment=segment(1, ref=8)),
            "1 MTs doubled without a mark: long",
        ),
        (
            lambda it: it.event(mt("long", "rejected")),
            "1 MTs said to be refused that the provider took: long",
        ),
        (lambda it: it.event(dr("l1", "long", event_id="other")), "1 receipts doubled: long"),
    ],
)
def test_one_fact_amiss_is_one_complaint(fact: Callable[[Ledger], object], complaint: str) -> None:
    ledger = a_clean_run()
    fact(ledger)
    audit = ledger.audit()
    assert not audit.passed
    assert [str(it) for it in audit.complaints] == [complaint]


def test_a_receipt_must_come_and_speak_of_its_own_mt() -> None:
    ledger = Ledger()
    ledger.published("one")
    ledger.taken("one", "a", "left")
    assert [it.what for it in ledger.audit().complaints] == ["receipts lost"]
    ledger.event(dr("a", "two"))
    assert [it.what for it in ledger.audit().complaints] == ["receipts matched to the wrong MT"]


def test_an_unmatched_receipt_is_excused_by_doubt_alone() -> None:
    ledger = Ledger()
    ledger.published("one")
    ledger.taken("one", "a", "left")
    ledger.event(dr("a", None))
    assert [it.what for it in ledger.audit().complaints] == [
        "receipts not matched though their MT was not in doubt"
    ]
    ledger.event(mt("one", "parked"))
    assert ledger.audit().passed
    assert ledger.audit().unmatched == 1


def test_an_unmatched_receipt_may_spell_its_id_otherwise() -> None:
    ledger = Ledger()
    ledger.published("one")
    ledger.taken("one", "10", "left", spelt="A")
    ledger.event(mt("one", "resent", marked=True))
    ledger.event(dr("A", None))
    assert ledger.audit().passed
    ledger.event(dr("B", None))
    assert [str(it) for it in ledger.audit().complaints] == ["1 receipts that nobody sent: B"]


def test_an_unmatched_receipt_that_comes_again_matched_counts_as_matched() -> None:
    ledger = Ledger()
    ledger.published("one")
    ledger.taken("one", "a", "left")
    ledger.event(dr("a", None))
    ledger.event(dr("a", "one"))
    audit = ledger.audit()
    assert audit.passed
    assert (audit.receipts, audit.unmatched, audit.repeated) == (1, 0, 1)


def test_a_double_is_forgiven_when_it_is_marked() -> None:
    ledger = Ledger()
    ledger.published("one")
    ledger.taken("one", "a", "left")
    ledger.event(mt("one", "resent", marked=True))
    ledger.taken("one", "b", "right")
    ledger.event(dr("a", None))
    ledger.event(dr("b", "one", marked=True))
    audit = ledger.audit()
    assert audit.passed
    assert audit.doubled_marked == {"one"}


def test_repeats_that_went_in_and_did_not_come_out_were_suppressed() -> None:
    ledger = a_clean_run()
    ledger.published("one")
    ledger.delivered("a")
    ledger.delivered("b")
    ledger.event(dr("a", "one"))
    audit = ledger.audit()
    assert audit.passed
    assert (audit.repeated, audit.suppressed) == (1, 2)


def test_an_mt_whose_publishing_is_unknown_may_be_taken_or_not() -> None:
    ledger = Ledger()
    ledger.published("maybe", confirmed=False)
    assert ledger.audit().passed
    ledger.taken("maybe", "a", "left", receipt=False)
    assert ledger.audit().passed


def test_a_long_mt_is_taken_when_all_its_segments_are() -> None:
    ledger = Ledger()
    ledger.published("long")
    ledger.taken("long", "a", "left", segment=segment(1), receipt=False)
    (complaint,) = ledger.audit().complaints
    assert complaint.what == "MTs lost in part (segments are missing, and no event says why)"
    assert ledger.audit().accepted == 0
    ledger.taken("long", "b", "right", segment=segment(2), receipt=False)
    assert ledger.audit().passed
    assert ledger.audit().accepted == 1


@pytest.mark.parametrize("outcome", ["rejected", "failed", "parked", "expired"])
def test_a_long_mt_that_ended_otherwise_may_be_taken_in_part(outcome: str) -> None:
    ledger = Ledger()
    ledger.published("long")
    ledger.taken("long", "a", "left", segment=segment(1))
    ledger.event(mt("long", outcome))
    assert ledger.audit().passed
    assert (ledger.audit().accepted, ledger.audit().ended) == (0, {outcome: 1})


@pytest.mark.parametrize("other", [segment(2, ref=8), segment(2, of=3)])
def test_segments_of_two_references_make_no_message(other: Concat) -> None:
    ledger = Ledger()
    ledger.published("long")
    ledger.event(mt("long", "resent", marked=True))
    for number, part in enumerate((segment(1), other)):
        ledger.taken("long", f"a{number}", "left", segment=part, receipt=False)
    (complaint,) = ledger.audit().complaints
    assert complaint.what == "MTs whose segments have different references"


def test_a_long_mt_begun_once_more_is_a_double_to_be_marked() -> None:
    ledger = Ledger()
    ledger.published("long")
    ledger.taken("long", "a", "left", segment=segment(1))
    ledger.event(mt("long", "resent", marked=True))
    for number in (1, 2):
        ledger.taken("long", f"b{number}", "right", segment=segment(number, ref=8))
    ledger.event(dr("b1", "long", marked=True))
    audit = ledger.audit()
    assert audit.passed
    assert (audit.accepted, audit.per_link) == (1, {"left": 1, "right": 2})
    assert audit.doubled_marked == {"long"}


def test_a_long_mt_has_one_receipt_of_all_its_segments() -> None:
    ledger = Ledger()
    ledger.published("long")
    for number in (1, 2):
        ledger.taken("long", f"a{number}", "left", segment=segment(number))
    ledger.event(dr("a1", "long", joined=False))
    (complaint,) = ledger.audit().complaints
    assert str(complaint) == "1 receipts lost: long"
    ledger.event(dr("a2", "long", joined=False))
    ledger.event(dr("a2", "long", event_id="joined"))
    assert ledger.audit().passed


def test_of_an_mt_sent_twice_one_receipt_is_enough() -> None:
    ledger = Ledger()
    ledger.published("one")
    ledger.taken("one", "a", "left")
    ledger.taken("one", "b", "right")
    ledger.event(mt("one", "resent", marked=True))
    assert [str(it) for it in ledger.audit().complaints] == ["1 receipts lost: one"]
    ledger.event(dr("b", "one", marked=True))
    assert ledger.audit().passed


def test_a_long_complaint_gives_examples() -> None:
    ledger = Ledger()
    for number in range(9):
        ledger.published(f"m{number}")
    (complaint,) = ledger.audit().complaints
    assert str(complaint).endswith(": m0, m1, m2, m3, m4, ...")


@given(st.permutations(range(15)))
def test_the_order_of_facts_does_not_matter(order: list[int]) -> None:
    facts: list[Callable[[Ledger], None]] = [
        lambda it: it.published("one"),
        lambda it: it.published("two"),
        lambda it: it.published("two"),
        lambda it: it.taken("one", "a", "left"),
        lambda it: it.taken("two", "b", "left"),
        lambda it: it.taken("two", "c", "right"),
        lambda it: it.event(mt("two", "resent", marked=True)),
        lambda it: it.event(dr("a", "one")),
        lambda it: it.event(dr("b", None)),
        lambda it: it.event(dr("b", "two", marked=True)),
        lambda it: it.event(dr("c", "two", marked=True)),
        lambda it: it.event(mo("hello")),
        lambda it: it.taken("one", "d", "left", segment=segment(1)),
        lambda it: it.taken("two", "e", "left", segment=segment(2)),
        lambda it: it.event(dr("e", "two")),
    ]
    ledger = Ledger()
    for index in order:
        facts[index](ledger)
    expected = Ledger()
    for fact in facts:
        fact(expected)
    assert ledger.audit() == expected.audit()
