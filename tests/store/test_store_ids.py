"""Whose receipt it is, by an id that is spelt otherwise in the receipt than in the answer."""

from typing import TYPE_CHECKING, Any

import pytest

from bridge.store.correlation import Correlation
from bridge.store.store import Store
from bridge.text.message_ids import Relation, variants

if TYPE_CHECKING:
    from tests.store.conftest import Lab

A, B = "447700900111", "447700900222"


async def submitted(lab: "Lab", store: Store, smsc_id: str, mt_id: str = "m1", to: str = A) -> Correlation:
    """An MT that the provider has accepted."""
    entry = lab.entry(smsc_id, mt_id=mt_id, to=to)
    await lab.ask(store.claims.answered, mt_id, "o", f"A|{smsc_id}", entry)
    return entry


async def found(
    lab: "Lab", store: Store, *ids: str, to: str = A, relation: Relation = "exact", **fields: Any
) -> Any:
    """The MT of a receipt, guessed by `relation`."""
    guesses = [form for one in ids for form in variants(one, relation)]
    question = lab.question(*ids, guesses=guesses, addresses=(to, "12345"), **fields)
    claim = await lab.ask(store.receipts.lookup, bytes(16), question)
    return claim.entry


@pytest.mark.parametrize(
    ("answered", "received", "relation"),
    [
        ("33647f6c", "862224236", "hex_dec"),
        ("39f99dd5", "0972660181", "hex_dec"),
        ("0972660181", "39f99dd5", "dec_hex"),
        ("6aad5", "0000436949", "hex_dec"),
        ("70BA8A69", "1891273321", "hex_dec"),
        ("3493221", "0000000003493221", "exact"),
        ("00B8BE19", "b8be19", "exact"),
        ("0x1F", "1f", "exact"),
        ("99999999999999999999", "56BC75E2D630FFFFF", "dec_hex"),
        ("1ffffffffffffffff", "36893488147419103231", "hex_dec"),
    ],
)
async def test_the_relations_seen_in_the_wild(
    lab: "Lab", store: Store, answered: str, received: str, relation: Relation
) -> None:
    entry = await submitted(lab, store, answered)
    assert await found(lab, store, received, relation=relation) == entry, "with the id of the answer"
    assert await found(lab, store, received, relation="any") == entry
    if relation != "exact":
        assert await found(lab, store, received) is None


async def test_of_spellings_that_look_alike_the_one_as_received_is_meant(lab: "Lab", store: Store) -> None:
    upper = await submitted(lab, store, "aB1", "m1")
    lower = await submitted(lab, store, "ab1", "m2")
    assert await found(lab, store, "aB1") == upper
    assert await found(lab, store, "ab1") == lower
    assert await found(lab, store, "AB1") == lower, "the newest, where none is spelt so"


async def test_a_spelling_of_another_phone_is_not_meant(lab: "Lab", store: Store) -> None:
    await submitted(lab, store, "aB1", "m1", to=B)
    other = await submitted(lab, store, "ab1", "m2")
    assert await found(lab, store, "aB1") == other


async def test_what_is_in_the_metadata_is_no_spelling(lab: "Lab", store: Store) -> None:
    entries = [lab.entry("7", mt_id=f"m{n}", metadata={"id": "07", "n": n}) for n in range(2)]
    for entry in entries:
        await lab.ask(store.claims.answered, entry.mt_id, "o", entry.mt_id, entry)
    assert await found(lab, store, "7", to=entries[0].to) == entries[1]


async def test_an_id_that_is_known_goes_before_every_guess(lab: "Lab", store: Store) -> None:
    await submitted(lab, store, "a", "m1")
    second = await submitted(lab, store, "10", "m2")
    assert await found(lab, store, "unknown", "10", relation="any") == second


async def test_guesses_that_mean_two_mts_mean_none(lab: "Lab", store: Store) -> None:
    hexadecimal = await submitted(lab, store, "a", "m1")
    assert await found(lab, store, "10", relation="any") == hexadecimal
    await submitted(lab, store, "16", "m2")
    assert await found(lab, store, "10", relation="any") is None
    assert await found(lab, store, "10", relation="hex_dec") == hexadecimal
    again = lab.entry("16", mt_id="m1", to=A)
    await lab.ask(store.claims.answered, "m1", "o", "A", again)
    assert await found(lab, store, "10", relation="any") == hexadecimal, "one MT under two ids"


async def test_a_guess_may_not_go_by_the_id_alone(lab: "Lab", store: Store) -> None:
    entry = await submitted(lab, store, "a")
    assert await found(lab, store, "10", relation="any", to=B) is None
    nowhere = lab.question("10", guesses=["a"], addresses=("", ""))
    assert (await lab.ask(store.receipts.lookup, bytes(16), nowhere)).entry is None
    to_it = lab.question("10", guesses=["a"], addresses=("", A))
    assert (await lab.ask(store.receipts.lookup, bytes(16), to_it)).entry == entry


async def test_a_guessed_id_that_was_used_again_means_the_newest_mt(lab: "Lab", store: Store) -> None:
    await submitted(lab, store, "a", "m1")
    newer = await submitted(lab, store, "a", "m2")
    assert await found(lab, store, "10", relation="any") == newer


async def test_a_receipt_that_went_out_unmatched_is_found_by_another_form_of_its_id(
    lab: "Lab", store: Store
) -> None:
    guessed = lab.question("10", guesses=["a", "16"], addresses=(A, ""))
    await lab.ask(store.receipts.unmatched, b"1" * 16, guessed, b"guessed")
    nowhere = lab.question("10", guesses=["a"], addresses=("", ""))
    await lab.ask(store.receipts.unmatched, b"2" * 16, nowhere, b"nowhere")
    recorded = await lab.ask(store.claims.answered, "m1", "o", "A", lab.entry("0A", to=A))
    assert [late.body for late in recorded.unmatched] == [b"guessed"]


async def test_a_receipt_that_went_out_unmatched_is_taken_by_one_mt_only(lab: "Lab", store: Store) -> None:
    """It lies under its id and under each form that the answer may have had."""
    question = lab.question("100", guesses=["64", "256"])
    await lab.ask(store.receipts.unmatched, bytes(16), question, b"{}")
    told = [
        await lab.ask(store.claims.answered, mt, "o", f"A|{smsc_id}", lab.entry(smsc_id, mt_id=mt))
        for mt, smsc_id in (("m-1", "64"), ("m-2", "256"), ("m-1", "64"))
    ]
    assert [len(one.unmatched) for one in told] == [1, 0, 1]
