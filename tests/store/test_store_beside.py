"""Receipts of a copy that was in doubt, by a name no answer has told, of an MT that was answered otherwise since."""

from typing import TYPE_CHECKING, Any

import pytest

from bridge.store.correlation import Correlation
from bridge.store.store import Store
from tests.store.told import HANDSET, KEY, NOBODY, OTHER_KEY, received

if TYPE_CHECKING:
    from tests.store.conftest import Lab


async def expected(lab: "Lab", store: Store, **fields: Any) -> Correlation:
    """An MT in doubt, which receipts would call n1."""
    entry = lab.entry("n1", unanswered="", **fields)
    await lab.ask(store.claims.expected, key_of(entry), entry)
    return entry


def key_of(entry: Correlation) -> str:
    return f"{entry.mt_id}\t{entry.generation}" if entry.generation else entry.mt_id


@pytest.mark.parametrize("generation", [0, 3])
async def test_it_ends_nothing(lab: "Lab", store: Store, generation: int) -> None:
    entry = await expected(lab, store, generation=generation)
    answered = lab.entry("s1", generation=generation)
    await lab.ask(store.claims.answered, key_of(entry), "o", "A|s1", answered)
    beside = await received(lab, store, ids=("n1",), addresses=NOBODY)
    assert (beside.entry, beside.extra, beside.stale) == (entry, True, False)
    counts = await received(lab, store, OTHER_KEY, ids=("s1",), addresses=HANDSET, event_id="dr-2")
    assert (counts.entry, counts.extra, counts.stale) == (answered, False, False)


async def test_of_an_mt_that_was_not_answered_it_counts(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.claim, "m1", "w1:1", 60_000)
    entry = await expected(lab, store)
    claim = await received(lab, store, KEY, ids=("n1",), addresses=NOBODY)
    assert (claim.entry, claim.extra) == (entry, False)


async def test_of_an_mt_that_was_parked_it_counts(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.finish, "m1", "w1:1", "O|{}")
    await expected(lab, store)
    assert not (await received(lab, store, KEY, ids=("n1",), addresses=NOBODY)).extra
