"""Binds and HTTP endpoints on one route: which go first, which stand by, and what only one kind has words for."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import pytest

from bridge.config.settings import RouteSettings
from bridge.model.mt import Mt
from bridge.outbound.board import LinkBoard
from bridge.outbound.flight import Flight, Long
from bridge.outbound.links import LinkSlot, slots_of
from bridge.outbound.pacing import UP_WHILE_PAUSED_S
from bridge.outbound.parts import Fate, Parts
from bridge.outbound.route import Route
from bridge.outbound.trouble import Trouble
from tests.outbound.fake_links import Link
from tests.outbound.papers import paper
from tests.outbound.test_outbound_route import Heard

NOW = 1000.0
TEXT = Mt(id="m", to="447700900123", text="t")
MEDIA = Mt(id="m", to="447700900123", media=({"content_type": "image/png", "data": "AA=="},))
OCTETS = Mt(id="m", to="447700900123", data=b"\x01")
TLVS = Mt(id="m", to="447700900123", text="t", tlvs=((0x1400, b"\x01"),))
WORDLESS = ("data", "tlvs")


def bind(provider: str, name: str) -> Link:
    return up(Link(lambda _: None, provider, name, 2, wordless=("media",)))


def site(provider: str, name: str, rank: int = 0) -> Link:
    return up(
        Link(lambda _: None, provider, name, 2, via="http", rank=rank, resubmit_s=30.0, wordless=WORDLESS)
    )


def up(link: Link) -> Link:
    link.active = True
    return link


class Roads:
    """A route and its links by name, all of them up."""

    def __init__(self, *links: Link, prefer: Literal["smpp", "http", "any"] = "smpp") -> None:
        self._slots = {slot.link.name: slot for slot in slots_of(links).values()}
        providers = list(dict.fromkeys(link.provider for link in links))
        settings = RouteSettings.model_validate({"providers": providers, "prefer": prefer, "from": "12345"})
        self.route = Route("r", settings, list(self._slots.values()))
        self.offer()

    def __getitem__(self, name: str) -> LinkSlot:
        return self._slots[name]

    def link(self, name: str) -> Link:
        link = self[name].link
        assert isinstance(link, Link)
        return link

    def offer(self) -> None:
        for slot in self._slots.values():
            self.route.offer(slot)

    def down(self, *names: str) -> None:
        for name in names:
            self.link(name).active = False

    def throttle(self, name: str) -> None:
        """Until it is paused for so long that it counts as down."""
        pacer = self[name].pacer
        while pacer.up(NOW):
            pacer.throttled(pacer.resume_at)
            pacer.resume_at = NOW + pacer.pause_s
        assert pacer.pause_s > UP_WHILE_PAUSED_S

    def ways(self, flight: Flight, now: float = NOW) -> list[str]:
        """The links that six messages like this take in turn, each once; none: it has to wait."""
        self.offer()
        chosen = [self.route.ready_link(flight, now) for _ in range(6)]
        return sorted({slot.link.name for slot in chosen if slot is not None})


def flight(
    mt: Mt = TEXT,
    *,
    avoid: tuple[str, str] | None = None,
    trouble: Trouble | None = None,
    refused_by: Sequence[str] = (),
    route: Route | None = None,
) -> Flight:
    made = Flight(mt, "r", "bulk", paper(), "m", "w:1")
    if avoid is not None:
        made.avoid = avoid
    made.trouble = trouble
    made.refused_by = frozenset(refused_by)
    if route is not None:
        made.choosy = route.is_choosy(mt)
    return made


def mixed(prefer: Literal["smpp", "http", "any"] = "smpp") -> Roads:
    return Roads(bind("p", "p1"), bind("p", "p2"), site("h", "h1"), site("h", "h2", 1), prefer=prefer)


BINDS = ["p1", "p2"]


# What goes before


@pytest.mark.parametrize(
    ("prefer", "down", "ways"),
    [
        ("smpp", [], BINDS),
        ("smpp", ["p1"], ["p2"]),
        ("smpp", BINDS, ["h1"]),
        ("smpp", [*BINDS, "h1"], ["h2"]),
        ("smpp", [*BINDS, "h1", "h2"], []),
        ("http", [], ["h1"]),
        ("http", ["h1"], ["h2"]),
        ("http", ["h1", "h2"], BINDS),
        ("any", [], ["h1", *BINDS]),
        ("any", ["h1"], ["h2", *BINDS]),
        ("any", [*BINDS, "h1"], ["h2"]),
        ("any", ["h1", "h2"], BINDS),
    ],
)
def test_one_kind_is_used_only_while_none_of_the_preferred_is_up(
    prefer: Literal["smpp", "http", "any"], down: list[str], ways: list[str]
) -> None:
    roads = mixed(prefer)
    roads.down(*down)
    assert roads.ways(flight()) == ways
    assert roads.route.prefetch(NOW) == 4 * len(ways), "twice the windows of what it may use"


@pytest.mark.parametrize("prefer", ["smpp", "http"])
def test_a_preferred_link_that_is_up_but_busy_is_waited_for(prefer: Literal["smpp", "http"]) -> None:
    roads = Roads(bind("p", "p1"), site("h", "h1"), prefer=prefer)
    first = roads["p1" if prefer == "smpp" else "h1"]
    first.reserved = 2
    assert roads.ways(flight()) == []
    assert roads.route.prefetch(NOW) == 4


@pytest.mark.parametrize(("prefer", "other"), [("smpp", "h1"), ("http", "p1")])
def test_a_preferred_link_paused_for_long_counts_as_down(prefer: Literal["smpp", "http"], other: str) -> None:
    roads = Roads(bind("p", "p1"), site("h", "h1"), prefer=prefer)
    first = "h1" if other == "p1" else "p1"
    pacer = roads[first].pacer
    pacer.throttled(NOW)
    assert pacer.paused(NOW)
    assert roads.ways(flight()) == [], "a short pause is waited for"
    roads.throttle(first)
    assert roads.ways(flight()) == [other]
    later = pacer.resume_at
    assert roads.ways(flight(), later) == [first]


def test_a_route_of_endpoints_alone_and_one_of_binds_alone_have_no_preference() -> None:
    assert Roads(site("h", "h1"), site("h", "h2", 1)).ways(flight()) == ["h1"]
    assert Roads(bind("p", "p1"), prefer="http").ways(flight()) == ["p1"]


# Standing by


def test_a_site_stands_by_until_the_primary_is_not_up_or_on_trial_or_paused() -> None:
    roads = Roads(site("h", "h1"), site("h", "h2", 1))
    assert roads.ways(flight()) == ["h1"]
    roads.link("h1").sound = False
    assert roads.ways(flight()) == ["h1", "h2"], "on trial it gets one at a time, and the other the rest"
    roads.link("h1").sound = True
    roads.down("h1")
    assert roads.ways(flight()) == ["h2"]
    up(roads.link("h1"))
    roads.throttle("h1")
    assert roads.ways(flight()) == ["h2"]


def test_the_third_stands_by_until_both_before_it_fail() -> None:
    roads = Roads(site("h", "h1"), site("h", "h2", 1), site("h", "h3", 2))
    roads.down("h1")
    assert roads.ways(flight()) == ["h2"]
    roads.down("h2")
    assert roads.ways(flight()) == ["h3"]


def test_a_primary_that_is_busy_is_waited_for() -> None:
    roads = Roads(site("h", "h1"), site("h", "h2", 1))
    roads["h1"].reserved = 2
    assert roads.ways(flight()) == []


def test_sites_stand_by_for_those_of_their_own_provider_only() -> None:
    roads = Roads(site("h", "h1"), site("h", "h2", 1), site("i", "i1"), site("i", "i2", 1))
    assert roads.ways(flight()) == ["h1", "i1"]
    roads.down("h1")
    assert roads.ways(flight()) == ["h2", "i1"]


def test_a_message_that_the_primary_failed_goes_to_the_other_while_that_is_up() -> None:
    roads = Roads(site("h", "h1"), site("h", "h2", 1))
    twice = flight(avoid=("h", "h1"), trouble=Trouble("h", "h1", 2))
    assert roads.ways(twice) == ["h2"]
    assert roads.ways(flight()) == ["h1"], "all others stay"
    roads["h2"].reserved = 2
    assert roads.ways(twice) == []
    roads["h2"].reserved = 0
    roads.down("h2")
    assert roads.ways(twice) == ["h1"]


def test_other_links_are_up_for_it_though_they_stand_by() -> None:
    roads = Roads(site("h", "h1"), site("h", "h2", 1))
    twice = flight(avoid=("h", "h1"), trouble=Trouble("h", "h1", 2))
    assert roads.route.other_link_up(twice, roads["h1"], NOW)
    roads.down("h2")
    assert not roads.route.other_link_up(twice, roads["h1"], NOW)


# Home


@pytest.mark.parametrize("prefer", ["smpp", "http", "any"])
def test_a_message_goes_home_over_every_preference(prefer: Literal["smpp", "http", "any"]) -> None:
    roads = mixed(prefer)
    assert roads.ways(flight(trouble=Trouble("h", "h1", 1, 0.0))) == ["h1"]
    roads["h1"].reserved = 2
    assert roads.ways(flight(trouble=Trouble("h", "h1", 1, 0.0))) == [], "it is up, only busy"


@pytest.mark.parametrize(("prefer", "ways"), [("smpp", BINDS), ("http", ["h2"]), ("any", ["h2", *BINDS])])
def test_a_home_that_is_down_is_not_waited_for(
    prefer: Literal["smpp", "http", "any"], ways: list[str]
) -> None:
    roads = mixed(prefer)
    roads.down("h1")
    homeless = flight(trouble=Trouble("h", "h1", 1, 0.0))
    assert roads.ways(homeless) == ways
    assert roads.route.other_link_up(homeless, None, NOW)


def test_a_home_that_stands_by_again_serves_no_more() -> None:
    """It had taken the place of one that works again."""
    roads = Roads(site("h", "h1"), site("h", "h2", 1))
    assert roads.ways(flight(trouble=Trouble("h", "h2", 1, 0.0))) == ["h1"]


def test_a_home_that_is_no_link_of_the_route_is_nobodys() -> None:
    assert mixed().ways(flight(trouble=Trouble("h", "gone", 1, 0.0))) == BINDS


@pytest.mark.parametrize(
    ("mt", "refused_by", "home", "ways"),
    [
        (TEXT, ["h"], ("h", "h1"), BINDS),
        (MEDIA, [], ("p", "p1"), ["h1"]),
        (OCTETS, [], ("h", "h1"), BINDS),
    ],
)
def test_a_home_that_would_not_have_it_keeps_nobody_from_it(
    mt: Mt, refused_by: list[str], home: tuple[str, str], ways: list[str]
) -> None:
    """Anybody may have written that header."""
    roads = mixed()
    lured = flight(mt, refused_by=refused_by, trouble=Trouble(*home, 1, 0.0), route=roads.route)
    assert roads.ways(lured) == ways
    assert roads.route.other_link_up(lured, None, NOW)


# What only one kind has words for


@pytest.mark.parametrize("prefer", ["smpp", "http", "any"])
@pytest.mark.parametrize(
    ("mt", "ways", "down"),
    [(MEDIA, ["h1"], ["h1", "h2"]), (OCTETS, BINDS, BINDS), (TLVS, BINDS, BINDS)],
)
def test_a_message_waits_for_the_kind_that_has_words_for_it(
    prefer: Literal["smpp", "http", "any"], mt: Mt, ways: list[str], down: list[str]
) -> None:
    roads = mixed(prefer)
    choosy = flight(mt, route=roads.route)
    assert choosy.choosy
    assert roads.ways(choosy) == ways
    roads.down(*down)
    assert roads.ways(choosy) == []
    assert not roads.route.other_link_up(choosy, None, NOW), "it can only wait"
    assert roads.ways(flight()), "text goes on"


@pytest.mark.parametrize(
    ("mt", "links"),
    [
        (MEDIA, [bind("p", "p1"), bind("q", "q1")]),
        (OCTETS, [site("h", "h1"), site("h", "h2", 1)]),
        (TLVS, [site("h", "h1")]),
        (TEXT, [bind("p", "p1"), site("h", "h1")]),
    ],
)
def test_where_all_or_none_have_words_for_it_any_link_may_say_so(mt: Mt, links: list[Link]) -> None:
    roads = Roads(*links)
    assert not roads.route.is_choosy(mt)
    assert roads.ways(flight(mt, route=roads.route))


def test_a_provider_without_words_for_it_is_no_other_provider() -> None:
    roads = mixed()
    assert not roads.route.other_providers(flight(MEDIA, route=roads.route), "h")
    assert not roads.route.other_providers(flight(OCTETS, route=roads.route), "p")
    assert roads.route.other_providers(flight(OCTETS, route=roads.route), "h")
    assert roads.route.other_providers(flight(), "h")


def test_one_that_is_down_is_another_provider_all_the_same() -> None:
    roads = mixed()
    roads.down("h1", "h2")
    assert roads.route.other_providers(flight(MEDIA, route=roads.route), "p")


# The board


async def test_what_is_held_follows_the_site_that_stands_in() -> None:
    """Primary out of use, on trial, and sound again; each is told once, and the route is woken for the other."""
    heard, first, second = Heard(), site("h", "h1"), site("h", "h2", 1)
    lost: list[str] = []
    settings = RouteSettings.model_validate({"providers": ["h"], "from": "12345"})
    board = LinkBoard([first, second], {"r": settings}, heard, heard.wake, lambda r: lost.append(r.name))
    route = board.routes["r"]
    route.lanes.push(flight())
    wanted = []
    for active, sound in [(True, True), (False, False), (True, False), (True, True)]:
        first.active, first.sound = active, sound
        heard.woken.clear()
        board.link_changed(first)
        board.link_changed(second)
        wanted.append(heard.wanted[-1])
        assert heard.woken
        now = asyncio.get_running_loop().time()
        assert route.prefetch(now) == wanted[-1][1]
        chosen = route.ready_link(flight(), now)
        assert chosen is not None
        assert (chosen.link is first) <= active
    assert wanted == [("r", 4), ("r", 4), ("r", 8), ("r", 4)]
    assert lost == ["r"]


# Long messages


def begun(at: tuple[str, str]) -> Flight:
    made = flight()
    made.long = Long(Parts(*at, "c0ffee00", ("a", Fate.NONE)))
    return made


@pytest.mark.parametrize("prefer", ["smpp", "http", "any"])
def test_the_rest_of_a_long_message_never_goes_over_http(prefer: Literal["smpp", "http", "any"]) -> None:
    """Not even to the same provider: over HTTP it would be the whole, a second time."""
    roads = Roads(bind("g", "g1"), bind("g", "g2"), site("g", "h1"), site("g", "h2", 1), prefer=prefer)
    rest = begun(("g", "g1"))
    assert roads.ways(rest) == ["g1"]
    roads.down("g1")
    assert roads.ways(rest) == ["g2"]
    assert not roads.route.forsaken(rest, NOW)
    roads.down("g2")
    assert roads.ways(rest) == []
    assert roads.route.forsaken(rest, NOW), "only HTTP is left"
    assert not roads.route.can_go_on(rest, NOW)
    roads.down("h1", "h2")
    assert not roads.route.forsaken(rest, NOW), "nobody could begin anew"


def test_home_keeps_no_begun_message_from_where_it_was_begun() -> None:
    roads = mixed()
    rest = begun(("p", "p1"))
    rest.trouble = Trouble("h", "h1", 1, 0.0)
    assert roads.ways(rest) == ["p1"]
    assert not roads.route.forsaken(rest, NOW)


# What is known of names


def test_what_receipts_will_call_it_by_provider() -> None:
    roads = Roads(bind("p", "p1"), site("h", "h1"), site("h", "h2", 1), site("i", "i1"))
    assert roads.route.names_of(flight(), roads.link("p1")) == ()
    assert roads.route.names_of(flight(), roads.link("h2")) == (("h", "m"),)
    assert roads.route.names_of(flight(), None) == (("h", "m"), ("i", "m"))


def test_where_a_message_stands_that_a_site_failed() -> None:
    roads = mixed()
    trouble = Trouble("h", "h1", 2)
    made = flight(trouble=trouble)
    assert roads.route.standing(made, "h", roads.link("h1")).failures == 2
    assert roads.route.standing(made, "h", roads.link("h1")).resubmit_s == 30.0
    assert roads.route.standing(made, "p", roads.link("p1")).failures == 0, "that was at another provider"
    assert roads.route.standing(made, "p", roads.link("p1")).resubmit_s is None
    assert roads.route.standing(flight(trouble=replace(trouble, failures=1)), "h").resubmit_s is None
