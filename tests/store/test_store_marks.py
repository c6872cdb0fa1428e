"""The claim of a receipt that stands with the mark of the MT it ends, and where that meets a key of its own."""

from typing import TYPE_CHECKING, Any

import pytest

from bridge.store.receipts import ReceiptClaim
from bridge.store.store import Store
from tests.store.told import HANDSET, KEY, OTHER_KEY, received, submitted

if TYPE_CHECKING:
    from tests.store.conftest import Lab

ELSEWHERE = "447700900999"


@pytest.fixture
async def store(lab: "Lab") -> Store:
    return await lab.stuttering()


async def published(lab: "Lab", store: Store, claim: ReceiptClaim, key: bytes = KEY) -> None:
    await lab.ask(store.receipts.commit, key, claim.epoch, None, due=claim.due, held=claim.held)


async def has_key(lab: "Lab", key: bytes = KEY) -> bool:
    """Of its own."""
    return await lab.value("in", key) is not None


@pytest.mark.parametrize("again", [{}, {"possible_duplicate": True}, {"metadata": {"k": "|!:"}}])
async def test_an_answer_that_is_recorded_again_leaves_it_published(
    lab: "Lab", store: Store, again: dict[str, Any]
) -> None:
    await submitted(lab, store)
    await published(lab, store, await received(lab, store))
    await submitted(lab, store, **again)
    assert (await received(lab, store, owner="w2")).verdict == "repeat"


async def test_of_a_name_that_was_to_be_expected_it_outlasts_the_answer(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.expected, "m1", lab.entry(unanswered="r"))
    claim = await received(lab, store)
    await submitted(lab, store)
    assert (await received(lab, store, owner="w2")).verdict == "busy"
    await published(lab, store, claim)
    assert (await received(lab, store, owner="w2")).verdict == "repeat"


async def test_only_the_receipt_that_ends_it_has_its_claim_there(lab: "Lab", store: Store) -> None:
    await submitted(lab, store)
    for key, final in ((b"e" * 16, False), (KEY, True), (b"s" * 16, True), (b"l" * 16, False)):
        claim = await received(lab, store, key, final=final)
        assert bool(claim.held) == (key == KEY)
        assert await has_key(lab, key) != (key == KEY)
        await published(lab, store, claim, key)
    for key, final in ((b"e" * 16, False), (KEY, True), (b"s" * 16, True), (b"l" * 16, False)):
        assert (await received(lab, store, key, owner="w2", final=final)).verdict == "repeat"


async def test_that_of_an_extra_copy_stands_there_too(lab: "Lab", store: Store) -> None:
    await submitted(lab, store)
    await submitted(lab, store, "s2")
    claim = await received(lab, store, ids=("s2",))
    assert (claim.extra, bool(claim.held)) == (True, True)
    await published(lab, store, claim)
    assert not await has_key(lab)
    assert (await received(lab, store, owner="w2", ids=("s2",))).verdict == "repeat"


async def test_one_takes_over_from_a_dead_worker_and_the_next_finds_it_busy(lab: "Lab", store: Store) -> None:
    await submitted(lab, store)
    await lab.lapse_held((await received(lab, store)).held)
    assert (await received(lab, store, owner="w2")).verdict == "taken"
    assert (await received(lab, store, owner="w3")).verdict == "busy"


async def test_what_was_claimed_before_its_mt_was_known_keeps_its_key(lab: "Lab", store: Store) -> None:
    """Its worker may have put it into a wait queue, from which it comes back and asks for that key."""
    await received(lab, store)
    await submitted(lab, store)
    assert (await received(lab, store, owner="w2")).verdict == "busy"
    await lab.lapse("in", KEY)
    claim = await received(lab, store, owner="w2")
    assert (claim.verdict, claim.held) == ("taken", b"")
    await published(lab, store, claim)
    assert (await received(lab, store)).verdict == "repeat"
    early = await lab.ask(store.receipts.lookup, KEY, lab.question("s1"))
    assert early.verdict == "repeat"


async def test_one_that_went_out_unmatched_keeps_its_key(lab: "Lab", store: Store) -> None:
    await lab.ask(store.receipts.unmatched, KEY, lab.question("s1"), b"{}")
    await submitted(lab, store)
    claim = await received(lab, store)
    assert (claim.verdict, claim.held) == ("repeat", b"")


async def test_one_that_was_guessed_keeps_its_key(lab: "Lab", store: Store) -> None:
    """Another MT under another guess makes that mean none: its repeat would not find the mark."""
    await submitted(lab, store, "a")
    question = lab.question("10", guesses=["a", "16"])

    async def comes() -> ReceiptClaim:
        claim = await lab.ask(store.receipts.receipt, KEY, "w1", "dr", question)
        assert isinstance(claim, ReceiptClaim)
        return claim

    claim = await comes()
    assert (claim.verdict, claim.held) == ("new", b"")
    await published(lab, store, claim)
    await submitted(lab, store, "16", mt_id="m2")
    assert ((await comes()).verdict, (await comes()).entry) == ("repeat", None)


async def test_one_that_was_found_by_its_second_id_keeps_its_key(lab: "Lab", store: Store) -> None:
    """The first may come to mean another MT."""
    await submitted(lab, store, "s2")
    claim = await received(lab, store, ids=("s1", "s2"))
    assert (claim.verdict, claim.held) == ("new", b"")
    await published(lab, store, claim)
    await submitted(lab, store, "s1", mt_id="m2")
    assert (await received(lab, store, ids=("s1", "s2"))).verdict == "repeat"


async def test_back_from_a_wait_it_sees_what_its_repeat_has_become(lab: "Lab", store: Store) -> None:
    """It waits, Redis is emptied, and the provider sends it again."""
    await submitted(lab, store)
    claim = await received(lab, store)
    early = await lab.ask(store.receipts.lookup, KEY, lab.question("s1"))
    assert (early.verdict, early.stale, early.held) == ("waiting", False, claim.held)
    await published(lab, store, early)
    assert (await lab.ask(store.receipts.lookup, KEY, lab.question("s1"))).verdict == "repeat"
    assert (await received(lab, store)).verdict == "repeat"
    assert not await has_key(lab)


@pytest.mark.parametrize("other", [False, True])
async def test_if_redis_has_lost_its_claim_it_is_known_under_its_key(
    lab: "Lab", store: Store, other: bool
) -> None:
    await submitted(lab, store)
    claim = await received(lab, store)
    await lab.redis.delete(lab.key("id", "p", "s1"))
    if other:  # the same MT again, and another receipt has ended it meanwhile
        await submitted(lab, store)
        await received(lab, store, OTHER_KEY, owner="w2")
    await published(lab, store, claim)
    assert (await received(lab, store)).verdict == "repeat"
    if other:
        assert (await received(lab, store, OTHER_KEY, owner="w2")).verdict == "mine", (
            "it is not published yet"
        )


async def test_a_claim_that_redis_has_lost_is_given_up_by_nobody(lab: "Lab", store: Store) -> None:
    await submitted(lab, store)
    claim = await received(lab, store)
    await lab.redis.delete(lab.key("id", "p", "s1"))
    before = await lab.snapshot()
    await lab.ask(store.receipts.abandon, KEY, 0, "w1", held=claim.held)
    assert await lab.snapshot() == before


async def test_what_is_published_is_not_given_up(lab: "Lab", store: Store) -> None:
    await submitted(lab, store)
    claim = await received(lab, store)
    await published(lab, store, claim)
    await lab.ask(store.receipts.abandon, KEY, 0, "w1", held=claim.held)
    assert (await received(lab, store)).verdict == "repeat"


async def test_a_wait_under_the_plain_key_ends_with_it(lab: "Lab", store: Store) -> None:
    """Else the same receipt of a later use would pass for waiting, and nobody would publish it."""
    await submitted(lab, store, to=ELSEWHERE)
    await received(lab, store)
    await submitted(lab, store, mt_id="m2")
    claim = await received(lab, store, owner="w2")
    assert (claim.verdict, claim.held) == ("new", lab.held(KEY, epoch=1))
    await lab.ask(store.receipts.waiting, KEY, "dr-1")
    await published(lab, store, claim)
    await submitted(lab, store, mt_id="m3")
    assert (await received(lab, store)).verdict == "new"


async def test_known_under_the_key_of_a_later_use_it_is_not_claimed_beside(lab: "Lab", store: Store) -> None:
    await submitted(lab, store, to=ELSEWHERE)
    await lab.ask(store.receipts.unmatched, KEY, lab.question("s1"), b"{}")
    await submitted(lab, store, mt_id="m2")
    claim = await received(lab, store)
    assert (claim.verdict, claim.epoch, claim.held) == ("repeat", 1, b"")


async def test_what_others_of_its_id_say_stays(lab: "Lab", store: Store) -> None:
    to_b = await submitted(lab, store, to=ELSEWHERE, metadata={"k": "1|2"})
    first = await received(lab, store, OTHER_KEY, addresses=(ELSEWHERE, ""))
    to_a = await submitted(lab, store, mt_id="m2", to=f"+{HANDSET[0]}")
    second = await received(lab, store)
    for claim, key in ((first, OTHER_KEY), (second, KEY)):
        await published(lab, store, claim, key)
    again = [await received(lab, store, OTHER_KEY, addresses=(ELSEWHERE, "")), await received(lab, store)]
    assert [(one.verdict, one.entry) for one in again] == [("repeat", to_b), ("repeat", to_a)]
    value = await lab.value("id", "p", "s1")
    assert value is not None
    assert value.count(b"!|") == 2


async def test_of_a_use_that_is_forgotten_it_publishes_no_other(lab: "Lab", store: Store) -> None:
    await submitted(lab, store)
    first = await received(lab, store)
    for n in range(10):
        await submitted(lab, store, mt_id=f"n{n}")
    last = await received(lab, store)
    assert (first.held, last.held) == (lab.held(KEY), lab.held(KEY, epoch=10))
    await published(lab, store, first)
    assert (await received(lab, store)).verdict == "mine"
