"""What is recorded of an MT's end, looked at by somebody who claims nothing."""

from typing import TYPE_CHECKING

from bridge.store.store import Store

if TYPE_CHECKING:
    from tests.store.conftest import Lab

LEASE_MS = 60_000


async def test_what_is_not_known_or_not_ended_has_no_ending(lab: "Lab", store: Store) -> None:
    assert await lab.ask(store.claims.ending, "m1") == ""
    await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS)
    assert await lab.ask(store.claims.ending, "m1") == ""


async def test_an_end_and_a_later_answer_are_told_as_recorded(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.finish, "m1", "o1", "S|{ü|x}")
    assert await lab.ask(store.claims.ending, "m1") == "S|{ü|x}"
    await lab.ask(store.claims.answered, "m1", "o1", "A||s1|p|s|l", lab.entry())
    assert await lab.ask(store.claims.ending, "m1") == "A||s1|p|s|l"
    assert await lab.ask(store.claims.ending, "m1\t1") == "", "another generation is another MT"


async def test_looking_changes_nothing(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS)
    before = await lab.snapshot()
    await lab.ask(store.claims.ending, "m1")
    await lab.ask(store.claims.ending, "m2")
    assert await lab.snapshot() == before


async def test_without_redis_it_is_not_known(lab: "Lab") -> None:
    store = lab.make()
    assert await lab.ask(store.claims.ending, "m1") is None
    await store.close()
