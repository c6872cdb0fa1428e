"""`bridge topology` against a real RabbitMQ, as a process where it ends well: bad cases first."""

import json
from typing import Any

import pytest

from bridge.proof.servers import PrivateRabbit

pytestmark = pytest.mark.servers
CLOSED_PORT = 1


async def test_no_broker_is_one_clear_line(pool: Any) -> None:
    pool.data["broker"]["url"] = f"amqp://guest:hidden-pw@127.0.0.1:{CLOSED_PORT}/"
    code, out, err = await pool.run("topology", "apply")
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: RabbitMQ at 127.0.0.1:{CLOSED_PORT} cannot be reached: ")
    assert len(err.splitlines()) == 1
    assert "hidden-pw" not in err


async def test_a_wrong_password_is_one_clear_line(pool: Any) -> None:
    pool.data["broker"]["url"] = pool.url.replace("guest:guest", "guest:wrong-pw")
    code, out, err = await pool.run("topology", "apply")
    assert (code, out) == (1, "")
    assert err.endswith("refuses the user 'guest' or its password\n")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [("show",), ("apply",)])
async def test_wrong_configuration_is_exit_2(pool: Any, arguments: tuple[str, ...]) -> None:
    pool.data["broker"]["prefex"] = "x"
    code, out, err = await pool.run("topology", *arguments)
    assert (code, out) == (2, "")
    assert "did you mean prefix?" in err


async def test_a_queue_that_differs_is_named_and_the_rest_declared(pool: Any) -> None:
    queue = pool.names.route_queue("default", "bulk")
    channel = await pool.channel()
    await channel.declare_queue(queue, durable=True, arguments={"x-queue-type": "quorum"})
    code, out, err = await pool.run("topology", "apply")
    assert code == 1
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith(f"RabbitMQ: queue {queue} exists with other arguments: empty it, delete it")
    await channel.queue_delete(queue)
    code, out, _ = await pool.run("topology", "apply")
    assert code == 0
    assert out.splitlines()[0] == f"declared queue {queue}"
    assert "(1 of them new)" in out


async def test_what_a_user_may_not_declare_is_said(pool: Any, rabbit: PrivateRabbit) -> None:
    await rabbit.ctl("add_user", "poor", "poor-pw")
    await rabbit.ctl("set_permissions", "poor", "^$", ".*", ".*")
    pool.data["broker"]["url"] = pool.url.replace("guest:guest", "poor:poor-pw")
    code, out, err = await pool.run("topology", "apply")
    await rabbit.ctl("delete_user", "poor")
    assert (code, out) == (1, "")
    assert f"RabbitMQ: queue {pool.names.dead}: this user may not declare it; " in err


async def test_apply_says_what_is_new_and_may_be_repeated(pool: Any) -> None:
    code, out, err = await (await pool.start("topology", "apply")).ended()
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert f"declared exchange {pool.names.mt}" in lines
    assert f"declared queue {pool.names.route_queue('told', 'interactive')}" in lines
    assert lines[-1].startswith("RabbitMQ at 127.0.0.1:")
    code, out, err = await pool.run("topology", "apply")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 1
    assert "(0 of them new)" in out


async def test_show_needs_no_broker_and_names_everything(pool: Any) -> None:
    pool.data["broker"]["url"] = f"amqp://guest:hidden-pw@127.0.0.1:{CLOSED_PORT}/"
    code, out, err = await pool.run("topology", "show")
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    names = pool.names
    assert f"{names.mt} topic alternate-exchange={names.dead}" in lines
    assert any(line.startswith(f"{names.wait(30)} ") and "x-message-ttl=30000" in line for line in lines)
    assert f"{names.events} exchange {names.tap} (all)" in lines
    assert f"{names.mt} queue {names.mt}.default.interactive mt.default.interactive" in lines
    assert "hidden-pw" not in out


async def test_the_json_is_what_rabbitmq_imports(pool: Any, rabbit: PrivateRabbit) -> None:
    code, out, err = await pool.run("topology", "show", "--json")
    assert (code, err) == (0, "")
    assert set(json.loads(out)) == {"exchanges", "queues", "bindings"}
    file = rabbit.directory / f"{pool.names.prefix}.json"
    file.write_text(out)
    await rabbit.ctl("import_definitions", str(file))
    code, out, err = await pool.run("topology", "apply")
    assert (code, err) == (0, "")
    assert "(0 of them new)" in out
