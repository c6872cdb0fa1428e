"""Claims of long MTs on a real Redis: their reference and state, one segment's answer after the other."""

from typing import TYPE_CHECKING, Any

import pytest

from bridge.store.claims import Claim
from bridge.store.store import Store

if TYPE_CHECKING:
    from tests.store.conftest import Lab

LEASE_MS = 60_000
PASSED = 0
NEW: dict[str, Any] = {"counter": "us>them", "state": "www|p|l"}


@pytest.fixture
async def store(lab: "Lab") -> Store:
    return await lab.stuttering()


async def claimed(lab: "Lab", store: Store, owner: str = "o1", lease_ms: int = LEASE_MS, **named: Any) -> Any:
    """A claim of m1."""
    return await lab.ask(store.claims.claim, "m1", owner, lease_ms, **named)


async def taken(
    lab: "Lab", store: Store, number: int, reference: int, owner: str = "o1", state: str = "s", **named: Any
) -> Any:
    """An answer to one segment of m1, which has two."""
    info, smsc_id = named.pop("info", ""), named.pop("smsc_id", f"s{number}")
    entry = lab.entry(smsc_id, segment=(number, 2), **named)
    return await lab.ask(store.claims.part_answered, "m1", owner, reference, state, info, entry)


async def extra(lab: "Lab", store: Store, smsc_id: str) -> bool:
    """Whether receipts for this id are those of an extra copy."""
    claim = await lab.ask(store.receipts.lookup, bytes(16), lab.question(smsc_id, grade=0))
    assert claim.entry is not None
    return bool(claim.extra)


# The claim


async def test_a_new_claim_draws_a_reference_and_keeps_it_with_its_state(lab: "Lab", store: Store) -> None:
    first = await claimed(lab, store, lease_ms=PASSED, **NEW)
    assert first == Claim("new", reference=first.reference)
    seconds = (await lab.redis.time())[0] % 65536
    assert (seconds - first.reference) % 65536 < 60
    found = Claim("stale", reference=first.reference, state="www|p|l", holder="o1")
    assert await claimed(lab, store, "o2", **NEW) == found
    for seen in ("", "ww"):
        assert await claimed(lab, store, "o2", takeover=True, seen=seen, state="x") == found
    again: dict[str, Any] = {
        "takeover": True,
        "seen": "www|p|l",
        "reference": first.reference,
        "state": "ttw|p|l",
    }
    assert await claimed(lab, store, "o2", **again) == Claim("taken", 0, "", first.reference, "www|p|l")
    assert await claimed(lab, store, "o2", **again) == Claim("mine", 0, "", first.reference, "ttw|p|l")
    assert (await claimed(lab, store, "o1", **NEW)).verdict == "busy"


async def test_references_of_one_counter_do_not_repeat(lab: "Lab", store: Store) -> None:
    first = (await claimed(lab, store, **NEW)).reference
    for n in range(1, 4):
        mine = await claimed(lab, store, **NEW)
        assert mine == Claim("mine", reference=first + n, state="www|p|l"), "a claim of ours draws anew"
    other = await lab.ask(store.claims.claim, "m2", "o2", LEASE_MS, counter="us>others", state="w")
    assert other.reference != first + 4
    given = await lab.ask(store.claims.claim, "m3", "o3", LEASE_MS, reference=7, state="w")
    assert given == Claim("new", reference=7)


async def test_a_refused_claim_draws_no_reference(lab: "Lab", store: Store) -> None:
    first = (await claimed(lab, store, **NEW)).reference
    assert (await claimed(lab, store, "o2", **NEW)).verdict == "busy"
    await lab.lapse("mt", "m1")
    assert (await claimed(lab, store, "o2", **NEW)).verdict == "stale"
    assert (await claimed(lab, store, **NEW)).reference == first + 1


async def test_a_claim_without_state_is_that_of_a_single_segment(lab: "Lab", store: Store) -> None:
    reference = (await claimed(lab, store, lease_ms=PASSED, **NEW)).reference
    named: dict[str, Any] = {"takeover": True, "seen": "www|p|l"}
    assert await claimed(lab, store, "o2", **named) == Claim("taken", 0, "", reference, "www|p|l")
    assert await claimed(lab, store, "o2") == Claim("mine")


async def test_what_is_left_is_stale_and_tells_how_far_it_came(lab: "Lab", store: Store) -> None:
    reference = (await claimed(lab, store, **NEW)).reference
    await lab.ask(store.claims.leave, "m1", "o2", reference, "not ours")
    assert (await claimed(lab, store, "o2", **NEW)).verdict == "busy"
    await lab.ask(store.claims.leave, "m1", "o1", reference, "tn|p|l")
    assert await claimed(lab, store, "o2", **NEW) == Claim(
        "stale", reference=reference, state="tn|p|l", holder="o1"
    )
    await lab.ask(store.claims.finish, "m1", "o1", "failed")
    await lab.ask(store.claims.leave, "m1", "o1", reference, "tn|p|l")
    assert await claimed(lab, store, "o2", **NEW) == Claim("done", info="failed")


# Answers to segments


async def test_answers_move_the_state_on_and_the_last_one_finishes(lab: "Lab", store: Store) -> None:
    reference = (await claimed(lab, store, **NEW)).reference
    assert not (await taken(lab, store, 2, reference, state="wt|p|l")).fenced
    assert (await claimed(lab, store, "o2", **NEW)).verdict == "busy", "the lease goes on"
    await lab.lapse("mt", "m1")
    assert await claimed(lab, store, "o2", **NEW) == Claim(
        "stale", reference=reference, state="wt|p|l", holder="o1"
    )
    assert not (await taken(lab, store, 1, reference, info="A|s1|s2")).fenced
    assert await claimed(lab, store, "o2", **NEW) == Claim("done", info="A|s1|s2")
    found = await lab.ask(store.receipts.lookup, bytes(16), lab.question("s2"))
    assert found.entry == lab.entry("s2", segment=(2, 2))
    assert [await extra(lab, store, name) for name in ("s1", "s2")] == [False, False]


async def test_answers_of_one_turn_may_all_be_executed_again(lab: "Lab", store: Store) -> None:
    reference = (await claimed(lab, store, **NEW)).reference
    told: list[Any] = []
    for number, info in ((1, ""), (2, "A|s1|s2")):
        entry = lab.entry(f"s{number}", segment=(number, 2))
        store.claims.part_answered("m1", "o1", reference, "tw", info, entry, told.append)
    await lab.ask(store.claims.amend, "m1", "A|s1|s2", "A|s1|s2")
    assert [recorded.fenced for recorded in told] == [False, False]
    assert [await extra(lab, store, name) for name in ("s1", "s2")] == [False, False]


async def test_another_id_for_a_segment_is_of_an_extra_copy(lab: "Lab", store: Store) -> None:
    reference = (await claimed(lab, store, **NEW)).reference
    await taken(lab, store, 1, reference)
    assert not (await taken(lab, store, 1, reference, smsc_id="s1b")).fenced
    await taken(lab, store, 1, reference)
    assert [await extra(lab, store, name) for name in ("s1", "s1b")] == [False, True]


async def test_a_fenced_answer_is_of_an_extra_copy_and_leaves_the_claim_alone(
    lab: "Lab", store: Store
) -> None:
    reference = (await claimed(lab, store, lease_ms=PASSED, **NEW)).reference
    await claimed(lab, store, "o2", takeover=True, seen="www|p|l", reference=reference, state="ww|q|l")
    assert (await taken(lab, store, 1, reference)).fenced
    assert (await taken(lab, store, 1, reference, info="A|s1|s2")).fenced
    assert (await claimed(lab, store, "o2", reference=reference, state="x")).state == "ww|q|l"
    assert await extra(lab, store, "s1")
    assert not (await taken(lab, store, 1, reference, "o2", smsc_id="s1b")).fenced
    assert [await extra(lab, store, name) for name in ("s1", "s1b")] == [True, False]


async def test_a_copy_that_was_given_up_is_extra_all_of_it(lab: "Lab", store: Store) -> None:
    old = (await claimed(lab, store, **NEW)).reference
    await taken(lab, store, 1, old)
    await lab.ask(store.claims.retire, "m1")
    assert await extra(lab, store, "s1")
    assert (await taken(lab, store, 2, old)).fenced, "late, and of the copy that was given up"
    new = (await claimed(lab, store, **NEW)).reference
    assert not (await taken(lab, store, 1, new, provider="q", smsc_id="q1")).fenced
    assert (await taken(lab, store, 1, old, smsc_id="s1c")).fenced
    assert [await extra(lab, store, name) for name in ("s1", "s2", "s1c")] == [True] * 3
    claim = await lab.ask(store.receipts.lookup, bytes(16), lab.question("q1", provider="q"))
    assert not claim.extra


async def test_giving_up_again_after_the_next_copy_was_claimed_gives_up_nothing(
    lab: "Lab", store: Store
) -> None:
    await claimed(lab, store, **NEW)
    await lab.ask(store.claims.retire, "m1")
    new = (await claimed(lab, store, **NEW)).reference
    await lab.ask(store.claims.retire, "m1")
    assert not (await taken(lab, store, 1, new)).fenced
    assert not await extra(lab, store, "s1")


async def test_a_copy_under_another_reference_begins_anew(lab: "Lab", store: Store) -> None:
    await taken(lab, store, 1, (await claimed(lab, store, **NEW)).reference)
    await taken(lab, store, 1, (await claimed(lab, store, **NEW)).reference, smsc_id="s1b")
    assert [await extra(lab, store, name) for name in ("s1", "s1b")] == [True, False]


@pytest.mark.parametrize("known", [True, False])
async def test_a_late_answer_to_a_parked_mt_counts(lab: "Lab", store: Store, known: bool) -> None:
    reference = (await claimed(lab, store, **NEW)).reference
    if known:
        await taken(lab, store, 1, reference)
    await lab.ask(store.claims.finish, "m1", "o1", "parked")
    assert (await taken(lab, store, 2, reference)).fenced
    assert not await extra(lab, store, "s2")
    assert await claimed(lab, store, "o2", **NEW) == Claim("done", info="parked")
    assert (await taken(lab, store, 1, reference, info="A|s1|s2")).fenced
    assert await claimed(lab, store, "o2", **NEW) == Claim("done", info="A|s1|s2")


async def test_a_late_answer_of_a_given_up_copy_does_not_count_after_the_end(
    lab: "Lab", store: Store
) -> None:
    old = (await claimed(lab, store, **NEW)).reference
    await lab.ask(store.claims.retire, "m1")
    await claimed(lab, store, **NEW)
    await lab.ask(store.claims.finish, "m1", "o1", "failed")
    await taken(lab, store, 1, old)
    assert await extra(lab, store, "s1")


async def test_a_claim_that_redis_lost_comes_back_with_its_next_answer(lab: "Lab", store: Store) -> None:
    reference = (await claimed(lab, store, **NEW)).reference
    await lab.redis.delete(lab.key("mt", "m1"))
    assert not (await taken(lab, store, 1, reference, state="tw|p|l")).fenced
    assert await claimed(lab, store, "o2", **NEW) == Claim(
        "stale", reference=reference, state="tw|p|l", holder="o1"
    )


async def test_an_answer_that_comes_for_no_claim_leaves_none(lab: "Lab", store: Store) -> None:
    entry = lab.entry("s1", segment=(1, 2))
    assert (await lab.ask(store.claims.part_answered, "m1", "", 7, "", "", entry)).fenced
    assert await extra(lab, store, "s1")
    assert (await claimed(lab, store, **NEW)).verdict == "new"


async def test_a_segment_is_needed(store: Store, lab: "Lab") -> None:
    with pytest.raises(ValueError, match="no segment"):
        store.claims.part_answered("m1", "o1", 1, "s", "", lab.entry(), print)


# Two copies of an MT of one segment


async def test_a_second_id_of_an_accepted_mt_is_of_an_extra_copy(lab: "Lab", store: Store) -> None:
    answered = store.claims.answered
    await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS)
    assert not (await lab.ask(answered, "m1", "o1", "A1", lab.entry("s1"))).fenced
    assert (await lab.ask(answered, "m1", "o2", "A2", lab.entry("s2"))).fenced
    assert [await extra(lab, store, name) for name in ("s1", "s2")] == [False, True]
    assert await claimed(lab, store, "o3") == Claim("done", info="A1"), "the first one stands"
    await lab.ask(answered, "m1", "o1", "A1 again", lab.entry("s1", possible_duplicate=True))
    assert [await extra(lab, store, name) for name in ("s1", "s2")] == [False, True]
    assert (await lab.ask(answered, "m1", "o2", "A3", lab.entry(""))).fenced
    assert await claimed(lab, store, "o3") == Claim("done", info="A1 again")


async def test_after_an_end_or_an_answer_without_an_id_the_first_id_counts(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.finish, "m1", "o1", "parked")
    assert (await lab.ask(store.claims.answered, "m1", "o1", "A1", lab.entry("s1"))).fenced
    await lab.ask(store.claims.answered, "m2", "o1", "A2", lab.entry("", mt_id="m2"))
    assert (await lab.ask(store.claims.answered, "m2", "o1", "A3", lab.entry("s3", mt_id="m2"))).fenced
    assert [await extra(lab, store, name) for name in ("s1", "s3")] == [False, False]


async def test_receipts_of_an_extra_copy_end_nothing(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.answered, "m1", "o1", "A1", lab.entry("s1"), overdue_ms=LEASE_MS)
    await lab.ask(store.claims.answered, "m1", "o1", "A2", lab.entry("s2"), overdue_ms=LEASE_MS)
    of_extra = await lab.ask(store.receipts.receipt, b"2" * 16, "w1", "dr-2", lab.question("s2"))
    assert (of_extra.extra, of_extra.stale, of_extra.due) == (True, False, b"")
    of_mt = await lab.ask(store.receipts.receipt, b"1" * 16, "w1", "dr-1", lab.question("s1"))
    assert (of_mt.extra, of_mt.stale, of_mt.due) == (False, False, lab.due())
    assert await lab.redis.zrange(lab.key("due", "dr"), 0, -1) == [lab.due()]
