"""MTs whose answer is not known, but the name their receipts would use: expected, found, answered after all."""

from typing import TYPE_CHECKING, Any

import pytest

from bridge.store.claims import Recorded, Unmatched
from bridge.store.correlation import Correlation
from bridge.store.store import Store
from tests.store.told import HANDSET, KEY, NOBODY, OTHER_KEY, received

if TYPE_CHECKING:
    from tests.store.conftest import Lab

LEASE_MS = 60_000
NOTHING = Recorded(fenced=False, unmatched=[])
SHOWN = "H||s1|p||"
"""What a receipt shows of an MT, as its claim says it."""


@pytest.fixture
async def twice(lab: "Lab") -> Store:
    """All that is kept is done a second time, and must change nothing then."""
    return await lab.stuttering()


async def expected(lab: "Lab", store: Store, mt_id: str = "m1", **fields: Any) -> Recorded:
    entry = lab.entry(mt_id=mt_id, **({"unanswered": ""} | fields))
    recorded = await lab.ask(store.claims.expected, mt_id, entry)
    assert isinstance(recorded, Recorded)
    return recorded


async def shown(lab: "Lab", store: Store, mt_id: str = "m1", **of: Any) -> Recorded:
    """A receipt was the answer."""
    recorded = await lab.ask(store.claims.answered, mt_id, "", SHOWN, lab.entry(mt_id=mt_id), **of)
    assert isinstance(recorded, Recorded)
    return recorded


async def found(lab: "Lab", store: Store, key: bytes = KEY, **of: Any) -> Any:
    """A receipt over HTTP, which names no number."""
    return await received(lab, store, key, addresses=NOBODY, **of)


# Expected


@pytest.mark.parametrize("unanswered", ["", "default"])
async def test_a_receipt_finds_it_and_is_told_where_it_is_parked(
    lab: "Lab", twice: Store, unanswered: str
) -> None:
    assert await expected(lab, twice, unanswered=unanswered, metadata={"order": 7}) == NOTHING
    claim = await found(lab, twice)
    assert claim.entry == lab.entry(unanswered=unanswered, metadata={"order": 7})
    assert (claim.verdict, claim.stale, claim.extra) == ("new", False, False)


async def test_by_numbers_too_if_they_are_its_own(lab: "Lab", twice: Store) -> None:
    await expected(lab, twice)
    assert (await received(lab, twice, addresses=HANDSET)).entry is not None
    assert (await received(lab, twice, OTHER_KEY, addresses=("447700900999", ""))).entry is None


@pytest.mark.parametrize("state", ["none", "claimed", "lapsed", "ended", "answered"])
async def test_nothing_becomes_of_its_claim(lab: "Lab", twice: Store, state: str) -> None:
    if state in ("claimed", "lapsed"):
        await lab.ask(twice.claims.claim, "m1", "w:1", LEASE_MS if state == "claimed" else 0)
    elif state == "ended":
        await lab.ask(twice.claims.finish, "m1", "w:1", "O|{}")
    elif state == "answered":
        await lab.ask(twice.claims.answered, "m1", "w:1", "A|x", lab.entry("x"))
    before = await lab.value("mt", "m1")
    assert await expected(lab, twice) == NOTHING
    assert await lab.value("mt", "m1") == before


async def test_nothing_is_awaited_of_it(lab: "Lab", twice: Store) -> None:
    """Nobody knows whether a receipt will ever come."""
    await expected(lab, twice)
    assert await lab.redis.zcard(lab.key("due", "dr")) == 0


async def test_what_is_known_later_counts(lab: "Lab", twice: Store) -> None:
    """Resent first, then parked."""
    await expected(lab, twice)
    await expected(lab, twice, unanswered="default", possible_duplicate=True)
    assert (await found(lab, twice)).entry == lab.entry(unanswered="default", possible_duplicate=True)
    value = await lab.value("id", "p", "s1")
    assert value is not None
    assert value.count(b"\n") == 0, "one use of the name, not two"


async def test_a_name_that_another_mt_had_before_means_the_newest(lab: "Lab", twice: Store) -> None:
    await lab.ask(twice.claims.answered, "m0", "w:1", "A|s1", lab.entry(mt_id="m0"))
    await expected(lab, twice)
    claim = await found(lab, twice)
    assert (claim.entry.mt_id, claim.epoch) == ("m1", 1)


# Answered


async def test_an_answer_takes_its_place(lab: "Lab", twice: Store) -> None:
    await lab.ask(twice.claims.claim, "m1", "w:1", LEASE_MS)
    await expected(lab, twice)
    recorded = await lab.ask(twice.claims.answered, "m1", "w:1", "H||s1", lab.entry(), overdue_ms=LEASE_MS)
    assert recorded == NOTHING
    claim = await found(lab, twice)
    assert (claim.entry, claim.extra, claim.due) == (lab.entry(), False, lab.due())
    assert await lab.redis.zrange(lab.key("due", "dr"), 0, -1) == [lab.due()]


async def test_an_answer_that_came_before_stands(lab: "Lab", twice: Store) -> None:
    await lab.ask(twice.claims.answered, "m1", "w:1", "H||s1", lab.entry())
    await expected(lab, twice, unanswered="default")
    assert (await found(lab, twice)).entry == lab.entry()


async def test_only_that_a_copy_may_be_elsewhere_is_learned_of_it(lab: "Lab", twice: Store) -> None:
    await lab.ask(twice.claims.answered, "m1", "w:1", "H||s1", lab.entry())
    await expected(lab, twice, possible_duplicate=True)
    assert (await found(lab, twice)).entry == lab.entry(possible_duplicate=True)


@pytest.mark.parametrize("metadata", [{"unanswered": "x"}, {"deep": [{"unanswered": ""}]}])
async def test_what_a_producer_wrote_makes_no_mt_unanswered(
    lab: "Lab", twice: Store, metadata: dict[str, Any]
) -> None:
    """It counts, and its receipts do; one more id is that of a copy."""
    entry = lab.entry(metadata=metadata)
    await lab.ask(twice.claims.answered, "m1", "w:1", "A|s1", entry, overdue_ms=LEASE_MS)
    await lab.ask(twice.claims.answered, "m1", "w:1", "A|s2", lab.entry("s2", metadata=metadata))
    claim = await received(lab, twice)
    assert (claim.entry, claim.extra, claim.due) == (entry, False, lab.due())
    assert (await received(lab, twice, OTHER_KEY, ids=("s2",))).extra


# A receipt was the answer


@pytest.mark.parametrize(
    ("before", "after"), [("none", b"D"), ("claimed", b"F"), ("lapsed", b"F"), ("parked", b"F")]
)
async def test_a_receipt_finishes_the_claim_whoever_holds_it(
    lab: "Lab", twice: Store, before: str, after: bytes
) -> None:
    if before in ("claimed", "lapsed"):
        await lab.ask(twice.claims.claim, "m1", "w:1", LEASE_MS if before == "claimed" else 0)
    elif before == "parked":
        await lab.ask(twice.claims.finish, "m1", "w:1", "S|{}")
    await expected(lab, twice)
    assert (await found(lab, twice)).entry.unanswered == ""
    await shown(lab, twice)
    assert await lab.value("mt", "m1") == after + b"|" + SHOWN.encode()
    claim = await lab.ask(twice.claims.claim, "m1", "w:1", LEASE_MS, takeover=True)
    assert (claim.verdict, claim.info) == ("done", SHOWN), "no copy leaves that has not left"
    assert await lab.ask(twice.claims.finish, "m1", "w:1", "O|{}") is False
    assert (await found(lab, twice, OTHER_KEY)).entry == lab.entry(), "which the next receipt is told"


async def test_an_answer_that_was_recorded_meanwhile_is_that_of_the_same_copy(
    lab: "Lab", twice: Store
) -> None:
    await lab.ask(twice.claims.answered, "m1", "w:1", "H||s1|p|dc|h1", lab.entry())
    await shown(lab, twice)
    assert await lab.value("mt", "m1") == b"F|" + SHOWN.encode()
    claim = await found(lab, twice)
    assert (claim.extra, claim.entry) == (False, lab.entry())


@pytest.mark.parametrize(("final", "awaited"), [(True, 0), (False, 1)])
async def test_its_final_receipt_is_awaited_unless_that_was_it(
    lab: "Lab", twice: Store, final: bool, awaited: int
) -> None:
    await expected(lab, twice)
    await found(lab, twice, final=final)
    await shown(lab, twice, overdue_ms=LEASE_MS)
    assert await lab.redis.zcard(lab.key("due", "dr")) == awaited


async def test_a_final_receipt_stays_the_one_that_ended_it(lab: "Lab", twice: Store) -> None:
    await expected(lab, twice)
    await found(lab, twice)
    await shown(lab, twice)
    assert not (await found(lab, twice)).stale
    assert (await found(lab, twice, OTHER_KEY)).stale


async def test_the_copy_that_leaves_all_the_same_is_an_extra_one(lab: "Lab", twice: Store) -> None:
    """It was on its way when the receipt came."""
    await lab.ask(twice.claims.claim, "m1", "w:1", LEASE_MS)
    await expected(lab, twice)
    await shown(lab, twice)
    recorded = await lab.ask(twice.claims.answered, "m1", "w:1", "A|s2", lab.entry("s2"))
    assert recorded.fenced
    assert not (await found(lab, twice)).extra
    assert (await found(lab, twice, OTHER_KEY, ids=("s2",))).extra


async def test_a_copy_of_the_same_name_is_none(lab: "Lab", twice: Store) -> None:
    """The provider says that it has it already, or takes it again under our name."""
    await lab.ask(twice.claims.claim, "m1", "w:1", LEASE_MS)
    await expected(lab, twice)
    await shown(lab, twice)
    await lab.ask(twice.claims.answered, "m1", "w:1", "H|1|s1|p|dc|h1", lab.entry(possible_duplicate=True))
    claim = await found(lab, twice)
    assert (claim.extra, claim.entry) == (False, lab.entry(possible_duplicate=True))


# Receipts that came before


async def went_out(lab: "Lab", store: Store, key: bytes, body: bytes, **of: Any) -> None:
    question = lab.question("s1", **({"addresses": NOBODY} | of))
    assert await lab.ask(store.receipts.unmatched, key, question, body) is None


async def test_receipts_that_went_out_unmatched_are_told_to_whom_they_speak_of(
    lab: "Lab", twice: Store
) -> None:
    await went_out(lab, twice, KEY, b'{"n": 1}', grade=0)
    await went_out(lab, twice, OTHER_KEY, b'{"n": 2}')
    late = [Unmatched(b'{"n": 1}', stale=False), Unmatched(b'{"n": 2}', stale=False)]
    assert await expected(lab, twice) == Recorded(fenced=False, unmatched=late)
    assert (await expected(lab, twice, unanswered="default")).unmatched == late, "again, with the same"
    assert (await shown(lab, twice)).unmatched == late
    assert (await expected(lab, twice, "m2")).unmatched == [], "but nobody else"
    assert (await found(lab, twice)).verdict in ("new", "repeat")


async def test_but_not_those_of_another_phone(lab: "Lab", twice: Store) -> None:
    await went_out(lab, twice, KEY, b"{}", addresses=("447700900999", "12345"))
    assert await expected(lab, twice) == NOTHING


async def test_a_receipt_that_is_going_out_unmatched_finds_it(lab: "Lab", twice: Store) -> None:
    await expected(lab, twice, unanswered="default")
    question = lab.question("s1", addresses=NOBODY)
    claim = await lab.ask(twice.receipts.unmatched, KEY, question, b"{}")
    assert claim.entry == lab.entry(unanswered="default")


async def test_a_receipt_that_waits_finds_it(lab: "Lab", twice: Store) -> None:
    assert (await found(lab, twice)).entry is None
    await lab.ask(twice.receipts.waiting, KEY, "dr-1")
    await expected(lab, twice)
    claim = await lab.ask(twice.receipts.lookup, KEY, lab.question("s1", addresses=NOBODY))
    assert (claim.verdict, claim.entry) == ("waiting", lab.entry(unanswered=""))


@pytest.mark.parametrize("name", ["0A7F", "order-0012", "a\tb", "€"])
async def test_names_of_any_shape(lab: "Lab", twice: Store, name: str) -> None:
    entry = Correlation(
        mt_id="m1", provider="p", smsc_id=name, to="+447700900123", unanswered="r", generation=1
    )
    await lab.ask(twice.claims.expected, "m1\t1", entry)
    assert (await found(lab, twice, ids=(name,))).entry == entry
