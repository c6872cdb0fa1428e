"""The way back from the dead queue, whole: an MT that ended badly is listed, replayed, and accepted once."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.outbound.flight import key_of
from bridge.outbound.tell import outcome_id
from bridge.proof.servers import PrivateRabbit
from bridge.simulator.faults.answers import Late, Reject
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from tests.system.conftest import MakeLab
from tests.system.lab import Lab, document
from tests.system.test_system_outbound import mts, taken, until_receipts

LIMIT_S = 60.0
BridgeDead = Callable[..., Awaitable[tuple[int, list[dict[str, Any]]]]]


@pytest.fixture
def bridge_dead(tmp_path: Path, rabbit: PrivateRabbit, redis_url: str, prefix: str) -> BridgeDead:
    """`bridge dead` as a process with --json: exit code and what it said."""
    path = tmp_path / "bridge.yaml"
    path.write_text(json.dumps(document(rabbit.url, redis_url, prefix, {"one": ["127.0.0.1:1"]})))

    async def run(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge", "dead", *arguments, "--json", "-c", str(path), stdout=PIPE
        )
        async with asyncio.timeout(LIMIT_S):
            out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, [json.loads(line) for line in out.splitlines()]

    return run


async def until_dead(lab: Lab, number: int = 1) -> None:
    """Until so many are in the dead queue: the event of an end may come before the copy."""
    async with asyncio.timeout(LIMIT_S):
        while await lab.depth(lab.names.dead) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_rejected_mt_is_listed_replayed_and_accepted_once_as_a_new_generation(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc], bridge_dead: BridgeDead
) -> None:
    for smsc in smscs:
        smsc.behave(Reject(every=1))
    lab = await make_lab(route={"accepted_events": True})
    await lab.publish(mts(1, metadata={"k": 1}))
    await lab.until(lambda: bool(lab.of("mt", outcome="rejected")))
    await until_dead(lab)

    code, listed = await bridge_dead("list")
    assert code == 0
    ((told),) = listed
    assert (told["id"], told["reason"], told["resolved"], told["attempts"], told["generation"]) == (
        ("m-0", "rejected", False, 1, 0)
    )

    code, done = await bridge_dead("replay", "m-0", "--yes")
    assert (code, [one["result"] for one in done]) == (0, ["replayed"])
    await lab.until(lambda: len(lab.of("mt", outcome="rejected")) == 2)
    await until_dead(lab)
    assert await bridge_dead("list", "--id", "m-0") == (
        0,
        [{**told, **(await again(bridge_dead)), "generation": 1}],
    )

    for smsc in smscs:
        smsc.behave()
    code, done = await bridge_dead("replay", "--reason", "rejected", "--yes")
    assert (code, [one["generation"] for one in done]) == (0, [2])
    await until_receipts(lab, 1)
    await lab.until(lambda: bool(lab.of("mt", outcome="accepted")))
    assert taken(network) == {"m-0": 1}
    rejected = [event["event_id"] for event in lab.of("mt", outcome="rejected")]
    assert rejected == [outcome_id(key_of("m-0", generation), "rejected") for generation in (0, 1)]
    (accepted,) = lab.of("mt", outcome="accepted")
    assert accepted["event_id"] == outcome_id(key_of("m-0", 2), "accepted")
    assert (accepted["metadata"], accepted["possible_duplicate"]) == ({"k": 1}, False)
    assert [one["result"] for one in accepted["attempts"]] == ["accepted"], "they begin anew"
    assert await bridge_dead("list") == (0, [])


async def again(bridge_dead: BridgeDead) -> dict[str, Any]:
    """What a second death has of its own: when, and under which handle."""
    ((told),) = (await bridge_dead("list"))[1]
    return {name: told[name] for name in ("handle", "at")}


async def test_a_parked_mt_that_a_late_answer_resolved_is_not_replayed(
    make_lab: MakeLab, network: Network, smscs: list[SimulatedSmsc], bridge_dead: BridgeDead
) -> None:
    smscs[0].behave(Late(seconds=1.5, every=1))
    smscs[1].kill()
    lab = await make_lab(smpp={"response_timeout_seconds": 1}, route={"on_doubt": "park"})
    await lab.publish(mts(1))
    await lab.until(lambda: bool(lab.of("mt", outcome="resolved")))
    await until_dead(lab)
    code, listed = await bridge_dead("list")
    assert [(one["reason"], one["resolved"]) for one in listed] == [("doubt", True)]
    code, done = await bridge_dead("replay", "--all", "--yes")
    assert (code, [(one["result"], one["why"]) for one in done]) == (0, [("left", "resolved")])
    assert taken(network) == {"m-0": 1}
    code, done = await bridge_dead("drop", "m-0", "--yes")
    assert (code, [one["result"] for one in done]) == (0, ["dropped"])
    assert await lab.dead() == []
