"""MTs in doubt over HTTP: the names by which receipts may speak of them, and what such a receipt brings about."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.model.events import Origin
from bridge.model.names import HEADER_ATTEMPT
from bridge.model.outcome import Accepted, Doubt, Rejected
from bridge.outbound.record import load
from bridge.outbound.tell import outcome_id
from bridge.store.claims import Unmatched
from bridge.store.correlation import Correlation
from tests.outbound.fake_links import Link
from tests.outbound.world import HttpWorld, Worker

RECEIPT = Origin("h", "bos", "http")
LATE = Unmatched(b'{"state": "delivered"}', stale=False)


@pytest.fixture
def world() -> Iterator[HttpWorld]:
    world = HttpWorld("http")
    yield world
    world.close()


def links(worker: Worker) -> dict[str, Link]:
    return {link.name: link for link in worker.links}


def asked(world: HttpWorld, over: str = "h1", headers: dict[str, Any] | None = None, **parts: Any) -> Link:
    """The message is on its way over this link, and no other is up."""
    found = links(world.worker())
    for name, link in found.items():
        if name != over:
            link.down()
    world.publish("m", headers=headers, **parts)
    world.flow()
    assert found[over].open
    return found[over]


def entry(unanswered: str | None, *, possible_duplicate: bool = False, generation: int = 0) -> Correlation:
    """What a receipt finds."""
    return Correlation(
        mt_id="m",
        provider="h",
        smsc_id="m",
        to="447700900123",
        generation=generation,
        unanswered=unanswered,
        possible_duplicate=possible_duplicate,
        metadata={"order": 7},
    )


def receipt_comes(world: HttpWorld, found: Correlation) -> list[str]:
    """To any worker; what has happened when that worker may answer it."""
    answered: list[str] = []
    worker = world.workers[-1]
    worker.settler.resolve(found, RECEIPT, lambda: answered.append(world.redis.claims["m"].word))
    world.flow()
    return answered


def off_the_ladder(world: HttpWorld) -> None:
    while world.rabbit.ladder:
        world.advance(world.rabbit.ladder[0][0] - world.clock.now)
        world.flow()


def finish(world: HttpWorld) -> None:
    world.heal()
    world.check_the_end()


# Whose names are remembered


def test_a_message_that_is_sent_once_more(world: HttpWorld) -> None:
    asked(world).fail(0, written=True)
    world.flow()
    assert world.redis.names["m"] == {("h", "m", "")}
    finish(world)


def test_a_message_that_is_parked_with_its_route(world: HttpWorld) -> None:
    asked(world, on_doubt="park").fail(0, written=True)
    world.flow()
    assert world.redis.names["m"] == {("h", "m", "r")}
    finish(world)


def test_a_message_that_fails_in_doubt(world: HttpWorld) -> None:
    asked(world, headers={HEADER_ATTEMPT: 3}).fail(0, written=True)
    world.flow()
    assert world.rabbit.told("m", "failed")
    assert world.redis.names["m"] == {("h", "m", "")}
    finish(world)


@pytest.mark.parametrize(("on_doubt", "where"), [("resend", ""), ("park", "r")])
def test_a_message_that_a_dead_worker_was_sending(world: HttpWorld, on_doubt: str, where: str) -> None:
    asked(world, on_doubt=on_doubt)
    world.workers[0].kill(0, 0)
    world.advance(60)
    world.worker()
    world.flow()
    assert world.redis.names["m"] == {("h", "m", where)}
    finish(world)


def test_a_name_that_the_provider_has_had_before(world: HttpWorld) -> None:
    world.had.add("m")
    link = asked(world, on_doubt="park")
    link.answer(0, Accepted(""))
    world.flow()
    assert world.rabbit.told("m", "parked")
    assert world.redis.names["m"] == {("h", "m", "r")}
    finish(world)


def test_no_message_that_surely_was_not_sent_and_none_that_was_answered(world: HttpWorld) -> None:
    link = asked(world)
    link.fail(0, written=False)
    world.flow()
    off_the_ladder(world)
    link.answer(0, Accepted(""))
    world.flow()
    assert not world.redis.names["m"]
    finish(world)


def test_no_message_whose_name_only_an_answer_would_tell(world: HttpWorld) -> None:
    link = asked(world, "p1")
    link.answer(0, Doubt("response timeout"))
    world.flow()
    assert world.rabbit.told("m", "resent")
    assert not world.redis.names["m"]
    finish(world)


@pytest.mark.parametrize("executed", [1, 9])
def test_a_parked_message_whose_worker_died_before_it_said_so(world: HttpWorld, executed: int) -> None:
    """Its claim is finished, and nothing more was done: whoever gets it again does the rest."""
    asked(world, on_doubt="park").fail(0, written=True)
    worker = world.workers[0]
    worker.claims.flow(1)
    assert not world.redis.names["m"]
    worker.kill(executed=executed - 1, stored=0)
    world.worker()
    world.flow()
    assert world.redis.names["m"] == {("h", "m", "r")}
    finish(world)


# What a receipt brings about


def test_a_receipt_resolves_what_was_parked(world: HttpWorld) -> None:
    asked(world, on_doubt="park").fail(0, written=True, taken=True)
    world.flow()
    assert receipt_comes(world, entry("r")) == ["F"], "answered when all is safe, and not before"
    (event,) = world.rabbit.told("m", "resolved")
    assert event["event_id"] == outcome_id("m", "resolved")
    assert (event["provider"], event["site"], event["via"]) == ("h", "bos", "http")
    assert (event["smsc_ids"], event["possible_duplicate"]) == (["m"], False)
    assert event["metadata"] == {"order": 7}
    record = load(world.redis.claims["m"].text).report
    assert (record.outcome, record.smsc_ids, record.origin) == ("accepted", ("m",), RECEIPT)
    finish(world)


def test_the_event_comes_first_and_a_crash_before_the_record_repeats_it(world: HttpWorld) -> None:
    asked(world, on_doubt="park").fail(0, written=True, taken=True)
    world.flow()
    worker = world.workers[0]
    worker.settler.resolve(entry("r"), RECEIPT, _never)
    assert not worker.claims.waiting, "the event is confirmed first"
    worker.kill(executed=0, stored=1)
    world.worker()
    receipt_comes(world, entry("r"))
    events = world.rabbit.told("m", "resolved")
    assert len(events) == 2
    assert len({event["event_id"] for event in events}) == 1
    finish(world)


def _never() -> None:
    raise AssertionError("not all is safe")


def test_a_late_answer_and_a_receipt_tell_one_event(world: HttpWorld) -> None:
    link = asked(world, on_doubt="park")
    link.answer(0, Doubt("no answer", link_failed=True))
    world.flow()
    link.answer_late(0, Accepted("m"))
    world.flow()
    receipt_comes(world, entry("r"))
    events = world.rabbit.told("m", "resolved")
    assert len(events) == 2
    assert {event["event_id"] for event in events} == {outcome_id("m", "resolved")}
    assert world.redis.extra["m"] == {"m": False}, "one id, and none of a copy"


def test_a_receipt_of_a_message_that_was_not_parked_tells_no_end(world: HttpWorld) -> None:
    asked(world, headers={HEADER_ATTEMPT: 3}).fail(0, written=True, taken=True)
    world.flow()
    assert receipt_comes(world, entry("")) == ["F"]
    assert not world.rabbit.told("m", "resolved")
    assert load(world.redis.claims["m"].text).report.outcome == "accepted"


def test_after_a_receipt_a_copy_on_the_ladder_does_not_leave(world: HttpWorld) -> None:
    asked(world).fail(0, written=True, taken=True)
    world.flow()
    assert world.rabbit.ladder
    receipt_comes(world, entry("", possible_duplicate=True))
    finish(world)
    assert len(world.submits["m"]) == 1
    (event,) = world.rabbit.told("m", "accepted")
    assert (event["via"], event["provider"], event["smsc_ids"]) == ("http", "h", ["m"])
    assert event["possible_duplicate"]
    assert [attempt["result"] for attempt in event["attempts"]] == ["doubt"], "what its copy knows of it"


def test_after_a_receipt_a_copy_in_a_lane_does_not_leave(world: HttpWorld) -> None:
    link = asked(world)
    link.resubmit_s = None
    other = links(world.workers[0])["h2"]
    other.up()
    other.full = True
    link.fail(0, written=True, taken=True)
    world.flow()
    assert world.in_hand() == 1
    receipt_comes(world, entry("", possible_duplicate=True))
    finish(world)
    assert len(world.submits["m"]) == 1


def test_a_receipt_while_the_second_copy_is_on_its_way(world: HttpWorld) -> None:
    """That copy is answered by its name as one that was had, or by another provider with a name of its own."""
    asked(world).fail(0, written=True, taken=True)
    world.flow()
    found = links(world.workers[0])
    found["p1"].up()
    found["h1"].down()
    off_the_ladder(world)
    assert found["p1"].open
    receipt_comes(world, entry("", possible_duplicate=True))
    found["p1"].answer(0, Accepted("a1"))
    world.flow()
    assert world.redis.extra["m"] == {"m": False, "a1": True}, (
        "the copy that counts is the one of the receipt"
    )
    finish(world)


def test_a_producers_repeat_of_what_a_receipt_showed_is_not_sent(world: HttpWorld) -> None:
    asked(world, on_doubt="park").fail(0, written=True, taken=True)
    world.flow()
    receipt_comes(world, entry("r"))
    world.publish("m")
    world.heal()
    assert len(world.submits["m"]) == 1
    (event,) = world.rabbit.told("m", "accepted")
    assert event["via"] == "http"


# Receipts that came before


def test_receipts_that_went_out_unmatched_are_told_again_and_show_it_too(world: HttpWorld) -> None:
    world.redis.unmatched["m"] = [LATE]
    asked(world).fail(0, written=True, taken=True)
    world.flow()
    assert [(found.mt_id, found.possible_duplicate, late) for found, late in world.rematched] == [
        ("m", True, [LATE])
    ]
    finish(world)
    assert len(world.submits["m"]) == 1, "no second copy left"
    assert not world.rabbit.told("m", "resolved")


def test_and_resolve_what_is_parked(world: HttpWorld) -> None:
    world.redis.unmatched["m"] = [LATE]
    asked(world, on_doubt="park").fail(0, written=True, taken=True)
    world.flow()
    (event,) = world.rabbit.told("m", "resolved")
    assert (event["via"], event["provider"], event["possible_duplicate"]) == ("http", "h", False)
    assert world.rabbit.told("m", "parked")
    assert len(world.rematched) == 1


def test_not_before_the_receipts_are_told_is_the_claim_finished(world: HttpWorld) -> None:
    told: list[Callable[[], None]] = []
    world.matched_late = lambda *of: told.append(of[2])  # type: ignore[method-assign]
    world.redis.unmatched["m"] = [LATE]
    asked(world, on_doubt="park").fail(0, written=True, taken=True)
    world.flow()
    before = world.redis.claims["m"].word
    (then,) = told
    then()
    world.flow()
    assert (before, world.redis.claims["m"].word) == ("E", "F")


# Generations


def test_a_replayed_message_is_resolved_as_itself(world: HttpWorld) -> None:
    """Its claim and its event are those of its generation."""
    claimed: list[tuple[str, Correlation]] = []
    worker = world.worker()
    worker.claims.answered = lambda *of, **_: claimed.append((of[0], of[3]))  # type: ignore[method-assign]
    worker.settler.resolve(entry("r", generation=2), RECEIPT, _never)
    world.flow()
    (event,) = world.rabbit.told("m", "resolved")
    assert event["event_id"] == outcome_id("m\t2", "resolved")
    assert claimed == [("m\t2", entry(None, generation=2))]


# Repeats


@pytest.mark.parametrize(("over", "via"), [("h1", "http"), ("p1", "smpp")])
def test_a_repeat_tells_by_which_way_it_was_accepted(world: HttpWorld, over: str, via: str) -> None:
    link = asked(world, over)
    link.answer(0, Accepted("s1"))
    world.flow()
    world.publish("m")
    finish(world)
    events = world.rabbit.told("m", "accepted")
    assert len(events) == 2
    assert {(event["event_id"], event["via"], event["link"]) for event in events} == {
        (outcome_id("m", "accepted"), via, over)
    }
    assert len(world.submits["m"]) == 1


def test_a_refusal_after_a_doubt_leaves_its_name_remembered(world: HttpWorld) -> None:
    """The copy that is in doubt may show up yet."""
    link = asked(world)
    link.fail(0, written=True)
    world.flow()
    off_the_ladder(world)
    link.answer(0, Rejected(5, "bad sender"))
    links(world.workers[0])["p1"].up()
    world.flow()
    assert world.redis.names["m"] == {("h", "m", "")}
    finish(world)


def test_a_duplicate_after_a_doubt_is_the_answer(world: HttpWorld) -> None:
    link = asked(world)
    link.fail(0, written=True, taken=True)
    world.flow()
    off_the_ladder(world)
    link.answer(0, Accepted(""))
    world.flow()
    (event,) = world.rabbit.told("m", "accepted")
    assert (event["smsc_ids"], event["possible_duplicate"]) == (["m"], True)
    assert [attempt["result"] for attempt in event["attempts"]] == ["doubt", "duplicate 0x7"]
    finish(world)
