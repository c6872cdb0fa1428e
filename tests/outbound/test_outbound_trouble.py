"""MTs that HTTP sites failed: what travels with them, and their way: the same site, the next one, then any."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.names import HEADER_ATTEMPT, HEADER_TROUBLE
from bridge.model.outcome import Accepted, Rejected, RetryLater
from bridge.outbound.trouble import LONGEST_S, SOON_S, Trouble
from tests.outbound.fake_links import Link
from tests.outbound.world import HttpWorld, Worker

NAME = st.text(max_size=30)
TAKEN = Accepted("")


# The header


@given(
    st.builds(
        Trouble,
        provider=NAME,
        link=NAME,
        failures=st.integers(1, 2**31),
        wait_s=st.none() | st.floats(0.0, LONGEST_S),
    )
)
def test_what_travels_is_what_arrives(trouble: Trouble) -> None:
    header = trouble.dump()
    assert header.isascii()
    assert Trouble.load(header) == trouble


@given(st.integers(0, 86_400) | st.floats(-10.0, LONGEST_S))
def test_so_does_the_time_until_it_goes_home_however_it_was_configured(seconds: float) -> None:
    trouble = Trouble("h", "h1", 1).goes_home_after(seconds)
    assert trouble.wait_s == max(0, seconds)
    assert Trouble.load(trouble.dump()) == trouble


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
)


@given(st.text() | st.binary() | JSON | JSON.map(str) | st.tuples(JSON, JSON, JSON, JSON).map(json.dumps))
def test_whatever_anybody_wrote_is_trouble_or_none(header: object) -> None:
    found = Trouble.load(header)
    assert found is None or Trouble.load(found.dump()) == found


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        "7",
        "null",
        '"abcd"',
        '["h","h1",1]',
        '["h","h1",1,null,0]',
        '["h","h1",0,null]',
        '["h","h1",-1,null]',
        '["h","h1",true,null]',
        '["h","h1",1.0,null]',
        '["h","h1","1",null]',
        '["h",7,1,null]',
        '[null,"h1",1,null]',
        '["h","h1",1,"0.0"]',
        '["h","h1",1,true]',
        '["h","h1",1,-0.5]',
        '["h","h1",1,1e999]',
        '["h","h1",1,NaN]',
        '["h","h1",1,86400.5]',
        "[" * 200_000,
        '["\\ud800","h1",1,null]',
        b'["h","h1",1,null]',
        ["h", "h1", 1, None],
        None,
    ],
)
def test_what_is_no_such_header_is_no_trouble(header: object) -> None:
    assert Trouble.load(header) is None


@pytest.mark.parametrize(
    ("wait_s", "home", "waits"),
    [
        (None, None, False),
        (0.0, ("h", "h1"), False),
        (SOON_S, ("h", "h1"), False),
        (SOON_S + 0.1, ("h", "h1"), True),
        (30.0, ("h", "h1"), True),
    ],
)
def test_where_it_has_to_go_and_when(wait_s: float | None, home: object, waits: bool) -> None:
    trouble = Trouble("h", "h1", 1, wait_s)
    assert (trouble.home, trouble.waits) == (home, waits)


# The way


@pytest.fixture
def world() -> Iterator[HttpWorld]:
    world = HttpWorld("http")
    yield world
    world.close()


def links(worker: Worker) -> dict[str, Link]:
    return {link.name: link for link in worker.links}


def rungs(world: HttpWorld) -> list[int]:
    """The rungs that all on the ladder go along, one after another, until they are off it."""
    found = []
    while world.rabbit.ladder:
        left = world.rabbit.ladder[0][0] - world.clock.now
        found.append(round(left))
        world.advance(left)
        world.flow()
    return found


def asked(world: HttpWorld, mt_id: str = "m", **parts: Any) -> dict[str, Link]:
    """A message is on its way over the primary."""
    sites = links(world.worker())
    world.publish(mt_id, **parts)
    world.flow()
    assert sites["h1"].open
    return sites


def finish(world: HttpWorld) -> None:
    world.heal()
    world.check_the_end()


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize(
    ("resubmit_s", "walked"),
    [(45.0, [30, 5, 5, 5]), (31.0, [30, 1]), (30.0, [30]), (30, [30]), (0.2, [1]), (5.4, [5]), (5.6, [5, 1])],
)
def test_it_comes_to_the_same_site_again_after_so_long(
    world: HttpWorld, resubmit_s: float, walked: list[int], written: bool
) -> None:
    sites = asked(world)
    sites["h1"].resubmit_s = resubmit_s
    sites["h1"].fail(0, written=written)
    world.flow()
    assert not world.in_hand(), "it waits in RabbitMQ, not here"
    assert rungs(world) == walked
    assert [len(sites[name].open) for name in ("h1", "h2", "p1")] == [1, 0, 0]
    assert sites["h1"].failures_of[sites["h1"].open[0]] == 1
    finish(world)


@pytest.mark.parametrize(("written", "counted"), [(False, [0, 0]), (True, [1, 2])])
def test_only_a_doubt_counts_as_an_attempt(world: HttpWorld, written: bool, counted: list[int]) -> None:
    sites = asked(world)
    sites["h1"].fail(0, written=written)
    world.flow()
    (_, _, message), *_ = world.rabbit.ladder
    assert message.headers[HEADER_ATTEMPT] == counted[0]
    rungs(world)
    (submit,) = sites["h1"].open
    sites["h1"].fail(0, written=written)
    world.flow()
    assert submit.flight.counted == counted[1]
    assert len(world.rabbit.told("m", "resent")) == counted[1]
    finish(world)


@pytest.mark.parametrize("written", [False, True])
def test_after_a_second_failure_it_goes_to_the_next_site_at_once(world: HttpWorld, written: bool) -> None:
    sites = asked(world)
    for _ in range(2):
        sites["h1"].fail(0, written=written)
        world.flow()
        rungs(world)
    assert (sites["h1"].active, len(sites["h2"].open), len(sites["p1"].open)) == (False, 1, 0)
    assert sites["h2"].failures_of[sites["h2"].open[0]] == 2
    (submit,) = sites["h2"].open
    sites["h2"].answer(0, TAKEN)
    world.flow()
    finish(world)
    (event,) = world.rabbit.told("m", "accepted")
    assert event["link"] == "h2"
    assert event["possible_duplicate"] is written
    assert submit.flight.trouble is None


def test_others_use_the_next_site_at_once_when_the_circuit_is_open(world: HttpWorld) -> None:
    sites = asked(world)
    for _ in range(2):
        sites["h1"].fail(0, written=False)
        world.flow()
        rungs(world)
    world.publish("another")
    world.flow()
    assert {submit.flight.mt.id for submit in sites["h2"].open} == {"m", "another"}
    finish(world)


def test_when_every_site_has_failed_it_any_link_that_is_up_will_do(world: HttpWorld) -> None:
    sites = asked(world)
    for _ in range(2):
        sites["h1"].fail(0, written=False)
        world.flow()
        rungs(world)
    sites["h2"].fail(0, written=False)
    world.flow()
    assert (sites["h2"].active, len(sites["p1"].open)) == (False, 1)
    finish(world)


def test_when_no_link_is_left_it_waits_in_rabbitmq_and_its_trouble_with_it(world: HttpWorld) -> None:
    sites = asked(world)
    sites["p1"].down()
    for _ in range(2):
        sites["h1"].fail(0, written=False)
        world.flow()
        rungs(world)
    sites["h2"].fail(0, written=False)
    world.flow()
    assert not world.in_hand()
    (_, _, message), *_ = world.rabbit.ladder
    assert Trouble.load(message.headers[HEADER_TROUBLE]) == Trouble("h", "h2", 3)
    finish(world)


def test_a_bind_that_is_up_does_not_tempt_it_away_from_home(world: HttpWorld) -> None:
    """Though the route prefers binds, and used HTTP only because there was none."""
    world.route = world.route.model_copy(update={"prefer": "smpp"})
    sites = links(world.worker())
    sites["p1"].down()
    world.publish("m")
    world.flow()
    sites["h1"].fail(0, written=True)
    world.flow()
    sites["p1"].up()
    rungs(world)
    assert (len(sites["h1"].open), len(sites["p1"].open)) == (1, 0)
    finish(world)


def test_if_its_home_is_down_when_its_time_comes_it_goes_elsewhere(world: HttpWorld) -> None:
    sites = asked(world)
    sites["h1"].fail(0, written=False)
    world.flow()
    sites["h1"].down()
    rungs(world)
    assert len(sites["h2"].open) == 1
    finish(world)


def test_another_worker_keeps_to_what_was_begun(world: HttpWorld) -> None:
    """Time and place travel with it."""
    sites = asked(world)
    sites["h1"].fail(0, written=False)
    world.flow()
    world.workers[0].kill(0, 0)
    others = links(world.worker())
    assert rungs(world) == [30, 1]
    assert len(others["h1"].open) == 1
    assert others["h1"].failures_of[others["h1"].open[0]] == 1
    finish(world)


@pytest.mark.parametrize("outcome", [RetryLater(98, "internal"), Rejected(5, "bad sender")])
def test_an_answer_ends_the_trouble_and_that_travels_too(
    world: HttpWorld, outcome: RetryLater | Rejected
) -> None:
    sites = asked(world)
    sites["h1"].fail(0, written=False)
    world.flow()
    rungs(world)
    sites["p1"].full = isinstance(outcome, Rejected)
    sites["h1"].answer(0, outcome)
    world.flow()
    if isinstance(outcome, Rejected):
        sites["p1"].down()
        world.flow()
    (_, _, message), *_ = world.rabbit.ladder
    assert message.headers[HEADER_TROUBLE] == ""
    world.advance(world.rabbit.ladder[0][0] - world.clock.now)
    sites["p1"].up()
    world.flow()
    (submit,) = [submit for link in sites.values() for submit in link.open]
    assert submit.flight.trouble is None
    finish(world)


def test_a_site_where_none_stands_in_is_gone_to_again_at_once(world: HttpWorld) -> None:
    """Strategy `dns`: the one URL is all there is, and the ladder has what is left."""
    sites = asked(world)
    sites["h2"].down()
    sites["p1"].down()
    sites["h1"].resubmit_s = None
    sites["h1"].fail(0, written=False)
    world.flow()
    assert (len(sites["h1"].open), world.rabbit.ladder) == (1, [])
    finish(world)


def test_what_is_to_be_parked_is_not_submitted_again_after_a_time_out(world: HttpWorld) -> None:
    sites = asked(world, on_doubt="park")
    sites["h1"].fail(0, written=True)
    world.flow()
    assert world.rabbit.told("m", "parked")
    assert not world.rabbit.ladder
    assert len(world.submits["m"]) == 1
    finish(world)


def test_what_is_to_be_parked_may_go_again_if_surely_nothing_was_sent(world: HttpWorld) -> None:
    sites = asked(world, on_doubt="park")
    sites["h1"].fail(0, written=False)
    world.flow()
    assert rungs(world) == [30, 1]
    assert len(sites["h1"].open) == 1
    finish(world)


@pytest.mark.parametrize(
    "header",
    [
        '["h","gone",1,0.0]',
        '["x","h1",1,0.0]',
        '["p","p1",9,0.0]',
        '["h","h2",1,0.4]',
        '["h","h1",9223372036854775807,null]',
        "[" * 100_000,
        7,
    ],
)
def test_foreign_trouble_does_no_harm(world: HttpWorld, header: object) -> None:
    world.worker()
    world.publish("m", headers={HEADER_TROUBLE: header})
    finish(world)
    assert len(world.submits["m"]) == 1


def test_a_message_only_http_has_words_for_is_rejected_when_http_refuses_it(world: HttpWorld) -> None:
    """The bind is another provider, and cannot say it: nothing is left to wait for."""
    world.worker()
    for link in world.links():
        link._wordless = ("media",) if link.via == "smpp" else ("data",)
    world.publish("m", text=None, media=[{"content_type": "image/png", "data": "AA=="}])
    world.flow()
    (asked,) = [link for link in world.links() if link.open]
    assert asked.via == "http"
    asked.answer(0, Rejected(1, "no such picture"))
    world.flow()
    assert world.rabbit.told("m", "rejected")
    finish(world)
