"""How long keys live: whatever the store does, none of them for ever."""

from typing import TYPE_CHECKING

from bridge.store.store import Store

if TYPE_CHECKING:
    from tests.store.conftest import Lab

RETENTION_MS = 168 * 3_600_000
LEASE_MS = 60_000


async def test_every_key_of_every_kind_is_mortal(lab: "Lab", store: Store) -> None:
    claims, receipts, segments = store.claims, store.receipts, store.segments
    seen = set[bytes]()

    async def mortal() -> None:
        for key in await lab.keys():
            assert 0 < await lab.redis.pttl(key) <= RETENTION_MS, key
            seen.add(key.split(b":")[1])

    await lab.ask(claims.claim, "m1", "o1", LEASE_MS, counter="a>b", state="w")
    await mortal()
    await lab.ask(claims.claim, "m1", "o1", LEASE_MS, counter="a>b", state="w")
    await lab.ask(claims.leave, "m1", "o1", 7, "n")
    await lab.ask(claims.claim, "m1", "o1", LEASE_MS, reference=7, state="w")
    await lab.ask(receipts.unmatched, b"u" * 16, lab.question("s1", guesses=["g"]), b"")
    for number in (1, 2):
        await mortal()
        entry = lab.entry(f"s{number}", segment=(number, 2))
        await lab.ask(claims.part_answered, "m1", "o1", 7, "t", "", entry, overdue_ms=1)
    await lab.ask(claims.answered, "m2", "o2", "A", lab.entry("s3", mt_id="m2"), overdue_ms=1)
    await mortal()
    for smsc_id, grade in (("s2", 0), ("s2", 1), ("s3", 0), ("s3", 1), ("s4", 1)):
        key = f"{smsc_id}{grade}".encode().ljust(16)
        await lab.ask(receipts.receipt, key, "w1", "dr", lab.question(smsc_id, grade=grade))
        await mortal()
        await lab.ask(receipts.abandon, key, 0, "w1")
        await mortal()
    await lab.ask(receipts.waiting, b"w" * 16, "dr")
    await lab.ask(receipts.commit, b"w" * 16, 1, 1000, due=b"none")
    await lab.ask(receipts.overdue, 9, LEASE_MS)
    await mortal()
    await lab.ask(claims.retire, "m1")
    await lab.ask(claims.retire, "m3")
    await lab.ask(claims.finish, "m1", "o1", "owed")
    await lab.ask(claims.amend, "m1", "owed", "sealed")
    await mortal()
    for number, tag in ((1, b"a"), (2, b"a"), (2, b"b"), (1, b"b"), (3, b"b")):
        await lab.ask(segments.add, bytes(16), number, 3, tag * 8, b"", f"e{number}{tag!r}", "w1", 1000, 1000)
        await mortal()
    await lab.ask(segments.add, b"i" * 16, 1, 2, bytes(8), b"", "i", "w1", 1000, 1000)
    await lab.pass_time("mo")
    for due in await lab.ask(segments.overdue, 9, LEASE_MS, "w1"):
        await mortal()
        await lab.ask(segments.published, due.set_key, due.event_id, 1000)
        await mortal()
    assert seen == {b"mt", b"ref", b"join", b"id", b"in", b"un", b"seg", b"due", b"turn"}
