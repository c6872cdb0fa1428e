"""`bridge tail` as a process against a real RabbitMQ, with the test in the place of the workers."""

import json
import signal
from typing import Any

import pytest

from bridge.model.events import (
    Event,
    MtLink,
    MtReport,
    Origin,
    SiteReport,
    dr_event,
    mo_event,
    mt_event,
    site_event,
)
from bridge.model.inbound import Dr, Mo
from bridge.model.mt import Mt

pytestmark = pytest.mark.servers
CLOSED_PORT = 1
NOON = 1_800_000_000.0
ORIGIN = Origin("one", "here", "smpp", "smsc1:2775")
NUMBER = "447700900123"


def mo(text: str = "Yes please", origin: Origin = ORIGIN) -> Event:
    message = Mo(
        id=None,
        from_=NUMBER,
        to="12345",
        text=text,
        data=None,
        encoding="gsm",
        identity=b"",
        raw={"esm_class": 0},
    )
    return mo_event(message, origin, "mo-1", NOON)


def dr(mt_id: str | None = "order-1", state: Any = "delivered") -> Event:
    receipt = Dr(
        ids=("77aa",),
        state=state,
        final=True,
        error="000",
        network_error=None,
        submitted_at=None,
        done_at=None,
        to="12345",
        from_=NUMBER,
        text="id:77aa text:Secret",
        identity=b"",
    )
    link = MtLink(mt_id=mt_id, smsc_id="77aa") if mt_id else None
    return dr_event(receipt, link, ORIGIN, f"dr-{mt_id}", NOON, stale=False, joined=True)


def mt(outcome: Any = "failed", **report: Any) -> Event:
    message = Mt(id="order-1", to=NUMBER, text="Hello", metadata={"campaign": 7})
    details = MtReport(outcome=outcome, origin=ORIGIN, **report)
    return mt_event("order-1", message, "default", details, "mt-1", NOON)


def site() -> Event:
    report = SiteReport(
        provider="one",
        site="here",
        state="down",
        reason="all links lost",
        links_up=0,
        links_total=2,
        worker="w1",
    )
    return site_event(report, "site-1", NOON)


async def started(pool: Any, *options: str) -> Any:
    tail = await pool.start("tail", *options)
    assert (await tail.remark()).startswith(f"following {pool.names.tap} of RabbitMQ at 127.0.0.1:")
    return tail


async def test_wrong_configuration_is_exit_2(pool: Any) -> None:
    pool.data["routes"]["default"]["providers"] = ["two"]
    code, out, err = await pool.run("tail")
    assert (code, out) == (2, "")
    assert "names no provider" in err


async def test_waits_for_rabbitmq_saying_so_and_ends_cleanly(pool: Any) -> None:
    pool.data["broker"]["url"] = f"amqp://guest:hidden-pw@127.0.0.1:{CLOSED_PORT}/"
    tail = await pool.start("tail")
    remark = await tail.remark()
    assert remark.startswith(f"waiting: RabbitMQ at 127.0.0.1:{CLOSED_PORT} cannot be reached: ")
    tail.signal(signal.SIGINT)
    assert await tail.ended() == (0, "", "")


async def test_waits_for_the_topology_and_comes_by_itself(pool: Any) -> None:
    tail = await pool.start("tail", "--count", "1")
    assert await tail.remark() == (
        f"waiting: exchange {pool.names.tap} is missing: run `bridge topology apply`, or start a worker"
    )
    await pool.declare()
    assert (await tail.remark()).startswith("following ")
    await pool.tell(site())
    code, out, err = await tail.ended()
    assert (code, err) == (0, "")
    assert "down" in out


async def test_comes_back_after_rabbitmq_was_away(pool: Any, rabbit: Any) -> None:
    await pool.declare()
    tail = await started(pool)
    await rabbit.ctl("close_all_connections", "maintenance")
    assert (await tail.remark()).startswith("RabbitMQ was lost: ")
    assert (await tail.remark()).startswith("following ")
    pool.forget_connection()
    await pool.tell(site())
    assert " site down " in await tail.line()
    tail.signal(signal.SIGTERM)
    assert await tail.ended() == (0, "", "")


async def test_what_nobody_can_read_stops_nothing(pool: Any) -> None:
    await pool.declare()
    tail = await started(pool, "--count", "4")
    for body in (b"\xff{", b"[1]", b'{"no": "type"}'):
        await pool.publish("mo.one.\x1b[2J", body)
        assert await tail.line() == f"{'':<12} unreadable event mo.one.\\x1b[2J"
    await pool.publish("x.y", b'{"type": "\\u001b[31m", "at": 7, "from": [], "links": {}}')
    code, out, _ = await tail.ended()
    assert code == 0
    assert out.strip() == "\\x1b[31m               x.y".strip()


async def test_lines_mask_numbers_and_hide_texts(pool: Any) -> None:
    await pool.declare()
    tail = await started(pool, "--count", "4")
    for event in (mo(), dr(), mt(status=0x58), site()):
        await pool.tell(event)
    code, out, _ = await tail.ended()
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines == [
        "08:00:00.000 mo 4477*****123 -> 1***5 10 characters one/here smsc1:2775",
        "08:00:00.000 dr delivered order-1 smsc_id 77aa one/here smsc1:2775 4477*****123 -> 1***5 error 000",
        "08:00:00.000 mt failed order-1 route default one/here smsc1:2775 status ESME_RTHROTTLED (0x58)",
        "08:00:00.000 site down one/here 0 of 2 links up reason all links lost worker w1",
    ]


async def test_full_and_raw_show_them_but_steer_no_terminal(pool: Any) -> None:
    await pool.declare()
    tail = await started(pool, "--full", "--raw", "--count", "2")
    await pool.tell(mo("\x1b[2J\u202eYes"))
    await pool.tell(mt(reason="no answer"))
    code, out, _ = await tail.ended()
    assert code == 0
    message, raw, outcome = out.splitlines()
    assert f'{NUMBER} -> 12345  "\\x1b[2J\\u202eYes"' in message
    assert raw.strip() == '{"esm_class":0}'
    assert outcome.endswith('reason no answer  metadata {"campaign":7}')


async def test_filters(pool: Any) -> None:
    await pool.declare()
    tail = await started(
        pool, "--type", "mt", "--type", "dr", "--id", "order-1", "--provider", "one", "--count", "2"
    )
    for event in (mo(), site(), dr("order-2"), dr(None), mt(), dr()):
        await pool.tell(event)
    code, out, _ = await tail.ended()
    assert code == 0
    assert [line.split()[1:3] for line in out.splitlines()] == [["mt", "failed"], ["dr", "delivered"]]


async def test_json_is_the_bodies_one_per_line(pool: Any) -> None:
    await pool.declare()
    tail = await started(pool, "--json", "--count", "3")
    await pool.tell(mo("two\nlines"))
    await pool.publish("x", b"{")
    await pool.tell(dr())
    code, out, err = await tail.ended()
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == [mo("two\nlines").body, dr().body]
    assert err.strip() == "unreadable event x"


async def test_takes_nothing_from_anybody_and_leaves_no_queue(pool: Any, rabbit: Any) -> None:
    await pool.declare()
    tail = await started(pool, "--count", "1")
    await pool.tell(dr())
    assert (await tail.ended())[0] == 0
    channel = await pool.channel()
    unrouted = await channel.get_queue(pool.names.unrouted)
    assert unrouted.declaration_result.message_count == 1
    assert "amq.gen" not in await rabbit.ctl("list_queues", "name")
