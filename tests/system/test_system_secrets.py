"""Canaries: secrets and texts planted wherever the bridge is told any, and looked for in all that it writes."""

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import redis.asyncio

from bridge.model.names import Names
from bridge.proof.servers import PrivateRabbit
from bridge.simulator.http.faults import Code, Status
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from tests.security.readme import rights
from tests.system.application import Application, ids
from tests.system.http_lab import HttpStage
from tests.system.processes import Crew

BIRD = "kanarienvogel"
"""In every secret. Without what URLs would write otherwise."""
TEXT = "nachtigall"
"""In every text, which no log may show; events must."""
HANDSET = "447700900987"


class Secrets:
    """One of each kind."""

    def __init__(self) -> None:
        self.rabbit, self.redis, self.smpp, self.http, self.token = (
            f"{BIRD}-{what}" for what in ("rabbit", "redis", "smpp", "http", "token")
        )


@pytest.fixture
def planted() -> Secrets:
    return Secrets()


@pytest.fixture
async def amqp_url(rabbit: PrivateRabbit, prefix: str, planted: Secrets) -> AsyncIterator[str]:
    """As a user that may only do what the README says a worker's has to."""
    user = f"u{secrets.token_hex(4)}"
    for words in rights("rabbitmqctl", user=user, prefix=prefix, password=planted.rabbit):
        await rabbit.ctl(*words)
    yield rabbit.url.replace("://", f"://{user}:{planted.rabbit}@").replace("guest:guest@", "")
    await rabbit.ctl("delete_user", user)


@pytest.fixture
async def redis_login(redis_url: str, prefix: str, planted: Secrets) -> AsyncIterator[str]:
    """As a user that may only do what the README says."""
    user = f"u{secrets.token_hex(4)}"
    async with redis.asyncio.Redis.from_url(redis_url) as raw:
        for words in rights("redis-cli", user=user, prefix=prefix, password=planted.redis):
            await raw.execute_command(*words)  # type: ignore[no-untyped-call]
        yield redis_url.replace("://", f"://{user}:{planted.redis}@")
        await raw.acl_deluser(user)


async def pages(port: int) -> str:
    """What /metrics and /api/state show."""
    async with httpx.AsyncClient() as client:
        found = [await client.get(f"http://127.0.0.1:{port}{path}") for path in ("/metrics", "/api/state")]
    return "".join(page.text for page in found)


async def refused_callbacks(port: int, token: str) -> str:
    """What callers are told who do not do it right, some of them with the token."""
    wrong = [
        ({"token": f"{BIRD}-wrong"}, {"type": "MO", "message": TEXT}),
        ({"token": token}, {"type": "MO", "message": TEXT, "phone_number": HANDSET}),
        ({"token": token}, {"type": TEXT, "message_id": "1"}),
        ({"token": token}, {"type": "receipt", "message_id": TEXT, "message_state": HANDSET}),
    ]
    async with httpx.AsyncClient() as client:
        answers = [
            await client.post(f"http://127.0.0.1:{port}/callbacks/p", params=query, data=form)
            for query, form in wrong
        ]
    assert {answer.status_code for answer in answers} == {400, 401}
    return "".join(answer.text for answer in answers)


async def said_by(*command: str) -> str:
    """All that a command says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bridge",
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return (out + err).decode()


async def test_no_secret_is_ever_shown(
    tmp_path: Path, amqp_url: str, redis_login: str, rabbit: PrivateRabbit, prefix: str, planted: Secrets
) -> None:
    network = Network(receipt_delay_s=0.01)
    smsc = SimulatedSmsc(network=network, site="one", password=planted.smpp)
    await smsc.start()
    stage = HttpStage(
        amqp_url,
        redis_login,
        prefix,
        smscs=[smsc],
        password=planted.http,
        callback_token=planted.token,
    )
    async with stage:
        document = stage.document(
            http={"password": planted.http}, smpp={"password": planted.smpp}, route={"prefer": "any"}
        )
        document["callbacks"]["token"] = planted.token
        document["ops"]["listen"] = "127.0.0.1:0"
        async with Crew(tmp_path, document) as crew:
            worker = await crew.start("--log-level", "debug")
            await worker.says("site.changed", site="one", state="up")
            listening = await worker.says("ops.listening")
            port = int(listening["place"].rpartition(":")[2])
            async with Application(rabbit.url, Names(prefix), network) as app:
                shown = await everything_goes_wrong(stage, smsc, app, port, planted.token)
            await worker.stop()
            logs = worker.output
        shown += await said_by("check", "-c", str(crew.config))
        document["providers"]["p"]["http"]["pasword"] = f"{BIRD}-mistyped"
        document["providers"]["p"]["smpp"]["password"] = [planted.smpp]
        broken = tmp_path / "broken.yaml"
        broken.write_text(json.dumps(document))
        for command in ("check", "run"):
            said = await said_by(command, "-c", str(broken))
            assert "pasword" in said
            shown += said
    smsc.kill()
    network.close()
    for secret in vars(planted).values():
        assert secret not in logs + shown
    assert BIRD not in logs + shown
    assert TEXT not in logs
    assert HANDSET not in logs


async def everything_goes_wrong(
    stage: HttpStage, smsc: SimulatedSmsc, app: Application, worker_port: int, token: str
) -> str:
    """Traffic over both kinds of link, then faults of every party; what is shown meanwhile."""
    mt_ids = ids(20)
    await app.publish(mt_ids, text_of=lambda mt_id: f"{TEXT} {mt_id}", to=HANDSET)
    await app.until(lambda: {event["mt_id"] for event in app.of("dr")} >= {*mt_ids})
    stage.provider.send_mo(TEXT, source=HANDSET)
    smsc.network.send_mo(TEXT, source=HANDSET)
    await app.until(lambda: len(app.of("mo")) == 2)
    assert {event["via"] for event in app.of("mo")} == {"http", "smpp"}
    shown = await refused_callbacks(stage.port, token) + await pages(worker_port)
    stage.one.behave(Code(code=2, every=1))
    stage.two.behave(Status(code=500, every=1))
    smsc.password = "another"
    smsc.kill()
    await smsc.start()
    await app.publish(["refused"], text_of=lambda _: TEXT, to=HANDSET)
    await app.publish(["invalid"], text_of=lambda _: TEXT, to=TEXT)
    await app.until(lambda: bool(app.of("site", state="alarm")) and bool(app.of("mt", outcome="invalid")))
    return shown + await pages(worker_port) + str(app.of("site"))
