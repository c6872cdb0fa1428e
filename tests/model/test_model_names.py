"""Names of RabbitMQ objects and headers, as the contract's section 2 has them."""

import pytest

from bridge.model import names
from bridge.model.names import WAIT_RUNGS_S, Lane, Names


@pytest.mark.parametrize("prefix", ["bridge", "lab.7"])
def test_every_name_begins_with_the_prefix(prefix: str) -> None:
    made = Names(prefix)
    named = {
        "mt": made.mt,
        "retry": made.retry,
        "events": made.events,
        "inbound": made.inbound,
        "tap": made.tap,
        "unrouted": made.unrouted,
        "dead": made.dead,
        "early": made.early,
        "wait.30": made.wait(30),
        "mt.r": made.route_queue("r", "bulk"),
        "mt.r.interactive": made.route_queue("r", "interactive"),
    }
    assert named == {end: f"{prefix}.{end}" for end in named}


def test_the_usual_prefix() -> None:
    assert Names() == Names("bridge")


def test_the_rungs_of_the_wait_ladder() -> None:
    assert WAIT_RUNGS_S == (1, 5, 30, 120, 600)


@pytest.mark.parametrize(("lane", "key"), [("bulk", "mt.r"), ("interactive", "mt.r.interactive")])
def test_the_keys_producers_publish_to(lane: Lane, key: str) -> None:
    assert Names.route_key("r", lane) == key
    assert Names.route_key("r", lane) == Names("other").route_key("r", lane), "the prefix is not in a key"


def test_the_key_a_waiting_receipt_keeps() -> None:
    assert Names.early_key("genesys") == "early.genesys"


def test_the_headers() -> None:
    assert (names.HEADER_REASON, names.HEADER_DETAIL, names.HEADER_AT) == (
        "bridge-reason",
        "bridge-detail",
        "bridge-at",
    )
    assert names.HEADER_GENERATION == "bridge-generation"
    assert names.HEADER_ORIGINAL + "user_id" == "bridge-original-user_id"
    ours = {value for name, value in vars(names).items() if name.startswith("HEADER_")}
    assert len(ours) == 11, "no two mean the same"
    assert all(header.startswith("bridge-") for header in ours)
