"""Which link carries a message, how much a route holds, and who is woken when links change."""

import asyncio
from collections.abc import Callable

import pytest

from bridge.config.settings import RouteSettings
from bridge.model.mt import Mt
from bridge.model.outcome import Accepted, NotSent, Throttled
from bridge.outbound.board import LinkBoard
from bridge.outbound.flight import Flight, Long
from bridge.outbound.links import LinkSlot
from bridge.outbound.parts import NOBODY, Fate, Parts
from bridge.outbound.route import LARGEST_PREFETCH, Route
from tests.outbound.fake_links import Link
from tests.outbound.papers import paper

NOW = 1000.0


def link(provider: str, name: str, window: int = 2, *, active: bool = True) -> Link:
    made = Link(lambda _: None, provider, name, window)
    made.active = active
    return made


def settings(*providers: str) -> RouteSettings:
    return RouteSettings.model_validate({"providers": list(providers)})


def route(*links: Link, providers: tuple[str, ...] = ("p", "q")) -> tuple[Route, list[LinkSlot]]:
    slots = [LinkSlot(each) for each in links]
    made = Route("r", settings(*providers), slots)
    for slot in slots:
        made.offer(slot)
    return made, slots


def flight(*, avoid: LinkSlot | None = None, refused_by: frozenset[str] = frozenset()) -> Flight:
    made = Flight(Mt(id="m", to="447700900123", text=""), "r", "bulk", paper(), "m", "w:1")
    if avoid is not None:
        made.avoid = avoid.key
    made.refused_by = refused_by
    return made


# Route


def test_ready_links_take_turns() -> None:
    r, slots = route(link("p", "1"), link("p", "2"), link("q", "3"))
    assert [r.ready_link(flight(), NOW) for _ in range(6)] == slots * 2


def test_a_full_link_leaves_the_rotation_and_comes_back_when_offered() -> None:
    r, (one, two) = route(link("p", "1"), link("p", "2"))
    one.reserved = 2
    assert [r.ready_link(flight(), NOW) for _ in range(3)] == [two] * 3
    one.reserved = 0
    assert r.ready_link(flight(), NOW) is two
    r.offer(one)
    r.offer(one)
    assert [r.ready_link(flight(), NOW) for _ in range(4)] == [two, one, two, one]


def test_the_link_that_failed_it_is_taken_only_when_no_other_is_up() -> None:
    r, (one, two) = route(link("p", "1"), link("p", "2"))
    picky = flight(avoid=one)
    assert [r.ready_link(picky, NOW) for _ in range(2)] == [two, two]
    two.reserved = 2
    assert r.ready_link(picky, NOW) is None, "the other is up, only busy"
    two.link.active = False  # type: ignore[misc]
    assert r.ready_link(picky, NOW) is one


def test_a_provider_that_refused_it_is_not_asked_again() -> None:
    r, (one, two) = route(link("p", "1"), link("q", "2"))
    picky = flight(refused_by=frozenset({"p"}))
    assert [r.ready_link(picky, NOW) for _ in range(2)] == [two, two]
    assert r.other_link_up(picky, None, NOW)
    two.link.active = False  # type: ignore[misc]
    assert r.ready_link(picky, NOW) is None
    assert not r.other_link_up(picky, None, NOW)
    assert r.ready_link(flight(), NOW) is one


def begun(at: LinkSlot, *, provider: str = "p") -> Flight:
    """A long MT of which this link wrote a part."""
    made = flight()
    made.long = Long(Parts(provider, at.link.name, "c0ffee00", ("a", Fate.NONE)))
    return made


def test_the_rest_leaves_over_the_link_that_had_the_beginning_while_that_is_up() -> None:
    r, (one, two, _) = route(link("p", "1"), link("p", "2"), link("q", "3"))
    rest = begun(two)
    assert [r.ready_link(rest, NOW) for _ in range(3)] == [two] * 3
    two.reserved = 2
    assert r.ready_link(rest, NOW) is None, "up, only busy"
    two.link.active = False  # type: ignore[misc]
    assert r.ready_link(rest, NOW) is one
    assert not r.forsaken(rest, NOW)


def test_the_rest_leaves_over_another_link_where_that_one_failed_it() -> None:
    r, (one, two) = route(link("p", "1"), link("p", "2"))
    rest = begun(two)
    rest.avoid = two.key
    assert r.ready_link(rest, NOW) is one
    one.link.active = False  # type: ignore[misc]
    assert r.ready_link(rest, NOW) is two


def test_the_rest_goes_to_no_other_provider() -> None:
    r, (one, two) = route(link("p", "1"), link("q", "2"))
    rest = begun(one)
    one.link.active = False  # type: ignore[misc]
    assert r.ready_link(rest, NOW) is None
    assert r.forsaken(rest, NOW), "though that one is up"
    assert not r.can_go_on(rest, NOW)
    two.link.active = False  # type: ignore[misc]
    assert not r.forsaken(rest, NOW), "nobody could begin anew"
    assert r.can_go_on(rest, NOW)


def test_a_copy_that_its_provider_or_this_worker_would_not_go_on_with_is_forsaken() -> None:
    r, (one, _) = route(link("p", "1"), link("q", "2"))
    refused, orphan = begun(one), begun(one, provider=NOBODY)
    refused.refused_by = frozenset({"p"})
    for rest in (refused, orphan):
        assert r.forsaken(rest, NOW)
        assert not r.can_go_on(rest, NOW)
    assert not r.forsaken(flight(), NOW)
    assert not r.forsaken(begun(one), NOW)


def test_only_providers_of_the_route_carry_it() -> None:
    r, (one, _) = route(link("p", "1"), link("x", "2"), providers=("p",))
    assert r.slots == (one,)
    assert not r.other_providers(flight(), "p")


def test_a_provider_without_a_link_that_transmits_is_no_other_provider() -> None:
    r, _ = route(link("p", "1"), providers=("p", "q"))
    assert not r.other_providers(flight(), "p")
    two, _ = route(link("p", "1"), link("q", "2"))
    assert two.other_providers(flight(), "p")
    assert not two.other_providers(flight(refused_by=frozenset({"q"})), "p")


def test_a_route_holds_twice_the_windows_of_its_links_that_are_up() -> None:
    r, (one, two) = route(link("p", "1", 10), link("p", "2", 5))
    assert r.prefetch(NOW) == 30
    one.link.active = False  # type: ignore[misc]
    assert r.prefetch(NOW) == 10
    for _ in range(5):
        two.pacer.throttled(two.pacer.resume_at)
    assert r.prefetch(two.pacer.resume_at - 0.1) == 0
    assert r.prefetch(two.pacer.resume_at) == 10
    many, _ = route(*(link("p", str(n), 1000) for n in range(3)))
    assert many.prefetch(NOW) == LARGEST_PREFETCH


# The board


class Heard:
    """Whom the board tells what."""

    def __init__(self) -> None:
        self.wanted: list[tuple[str, int]] = []
        self.woken: list[str] = []
        self.lost: list[str] = []
        self._changed = asyncio.Event()

    def want(self, route: str, prefetch: int) -> None:
        self.wanted.append((route, prefetch))
        self._changed.set()

    def wake(self, route: Route) -> None:
        self.woken.append(route.name)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


Board = tuple[LinkBoard, Heard, Link, Link]


@pytest.fixture
async def board() -> Board:
    heard, p, q = Heard(), link("p", "1", active=False), link("q", "2", active=False)
    routes = {"both": settings("p", "q"), "only": settings("p")}
    made = LinkBoard([p, q], routes, heard, heard.wake, lambda r: heard.lost.append(r.name))
    for each in made.routes.values():
        each.lanes.push(flight())
    return made, heard, p, q


def up(board: LinkBoard, *links: Link) -> None:
    for each in links:
        each.active = True
        board.link_changed(each)


async def test_a_link_that_comes_up_wakes_its_routes_and_what_they_hold_grows(board: Board) -> None:
    made, heard, p, q = board
    up(made, p)
    assert heard.wanted == [("both", 4), ("only", 4)]
    assert heard.woken == ["both", "only"]
    up(made, q)
    assert heard.wanted[2:] == [("both", 8)]


async def test_a_change_that_is_none_is_told_to_nobody_who_consumes(board: Board) -> None:
    made, heard, p, _ = board
    up(made, p, p)
    assert len(heard.wanted) == 2


async def test_a_lost_link_is_told_to_the_routes_where_something_waits(board: Board) -> None:
    made, heard, p, q = board
    up(made, p, q)
    made.routes["only"].lanes.drain()
    p.active = False
    made.link_changed(p)
    assert heard.lost == ["both"]
    assert heard.wanted[3:] == [("both", 4), ("only", 0)]


async def test_a_slot_that_comes_free_wakes_the_routes(board: Board) -> None:
    made, heard, p, _ = board
    made.slot(p).in_flight = 2
    for outcome in (Accepted("a"), NotSent("no")):
        heard.woken.clear()
        made.ended(p, outcome)
        assert heard.woken == ["both", "only"]
    assert made.slot(p).in_flight == 0


async def test_a_short_pause_ends_in_a_wake_and_changes_nothing_for_consumers(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.outbound.pacing.FIRST_PAUSE_S", 0.2)
    made, heard, p, _ = board
    up(made, p)
    heard.woken.clear()
    made.slot(p).in_flight = 2
    made.ended(p, Throttled(0x58, "too fast"))
    made.ended(p, Throttled(0x58, "too fast"))
    assert not heard.woken
    await heard.until(lambda: bool(heard.woken))
    assert made.slot(p).ready(asyncio.get_running_loop().time())
    assert len(heard.wanted) == 2


async def test_a_long_pause_counts_as_down_until_it_ends(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.outbound.pacing.FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr("bridge.outbound.pacing.UP_WHILE_PAUSED_S", 0.0)
    made, heard, p, _ = board
    up(made, p)
    made.slot(p).in_flight = 1
    made.ended(p, Throttled(0x58, "too fast"))
    assert heard.wanted[2:] == [("both", 0), ("only", 0)]
    await heard.until(lambda: len(heard.wanted) == 6)
    assert heard.wanted[4:] == [("both", 4), ("only", 4)]


async def test_a_closed_board_wants_nothing_any_more(board: Board) -> None:
    made, heard, p, _ = board
    made.close()
    up(made, p)
    assert {prefetch for _, prefetch in heard.wanted} == {0}
