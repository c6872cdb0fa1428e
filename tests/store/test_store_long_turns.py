"""All that a flight of a long MT asks in one turn goes in one call, and that may be executed again as a whole."""

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.store.store import Store

if TYPE_CHECKING:
    from tests.store.conftest import Lab, OpenLab

LEASE_MS = 60_000

flights = st.sampled_from([("o1", 7), ("o1", 7), ("o2", 7), ("o3", 8)])
states = st.sampled_from(["x", "y"])
infos, names = st.sampled_from(["", "", "A", "B"]), st.sampled_from(["a{}", "a{}", "b{}", ""])
answers = st.tuples(st.just("part_answered"), states, infos, st.integers(1, 2), names)
leavings = st.tuples(st.just("leave"), states)
turns = st.tuples(flights, st.lists(answers | leavings, min_size=1, max_size=6))


@settings(max_examples=60)
@given(walk=st.lists(turns, max_size=4), claim=st.booleans())
def test_whatever_a_flight_does_in_one_turn_may_be_done_again(
    open_lab: "OpenLab", walk: list[tuple[Any, ...]], claim: bool
) -> None:
    """The end of the lab looks at that."""

    async def play() -> None:
        async with open_lab(f"t{secrets.token_hex(4)}") as lab:
            store = await lab.stuttering()
            await lab.ask(store.receipts.unmatched, bytes(16), lab.question("a2", grade=2), b"")
            if claim:
                await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS, reference=7, state="w")
            for flight, turn in walk:
                asked = [_play(lab, store, *flight, *step) for step in turn]
                await asyncio.gather(*asked)

    asyncio.run(play())


async def _play(
    lab: "Lab", store: Store, owner: str, reference: int, word: str, state: str, *answer: Any
) -> None:
    arguments: list[Any] = [owner, reference, state]
    if answer:
        info, number, name = answer
        arguments += [info and f"{info} of {reference}", lab.entry(name.format(number), segment=(number, 2))]
    await lab.ask(getattr(store.claims, word), "m1", *arguments)
