"""Claims of MOs and DRs on a real Redis, and the MT a receipt means: repeats, leases, ids used again, late answers."""

from typing import TYPE_CHECKING, Any

import pytest

from bridge.store.correlation import Correlation
from bridge.store.receipts import MessageClaim, ReceiptClaim
from bridge.store.store import Store

if TYPE_CHECKING:
    from tests.store.conftest import Lab

KEY = bytes(range(0xF0, 0x100))
OTHER_KEY = b"\n|:" + bytes(13)
HANDSET = ("447700900123", "12345")
NOBODY = ("", "")


async def submitted(lab: "Lab", store: Store, smsc_id: str = "s1", **fields: Any) -> Correlation:
    """An MT that the provider has accepted."""
    entry = lab.entry(smsc_id, **fields)
    mt_key = f"{entry.mt_id}#{entry.generation}"
    await lab.ask(store.claims.answered, mt_key, "o", f"A|{smsc_id}", entry)
    return entry


async def received(
    lab: "Lab",
    store: Store,
    key: bytes = KEY,
    ids: tuple[str, ...] = ("s1",),
    addresses: tuple[str, str] = HANDSET,
    *,
    owner: str = "w1",
    event_id: str = "dr-1",
    final: bool = True,
) -> Any:
    """A receipt and its claim."""
    return await lab.ask(store.receipts.receipt, key, owner, event_id, "p", ids, addresses, final)


async def lapse(lab: "Lab", *key: str | bytes) -> None:
    """Let the lease of a pending claim be over, as after five seconds."""
    value = await lab.value("in", *key)
    assert value is not None
    parts = value.split(b"|")
    parts[2] = b"1"
    await lab.redis.set(lab.key("in", *key), b"|".join(parts), keepttl=True)


# Messages


async def test_a_message_is_claimed_published_and_then_a_repeat(lab: "Lab", store: Store) -> None:
    message, commit = store.receipts.message, store.receipts.commit
    assert await lab.ask(message, KEY, "w1", "mo-1") == MessageClaim("new", "mo-1")
    assert await lab.ask(message, KEY, "w1", "mo-2") == MessageClaim("mine", "mo-1")
    assert await lab.ask(message, KEY, "w2", "mo-3") == MessageClaim("busy", "mo-1")
    await lab.ask(commit, KEY, 0, "mo-1", None)
    for worker in ("w1", "w2"):
        assert await lab.ask(message, KEY, worker, "mo-4") == MessageClaim("repeat", "mo-1")


async def test_a_dead_workers_message_is_published_under_its_first_event_id(lab: "Lab", store: Store) -> None:
    await lab.ask(store.receipts.message, KEY, "w1", "mo-1")
    await lapse(lab, KEY)
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
    await lab.ask(store.receipts.commit, KEY, 0, "mo-1", 10_000)
    assert 0 < await lab.redis.pttl(lab.key("in", KEY)) <= 10_000


async def test_an_abandoned_message_is_anybodys_and_keeps_its_event_id(lab: "Lab", store: Store) -> None:
    await lab.ask(store.receipts.message, KEY, "w1", "mo-1")
    await lab.ask(store.receipts.abandon, KEY, 0, "w2")
    assert (await lab.ask(store.receipts.message, KEY, "w2", "mo-2")).verdict == "busy"
    await lab.ask(store.receipts.abandon, KEY, 0, "w1")
    assert await lab.ask(store.receipts.message, KEY, "w2", "mo-2") == MessageClaim("taken", "mo-1")
    await lab.ask(store.receipts.commit, KEY, 0, "mo-1", None)
    await lab.ask(store.receipts.abandon, KEY, 0, "w2")
    assert (await lab.ask(store.receipts.message, KEY, "w1", "mo-3")).verdict == "repeat"


# Receipts and their MTs


async def test_a_receipt_finds_its_mt_with_all_that_events_need(lab: "Lab", store: Store) -> None:
    entry = await submitted(
        lab, store, to="+447700900123", receipt="all", possible_duplicate=True, metadata={"k": ["|\n", None]}
    )
    claim = await received(lab, store)
    assert claim == ReceiptClaim("new", "dr-1", entry)
    assert await received(lab, store, event_id="dr-2") == ReceiptClaim("mine", "dr-1", entry)
    assert await received(lab, store, owner="w2") == ReceiptClaim("busy", "dr-1", entry)
    await lapse(lab, KEY)
    assert await received(lab, store, owner="w2", event_id="dr-3") == ReceiptClaim("taken", "dr-1", entry)
    await lab.ask(store.receipts.commit, KEY, 0, "dr-1", None)
    assert await received(lab, store, event_id="dr-4") == ReceiptClaim("repeat", "dr-1", entry)


async def test_a_receipt_nobody_sent_is_claimed_without_an_mt(lab: "Lab", store: Store) -> None:
    assert await received(lab, store) == ReceiptClaim("new", "dr-1")
    assert await received(lab, store, OTHER_KEY, ids=()) == ReceiptClaim("new", "dr-1")


async def test_ids_of_providers_are_their_own(lab: "Lab", store: Store) -> None:
    await submitted(lab, store, provider="q")
    assert (await received(lab, store)).entry is None


@pytest.mark.parametrize("smsc_id", ["0a:b|c", "a\nb", "ÿ", " ", "7" * 65])
async def test_an_id_may_be_any_text(lab: "Lab", store: Store, smsc_id: str) -> None:
    entry = await submitted(lab, store, smsc_id)
    assert (await received(lab, store, ids=(smsc_id,))).entry == entry
    await lab.ask(store.receipts.abandon, KEY, 0, "w1")
    assert (await received(lab, store, ids=(smsc_id,))).verdict == "taken"


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
        ("447700900222", ""): ReceiptClaim("new", "dr-1-1", to_b, epoch=1),
        ("447700900111", ""): ReceiptClaim("new", "dr-1-2", again_to_a, epoch=2),
    }
    for addresses, claim in expected.items():
        assert await received(lab, store, addresses=addresses) == claim
    assert to_a != again_to_a


async def test_the_same_receipt_of_the_next_use_is_no_repeat(lab: "Lab", store: Store) -> None:
    await submitted(lab, store, mt_id="m1")
    await received(lab, store)
    await lab.ask(store.receipts.commit, KEY, 0, "dr-1", None)
    newer = await submitted(lab, store, mt_id="m2")
    assert await received(lab, store) == ReceiptClaim("new", "dr-1-1", newer, epoch=1)
    await lab.ask(store.receipts.abandon, KEY, 1, "w1")
    assert (await received(lab, store, owner="w2")).verdict == "taken"
    await lab.ask(store.receipts.commit, KEY, 1, "dr-1-1", None)
    assert await received(lab, store, owner="w2") == ReceiptClaim("repeat", "dr-1-1", newer, epoch=1)


async def test_the_same_mt_answered_again_under_its_id_is_no_new_use(lab: "Lab", store: Store) -> None:
    """As when a provider calls a resend a duplicate and names the first copy."""
    await submitted(lab, store)
    flagged = await submitted(lab, store, possible_duplicate=True)
    assert await received(lab, store) == ReceiptClaim("new", "dr-1", flagged)
    replayed = await submitted(lab, store, generation=1)
    assert await received(lab, store) == ReceiptClaim("new", "dr-1-1", replayed, epoch=1)


async def test_no_more_than_four_uses_are_kept(lab: "Lab", store: Store) -> None:
    for n in range(6):
        await submitted(lab, store, mt_id=f"m{n}", to=f"44770090000{n}")
    value = await lab.value("id", "p", "s1")
    assert value is not None
    assert [line.split(b"|")[0] for line in value.split(b"\n")] == [b"5", b"4", b"3", b"2"]
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


async def test_an_abandoned_receipt_ends_nothing(lab: "Lab", store: Store) -> None:
    await submitted(lab, store)
    await received(lab, store, KEY)
    await lab.ask(store.receipts.abandon, OTHER_KEY, 0, "w1")
    assert (await received(lab, store, b"x" * 16)).stale
    await lab.ask(store.receipts.abandon, KEY, 0, "w1")
    assert not (await received(lab, store, b"y" * 16)).stale
    assert (await received(lab, store, KEY)).stale


async def test_marks_are_those_of_one_use(lab: "Lab", store: Store) -> None:
    await submitted(lab, store, mt_id="m1", to="447700900111")
    await submitted(lab, store, mt_id="m2", to="447700900222")
    assert not (await received(lab, store, b"1" * 16, addresses=("447700900111", ""))).stale
    assert not (await received(lab, store, b"2" * 16, addresses=("447700900222", ""))).stale
    await lab.ask(store.receipts.abandon, b"1" * 16, 0, "w1")
    assert not (await received(lab, store, b"3" * 16, addresses=("447700900111", ""))).stale
    assert (await received(lab, store, b"4" * 16, addresses=("447700900222", ""))).stale


# Receipts that come before their MT is known


async def early(lab: "Lab", store: Store, key: bytes = KEY, *, final: bool = True) -> Any:
    """Look for the MT of a receipt that is back from its wait."""
    return await lab.ask(store.receipts.lookup, key, "p", ["s1"], HANDSET, final)


async def test_a_waiting_receipt_is_safe_and_its_repeats_are_answered(lab: "Lab", store: Store) -> None:
    await received(lab, store)
    await lab.ask(store.receipts.waiting, KEY, "dr-1")
    assert await received(lab, store, owner="w2") == ReceiptClaim("waiting", "dr-1")
    assert await early(lab, store) == ReceiptClaim("waiting", "")
    entry = await submitted(lab, store)
    assert (await received(lab, store, owner="w2")).verdict == "waiting"
    assert await early(lab, store) == ReceiptClaim("waiting", "", entry)
    await lab.ask(store.receipts.commit, KEY, 0, "dr-1", None)
    assert await early(lab, store) == ReceiptClaim("repeat", "", entry)
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
    assert await early(lab, store) == ReceiptClaim("waiting", "", newer, epoch=1)
    await lab.ask(store.receipts.commit, KEY, 1, "dr-1", None)
    assert (await received(lab, store)).verdict == "repeat"
    newest = await submitted(lab, store, mt_id="m3")
    assert (await received(lab, store)) == ReceiptClaim("new", "dr-1-2", newest, epoch=2), "it waits no more"


# Late answers and receipts that went out unmatched, in both orders


async def went_out(lab: "Lab", store: Store, key: bytes = KEY, body: bytes = b"{}", **named: Any) -> Any:
    """A receipt that was published without its MT."""
    named = {"addresses": HANDSET, "final": True} | named
    claim = await lab.ask(store.receipts.unmatched, key, "p", ["s1"], body, "dr-1", **named)
    return claim and claim.entry


async def answered(lab: "Lab", store: Store, mt_id: str = "m1", to: str = "447700900123") -> list[bytes]:
    recorded = await lab.ask(store.claims.answered, mt_id, "o", "A", lab.entry(mt_id=mt_id, to=to))
    return [late.body for late in recorded.unmatched]


async def test_a_late_answer_gets_the_receipts_that_went_out_unmatched(lab: "Lab", store: Store) -> None:
    bodies = [b'{"a": "\\n|"}', bytes(range(256))]
    assert await went_out(lab, store, KEY, bodies[0], final=False) is None
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
    unmatched = store.receipts.unmatched
    await lab.ask(unmatched, KEY, "p", ["t1", "s1"], b"{}", "dr-1", addresses=HANDSET, final=True)
    assert await answered(lab, store) == [b"{}"]


async def test_what_went_out_unmatched_is_a_repeat_also_under_a_later_use_of_its_id(
    lab: "Lab", store: Store
) -> None:
    await answered(lab, store, "m0", "447700900999")
    await went_out(lab, store)
    assert await answered(lab, store, "m1") == [b"{}"]
    assert (await received(lab, store)).verdict == "repeat"
