"""Claims of MOs and DRs on a real Redis, and the MT a receipt means: repeats, leases, ids used again."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bridge.store.receipts import MessageClaim, ReceiptClaim
from bridge.store.store import Store
from tests.store.told import KEY, OTHER_KEY, received, submitted

if TYPE_CHECKING:
    from tests.store.conftest import Lab

# Messages


async def test_a_message_is_claimed_published_and_then_a_repeat(lab: "Lab", store: Store) -> None:
    message, commit = store.receipts.message, store.receipts.commit
    assert await lab.ask(message, KEY, "w1", "mo-1") == MessageClaim("new", "mo-1")
    assert await lab.ask(message, KEY, "w1", "mo-2") == MessageClaim("mine", "mo-1")
    assert await lab.ask(message, KEY, "w2", "mo-3") == MessageClaim("busy", "mo-1")
    await lab.ask(commit, KEY, 0, None)
    for worker in ("w1", "w2"):
        assert await lab.ask(message, KEY, worker, "mo-4") == MessageClaim("repeat", "")


async def test_a_dead_workers_message_is_published_under_its_first_event_id(lab: "Lab", store: Store) -> None:
    await lab.ask(store.receipts.message, KEY, "w1", "mo-1")
    await lab.lapse("in", KEY)
    assert await lab.ask(store.receipts.message, KEY, "w2", "mo-2") == MessageClaim("taken", "mo-1")
    assert await lab.ask(store.receipts.message, KEY, "w1", "mo-3") == MessageClaim("busy", "mo-1")


async def test_the_lease_of_a_message_is_five_seconds(lab: "Lab", store: Store) -> None:
    await lab.ask(store.receipts.message, KEY, "w1", "mo-1")
    value = await lab.value("in", KEY)
    assert value is not None
    seconds, microseconds = await lab.redis.time()
    left_ms = int(value.split(b"|")[2]) - (seconds * 1000 + microseconds // 1000)
    assert 1_000 < left_ms <= 5_000


async def test_a_commit_may_be_for_a_short_time_only(lab: "Lab", store: Store) -> None:
    await lab.ask(store.receipts.message, KEY, "w1", "mo-1")
    await lab.ask(store.receipts.commit, KEY, 0, 10_000)
    assert 0 < await lab.redis.pttl(lab.key("in", KEY)) <= 10_000


async def test_an_abandoned_message_is_anybodys_and_keeps_its_event_id(lab: "Lab", store: Store) -> None:
    await lab.ask(store.receipts.message, KEY, "w1", "mo-1")
    await lab.ask(store.receipts.abandon, KEY, 0, "w2")
    assert (await lab.ask(store.receipts.message, KEY, "w2", "mo-2")).verdict == "busy"
    await lab.ask(store.receipts.abandon, KEY, 0, "w1")
    assert await lab.ask(store.receipts.message, KEY, "w2", "mo-2") == MessageClaim("taken", "mo-1")
    await lab.ask(store.receipts.commit, KEY, 0, None)
    await lab.ask(store.receipts.abandon, KEY, 0, "w2")
    assert (await lab.ask(store.receipts.message, KEY, "w1", "mo-3")).verdict == "repeat"


# Receipts and their MTs


async def test_a_receipt_finds_its_mt_with_all_that_events_need(lab: "Lab", store: Store) -> None:
    entry = await submitted(
        lab, store, to="+447700900123", receipt="all", possible_duplicate=True, metadata={"k": ["|\n", None]}
    )
    claim = await received(lab, store)
    assert claim == ReceiptClaim("new", "dr-1", entry, due=lab.due(), held=lab.held(KEY))
    assert await received(lab, store) == replace(claim, verdict="mine")
    assert await received(lab, store, owner="w2") == replace(claim, verdict="busy")
    await lab.lapse_held(claim.held)
    assert await received(lab, store, owner="w2") == replace(claim, verdict="taken")
    await lab.ask(store.receipts.commit, KEY, 0, None, held=claim.held)
    assert await received(lab, store) == replace(claim, verdict="repeat")


async def test_a_receipt_that_ends_its_mt_needs_no_key_of_its_own(lab: "Lab", store: Store) -> None:
    await submitted(lab, store)
    before = await lab.keys()
    for _ in range(2):
        claim = await received(lab, store)
        assert set(await lab.keys()) == set(before)
        await lab.ask(store.receipts.commit, KEY, 0, None, held=claim.held)
    assert (await received(lab, store)).verdict == "repeat"


async def test_the_lease_of_a_receipt_is_five_seconds(lab: "Lab", store: Store) -> None:
    await submitted(lab, store)
    await received(lab, store)
    value = await lab.value("id", "p", "s1")
    assert value is not None
    seconds, microseconds = await lab.redis.time()
    left_ms = int(value.split(b":")[1]) - (seconds * 1000 + microseconds // 1000)
    assert 1_000 < left_ms <= 5_000


async def test_a_receipt_nobody_sent_is_claimed_without_an_mt(lab: "Lab", store: Store) -> None:
    assert await received(lab, store) == ReceiptClaim("new", "dr-1")
    assert await received(lab, store, OTHER_KEY, ids=()) == ReceiptClaim("new", "dr-1")


async def test_ids_of_providers_are_their_own(lab: "Lab", store: Store) -> None:
    await submitted(lab, store, provider="q")
    assert (await received(lab, store)).entry is None


@pytest.mark.parametrize("smsc_id", ["0a:b|c", "a\nb", "ÿ", " ", "7" * 65])
async def test_an_id_may_be_any_text(lab: "Lab", store: Store, smsc_id: str) -> None:
    entry = await submitted(lab, store, smsc_id)
    claim = await received(lab, store, ids=(smsc_id,))
    assert claim.entry == entry
    await lab.ask(store.receipts.abandon, KEY, 0, "w1", held=claim.held)
    assert (await received(lab, store, ids=(smsc_id,))).verdict == "taken"
    await lab.ask(store.receipts.commit, KEY, 0, None, held=claim.held)
    assert (await received(lab, store, ids=(smsc_id,))).verdict == "repeat"


async def test_the_first_id_that_is_known_decides(lab: "Lab", store: Store) -> None:
    first = await submitted(lab, store, "s1", mt_id="m1")
    second = await submitted(lab, store, "s2", mt_id="m2")
    assert (await received(lab, store, ids=("none", "s2", "s1"))).entry == second
    assert (await received(lab, store, OTHER_KEY, ids=("s1", "s2"))).entry == first


@pytest.mark.parametrize(
    ("addresses", "fits"),
    [
        (("447700900123", "12345"), True),
        (("12345", "+44 7700 900123"), True),
        (("07700900123", ""), True),
        (("9900123", "12345"), False),
        (("0900123", "12345"), False),
        (("00447700900123", "x"), True),
        (("1447700900123", ""), True),
        (("447700900124", "12345"), False),
        (("MyBank", "12345"), False),
        (("", "12345"), False),
        (("", ""), True),
    ],
)
async def test_the_address_must_fit(lab: "Lab", store: Store, addresses: tuple[str, str], fits: bool) -> None:
    await submitted(lab, store)
    assert ((await received(lab, store, addresses=addresses)).entry is not None) is fits


async def test_short_codes_fit_only_when_equal(lab: "Lab", store: Store) -> None:
    await submitted(lab, store, to="12345")
    assert (await received(lab, store, addresses=("2345", ""))).entry is None
    assert (await received(lab, store, OTHER_KEY, addresses=("12345", ""))).entry is not None


# Ids used again


async def test_an_id_used_again_means_the_newest_mt_whose_address_fits(lab: "Lab", store: Store) -> None:
    to_a = await submitted(lab, store, mt_id="m1", to="447700900111")
    to_b = await submitted(lab, store, mt_id="m2", to="447700900222")
    again_to_a = await submitted(lab, store, mt_id="m3", to="447700900111")
    expected = {
        ("447700900222", ""): (1, to_b),
        ("447700900111", ""): (2, again_to_a),
    }
    for addresses, (epoch, entry) in expected.items():
        due, held = lab.due(epoch=epoch), lab.held(KEY, epoch=epoch)
        claim = ReceiptClaim("new", f"dr-1-{epoch}", entry, epoch=epoch, due=due, held=held)
        assert await received(lab, store, addresses=addresses) == claim
    assert to_a != again_to_a


async def test_the_same_receipt_of_the_next_use_is_no_repeat(lab: "Lab", store: Store) -> None:
    await submitted(lab, store, mt_id="m1")
    first = await received(lab, store)
    await lab.ask(store.receipts.commit, KEY, 0, None, held=first.held)
    newer = await submitted(lab, store, mt_id="m2")
    held = lab.held(KEY, epoch=1)
    claim = ReceiptClaim("new", "dr-1-1", newer, epoch=1, due=lab.due(epoch=1), held=held)
    assert await received(lab, store) == claim
    await lab.ask(store.receipts.abandon, KEY, 1, "w1", held=held)
    assert (await received(lab, store, owner="w2")).verdict == "taken"
    await lab.ask(store.receipts.commit, KEY, 1, None, held=held)
    assert await received(lab, store, owner="w2") == replace(claim, verdict="repeat")


async def test_the_same_mt_answered_again_under_its_id_is_no_new_use(lab: "Lab", store: Store) -> None:
    """As when a provider calls a resend a duplicate and names the first copy."""
    await submitted(lab, store)
    flagged = await submitted(lab, store, possible_duplicate=True)
    expected = ReceiptClaim("new", "dr-1", flagged, due=lab.due(), held=lab.held(KEY))
    assert await received(lab, store) == expected
    replayed = await submitted(lab, store, generation=1)
    assert (await received(lab, store)).entry == replayed


async def test_no_more_than_eight_uses_are_kept(lab: "Lab", store: Store) -> None:
    for n in range(10):
        await submitted(lab, store, mt_id=f"m{n}", to=f"44770090000{n}")
    value = await lab.value("id", "p", "s1")
    assert value is not None
    assert [line.split(b"|")[0] for line in value.split(b"\n")] == [b"%d" % n for n in range(9, 1, -1)]
    assert (await received(lab, store, addresses=("447700900001", ""))).entry is None
    assert (await received(lab, store, OTHER_KEY, addresses=("447700900002", ""))).epoch == 2


# Stale receipts


async def test_a_receipt_after_the_final_one_is_stale(lab: "Lab", store: Store) -> None:
    await submitted(lab, store)
    assert not (await received(lab, store, b"e" * 16, final=False)).stale
    assert not (await received(lab, store, KEY)).stale
    assert not (await received(lab, store, KEY)).stale, "the same one again is not"
    assert (await received(lab, store, b"d" * 16)).stale
    assert (await received(lab, store, b"c" * 16, final=False)).stale


async def test_an_abandoned_receipt_may_be_out_and_ends_its_mt(lab: "Lab", store: Store) -> None:
    await submitted(lab, store)
    claim = await received(lab, store, KEY)
    await lab.ask(store.receipts.abandon, KEY, 0, "w2", held=claim.held)
    assert (await received(lab, store, KEY)).verdict == "mine", "it is not for others to give up"
    await lab.ask(store.receipts.abandon, KEY, 0, "w1", held=claim.held)
    assert (await received(lab, store, b"y" * 16)).stale
    again = await received(lab, store, KEY)
    assert (again.verdict, again.stale) == ("taken", False)


async def test_marks_are_those_of_one_use(lab: "Lab", store: Store) -> None:
    await submitted(lab, store, mt_id="m1", to="447700900111")
    await submitted(lab, store, mt_id="m2", to="447700900222")
    assert not (await received(lab, store, b"1" * 16, addresses=("447700900111", ""))).stale
    assert not (await received(lab, store, b"2" * 16, addresses=("447700900222", ""))).stale
    assert (await received(lab, store, b"3" * 16, addresses=("447700900111", ""))).stale
    assert (await received(lab, store, b"4" * 16, addresses=("447700900222", ""))).stale
