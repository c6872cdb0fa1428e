"""Ids as providers write them: every relation between the answer's id and the receipt's that was seen in the wild."""

from typing import get_args

import pytest

from bridge.config.provider import Ids
from bridge.inbound.relations import TELLING
from tests.inbound.lab import Lab
from tests.inbound.messages import dr
from tests.inbound.worker import Worker

pytestmark = pytest.mark.servers

SOMEBODY = "447700900999"
SEEN = {
    "the same": ("s1", ("s1",)),
    "hex, then decimal (Vonage)": ("33647f6c", ("862224236",)),
    "hex, then decimal, padded (Jasmin 1)": ("39f99dd5", ("0972660181",)),
    "decimal, then hex (Jasmin 2)": ("972660181", ("39f99dd5",)),
    "decimal, then hex in capitals, padded": ("972660181", ("0039F99DD5",)),
    "TLV hex, text decimal": ("18d0e03a", ("18d0e03a", "0416342074")),
    "TLV hex, text decimal, answer decimal": ("0416342074", ("18d0e03a", "0416342074")),
    "short hex, padded decimal": ("6aad5", ("0000436949",)),
    "hex in capitals": ("70BA8A69", ("1891273321",)),
    "padded in the receipt": ("3493221", ("0003493221",)),
    "padded to 16": ("3493221", ("0000000003493221",)),
    "padded in the answer": ("0003493221", ("3493221",)),
    "zeros that belong": ("00B8BE19", ("00B8BE19",)),
    "other case": ("00B8BE19", ("00b8be19",)),
    "with 0x": ("0x33647f6c", ("33647F6C",)),
    "a UUID in capitals": (
        "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        ("0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D",),
    ),
    "text cut short, TLV whole": ("1122334455667788", ("1122334455667788", "11223344")),
    "text whole, TLV another": ("1122334455667788", ("8", "1122334455667788")),
    "20 digits, above 2^63": ("12345678901234567890", ("12345678901234567890",)),
    "above 2^64, hex and decimal": ("1f2e3d4c5b6a79880", (str(0x1F2E3D4C5B6A79880),)),
    "above 2^64, decimal and hex": (str(0x1F2E3D4C5B6A79880), ("1F2E3D4C5B6A79880",)),
    "dotted": ("1.2.840.5", ("1.2.840.5",)),
    "with @ and _": ("a_7@node", ("A_7@NODE",)),
    "OpenMarket's": ("0118Z-0122I-2309U-57DGB", ("0118Z-0122I-2309U-57DGB",)),
    "with | and blanks": ("a|b c", ("a|b c",)),
}


@pytest.mark.parametrize(("stored", "received"), list(SEEN.values()), ids=list(SEEN))
async def test_an_id_is_found_however_it_is_written(lab: Lab, stored: str, received: tuple[str, ...]) -> None:
    worker = await lab.worker(early_wait_s=0)
    await worker.submitted("0badcafe", "m-0", SOMEBODY)
    await worker.submitted(stored)
    assert await worker.receives(dr(*received))
    (event,) = await lab.events()
    assert (event.body["mt_id"], event.body["smsc_id"]) == ("m-1", stored), "the id as it was answered"


@pytest.mark.parametrize("configured", get_args(Ids))
@pytest.mark.parametrize(
    ("stored", "received", "by"),
    [
        ("33647f6c", "862224236", {"auto", "hex_dec"}),
        ("862224236", "33647f6c", {"auto", "dec_hex"}),
        ("3493221", "0003493221", {"auto", "exact", "hex_dec", "dec_hex"}),
        ("s1", "s2", set()),
    ],
)
async def test_what_is_configured_is_kept_to(
    lab: Lab, configured: Ids, stored: str, received: str, by: set[str]
) -> None:
    worker = await lab.worker(early_wait_s=0, ids={"p": configured})
    await worker.submitted(stored)
    assert await worker.receives(dr(received))
    assert [event.body["matched"] for event in await lab.events()] == [configured in by]


async def test_the_id_as_it_came_goes_before_every_guess(lab: Lab, worker: Worker) -> None:
    await worker.submitted("33647f6c", "m-1")
    await worker.submitted("862224236", "m-2")
    assert await worker.receives(dr("862224236"))
    assert [event.body["mt_id"] for event in await lab.events()] == ["m-2"]


async def test_of_two_that_may_be_meant_none_is(lab: Lab) -> None:
    """`10` may have been answered as `a` or as `16`."""
    worker = await lab.worker(early_wait_s=0)
    await worker.submitted("a", "m-1")
    await worker.submitted("16", "m-2")
    assert await worker.receives(dr("10"))
    assert [event.body["matched"] for event in await lab.events()] == [False]


@pytest.mark.parametrize("from_", [SOMEBODY, ""])
async def test_a_guess_needs_the_address_that_fits(lab: Lab, from_: str) -> None:
    worker = await lab.worker(early_wait_s=0)
    await worker.submitted("33647f6c")
    assert await worker.receives(dr("862224236", from_=from_))
    assert [event.body["matched"] for event in await lab.events()] == [False]


async def test_before_anything_is_learned_a_guess_waits_for_the_answer(lab: Lab, worker: Worker) -> None:
    """`10` is the older MT's id in another form, and that of an MT whose answer is on its way."""
    await worker.submitted("16", "m-older")
    assert await worker.receives(dr("10"))
    await worker.submitted("10", "m-1")
    lab.takes(worker)
    event = await lab.event()
    assert (event.body["matched"], event.body["mt_id"]) == (True, "m-1")


def taught(worker: Worker) -> None:
    """The provider has shown often enough that it writes hex in answers and decimal in receipts."""
    for number in range(TELLING):
        worker.relations.matched("p", [f"{0x33647F6C + number}"], f"{0x33647F6C + number:x}")


async def test_what_was_learned_leaves_out_the_other_relation(lab: Lab, worker: Worker) -> None:
    """Of two MTs that may be meant it is clear by now which one is."""
    taught(worker)
    await worker.submitted("a1", "m-1")
    await worker.submitted(f"{0x161}", "m-2")
    assert await worker.receives(dr("161"))
    assert [event.body["mt_id"] for event in await lab.events()] == ["m-1"]


async def test_a_wrong_lesson_does_not_last(lab: Lab) -> None:
    """What it kept from being found is found at the last chance, and teaches."""
    worker = await lab.worker(early_wait_s=0.9)
    taught(worker)
    await worker.submitted(f"{0x33647F6C}9", "m-1")
    reverse = f"{int(f'{0x33647F6C}9'):x}"
    assert await worker.receives(dr(reverse))
    assert worker.receiver.tally["early", "dr", "p"] == 1, "it is not tried by the other relation"
    lab.takes(worker)
    event = await lab.event()
    assert (event.body["matched"], event.body["mt_id"]) == (True, "m-1")
    await lab.settled()
    await worker.submitted(f"{0x44647F6C}9", "m-2")
    assert await worker.receives(dr(f"{int(f'{0x44647F6C}9'):x}"))
    assert (await lab.event()).body["mt_id"] == "m-2", "both relations are tried again, after a short wait"


async def test_a_receipt_that_may_not_wait_has_its_last_chance_at_once(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    taught(worker)
    await worker.submitted(f"{0x33647F6C}9", "m-1")
    assert await worker.receives(dr(f"{int(f'{0x33647F6C}9'):x}"))
    assert [event.body["matched"] for event in await lab.events()] == [True]


async def test_receipts_back_from_their_wait_teach_too(lab: Lab, worker: Worker) -> None:
    stored = [f"{0x33647F6C + number:x}" for number in range(TELLING)]
    for number, smsc_id in enumerate(stored):
        assert await worker.receives(dr(str(int(smsc_id, 16))))
        await worker.submitted(smsc_id, f"m-{number}")
    lab.takes(worker)
    for _ in stored:
        assert (await lab.event()).body["matched"]
    await lab.settled(TELLING)
    await worker.submitted("a1", "m-a")
    await worker.submitted(f"{0x161}", "m-b")
    assert await worker.receives(dr("161"))
    assert [event.body["mt_id"] for event in await lab.events()] == ["m-a"]


async def test_an_answer_after_its_receipt_went_out_under_another_form_of_its_id(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    assert await worker.receives(dr("862224236"))
    assert [event.body["matched"] for event in await lab.events()] == [False]
    await worker.submitted("33647f6c")
    event = await lab.event()
    assert (event.body["matched"], event.body["smsc_id"]) == (True, "33647f6c")


async def test_segments_are_found_by_other_forms_of_their_ids(lab: Lab) -> None:
    worker = await lab.worker(early_wait_s=0)
    await worker.submitted_long("33647f6c", "33647f6d")
    for received in ("862224237", "0862224236"):
        assert await worker.receives(dr(received))
    (event,) = await lab.events()
    assert (event.body["joined"], event.body["state"]) == (True, "delivered")
