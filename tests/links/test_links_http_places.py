"""Places: never more than there are, each given back once, and whoever waits has its turn."""

import asyncio

from bridge.links.http.places import Places


async def waiting(places: Places) -> asyncio.Task[None]:
    """One who stands in the line."""
    task = asyncio.create_task(places.wait())
    await asyncio.sleep(0)
    return task


async def test_there_are_so_many() -> None:
    places = Places(2)
    assert [places.take() for _ in range(3)] == [True, True, False]
    places.give_back()
    assert [places.take() for _ in range(2)] == [True, False]


async def test_whoever_waits_longest_is_next_and_nobody_passes_by() -> None:
    places = Places(1)
    await places.wait()
    first, second = await waiting(places), await waiting(places)
    places.give_back()
    assert not places.take()
    await first
    assert not second.done()
    places.give_back()
    await second
    places.give_back()
    assert places.take()


async def test_whoever_goes_away_takes_no_place() -> None:
    places = Places(1)
    assert places.take()
    gone, stays = await waiting(places), await waiting(places)
    gone.cancel()
    places.give_back()
    await stays
    assert gone.cancelled()
    places.give_back()
    assert [places.take(), places.take()] == [True, False]


async def test_a_place_given_to_one_who_goes_at_that_moment_is_not_lost() -> None:
    places = Places(1)
    assert places.take()
    gone, stays = await waiting(places), await waiting(places)
    places.give_back()
    gone.cancel()
    await stays
    assert gone.cancelled()
    places.give_back()
    assert places.take()
