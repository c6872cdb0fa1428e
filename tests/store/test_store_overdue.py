"""MTs whose receipts do not come in time, on a real Redis: told to one worker at a time, until that is settled."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from bridge.store.receipts import Overdue
from bridge.store.store import Store

if TYPE_CHECKING:
    from tests.store.conftest import Lab

KEY = bytes(16)
LEASE_MS = 60_000
FAR_MS = 259_200_000


@pytest.fixture
async def store(lab: "Lab") -> Store:
    return await lab.stuttering()


async def accepted(lab: "Lab", store: Store, smsc_id: str = "s1", **fields: Any) -> Any:
    """An MT that awaits its receipt."""
    entry = lab.entry(smsc_id, **fields)
    await lab.ask(store.claims.answered, entry.mt_id, "o", f"A|{smsc_id}", entry, overdue_ms=FAR_MS)
    return entry


async def overdue(lab: "Lab", store: Store, limit: int = 10) -> Any:
    """What is overdue just now."""
    return await lab.ask(store.receipts.overdue, limit, LEASE_MS)


async def received(lab: "Lab", store: Store, **what: Any) -> Any:
    """A receipt for s1 and its claim."""
    return await lab.ask(store.receipts.receipt, KEY, "w1", "dr", lab.question("s1", **what))


async def test_an_mt_is_overdue_when_its_time_has_come(lab: "Lab", store: Store) -> None:
    entry = await accepted(lab, store, metadata={"k": "v"})
    assert await overdue(lab, store) == []
    score = await lab.redis.zscore(lab.key("due", "dr"), lab.due())
    seconds, _ = await lab.redis.time()
    assert score is not None
    assert FAR_MS - 60_000 < score - seconds * 1000 <= FAR_MS + 1000
    await lab.pass_time("dr")
    assert await overdue(lab, store) == [Overdue(lab.due(), entry, ("",))]


async def test_it_is_told_to_one_worker_until_its_lease_passes(lab: "Lab", store: Store) -> None:
    other = await lab.store("w2")
    await accepted(lab, store)
    await lab.pass_time("dr")
    told = await asyncio.gather(overdue(lab, store), overdue(lab, other))
    assert sorted(map(len, told)) == [0, 1]
    await lab.pass_time("dr")
    (again,) = await overdue(lab, other)
    assert again == (told[0] or told[1])[0]
    await lab.ask(other.receipts.settled, again.due)
    await lab.pass_time("dr")
    assert await overdue(lab, store) == []


async def test_a_few_are_told_at_a_time(lab: "Lab", store: Store) -> None:
    for n in range(5):
        await accepted(lab, store, f"s{n}", mt_id=f"m{n}")
    await lab.pass_time("dr")
    told = [await overdue(lab, store, 2) for _ in range(4)]
    assert [len(some) for some in told] == [2, 2, 1, 0]
    assert {one.entry.mt_id for some in told for one in some} == {f"m{n}" for n in range(5)}


async def test_a_final_receipt_in_time_takes_it_off_the_list(lab: "Lab", store: Store) -> None:
    await accepted(lab, store)
    claim = await received(lab, store)
    assert await lab.redis.zcard(lab.key("due", "dr")) == 1, "until its event is published"
    await lab.ask(store.receipts.commit, KEY, claim.epoch, None, due=claim.due, held=claim.held)
    assert await lab.redis.zcard(lab.key("due", "dr")) == 0


async def test_what_is_known_is_the_last_state_that_is_not_final(lab: "Lab", store: Store) -> None:
    entry = await accepted(lab, store)
    for state, known in (("enroute", "enroute"), ("accepted", "accepted"), ("", "accepted")):
        claim = await received(lab, store, state=state, grade=0)
        assert (claim.stale, claim.due) == (False, b"")
        await lab.pass_time("dr")
        assert await overdue(lab, store) == [Overdue(lab.due(), entry, (known,))]


async def test_a_repeat_of_what_was_published_changes_nothing_that_is_known(lab: "Lab", store: Store) -> None:
    await accepted(lab, store)
    await received(lab, store, state="enroute", grade=0)
    await lab.ask(store.receipts.commit, KEY, 0, None)
    other = lab.question("s1", state="accepted", grade=0)
    await lab.ask(store.receipts.receipt, b"o" * 16, "w1", "dr", other)
    await received(lab, store, state="enroute", grade=0)
    await lab.pass_time("dr")
    assert [one.states for one in await overdue(lab, store)] == [("accepted",)]


async def test_a_final_receipt_that_nobody_published_leaves_its_mt_on_the_list(
    lab: "Lab", store: Store
) -> None:
    """Its worker was killed, and the provider did not send it again."""
    entry = await accepted(lab, store)
    await received(lab, store)
    await lab.pass_time("dr")
    assert await overdue(lab, store) == [Overdue(lab.due(), entry, ("",))]


async def test_an_abandoned_receipt_leaves_its_mt_on_the_list(lab: "Lab", store: Store) -> None:
    entry = await accepted(lab, store)
    await received(lab, store)
    await lab.ask(store.receipts.abandon, KEY, 0, "w1")
    await lab.pass_time("dr")
    assert await overdue(lab, store) == [Overdue(lab.due(), entry, ("",))]


async def test_a_repeated_answer_neither_moves_nor_renews_it(lab: "Lab", store: Store) -> None:
    await accepted(lab, store)
    await lab.pass_time("dr")
    await accepted(lab, store)
    assert len(await overdue(lab, store)) == 1
    await lab.ask(store.receipts.settled, lab.due())
    await accepted(lab, store)
    assert await lab.redis.zcard(lab.key("due", "dr")) == 0


async def test_an_mt_whose_receipt_came_before_its_answer_is_never_overdue(lab: "Lab", store: Store) -> None:
    await lab.ask(store.receipts.unmatched, KEY, lab.question("s1"), b"")
    await accepted(lab, store)
    assert await lab.redis.zcard(lab.key("due", "dr")) == 0


async def test_an_mt_that_wants_no_receipt_is_not_on_the_list(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.answered, "m1", "o", "A", lab.entry())
    await lab.ask(store.claims.answered, "m2", "o", "A", lab.entry("", mt_id="m2"), overdue_ms=FAR_MS)
    entry = lab.entry("s3", mt_id="m3", segment=(1, 2))
    await lab.ask(store.claims.part_answered, "m3", "o", 1, "s", "", entry)
    assert await lab.redis.zcard(lab.key("due", "dr")) == 0


async def test_an_id_that_was_forgotten_is_dropped_from_the_list(lab: "Lab", store: Store) -> None:
    for n in range(9):
        await accepted(lab, store, mt_id=f"m{n}")
    await lab.pass_time("dr")
    assert {one.entry.mt_id for one in await overdue(lab, store, 20)} == {f"m{n}" for n in range(1, 9)}


async def test_a_value_that_is_not_ours_holds_up_no_other(lab: "Lab", store: Store) -> None:
    await accepted(lab, store)
    foreign = lab.key("id", "p", "foreign")
    await lab.redis.lpush(foreign, "not ours")
    await lab.redis.expire(foreign, 60)
    await lab.redis.zadd(lab.key("due", "dr"), {b"s|0|" + foreign: 1})
    await lab.pass_time("dr")
    assert [one.due for one in await overdue(lab, store)] == [lab.due()]


# Long MTs


async def part(lab: "Lab", store: Store, number: int, smsc_id: str = "", **fields: Any) -> Any:
    """The answer to one of three segments of m1."""
    entry = lab.entry(smsc_id, segment=(number, 3), **fields)
    answered = store.claims.part_answered
    await lab.ask(answered, "m1", "o", 7, "s", "", entry, overdue_ms=FAR_MS)
    return entry


async def test_a_long_mt_is_overdue_once_with_all_that_is_known(lab: "Lab", store: Store) -> None:
    await part(lab, store, 2)
    first = await part(lab, store, 1, "s1")
    await part(lab, store, 3, "s3", possible_duplicate=True)
    await received(lab, store)
    await lab.pass_time("dr")
    (told,) = await overdue(lab, store)
    assert told.states == ("delivered", "", "")
    assert (told.entry.smsc_id, told.entry.mt_id, told.entry.segment) == ("s1", first.mt_id, (1, 3))
    assert told.entry.possible_duplicate
    await lab.ask(store.receipts.settled, told.due)
    await part(lab, store, 3, "s3")
    assert await lab.redis.zcard(lab.key("due", "dr")) == 0


async def test_the_deadline_of_a_long_mt_is_that_of_its_first_answer(lab: "Lab", store: Store) -> None:
    await part(lab, store, 1, "s1")
    await lab.pass_time("dr")
    await part(lab, store, 2, "s2")
    assert len(await overdue(lab, store)) == 1


async def test_a_copy_that_was_given_up_is_dropped_from_the_list(lab: "Lab", store: Store) -> None:
    await part(lab, store, 1, "s1")
    await lab.ask(store.claims.retire, "m1")
    await lab.pass_time("dr")
    assert await overdue(lab, store) == []
    assert await lab.redis.zcard(lab.key("due", "dr")) == 0


async def test_a_long_mt_whose_end_nobody_published_stays_on_the_list(lab: "Lab", store: Store) -> None:
    await part(lab, store, 1, "s1")
    await received(lab, store, state="expired", grade=2)
    await lab.pass_time("dr")
    assert [one.states for one in await overdue(lab, store)] == [("expired", "", "")]
