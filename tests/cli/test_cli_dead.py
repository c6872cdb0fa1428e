"""`bridge dead` against a real RabbitMQ and Redis, as a process where that counts: bad cases first."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import aiormq
import orjson
import pytest
import redis.asyncio
from click.testing import CliRunner

from bridge.cli import main
from bridge.proof.proxy import FaultProxy
from bridge.proof.servers import PrivateRabbit

pytestmark = pytest.mark.servers
CLOSED_PORT = 1
LIMIT_S = 60.0
NUMBER = "447700900123"
AT = "2027-01-15T12:00:00.000Z"
ALL = ("replay", "--all", "--yes")

KILLED_BEFORE_THE_ACK = """\
import os
from bridge.broker.message import Delivery
Delivery.ack = lambda delivery: os._exit(9)
from bridge.broker.declare import apply
from bridge.broker.session import Urls
from bridge.cli import main
main()
"""


class Dead:
    """The dead queue of a pool, and what Redis says of its MTs."""

    def __init__(self, pool: Any, remembered: redis.asyncio.Redis) -> None:
        self.pool = pool
        self.queue = pool.names.dead
        self._redis = remembered

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """The command, in this process: exit code, stdout, stderr."""
        found: tuple[int, str, str] = await self.pool.run("dead", *arguments)
        return found

    async def letter(
        self,
        mt_id: str,
        reason: str = "rejected",
        *,
        key: str = "mt.default",
        body: bytes | None = None,
        **headers: Any,
    ) -> None:
        """A copy as a worker makes it."""
        octets = orjson.dumps({"id": mt_id, "to": NUMBER, "text": "Secret"}) if body is None else body
        said = {"bridge-reason": reason, "bridge-detail": "no", "bridge-at": AT, **headers}
        await self.publish(
            self.queue, key, octets, mt_id, {name.replace("_", "-"): v for name, v in said.items()}
        )

    async def publish(
        self, exchange: str, key: str, body: bytes, message_id: str, headers: dict[str, Any]
    ) -> None:
        channel = await self.pool.channel()
        message = aio_pika.Message(body, message_id=message_id, headers=headers, app_id="shop")
        await (await channel.get_exchange(exchange, ensure=False)).publish(message, key)
        await channel.close()

    async def claim(self, mt_id: str, info: str) -> None:
        """As a worker left it."""
        await self._redis.set(f"{self.pool.names.prefix}:mt:{mt_id}", f"D|{info}")

    async def depth(self, queue: str | None = None) -> int:
        channel = await self.pool.channel()
        found = await channel.declare_queue(queue or self.queue, passive=True)
        await channel.close()
        return found.declaration_result.message_count or 0

    async def ids(self) -> list[str]:
        """Of all in the queue, as the command tells them."""
        code, out, err = await self.run("list", "--json")
        assert code == 0, err
        return [json.loads(line)["id"] for line in out.splitlines()]


@pytest.fixture
async def dead(pool: Any, redis_url: str) -> AsyncIterator[Dead]:
    pool.data["redis"] = {"url": redis_url, "prefix": pool.names.prefix}
    await pool.declare()
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        yield Dead(pool, client)


# What cannot be


@pytest.mark.parametrize("arguments", [("list",), ("show", "x"), ALL, ("drop", "--all", "--yes")])
async def test_no_broker_is_one_clear_line(pool: Any, redis_url: str, arguments: tuple[str, ...]) -> None:
    pool.data["broker"]["url"] = f"amqp://guest:hidden-pw@127.0.0.1:{CLOSED_PORT}/"
    pool.data["redis"] = {"url": redis_url}
    code, out, err = await pool.run("dead", *arguments)
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: RabbitMQ at 127.0.0.1:{CLOSED_PORT} cannot be reached: ")
    assert len(err.splitlines()) == 1
    assert "hidden-pw" not in err


async def test_no_queue_says_what_to_do(pool: Any, redis_url: str) -> None:
    pool.data["redis"] = {"url": redis_url}
    code, out, err = await pool.run("dead", "list")
    assert (code, out) == (1, "")
    assert err == f"Error: queue {pool.names.dead} is missing: run `bridge topology apply`\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("replay", "--yes"), "say which: ids, options that choose, or --all"),
        (("drop", "--yes"), "say which: ids, options that choose, or --all"),
        (("drop", "--all", "--yes", "order-1"), "--all, or ids, or options that choose: one of them"),
        (("drop", "--all"), "there is no terminal to ask at: give --yes"),
        (("replay", "order-1"), "there is no terminal to ask at: give --yes"),
        (("replay", "--all", "--yes", "--to-route", "nobody"), "the configuration has no route 'nobody'"),
        (("replay", "--all", "--yes", "--force"), "--force needs --to-route"),
        (("list", "--since", "yesterday"), "'yesterday' is no age such as 90s"),
        (("list", "--reason", "bad"), "'bad' is not one of"),
    ],
)
def test_what_nobody_can_have_meant_is_wrong_usage(pool: Any, arguments: tuple[str, ...], said: str) -> None:
    pool.data["broker"]["url"] = f"amqp://127.0.0.1:{CLOSED_PORT}/"
    pool.path.write_text(json.dumps(pool.data))
    result = CliRunner().invoke(main, ["dead", *arguments, "-c", str(pool.path)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())


async def test_an_unknown_id_is_one_clear_line(dead: Dead) -> None:
    await dead.letter("order-1")
    for arguments in (("show", "order-2"), ("drop", "order-2", "--yes"), ("replay", "order-2", "--yes")):
        code, _, err = await dead.run(*arguments)
        assert (code, err) == (1, "there is no message order-2 that fits\n")
    assert await dead.depth() == 1


# Looking


async def test_a_list_is_a_line_each_and_a_count_by_reason(dead: Dead) -> None:
    await dead.letter("order-1", "rejected")
    await dead.letter("order-2", "doubt")
    await dead.letter("order-3", "doubt")
    await dead.claim("order-3", "A||s1|one|here|smsc1:2775")
    code, out, err = await dead.run("list")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[2] for line in lines[:2]] == ["order-1", "order-2"]
    assert "doubt, resolved" in lines[2]
    assert "to 4477*****123" in lines[0]
    assert lines[3] == "3 messages: rejected 1, doubt 1, doubt, resolved 1"
    assert "Secret" not in out


async def test_what_rabbitmq_put_there_is_told_from_its_headers(dead: Dead, rabbit: PrivateRabbit) -> None:
    mt = orjson.dumps({"id": "lost-1", "to": NUMBER, "text": "x"})
    await dead.publish(dead.pool.names.mt, "mt.nobody", mt, "m1", {})
    queue = dead.pool.names.route_queue("told", "bulk")
    await limit_deliveries(rabbit, queue)
    await dead.publish(dead.pool.names.mt, "mt.told", mt.replace(b"lost-1", b"lost-2"), "m2", {})
    taker = await (await dead.pool.channel()).get_queue(queue, ensure=False)
    async with asyncio.timeout(LIMIT_S):
        while await dead.depth() < 2:
            if (got := await taker.get(fail=False)) is not None:
                await got.nack(requeue=True)
    await dead.publish(dead.queue, "what", b"{}", "m3", {})
    code, out, _ = await dead.run("list", "--json")
    assert code == 0
    found = {(one["id"], one["reason"], one["route"]) for one in map(json.loads, out.splitlines())}
    assert found == {
        ("lost-1", "unknown-route", "nobody"),
        ("lost-2", "delivery-limit", "told"),
        ("m3", "other", None),
    }


async def limit_deliveries(rabbit: PrivateRabbit, queue: str) -> None:
    await rabbit.ctl("set_policy", queue, f"^{queue}$", '{"delivery-limit": 1}', "--apply-to", "queues")


async def test_a_list_can_be_narrowed(dead: Dead) -> None:
    await dead.letter("order-1", "rejected")
    await dead.letter("order-2", "failed", key="mt.told")
    await dead.letter("order-3", "failed", bridge_at="2027-02-01T00:00:00.000Z")
    for options, ids in (
        (("--reason", "failed"), ["order-2", "order-3"]),
        (("--route", "told"), ["order-2"]),
        (("--id", "order-1", "--id", "order-3"), ["order-1", "order-3"]),
        (("--since", "2027-01-20T00:00:00Z"), ["order-3"]),
        (("--until", "2027-01-20T00:00:00Z", "--reason", "failed"), ["order-2"]),
        (("--limit", "2"), ["order-1", "order-2"]),
    ):
        code, out, err = await dead.run("list", "--json", *options)
        assert code == 0
        assert [json.loads(line)["id"] for line in out.splitlines()] == ids
    assert err == "3 messages: failed 2, rejected 1\n", "the sum goes beyond --limit, and not to stdout"


async def test_looking_keeps_the_order_and_loses_nothing(dead: Dead) -> None:
    for number in range(5):
        await dead.letter(f"order-{number}")
    for _ in range(3):
        assert await dead.ids() == [f"order-{number}" for number in range(5)]
    assert await dead.depth() == 5


async def test_without_redis_a_list_says_what_it_does_not_know(dead: Dead) -> None:
    await dead.letter("order-1", "doubt")
    dead.pool.data["redis"]["url"] = f"redis://127.0.0.1:{CLOSED_PORT}/0"
    code, out, err = await dead.run("list", "--json")
    assert code == 0
    assert json.loads(out)["resolved"] is None
    assert "so it is not known which were resolved meanwhile" in err.splitlines()[0]


async def test_one_message_is_shown_whole_but_for_text_and_numbers(dead: Dead) -> None:
    await dead.letter("order-1", bridge_generation=2)
    code, out, _ = await dead.run("show", "order-1")
    assert code == 0
    assert "header       bridge-generation: 2" in out
    assert "property     app_id: shop" in out
    assert "Secret" not in out
    assert NUMBER not in out
    handle = next(line.split()[1] for line in out.splitlines() if "handle" in line)
    code, out, err = await dead.run("show", handle, "--text", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["body"] == {"id": "order-1", "to": NUMBER, "text": "Secret"}


# Replaying


async def test_a_replay_is_the_original_as_a_new_generation(dead: Dead) -> None:
    await dead.letter("order-1", key="mt.told.interactive", bridge_attempt=8, bridge_generation=1)
    code, out, err = await dead.run("replay", "order-1", "--yes")
    assert (code, out, err) == (0, "replayed 1 message: rejected 1\n", "")
    taken = await dead.pool.taken("mt.told.interactive")
    assert taken.body == orjson.dumps({"id": "order-1", "to": NUMBER, "text": "Secret"})
    assert taken.headers == {"bridge-generation": 2}
    assert (taken.message_id, taken.app_id) == ("order-1", "shop")
    assert await dead.depth() == 0


async def test_what_cannot_be_replayed_is_left_and_said(dead: Dead) -> None:
    await dead.letter("order-1", "rejected")
    await dead.letter("order-2", "doubt")
    await dead.claim("order-2", "H||s1|one|here|l")
    await dead.letter("order-3", "invalid", body=b"{}")
    await dead.letter("order-4", "failed", key="mt.nobody")
    code, out, _ = await dead.run(*ALL)
    assert code == 1
    lines = out.splitlines()
    assert lines[:3] == [
        "order-2  left: resolved",
        "order-3  left: invalid",
        "order-4  left: unknown route",
    ]
    assert lines[3] == "replayed 1 message: rejected 1"
    assert await dead.ids() == ["order-2", "order-3", "order-4"]
    code, out, _ = await dead.run("replay", "order-2", "--yes")
    assert code == 0, "what a provider has after all is no failure"
    code, out, _ = await dead.run("replay", "order-3", "order-4", "--to-route", "told", "--force", "--yes")
    assert code == 0
    assert {(await dead.pool.taken("mt.told")).message_id for _ in range(2)} == {"order-3", "order-4"}
    assert await dead.ids() == ["order-2"]


async def test_without_redis_nothing_is_replayed(dead: Dead) -> None:
    await dead.letter("order-1")
    dead.pool.data["redis"]["url"] = f"redis://127.0.0.1:{CLOSED_PORT}/0"
    code, out, err = await dead.run(*ALL)
    assert (code, out) == (1, "")
    assert "without it nobody knows which were resolved: nothing was replayed" in err.splitlines()[-1]
    assert await dead.depth() == 1


async def test_a_route_without_its_queue_gets_nothing(dead: Dead) -> None:
    await dead.letter("order-1", key="mt.told")
    channel = await dead.pool.channel()
    await channel.queue_delete(dead.pool.names.route_queue("told", "bulk"))
    code, out, err = await dead.run(*ALL)
    assert (code, out) == (1, "")
    assert err == f"Error: queue {dead.pool.names.mt}.told is missing: run `bridge topology apply`\n"
    assert await dead.depth() == 1


async def test_a_dry_run_tells_and_does_nothing(dead: Dead) -> None:
    await dead.letter("order-1")
    code, out, _ = await dead.run("replay", "--all", "--dry-run")
    assert code == 0
    assert out.splitlines() == [
        "order-1  to mt.default as generation 1",
        "would replay 1 message: rejected 1",
    ]
    assert await dead.depth() == 1
    assert await dead.depth(dead.pool.names.route_queue("default", "bulk")) == 0


async def test_many_are_replayed_once_each_oldest_first(dead: Dead) -> None:
    number = 1200
    channel = await dead.pool.channel()
    exchange = await channel.get_exchange(dead.queue, ensure=False)
    for first in range(0, number, 200):
        bodies = [
            orjson.dumps({"id": f"m-{i}", "to": NUMBER, "text": "x"}) for i in range(first, first + 200)
        ]
        headers: dict[str, Any] = {"bridge-reason": "failed", "bridge-at": AT}
        await asyncio.gather(
            *(exchange.publish(aio_pika.Message(body, headers=headers), "mt.default") for body in bodies)
        )
    code, out, err = await dead.run("replay", "--reason", "failed", "--limit", "1000", "--yes", "--json")
    assert code == 0, err
    assert sorted(json.loads(line)["id"] for line in out.splitlines()) == sorted(
        f"m-{i}" for i in range(1000)
    )
    assert await dead.depth() == 200
    assert await dead.depth(dead.pool.names.route_queue("default", "bulk")) == 1000


async def test_killed_between_confirm_and_ack_the_copy_stays_and_the_next_is_the_same(dead: Dead) -> None:
    await dead.letter("order-1")
    dead.pool.save()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED_BEFORE_THE_ACK, "dead", *ALL, "-c", str(dead.pool.path)
    )
    assert await process.wait() == 9
    first = await dead.pool.taken("mt.default")
    await ready(dead)
    assert (await dead.run(*ALL))[0] == 0
    second = await dead.pool.taken("mt.default")
    assert (first.body, first.headers, first.message_id) == (second.body, second.headers, second.message_id)
    assert second.headers == {"bridge-generation": 1}
    assert await dead.depth() == 0


async def ready(dead: Dead, number: int = 1) -> None:
    """Wait until RabbitMQ has taken back what a dead process held."""
    async with asyncio.timeout(LIMIT_S):
        while await dead.depth() < number:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_copy_that_is_not_confirmed_leaves_the_original(dead: Dead, rabbit: PrivateRabbit) -> None:
    await dead.letter("order-1")
    async with FaultProxy("127.0.0.1", rabbit.port) as door:
        dead.pool.data["broker"]["url"] = f"amqp://guest:guest@127.0.0.1:{door.port}/"
        process, terminal = await at_a_terminal(dead.pool, "replay", "--all")
        await says(process, b"[y/N]")
        await door.cut()
        os.write(terminal, b"y\n")
        _, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
        os.close(terminal)
    assert process.returncode == 1
    assert b"RabbitMQ was lost: " in err
    assert b"what is not done is in the queue, and may be done again" in err
    await ready(dead)
    assert await dead.depth(dead.pool.names.route_queue("default", "bulk")) == 0


async def test_a_full_queue_refuses_and_the_original_stays(dead: Dead, rabbit: PrivateRabbit) -> None:
    queue = dead.pool.names.route_queue("default", "bulk")
    await rabbit.ctl("set_policy", queue, f"^{queue}$", '{"max-length": 1}', "--apply-to", "queues")
    await fill_up(dead)
    await dead.letter("order-1")
    code, out, _ = await dead.run(*ALL)
    assert code == 1
    assert "order-1  left: refused" in out
    assert await dead.ids() == ["order-1"]


async def fill_up(dead: Dead) -> None:
    """Publish to the route until its queue takes no more."""
    for number in range(20):
        try:
            await dead.publish(dead.pool.names.mt, "mt.default", b"{}", f"y{number}", {})
        except aiormq.exceptions.DeliveryError:
            return
    raise AssertionError("the queue takes more than its length")


# Dropping, and a person at a terminal


async def test_a_drop_takes_away_what_fits_and_says_how_many(dead: Dead) -> None:
    await dead.letter("order-1", "rejected")
    await dead.letter("order-2", "invalid", body=b"no")
    code, out, _ = await dead.run("drop", "--reason", "invalid", "--yes")
    assert (code, out) == (0, "dropped 1 message: invalid 1\n")
    assert await dead.ids() == ["order-1"]
    code, out, _ = await dead.run("drop", "--all", "--yes", "--json")
    assert json.loads(out)["result"] == "dropped"
    assert await dead.depth() == 0


async def at_a_terminal(pool: Any, *arguments: str) -> tuple[asyncio.subprocess.Process, int]:
    """The command with a person before it, who types into the descriptor."""
    pool.save()
    ours, theirs = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "dead", *arguments, "-c", str(pool.path)),
        stdin=theirs,
        stdout=PIPE,
        stderr=PIPE,
    )
    os.close(theirs)
    return process, ours


async def says(process: asyncio.subprocess.Process, words: bytes) -> bytes:
    assert process.stderr is not None
    async with asyncio.timeout(LIMIT_S):
        return await process.stderr.readuntil(words)


@pytest.mark.parametrize(
    ("typed", "code", "left"), [(b"y\n", 0, 0), (b"n\n", 1, 2), (b"\n", 1, 2), (b"\x04", 1, 2)]
)
async def test_a_person_is_asked_first(dead: Dead, typed: bytes, code: int, left: int) -> None:
    await dead.letter("order-1")
    await dead.letter("order-2")
    process, terminal = await at_a_terminal(dead.pool, "drop", "--all")
    assert b"drop for good 2 of 2 messages: rejected 2? [y/N]" in await says(process, b"[y/N]")
    os.write(terminal, typed)
    await asyncio.wait_for(process.communicate(), LIMIT_S)
    os.close(terminal)
    assert process.returncode == code
    await ready(dead, left)
    assert await dead.depth() == left


async def test_ctrl_c_before_the_answer_loses_nothing(dead: Dead) -> None:
    await dead.letter("order-1")
    process, terminal = await at_a_terminal(dead.pool, "replay", "--all")
    await says(process, b"[y/N]")
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
    os.close(terminal)
    assert process.returncode == 1
    assert err.decode().strip() == "stopped; what is not done is in the queue"
    assert await dead.ids() == ["order-1"]


async def test_what_is_resolved_while_a_person_thinks_is_not_replayed(dead: Dead) -> None:
    await dead.letter("order-1", "doubt")
    process, terminal = await at_a_terminal(dead.pool, "replay", "--all")
    await says(process, b"[y/N]")
    await dead.claim("order-1", "A||s1|one|here|smsc1:2775")
    os.write(terminal, b"yes\n")
    out, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
    os.close(terminal)
    assert process.returncode == 0
    assert out.splitlines()[0] == b"order-1  left: resolved"
    assert await dead.ids() == ["order-1"]


async def test_two_at_once_do_no_harm_and_what_comes_meanwhile_stays(dead: Dead) -> None:
    await dead.letter("order-1")
    process, terminal = await at_a_terminal(dead.pool, "replay", "--all")
    await says(process, b"[y/N]")
    await dead.letter("order-2")
    code, out, err = await dead.run("list")
    assert code == 0
    assert "order-2" in out
    assert "order-1" not in out
    assert err.startswith(f"somebody else reads {dead.queue}, too")
    os.write(terminal, b"y\n")
    await asyncio.wait_for(process.communicate(), LIMIT_S)
    os.close(terminal)
    assert process.returncode == 0
    assert (await dead.pool.taken("mt.default")).message_id == "order-1"
    assert await dead.ids() == ["order-2"]
