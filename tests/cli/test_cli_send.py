"""`bridge send` against a real RabbitMQ, as a process where something happens meanwhile; the test plays the workers."""

import json
import signal
import time
from datetime import datetime
from typing import Any

import pytest

from bridge.model.events import Event, MtLink, MtReport, Origin, dr_event, mt_event
from bridge.model.inbound import Dr
from bridge.model.mt import Mt
from bridge.outbound.body import read_mt

pytestmark = pytest.mark.servers
CLOSED_PORT = 1
NOON = 1_800_000_000.0
ORIGIN = Origin("one", "here", "smpp", "smsc1:2775")
HELLO = ("send", "--to", "+447700900123", "--text", "Hello")


def dr(
    mt_id: str, state: Any = "delivered", *, final: bool = True, event_id: str = "dr-1", **body: Any
) -> Event:
    receipt = Dr(
        ids=("77aa",),
        state=state,
        final=final,
        error="042",
        network_error=None,
        submitted_at=None,
        done_at=None,
        to="12345",
        from_="447700900123",
        text=None,
        identity=b"",
    )
    link = MtLink(mt_id=mt_id, smsc_id="77aa")
    event = dr_event(receipt, link, ORIGIN, event_id, NOON, stale=False, joined=final)
    event.body.update(body)
    return event


def outcome(mt_id: str, word: Any, **report: Any) -> Event:
    details = MtReport(outcome=word, origin=ORIGIN, **report)
    return mt_event(mt_id, Mt(id=mt_id, to="447700900123"), "default", details, f"mt-{word}", NOON)


def words(out: str) -> list[str]:
    """The word of each line, after the time and the kind of event."""
    return [line[17:30].strip() for line in out.splitlines()]


# What cannot be


async def test_no_broker_is_one_clear_line(pool: Any) -> None:
    pool.data["broker"]["url"] = f"amqp://guest:hidden-pw@127.0.0.1:{CLOSED_PORT}/"
    code, out, err = await pool.run(*HELLO)
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: RabbitMQ at 127.0.0.1:{CLOSED_PORT} cannot be reached: ")
    assert len(err.splitlines()) == 1
    assert "hidden-pw" not in err


async def test_wrong_configuration_is_exit_2(pool: Any) -> None:
    del pool.data["providers"]
    code, out, err = await pool.run(*HELLO)
    assert (code, out) == (2, "")
    assert "providers" in err


async def test_a_missing_topology_says_what_to_do(pool: Any) -> None:
    code, out, err = await pool.run(*HELLO, "--count", "3")
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: exchange {pool.names.mt} is missing: run `bridge topology apply`; ")
    assert err.count("is missing") == 3
    assert len(err.splitlines()) == 1


async def test_a_missing_tap_says_what_to_do(pool: Any) -> None:
    await pool.declare()
    channel = await pool.channel()
    await channel.exchange_delete(pool.names.tap)
    code, out, err = await pool.run(*HELLO)
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: exchange {pool.names.tap} is missing: run `bridge topology apply`")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--route", "other"), "the configuration has no route 'other'; it has default, told"),
        (("--route", "told"), "nobody to be from: route 'told' has no from; give --from"),
        (("--to", "Bob"), "this is no MT: to must be a number of 3 to 15 digits"),
        (("--from", "much too long"), "this is no MT: from must be a number, a short code"),
        (("--id", "é"), "this is no MT: id must be"),
        (("--id", "x" * 127, "--count", "10"), "this is no MT: id must be 1 to 128"),
        (("--metadata", "{"), "not JSON"),
        (("--metadata", "[]"), "this is no MT: metadata must be an object"),
        (("--expires-in", "0"), "--expires-in"),
        (("--count", "0"), "--count"),
    ],
)
async def test_what_no_worker_would_take_is_wrong_usage(
    pool: Any, options: tuple[str, ...], said: str
) -> None:
    code, out, err = await pool.run(*HELLO, *options)
    assert (code, out) == (2, "")
    assert said in err


async def test_nobody_takes_it_in_time(pool: Any) -> None:
    await pool.declare()
    code, out, err = await pool.run(*HELLO, "--timeout", "0.2")
    assert code == 1
    assert words(out) == ["published", "stored"]
    assert err == (
        "no end known: waited 0.2 s; last: stored; does a worker run (bridge run), with a link up (bridge check)?\n"
    )


@pytest.mark.parametrize(
    "event",
    [
        outcome("it", "rejected", status=0x0B, reason="every provider refused it"),
        outcome("it", "failed", reason="no attempt is left"),
        outcome("it", "parked", reason="the answer was lost"),
        outcome("it", "expired"),
        dr("it", "undeliverable"),
        dr("it", "expired"),
    ],
    ids=lambda event: event.routing_key,
)
async def test_a_bad_end_is_exit_1(pool: Any, event: Event) -> None:
    await pool.declare()
    send = await pool.start(*HELLO, "--id", "it")
    await pool.taken()
    await pool.tell(event)
    code, out, err = await send.ended()
    assert (code, err) == (1, "")
    assert words(out) == ["published", "stored", event.routing_key.split(".")[-1]]


async def test_a_queue_that_is_full_refuses(pool: Any, rabbit: Any) -> None:
    await pool.declare()
    queue = pool.names.route_queue("default", "bulk")
    await rabbit.ctl("set_policy", "full", f"^{queue}$", '{"max-length": 1}', "--apply-to", "queues")
    results = [await pool.run(*HELLO, "--timeout", "0") for _ in range(4)]
    await rabbit.ctl("clear_policy", "full")
    code, out, err = results[-1]
    assert (code, err) == (1, "")
    assert words(out) == ["published", "not stored"]


async def test_rabbitmq_is_lost_on_the_way(pool: Any, rabbit: Any) -> None:
    await pool.declare()
    send = await pool.start(*HELLO)
    await pool.taken()
    pool.forget_connection()
    assert "published" in await send.line()
    assert "stored" in await send.line()
    await rabbit.ctl("close_all_connections", "maintenance")
    code, _, err = await send.ended()
    assert code == 1
    assert err.startswith("no end known: RabbitMQ was lost: ")
    assert "; last: stored" in err


async def test_ctrl_c_says_what_is_known(pool: Any) -> None:
    await pool.declare()
    send = await pool.start(*HELLO, "--id", "it")
    await pool.taken()
    await pool.tell(outcome("it", "resent", possible_duplicate=True))
    lines = [await send.line() for _ in range(3)]
    assert words("\n".join(lines)) == ["published", "stored", "resent"]
    send.signal(signal.SIGINT)
    code, _, err = await send.ended()
    assert (code, err) == (1, "no end known: stopped; last: resent\n")


# What can


async def test_the_mt_is_what_was_asked_for(pool: Any) -> None:
    await pool.declare()
    options = [
        "--from",
        "Example",
        "--id",
        "order-1",
        "--receipt",
        "all",
        "--expires-in",
        "60",
        "--on-doubt",
        "park",
    ]
    options += ["--encoding", "ucs2", "--metadata", '{"campaign": 7}', "--interactive"]
    before = time.time()
    send = await pool.start(*HELLO, *options)
    message = await pool.taken("mt.default.interactive")
    body = json.loads(message.body)
    expiry = datetime.fromisoformat(body.pop("expires_at")).timestamp()
    assert before + 60 - 0.01 <= expiry <= time.time() + 60
    assert body == {
        "id": "order-1",
        "to": "+447700900123",
        "from": "Example",
        "text": "Hello",
        "receipt": "all",
        "on_doubt": "park",
        "encoding": "ucs2",
        "metadata": {"campaign": 7},
    }
    assert (message.message_id, message.content_type) == ("order-1", "application/json")
    assert message.delivery_mode == 2
    assert isinstance(read_mt(message.body, None, 1_000_000), Mt)
    await pool.tell(dr("order-1"))
    assert (await send.ended())[0] == 0


async def test_its_life_to_the_receipt(pool: Any) -> None:
    await pool.declare()
    send = await pool.start(*HELLO)
    message = await pool.taken()
    mt_id = message.message_id
    assert mt_id.startswith("send-")
    await pool.tell(dr("another", event_id="dr-0"))
    await pool.tell(outcome(mt_id, "accepted", smsc_ids=["77aa"]))
    await pool.tell(outcome(mt_id, "resent", reason="the bind was lost", possible_duplicate=True))
    await pool.tell(outcome(mt_id, "resent", reason="the bind was lost", possible_duplicate=True))
    await pool.tell(dr(mt_id, "enroute", final=False, event_id="dr-1"))
    await pool.tell(dr(mt_id, event_id="dr-2", stale=True))
    await pool.tell(dr(mt_id, event_id="dr-3", joined=False, segment={"n": 1, "of": 2}))
    await pool.tell(dr(mt_id, event_id="dr-4", segment={"n": 2, "of": 2}))
    code, out, err = await send.ended()
    assert (code, err) == (0, "")
    assert words(out) == [
        *("published", "stored", "accepted", "resent", "enroute"),
        *("delivered", "delivered", "delivered"),
    ]
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == f"0.000 s published {mt_id} to mt.default"
    assert lines[3].endswith(
        "resent " + f"{mt_id} route default one/here smsc1:2775 reason the bind was lost possible duplicate"
    )
    assert lines[6].endswith("segment 1 of 2")
    assert all(line.split()[1] == "s" for line in lines)


async def test_without_receipts_accepted_is_the_end_where_it_is_told(pool: Any) -> None:
    await pool.declare()
    send = await pool.start(*HELLO, "--receipt", "none", "--route", "told", "--from", "1", "--id", "it")
    await pool.taken("mt.told")
    await pool.tell(outcome("it", "accepted"))
    code, out, _ = await send.ended()
    assert code == 0
    assert words(out) == ["published", "stored", "accepted"]


async def test_without_receipts_and_accepted_events_nothing_is_waited_for(pool: Any) -> None:
    await pool.declare()
    code, out, err = await pool.run(*HELLO, "--receipt", "none")
    assert (code, err) == (0, "")
    assert words(out) == ["published", "stored"]


async def test_json_is_a_line_for_each_step_and_a_summary(pool: Any) -> None:
    await pool.declare()
    send = await pool.start(*HELLO, "--json", "--id", "it")
    await pool.taken()
    await pool.tell(dr("it"))
    code, out, err = await send.ended()
    assert (code, err) == (0, "")
    published, stored, event, summary = (json.loads(line) for line in out.splitlines())
    assert published == {"id": "it", "after_s": 0.0, "step": "published"}
    assert stored["step"] == "stored"
    assert event["event"] == dr("it").body
    assert event["after_s"] >= stored["after_s"] >= 0
    assert summary["summary"].pop("seconds").keys() == {"half", "most", "all"}
    assert summary == {
        "summary": {
            "well": True,
            "published": 1,
            "stored": 1,
            "ended": {"delivered": 1},
            "open": {},
            "resent": 0,
            "trouble": None,
        }
    }


async def test_many_end_with_a_summary(pool: Any) -> None:
    await pool.declare()
    send = await pool.start(*HELLO, "--id", "load", "--count", "20")
    taken = [(await pool.taken()).message_id for _ in range(20)]
    assert taken == [f"load-{number}" for number in range(1, 21)]
    for number, mt_id in enumerate(taken[2:]):
        await pool.tell(dr(mt_id, event_id=f"dr-{number}"))
    await pool.tell(outcome("load-1", "resent"))
    await pool.tell(outcome("load-1", "failed"))
    await pool.tell(outcome("load-2", "rejected"))
    code, out, err = await send.ended()
    assert (code, err) == (1, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "20 published, 20 of them stored by RabbitMQ"
    assert lines[1].startswith("delivered 18 half within ")
    assert lines[2:] == [
        "failed 1 load-1",
        "rejected 1 load-2",
        "1 were sent again in doubt: they may arrive twice",
    ]


async def test_more_than_a_batch_of_which_nothing_is_heard(pool: Any) -> None:
    await pool.declare()
    code, out, err = await pool.run(*HELLO, "--id", "load", "--count", "1100", "--timeout", "0")
    assert code == 1
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines == [
        "1100 published, 1100 of them stored by RabbitMQ",
        "stored 1100 last heard of load-1, load-2, load-3, load-4, load-5, ...",
    ]
    assert err == "no end known of 1100: waited 0 s\n"
