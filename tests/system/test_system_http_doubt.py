"""A request without an answer: what a late answer, a receipt or another worker makes of it (contract 7.3)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.proof.servers import PrivateRabbit
from bridge.simulator.http.faults import Hang, Late
from bridge.simulator.network import Network
from tests.system.http_lab import HttpStage, once_each, results
from tests.system.lab import Lab
from tests.system.test_system_outbound import mts

NEVER_S = 3600.0
"""A receipt is late enough to be sent by the test alone."""


@pytest.fixture
async def stage(rabbit: PrivateRabbit, redis_url: str, prefix: str) -> AsyncIterator[HttpStage]:
    async with HttpStage(rabbit.url, redis_url, prefix, receipt_delay_s=NEVER_S) as stage:
        yield stage


def outcomes(lab: Lab) -> list[str]:
    """What was told of MTs, each event once."""
    return [event["outcome"] for event in once_each(lab.by_kind["mt"])]


async def parked(lab: Lab) -> None:
    """One MT is, and its copy is where it belongs."""
    await lab.until(lambda: bool(lab.of("mt", outcome="parked")), 20)
    ((_, headers),) = await lab.dead_letters(1)
    assert headers["bridge-reason"] == "doubt"


async def test_a_late_answer_resolves_what_was_parked(stage: HttpStage) -> None:
    stage.one.behave(Late(seconds=1.5, every=1))
    lab = await stage.lab(route={"on_doubt": "park"})
    await lab.publish(mts(1))
    await parked(lab)
    await lab.until(lambda: bool(lab.of("mt", outcome="resolved")), 20)
    assert outcomes(lab) == ["parked", "resolved"]
    (resolved,) = lab.of("mt", outcome="resolved")
    assert (resolved["id"], resolved["smsc_ids"], resolved["site"]) == ("m-0", ["m-0"], "one")
    assert stage.asked("m-0") == ["one"], "not submitted again"
    stage.provider.send_receipt("m-0")
    await lab.until(lambda: bool(lab.by_kind["dr"]))
    assert [(dr["mt_id"], dr["matched"]) for dr in lab.by_kind["dr"]] == [("m-0", True)]


async def test_a_receipt_resolves_what_was_parked_whichever_worker_gets_it(stage: HttpStage) -> None:
    stage.one.behave(Hang(every=1))
    lab = await stage.lab(route={"on_doubt": "park"})
    await lab.publish(mts(1, metadata={"k": 1}))
    await parked(lab)
    await lab.stop_worker(lab.workers[0][0])
    await lab.start_worker()
    await stage.until_told(stage.provider.send_receipt("m-0", state=6), stage.provider.send_receipt("m-0"))
    await lab.until(lambda: bool(lab.by_kind["dr"]), 20)
    assert outcomes(lab) == ["parked", "resolved"]
    (dr,) = once_each(lab.by_kind["dr"])
    assert (dr["mt_id"], dr["state"], dr["matched"], dr["metadata"]) == ("m-0", "delivered", True, {"k": 1})
    assert lab.of("mt", outcome="resolved")[0]["metadata"] == {"k": 1}
    await lab.publish(mts(1))
    await lab.until(lambda: "accepted" in outcomes(lab), 20)
    assert stage.asked("m-0") == ["one"], "a repeat of what was taken is not sent"


async def test_a_receipt_and_a_late_answer_resolve_it_once(stage: HttpStage) -> None:
    stage.one.behave(Late(seconds=1.8, every=1))
    lab = await stage.lab(route={"on_doubt": "park"})
    await lab.publish(mts(1))
    await parked(lab)
    stage.provider.send_receipt("m-0")
    await lab.until(lambda: bool(lab.of("mt", outcome="resolved")) and bool(lab.by_kind["dr"]), 20)
    await stage.until(lambda: stage.provider.requests[0].status == 200)
    await lab.publish(mts(1))
    await lab.until(lambda: "accepted" in outcomes(lab), 20)  # whatever the late answer told is told by now
    assert outcomes(lab) == ["parked", "resolved", "accepted"]
    assert await lab.dead() == []


async def test_an_answer_that_comes_before_the_copy_leaves_makes_the_copy_needless(stage: HttpStage) -> None:
    stage.one.behave(Late(seconds=1.5, every=1))
    lab = await stage.lab(http={"resubmit_seconds": 2})
    await lab.publish(mts(1))
    await lab.until(lambda: "accepted" in outcomes(lab), 20)
    assert outcomes(lab) == ["resent", "accepted"]
    assert lab.of("mt", outcome="accepted")[0]["possible_duplicate"] is True
    assert stage.asked("m-0") == ["one"]
    stage.provider.send_receipt("m-0")
    await lab.until(lambda: bool(lab.of("dr", mt_id="m-0", matched=True)))


async def test_a_provider_that_slowly_answers_all_has_each_message_once(stage: HttpStage) -> None:
    stage.one.behave(Late(seconds=1.3, every=1))
    stage.two.behave(Late(seconds=1.3, every=2))
    lab = await stage.lab(http={"window": 20})
    await lab.publish(mts(60))
    await lab.until(lambda: len({e["id"] for e in lab.of("mt", outcome="accepted")}) == 60, 30)
    assert set(stage.books.values()) == {1}
    assert len(stage.books) == 60
    marked = {event["id"] for event in lab.of("mt", outcome="resent")}
    asked_twice = {request.ident for request in stage.provider.requests if request.times > 1}
    assert asked_twice <= marked
    assert lab.of("mt", outcome="failed") == []


async def test_what_a_killed_worker_had_asked_is_asked_again_or_parked_and_resolved(
    stage: HttpStage, tmp_path: Path, network: Network
) -> None:
    stage.one.behave(Hang(every=1))
    crew, app = await stage.crew(tmp_path, 1, network, http={"timeout_seconds": 2})
    await app.publish(["r-0"])
    await app.publish(["p-0"], on_doubt="park")
    await stage.until(lambda: len(stage.provider.taken) == 2)
    await crew.commands[0].kill()
    stage.one.behave()
    await crew.workers(1)
    await app.until(lambda: {"r-0", "p-0"} <= app.ended.keys())
    (accepted,) = app.of("mt", outcome="accepted")
    assert (accepted["id"], accepted["possible_duplicate"]) == ("r-0", True)
    assert results(accepted)[-1] == ("one", "duplicate 0x7")
    assert app.resent == {"r-0"}
    assert [event["id"] for event in app.of("mt", outcome="parked")] == ["p-0"]
    assert app.of("mt", outcome="resolved") == []
    stage.provider.send_receipt("p-0")
    await app.until(lambda: bool(app.of("mt", outcome="resolved")) and bool(app.of("dr")))
    assert [(dr["mt_id"], dr["matched"]) for dr in once_each(app.of("dr"))] == [("p-0", True)]
    assert stage.books == {"r-0": 1, "p-0": 1}
    assert stage.asked("p-0") == ["one"]
    await crew.dismiss()
