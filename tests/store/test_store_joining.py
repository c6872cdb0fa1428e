"""The receipts of a long MT's segments on a real Redis: which of them ends it, and that it stays that one."""

from typing import TYPE_CHECKING, Any

import pytest

from bridge.store.receipts import ReceiptClaim
from bridge.store.store import Store

if TYPE_CHECKING:
    from tests.store.conftest import Lab

LEASE_MS = 60_000
DELIVERED = {"state": "delivered", "grade": 1}
UNDELIVERABLE = {"state": "undeliverable", "grade": 2}
ENROUTE = {"state": "enroute", "grade": 0}


@pytest.fixture
async def store(lab: "Lab") -> Store:
    return await lab.stuttering()


def key_of(smsc_id: str, what: dict[str, Any]) -> bytes:
    """A receipt is itself by what it says."""
    return f"{what['state'][:1]}{smsc_id}".encode().ljust(16, b".")


async def taken(lab: "Lab", store: Store, number: int, of: int = 3, **fields: Any) -> Any:
    """The answer to one segment of m1, by nobody's claim."""
    fields = {"smsc_id": f"s{number}"} | fields
    entry = lab.entry(segment=(number, of), **fields)
    return await lab.ask(store.claims.part_answered, "m1", "o1", 7, "s", "", entry, overdue_ms=LEASE_MS)


async def received(
    lab: "Lab", store: Store, smsc_id: str, what: dict[str, Any], owner: str = "w1"
) -> ReceiptClaim:
    """A receipt and its claim."""
    question = lab.question(smsc_id, **what)
    claim = await lab.ask(store.receipts.receipt, key_of(smsc_id, what), owner, "dr", question)
    assert isinstance(claim, ReceiptClaim)
    return claim


async def safe(lab: "Lab", store: Store, smsc_id: str, what: dict[str, Any]) -> ReceiptClaim:
    """A receipt that is published."""
    claim = await received(lab, store, smsc_id, what)
    await lab.ask(
        store.receipts.commit, key_of(smsc_id, what), claim.epoch, None, due=claim.due, held=claim.held
    )
    return claim


async def waits(lab: "Lab") -> bool:
    """Whether a receipt of m1 is still to come."""
    return bool(await lab.redis.zrange(lab.key("due", "dr"), 0, -1))


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
async def test_the_last_of_them_ends_it(lab: "Lab", store: Store, order: tuple[int, ...]) -> None:
    for number in (1, 2, 3):
        await taken(lab, store, number)
    for number in order[:2]:
        claim = await safe(lab, store, f"s{number}", DELIVERED)
        assert (claim.joined, claim.due, claim.entry) == (
            None,
            b"",
            lab.entry(f"s{number}", segment=(number, 3)),
        )
    assert await waits(lab)
    claim = await safe(lab, store, f"s{order[2]}", DELIVERED)
    assert claim.joined == ("delivered",) * 3
    assert not await waits(lab)
    assert (await received(lab, store, f"s{order[2]}", DELIVERED)).joined == ("delivered",) * 3, "again"


async def test_the_first_failure_ends_it_and_no_other(lab: "Lab", store: Store) -> None:
    for number in (1, 2, 3):
        await taken(lab, store, number)
    assert (await safe(lab, store, "s3", DELIVERED)).joined is None
    ended = await safe(lab, store, "s2", UNDELIVERABLE)
    assert ended.joined == ("", "undeliverable", "delivered")
    for what in (UNDELIVERABLE, DELIVERED):
        claim = await safe(lab, store, "s1", what)
        assert (claim.joined, claim.due) == (None, b"")
    assert (await received(lab, store, "s1", DELIVERED)).stale, "of its segment, after the first"
    assert (await received(lab, store, "s2", UNDELIVERABLE)).joined == ended.joined


async def test_a_failure_ends_it_before_the_other_segments_are_answered(lab: "Lab", store: Store) -> None:
    await taken(lab, store, 2)
    assert (await safe(lab, store, "s2", UNDELIVERABLE)).joined == ("", "undeliverable", "")
    await taken(lab, store, 1)
    assert not await waits(lab), "an answer after the end waits for no receipt"
    assert (await safe(lab, store, "s1", DELIVERED)).joined is None


async def test_what_is_not_final_ends_nothing(lab: "Lab", store: Store) -> None:
    await taken(lab, store, 1, 2)
    await taken(lab, store, 2, 2)
    assert (await safe(lab, store, "s1", DELIVERED)).joined is None
    assert (await safe(lab, store, "s2", ENROUTE)).joined is None
    assert (await safe(lab, store, "s1", ENROUTE)).stale
    assert (await safe(lab, store, "s2", DELIVERED)).joined == ("delivered", "delivered")


async def test_a_worker_that_dies_before_it_published_leaves_the_end_to_the_next(
    lab: "Lab", store: Store
) -> None:
    other = await lab.stuttering("w2")
    for number in (1, 2):
        await taken(lab, store, number, 2)
    await safe(lab, store, "s1", DELIVERED)
    ended = await received(lab, store, "s2", DELIVERED)
    assert (await received(lab, other, "s2", DELIVERED, "w2")).verdict == "busy"
    await lab.lapse_held(ended.held)
    again = await received(lab, other, "s2", DELIVERED, "w2")
    assert (again.verdict, again.joined, again.due) == ("taken", ended.joined, ended.due)
    assert ended.joined == ("delivered", "delivered")


async def test_an_abandoned_end_is_an_end_all_the_same(lab: "Lab", store: Store) -> None:
    """RabbitMQ did not say that it has the event; it may have it."""
    for number in (1, 2):
        await taken(lab, store, number, 2)
    ended = await received(lab, store, "s1", UNDELIVERABLE)
    await lab.ask(store.receipts.abandon, key_of("s1", UNDELIVERABLE), 0, "w1", held=ended.held)
    assert (await safe(lab, store, "s2", DELIVERED)).joined is None
    assert (await safe(lab, store, "s1", DELIVERED)).stale
    assert (await safe(lab, store, "s1", UNDELIVERABLE)).joined == ended.joined == ("undeliverable", "")


async def test_a_copy_elsewhere_is_an_extra_one_after_an_abandoned_end(lab: "Lab", store: Store) -> None:
    await taken(lab, store, 1, 2)
    ended = await received(lab, store, "s1", UNDELIVERABLE)
    await lab.ask(store.receipts.abandon, key_of("s1", UNDELIVERABLE), 0, "w1", held=ended.held)
    await lab.ask(store.claims.retire, "m1")
    await lab.ask(store.claims.answered, "m1", "o1", "A", lab.entry("whole", provider="q"))
    question = lab.question("whole", provider="q", state="delivered")
    assert (await lab.ask(store.receipts.receipt, b"w" * 16, "w1", "dr-w", question)).extra
    assert (await safe(lab, store, "s1", UNDELIVERABLE)).joined == ("undeliverable", "")


async def test_a_receipt_that_went_out_unmatched_ends_it_with_the_answer(lab: "Lab", store: Store) -> None:
    await taken(lab, store, 1, 2)
    await safe(lab, store, "s1", DELIVERED)
    unmatched = store.receipts.unmatched
    for what, body in ((ENROUTE, b"1"), (DELIVERED, b"2"), (UNDELIVERABLE, b"3")):
        question = lab.question("s2", **what)
        await lab.ask(unmatched, key_of("s2", what), question, body)
    for _ in range(2):
        late = (await taken(lab, store, 2, 2)).unmatched
        assert [(one.body, one.stale, one.joined) for one in late] == [
            (b"1", False, None),
            (b"2", False, ("delivered", "delivered")),
            (b"3", True, None),
        ]
    assert await lab.ask(store.receipts.overdue, 9, LEASE_MS) == []


async def test_a_receipt_that_goes_out_just_after_its_answer_ends_it(lab: "Lab", store: Store) -> None:
    await taken(lab, store, 2, 2)
    question = lab.question("s2", **UNDELIVERABLE)
    claim = await lab.ask(store.receipts.unmatched, bytes(16), question, b"")
    assert claim.joined == ("", "undeliverable")


async def test_a_receipt_back_from_its_wait_ends_it(lab: "Lab", store: Store) -> None:
    await received(lab, store, "s1", UNDELIVERABLE)
    key = key_of("s1", UNDELIVERABLE)
    await lab.ask(store.receipts.waiting, key, "dr")
    await taken(lab, store, 1)
    for _ in range(2):
        claim = await lab.ask(store.receipts.lookup, key, lab.question("s1", **UNDELIVERABLE))
        assert (claim.verdict, claim.joined) == ("waiting", ("undeliverable", "", ""))
    await lab.ask(store.receipts.commit, key, 0, None, due=claim.due)
    assert not await waits(lab)


async def test_receipts_of_an_extra_copy_end_nothing(lab: "Lab", store: Store) -> None:
    await taken(lab, store, 1)
    await taken(lab, store, 1, smsc_id="s1b")
    claim = await safe(lab, store, "s1b", UNDELIVERABLE)
    assert (claim.extra, claim.joined, claim.due, claim.stale) == (True, None, b"", False)
    assert (await safe(lab, store, "s1", UNDELIVERABLE)).joined == ("undeliverable", "", "")


async def test_what_a_given_up_copy_had_does_not_count_for_the_next(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS, reference=7, state="s")
    for number in (1, 2):
        await taken(lab, store, number, 2)
    await safe(lab, store, "s1", DELIVERED)
    await lab.ask(store.claims.retire, "m1")
    assert (await safe(lab, store, "s2", UNDELIVERABLE)).extra
    await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS, reference=8, state="s")
    for number in (1, 2):
        entry = lab.entry(f"t{number}", segment=(number, 2))
        await lab.ask(store.claims.part_answered, "m1", "o1", 8, "s", "", entry)
    assert (await safe(lab, store, "t1", DELIVERED)).joined is None
    assert (await safe(lab, store, "t2", DELIVERED)).joined == ("delivered", "delivered")


async def test_a_segment_that_was_given_no_id_waits_for_no_receipt(lab: "Lab", store: Store) -> None:
    await taken(lab, store, 1)
    await taken(lab, store, 2, smsc_id="")
    await taken(lab, store, 3, smsc_id="")
    assert (await safe(lab, store, "s1", DELIVERED)).joined == ("delivered", "", "")


async def test_one_id_for_all_segments_is_a_receipt_for_all(lab: "Lab", store: Store) -> None:
    for number in (1, 2, 3):
        await taken(lab, store, number, smsc_id="same")
    assert (await safe(lab, store, "same", DELIVERED)).joined == ("delivered",) * 3


async def test_a_copy_that_may_be_elsewhere_is_told_with_every_receipt(lab: "Lab", store: Store) -> None:
    await taken(lab, store, 1, 2)
    await taken(lab, store, 2, 2, possible_duplicate=True)
    for number in (1, 2):
        entry = (await safe(lab, store, f"s{number}", DELIVERED)).entry
        assert entry is not None
        assert entry.possible_duplicate


async def test_an_answer_to_the_mt_as_one_pdu_counts_before_a_copy_in_segments(
    lab: "Lab", store: Store
) -> None:
    """One provider takes it whole, so late that another was given the first of its two segments."""
    await taken(lab, store, 1, 2, provider="q")
    await lab.ask(store.claims.answered, "m1", "o1", "A|X", lab.entry("X"), overdue_ms=LEASE_MS)
    await taken(lab, store, 2, 2, provider="q")
    whole = await safe(lab, store, "X", DELIVERED)
    assert (whole.extra, whole.stale) == (False, False)
    for number in (1, 2):
        question = lab.question(f"s{number}", provider="q", **DELIVERED)
        claim = await lab.ask(store.receipts.receipt, b"%016d" % number, "w1", "dr", question)
        assert (claim.extra, claim.joined) == (True, None)


async def test_an_end_that_was_told_is_not_undone_by_another_copy(lab: "Lab", store: Store) -> None:
    await taken(lab, store, 1)
    assert (await safe(lab, store, "s1", UNDELIVERABLE)).joined is not None
    await lab.ask(store.claims.retire, "m1")
    await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS, reference=8, state="s")
    for number in (1, 2):
        entry = lab.entry(f"t{number}", segment=(number, 2))
        await lab.ask(store.claims.part_answered, "m1", "o1", 8, "s", "", entry, overdue_ms=LEASE_MS)
    for number in (1, 2):
        claim = await safe(lab, store, f"t{number}", DELIVERED)
        assert (claim.extra, claim.joined) == (False, None), "it counts, but the MT has ended"
    assert not await waits(lab)


async def test_an_end_that_nobody_told_is_told_with_its_receipt_though_its_copy_is_given_up(
    lab: "Lab", store: Store
) -> None:
    await taken(lab, store, 1)
    key, question = b"%016d" % 1, lab.question("s1", **UNDELIVERABLE)
    first = await lab.ask(store.receipts.receipt, key, "w1", "dr", question)
    await lab.lapse_held(first.held)  # its worker has died
    await lab.ask(store.claims.retire, "m1")
    await taken(lab, store, 1, smsc_id="t1", provider="q")
    again = await lab.ask(store.receipts.receipt, key, "w2", "dr", question)
    assert again.verdict == "taken"
    assert again.joined == first.joined == ("undeliverable", "", "")


async def test_an_end_that_was_told_is_not_undone_by_a_copy_in_one_pdu(lab: "Lab", store: Store) -> None:
    await taken(lab, store, 1)
    assert (await safe(lab, store, "s1", UNDELIVERABLE)).joined is not None
    await lab.ask(store.claims.retire, "m1")
    await lab.ask(store.claims.answered, "m1", "o1", "A|t1", lab.entry("t1"), overdue_ms=LEASE_MS)
    assert (await safe(lab, store, "t1", DELIVERED)).extra
    assert not await waits(lab)
