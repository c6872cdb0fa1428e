"""Receipts that come before their MT is known, or go out unmatched, and late answers: in every order."""

from typing import TYPE_CHECKING, Any

import pytest

from bridge.store.receipts import ReceiptClaim
from bridge.store.store import Store
from tests.store.told import KEY, NOBODY, OTHER_KEY, received, submitted

if TYPE_CHECKING:
    from tests.store.conftest import Lab

# Receipts that come before their MT is known


async def early(lab: "Lab", store: Store, key: bytes = KEY, *, final: bool = True) -> Any:
    """Look for the MT of a receipt that is back from its wait."""
    return await lab.ask(store.receipts.lookup, key, lab.question("s1", grade=int(final)))


async def test_a_waiting_receipt_is_safe_and_its_repeats_are_answered(lab: "Lab", store: Store) -> None:
    await received(lab, store)
    await lab.ask(store.receipts.waiting, KEY, "dr-1")
    assert await received(lab, store, owner="w2") == ReceiptClaim("waiting", "dr-1")
    assert await early(lab, store) == ReceiptClaim("waiting", "")
    entry = await submitted(lab, store)
    assert (await received(lab, store, owner="w2")).verdict == "waiting"
    assert await early(lab, store) == ReceiptClaim("waiting", "", entry, due=lab.due())
    await lab.ask(store.receipts.commit, KEY, 0, None)
    assert await early(lab, store) == ReceiptClaim("repeat", "", entry, due=lab.due())
    await lab.ask(store.receipts.waiting, KEY, "dr-1")
    assert (await received(lab, store)).verdict == "repeat", "a kept operation that came twice undoes nothing"


async def test_a_receipt_back_from_its_wait_marks_and_may_be_stale(lab: "Lab", store: Store) -> None:
    await received(lab, store)
    await lab.ask(store.receipts.waiting, KEY, "dr-1")
    await submitted(lab, store)
    assert not (await early(lab, store)).stale
    assert (await received(lab, store, OTHER_KEY)).stale
    assert (await early(lab, store, b"z" * 16, final=False)).stale


async def test_a_receipt_that_waits_for_the_next_use_of_its_id(lab: "Lab", store: Store) -> None:
    await submitted(lab, store, mt_id="m1", to="447700900111")
    assert (await received(lab, store)).entry is None, "it is the other phone's"
    await lab.ask(store.receipts.waiting, KEY, "dr-1")
    newer = await submitted(lab, store, mt_id="m2")
    assert (await received(lab, store, owner="w2")).verdict == "waiting"
    assert await early(lab, store) == ReceiptClaim("waiting", "", newer, epoch=1, due=lab.due(epoch=1))
    await lab.ask(store.receipts.commit, KEY, 1, None)
    assert (await received(lab, store)).verdict == "repeat"
    newest = await submitted(lab, store, mt_id="m3")
    claim = await received(lab, store)
    assert (claim.verdict, claim.event_id, claim.entry) == ("new", "dr-1-2", newest), "it waits no more"


# Late answers and receipts that went out unmatched, in both orders


async def went_out(lab: "Lab", store: Store, key: bytes = KEY, body: bytes = b"{}", **named: Any) -> Any:
    """A receipt that was published without its MT."""
    claim = await lab.ask(store.receipts.unmatched, key, lab.question("s1", **named), body)
    return claim and claim.entry


async def answered(lab: "Lab", store: Store, mt_id: str = "m1", to: str = "447700900123") -> list[bytes]:
    recorded = await lab.ask(store.claims.answered, mt_id, "o", "A", lab.entry(mt_id=mt_id, to=to))
    return [late.body for late in recorded.unmatched]


async def test_a_late_answer_gets_the_receipts_that_went_out_unmatched(lab: "Lab", store: Store) -> None:
    bodies = [b'{"a": "\\n|"}', bytes(range(256))]
    assert await went_out(lab, store, KEY, bodies[0], grade=0) is None
    assert await went_out(lab, store, OTHER_KEY, bodies[1]) is None
    assert (await received(lab, store)).verdict == "repeat"
    assert await answered(lab, store) == bodies
    assert await answered(lab, store) == bodies, "again, after a lost reply"
    assert await answered(lab, store, "m2") == [], "but nobody else"
    assert await answered(lab, store, "m1") == bodies


async def test_a_final_receipt_that_went_out_unmatched_makes_later_ones_stale(
    lab: "Lab", store: Store
) -> None:
    await went_out(lab, store)
    await answered(lab, store)
    assert (await received(lab, store, OTHER_KEY)).stale


async def test_a_late_answer_gets_only_receipts_of_its_phone(lab: "Lab", store: Store) -> None:
    await went_out(lab, store, addresses=("447700900999", "12345"))
    assert await answered(lab, store) == []
    assert await answered(lab, store, "m2", "447700900999") == [b"{}"]


async def test_a_receipt_that_goes_out_just_after_its_answer_is_told_its_mt(lab: "Lab", store: Store) -> None:
    entry = await submitted(lab, store)
    for _ in range(2):
        assert await went_out(lab, store) == entry
    assert await answered(lab, store) == [], "it is not told of it a second time"
    assert (await received(lab, store, OTHER_KEY)).stale
    assert await went_out(lab, store, b"q" * 16, addresses=("447700900999", "")) is None


async def test_unmatched_again_after_a_lost_reply_and_the_answer_between(lab: "Lab", store: Store) -> None:
    assert await went_out(lab, store) is None
    assert await answered(lab, store) == [b"{}"]
    assert await went_out(lab, store) is None, "the answer has it already"


async def test_a_receipt_whose_mt_appeared_meanwhile_is_not_settled_before_that_is_published(
    lab: "Lab", store: Store
) -> None:
    """The worker may die before it has told whose receipt it was: the next one has to be able to."""
    await received(lab, store)
    entry = await submitted(lab, store)
    found = ReceiptClaim("repeat", "", entry, due=lab.due())
    assert await lab.ask(store.receipts.unmatched, KEY, lab.question("s1", grade=1), b"{}") == found
    again = await received(lab, store)
    assert (again.verdict, again.event_id, again.entry, again.stale) == ("mine", "dr-1", entry, False)
    await lab.ask(store.receipts.commit, KEY, 0, None)
    assert (await received(lab, store)).verdict == "repeat"


async def test_unmatched_receipts_are_few_and_do_not_stay_long(lab: "Lab", store: Store) -> None:
    bodies = [bytes([n]) for n in range(10)]
    for n, body in enumerate(bodies):
        await went_out(lab, store, bytes([n]) * 16, body)
    assert 0 < await lab.redis.pttl(lab.key("un", "p", "s1")) <= 3_600_000
    assert await answered(lab, store) == bodies[2:]


@pytest.mark.parametrize("addresses", [NOBODY, ("", "447700900123")])
async def test_unmatched_receipts_may_lack_addresses(
    lab: "Lab", store: Store, addresses: tuple[str, str]
) -> None:
    await went_out(lab, store, addresses=addresses)
    assert await answered(lab, store) == [b"{}"]


async def test_of_two_final_receipts_that_went_out_unmatched_the_second_is_stale(
    lab: "Lab", store: Store
) -> None:
    await went_out(lab, store, KEY, b"1")
    await went_out(lab, store, OTHER_KEY, b"2")
    recorded = await lab.ask(store.claims.answered, "m1", "o", "A", lab.entry())
    assert [(late.body, late.stale) for late in recorded.unmatched] == [(b"1", False), (b"2", True)]


async def test_unmatched_receipts_are_found_by_each_of_their_ids(lab: "Lab", store: Store) -> None:
    await lab.ask(store.receipts.unmatched, KEY, lab.question("t1", "s1"), b"{}")
    assert await answered(lab, store) == [b"{}"]


async def test_what_went_out_unmatched_is_a_repeat_also_under_a_later_use_of_its_id(
    lab: "Lab", store: Store
) -> None:
    await answered(lab, store, "m0", "447700900999")
    await went_out(lab, store)
    assert await answered(lab, store, "m1") == [b"{}"]
    assert (await received(lab, store)).verdict == "repeat"
