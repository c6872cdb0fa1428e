"""Any HTTP API, by configuration alone: the example that is shipped, over a whole bridge."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config.load import load_config
from bridge.proof.servers import PrivateRabbit
from bridge.simulator.http.faults import Code
from tests.system.http_lab import LOGIN, PASSWORD, TOKEN, HttpStage, once_each
from tests.system.lab import Lab
from tests.system.test_system_outbound import until_receipts

EXAMPLE = Path(__file__).parents[2] / "schemas" / "generic-http.example.yaml"
NO_SUCH_NUMBER = 21211


@pytest.fixture
async def stage(rabbit: PrivateRabbit, redis_url: str, prefix: str) -> AsyncIterator[HttpStage]:
    async with HttpStage(rabbit.url, redis_url, prefix, style="twilio") as stage:
        yield stage


@pytest.fixture
async def lab(stage: HttpStage, tmp_path: Path) -> Lab:
    """A bridge that knows the provider by the example alone, but for where it is."""
    file = stage.document(route={"from": "+12025550100"})
    provider: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())["providers"]["twilio"]
    provider["sites"] = {"world": {"http": f"http://{stage.one.node}"}}
    file["providers"] = {"p": provider}
    config = tmp_path / "bridge.yaml"
    config.write_text(json.dumps(file))  # JSON is YAML
    secrets = {"TWILIO_ACCOUNT_SID": LOGIN, "TWILIO_AUTH_TOKEN": PASSWORD, "CALLBACK_TOKEN": TOKEN}
    return await stage.lab_of(load_config(config, secrets).settings)


async def test_an_mt_its_receipt_and_an_mo(stage: HttpStage, lab: Lab) -> None:
    await lab.publish([{"id": "m-0", "to": "447700900123", "text": "Grüße, é€я", "metadata": {"k": 1}}])
    await until_receipts(lab, 1)
    (request,) = stage.provider.taken
    assert request.fields["To"] == "+447700900123"
    assert request.fields["From"] == "+12025550100"
    assert request.fields["Body"] == "Grüße, é€я"
    accepted = lab.of("mt", outcome="accepted")[0]
    assert (accepted["id"], accepted["smsc_ids"], accepted["via"]) == ("m-0", [request.ident], "http")
    (dr,) = once_each(lab.by_kind["dr"])
    assert (dr["mt_id"], dr["smsc_id"], dr["state"]) == ("m-0", request.ident, "delivered")
    assert (dr["from"], dr["to"], dr["metadata"]) == ("+447700900123", "+12025550100", {"k": 1})
    stage.provider.send_mo("hello é€я", source="447700900123", destination="12025550100")
    await lab.until(lambda: bool(lab.by_kind["mo"]), 20)
    (mo,) = lab.by_kind["mo"]
    assert (mo["from"], mo["to"], mo["text"]) == ("+447700900123", "+12025550100", "hello é€я")


async def test_many_and_their_receipts(stage: HttpStage, lab: Lab) -> None:
    await lab.publish([{"id": f"m-{i}", "to": f"4477009{i:05d}", "text": f"m-{i}"} for i in range(200)])
    await until_receipts(lab, 200)
    bodies = {request.fields["Body"]: request.ident for request in stage.provider.taken}
    assert len(stage.provider.taken) == len(bodies) == 200
    assert {dr["mt_id"]: dr["smsc_id"] for dr in lab.by_kind["dr"]} == bodies


async def test_its_refusal_is_told_in_its_words(stage: HttpStage, lab: Lab) -> None:
    stage.one.behave(Code(NO_SUCH_NUMBER, every=1))
    await lab.publish([{"id": "m-0", "to": "447700900123", "text": "x"}])
    await lab.until(lambda: bool(lab.of("mt", outcome="rejected")), 20)
    event = lab.of("mt", outcome="rejected")[0]
    assert event["status"] == NO_SUCH_NUMBER
    assert "Invalid" in event["reason"]
    assert TOKEN not in event["reason"]
    assert LOGIN not in event["reason"]
    assert len(stage.provider.requests) == 1
