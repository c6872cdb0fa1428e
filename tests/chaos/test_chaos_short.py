"""The harness itself, briefly: a few faults on real processes, ended with Ctrl-C, and the verdict is good."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE

import pytest

FAULTS = "worker-killed,rabbitmq-connections-closed,redis-killed,smsc-cut"
SEED = "1859"
"""All four of them in two strikes, each of two at once."""
STRIKES = 2
LIMIT_S = 240


@pytest.mark.servers
@pytest.mark.timeout(LIMIT_S + 30)
async def test_a_short_run_ends_at_ctrl_c_and_has_lost_nothing() -> None:
    options = "--seed", SEED, "--only", FAULTS, "--workers", "2", "--rate", "40", "--minutes", "60", "--json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos", *options, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said = ""
    try:
        async with asyncio.timeout(LIMIT_S):
            while said.count("all well") <= STRIKES:
                line = (await process.stderr.readline()).decode()
                assert line, f"it ended by itself: {said}"
                said += line
            process.send_signal(signal.SIGINT)
            result, last_words = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said += last_words.decode()
    assert process.returncode == 0, said
    found = json.loads(result)
    assert found["passed"], said
    assert len(found["faults"]) > STRIKES
    assert {name for row in found["faults"] for name in row["faults"]} >= set(FAULTS.split(","))
    assert all(row["sent"] for row in found["faults"][1 : STRIKES + 1]), "under load"
    assert "undated 0 to 0" in found["notes"][-1]
    assert found["accepted"] >= found["published"] > 500, "what was not confirmed may be there too"
    assert found["receipts"] >= found["accepted"]
    assert found["mos"] > 50
