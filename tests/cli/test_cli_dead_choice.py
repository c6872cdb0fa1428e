"""What is pure about `bridge dead`: messages read without trust, those that are meant, where each would go, words."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.broker.message import Delivery, Properties
from bridge.cli.dead_choice import Left, Target, Wanted, instant_of, new_generation, target_of
from bridge.cli.dead_letter import Letter, letter_of, route_of
from bridge.cli.dead_show import everything, facts, line, page
from bridge.model.attempt import Attempt
from bridge.model.events import MtReport, Origin
from bridge.model.names import Names
from bridge.outbound.record import dump_accepted, dump_ended, dump_long
from bridge.outbound.retry import dump_attempts

NAMES = Names("b")
NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
NUMBER = "447700900123"
MT = {"id": "order-1", "to": NUMBER, "from": "Shop", "text": "Your code is 1234", "metadata": {"who": "Ann"}}
ATTEMPT = Attempt("2027-01-15T11:00:00.000Z", "one", "here", "smsc1:2775", "rejected 0xB")
REJECTED = {
    "bridge-reason": "rejected",
    "bridge-detail": "refused",
    "bridge-at": "2027-01-15T12:00:00.000Z",
    "bridge-attempts": dump_attempts([ATTEMPT]),
}


class Nowhere:
    """Where nothing is settled."""

    alive = True

    def is_open(self, tag: int) -> bool:
        return tag == 1

    def ack(self, tag: int) -> None:
        raise AssertionError(tag)

    def requeue(self, tag: int) -> None:
        raise AssertionError(tag)


def delivery(
    body: object = MT,
    headers: Mapping[str, Any] | None = None,
    *,
    exchange: str = "b.dead",
    key: str = "mt.default",
    **properties: Any,
) -> Delivery:
    octets = body if isinstance(body, bytes) else orjson.dumps(body)
    about = Properties(headers=dict(REJECTED if headers is None else headers), **properties)
    return Delivery(Nowhere(), 1, octets, exchange, key, False, about)


def letter(*args: Any, **fields: Any) -> Letter:
    return letter_of(delivery(*args, **fields), NAMES)


# Why it is there


@pytest.mark.parametrize("reason", ["rejected", "failed", "doubt", "invalid"])
def test_the_bridge_says_why_in_its_headers(reason: str) -> None:
    found = letter(headers={**REJECTED, "bridge-reason": reason})
    assert (found.reason, found.detail, found.at) == (reason, "refused", NOON)
    assert (found.id, found.to, found.route, found.lane) == ("order-1", NUMBER, "default", "bulk")
    assert found.attempts == (ATTEMPT,)


@pytest.mark.parametrize("exchange", ["b.mt", "b.retry"])
def test_what_comes_by_an_alternate_exchange_had_no_route(exchange: str) -> None:
    found = letter(headers=REJECTED, exchange=exchange, key="mt.nobody")
    assert (found.reason, found.route, found.at) == ("unknown-route", "nobody", None)


@pytest.mark.parametrize(
    ("cause", "reason"), [("delivery_limit", "delivery-limit"), ("rejected", "other"), (7, "other")]
)
def test_what_rabbitmq_dead_lettered_says_so(cause: object, reason: str) -> None:
    death = {"reason": cause, "queue": "b.mt.default", "time": NOON, "count": 1}
    found = letter(headers={"x-death": [death]})
    assert (found.reason, found.at) == (reason, NOON)
    assert "b.mt.default" in found.detail


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"bridge-reason": "doubtful", "bridge-at": "yesterday"},
        {"bridge-reason": [], "bridge-at": "9999-12-31T23:59:59-12:00"},
        {"bridge-reason": 7, "bridge-detail": [], "bridge-at": "2027-01-15T12:00:00", "x-death": [7]},
    ],
)
def test_what_somebody_else_put_there_is_other(headers: dict[str, Any]) -> None:
    found = letter(headers=headers)
    assert (found.reason, found.at) == ("other", None)


@pytest.mark.parametrize(
    ("key", "route"),
    [
        ("mt.default", ("default", "bulk")),
        ("mt.default.interactive", ("default", "interactive")),
        ("mt.default.other", (None, "bulk")),
        ("mt.", (None, "bulk")),
        ("early.one", (None, "bulk")),
        ("", (None, "bulk")),
    ],
)
def test_the_routing_key_names_route_and_lane(key: str, route: tuple[str | None, str]) -> None:
    assert route_of(key) == route


HEADER = st.one_of(
    st.text(max_size=20),
    st.integers(-5, 5),
    st.binary(max_size=5),
    st.none(),
    st.lists(st.integers(0, 9), max_size=2),
)
DEATH = st.one_of(
    HEADER,
    st.lists(
        st.dictionaries(st.sampled_from(["reason", "queue", "time"]), st.one_of(HEADER, st.datetimes()))
    ),
)


@given(
    st.one_of(st.binary(max_size=60), st.dictionaries(st.sampled_from([*MT, "other"]), HEADER.filter(
        lambda value: not isinstance(value, bytes))).map(orjson.dumps)),
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys([*REJECTED, "bridge-generation", "x-delivery-count", "mine"], HEADER),
            "x-death": DEATH,
        },
    ),
    st.sampled_from(["", "b.mt", "b.dead"]),
    st.text(max_size=20),
)  # fmt: skip
def test_no_message_is_too_strange_to_be_read_and_told(
    body: bytes, headers: dict[str, Any], exchange: str, key: str
) -> None:
    strange = delivery(body, headers, exchange=exchange, key=key)
    found = letter_of(strange, NAMES)
    assert len(line(found).splitlines()) == 1
    for full in (False, True):
        assert all(part.isprintable() for part in page(found, strange, full=full).split("\n"))
        orjson.dumps(everything(found, strange, full=full))
    orjson.dumps(facts(found))
    target_of(found, ["default"], None, force=False)


# Which are meant


def test_handles_tell_messages_apart_and_stay() -> None:
    one = letter()
    assert one.handle == letter(headers={**REJECTED, "x-delivery-count": 3}).handle
    others = [
        letter({**MT, "text": "Other"}),
        letter(headers={**REJECTED, "bridge-generation": 1}),
        letter(headers={**REJECTED, "bridge-at": "2027-01-15T12:00:00.001Z"}),
        letter(key="mt.other"),
        letter(message_id="m"),
    ]
    assert len({one.handle, *(other.handle for other in others)}) == 6


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(), True),
        (Wanted(reasons=frozenset(("rejected", "doubt"))), True),
        (Wanted(reasons=frozenset(("doubt",))), False),
        (Wanted(routes=frozenset(("default",))), True),
        (Wanted(routes=frozenset(("other",))), False),
        (Wanted(names=frozenset(("order-1", "order-2"))), True),
        (Wanted(names=frozenset(("order-2",))), False),
        (Wanted(names=frozenset((letter().handle,))), True),
        (Wanted(reasons=frozenset(("rejected",)), routes=frozenset(("other",))), False),
        (Wanted(since=NOON), True),
        (Wanted(since=NOON + timedelta(seconds=1)), False),
        (Wanted(until=NOON), True),
        (Wanted(until=NOON - timedelta(seconds=1)), False),
    ],
)
def test_a_message_is_meant_if_all_that_is_given_fits(wanted: Wanted, fits: bool) -> None:
    assert wanted.fits(letter()) is fits
    assert wanted.everything is (wanted == Wanted())


def test_one_whose_time_is_not_known_fits_no_time() -> None:
    timeless = letter(headers={"bridge-reason": "failed"})
    assert Wanted().fits(timeless)
    assert not Wanted(since=NOON - timedelta(days=9999)).fits(timeless)
    assert not Wanted(until=NOON + timedelta(days=9999)).fits(timeless)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("90s", NOON - timedelta(seconds=90)),
        ("30m", NOON - timedelta(minutes=30)),
        ("2h", NOON - timedelta(hours=2)),
        ("7d", NOON - timedelta(days=7)),
        ("999999999d", datetime.min.replace(tzinfo=UTC)),
        ("2027-01-15t13:00:00+01:00", NOON),
        ("2027-01-15T12:00:00Z", NOON),
    ],
)
def test_a_time_is_an_age_or_a_moment(text: str, instant: datetime) -> None:
    assert instant_of(text, NOON) == instant


@given(st.text(max_size=30))
def test_anything_else_is_no_time(text: str) -> None:
    try:
        instant_of(text, NOON)
    except ValueError:
        return
    assert text[-1] in "smhd" or "-" in text


@pytest.mark.parametrize("text", ["", "2", "2w", "-2h", "yesterday", "2027-01-15T12:00:00", "2027-01-15"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        instant_of(text, NOON)


# What became of it since


def ended(*attempts: Attempt) -> str:
    return dump_ended(MtReport(outcome="rejected", attempts=attempts), sealed=True)


@pytest.mark.parametrize(
    ("info", "resolved"),
    [
        ("", False),
        (ended(), False),
        (dump_accepted("s1", Origin("one", "here", "smpp", "l"), possible_duplicate=False), True),
        (dump_accepted("s1", Origin("one", "here", "http", "l"), possible_duplicate=True), True),
        (dump_long(["s1", "s2"], 7, Origin("one", "here", "smpp", "l"), possible_duplicate=False), True),
        ("Z|of another version", None),
    ],
)
def test_its_claim_tells_whether_a_provider_has_it_after_all(info: str, resolved: bool | None) -> None:
    assert letter().recalled(info).resolved is resolved


def test_its_claim_knows_of_more_attempts_than_its_headers() -> None:
    assert letter().recalled(ended(ATTEMPT, ATTEMPT)).attempts == (ATTEMPT, ATTEMPT)
    assert letter().recalled(ended()).attempts == (ATTEMPT,)


def test_a_claim_is_looked_for_by_id_and_generation() -> None:
    assert letter().mt_key == "order-1"
    assert letter(headers={**REJECTED, "bridge-generation": 2}).mt_key == "order-1\t2"
    assert letter(b"{}", message_id="m").mt_key is None


# Where it would go

OPEN = letter().recalled("")
INVALID = letter(b"{}", {"bridge-reason": "invalid"}, message_id="m")


@pytest.mark.parametrize(
    ("found", "to_route", "force", "target"),
    [
        (OPEN, None, False, Target("default", "bulk")),
        (OPEN, "other", False, Target("other", "bulk")),
        (replace(OPEN, lane="interactive"), None, False, Target("default", "interactive")),
        (replace(OPEN, route="nobody"), None, False, Left("unknown route", wrong=True)),
        (replace(OPEN, route="nobody"), "other", False, Target("other", "bulk")),
        (replace(OPEN, route=None), None, False, Left("unknown route", wrong=True)),
        (replace(OPEN, resolved=True), None, False, Left("resolved", wrong=False)),
        (replace(OPEN, resolved=True), "other", True, Left("resolved", wrong=False)),
        (replace(OPEN, resolved=None), None, False, Left("not known", wrong=True)),
        (replace(OPEN, resolved=None), "other", True, Left("not known", wrong=True)),
        (replace(OPEN, reason="invalid"), None, False, Left("invalid", wrong=True)),
        (replace(OPEN, reason="invalid"), "other", True, Target("other", "bulk")),
        (INVALID, "other", False, Left("invalid", wrong=True)),
        (INVALID, "other", True, Target("other", "bulk")),
    ],
)
def test_each_goes_to_its_route_or_is_left(
    found: Letter, to_route: str | None, force: bool, target: Target | Left
) -> None:
    assert target_of(found, ["default", "other"], to_route, force=force) == target


def test_a_new_generation_is_the_original_without_its_old_life() -> None:
    travelled = {
        "bridge-attempt": 3,
        "bridge-doubt": True,
        "bridge-refused-by": "one",
        "bridge-http-trouble": "{}",
        "bridge-generation": 1,
        "bridge-original-expiration": "5000",
        "mine": "kept",
        "x-death": [{}],
        "x-delivery-count": 4,
    }
    old = delivery(headers={**REJECTED, **travelled}, message_id="m", app_id="shop", correlation_id="c")
    target = Target("other", "interactive")
    first, again = (new_generation(old, NAMES, target, maybe_sent=False) for _ in range(2))
    assert first == again, "done twice it is the same message"
    assert (first.exchange, first.routing_key, first.body) == ("b.mt", "mt.other.interactive", old.body)
    assert first.headers == {
        "bridge-generation": 2,
        "bridge-original-expiration": "5000",
        "mine": "kept",
    }
    assert (first.message_id, first.app_id, first.correlation_id) == ("m", "shop", "c")
    assert first.mandatory


@pytest.mark.parametrize(
    ("headers", "info", "maybe_sent"),
    [
        ({"bridge-reason": "doubt"}, "", True),
        ({"bridge-reason": "failed"}, "", False),
        ({"bridge-reason": "failed", "bridge-doubt": True}, "", True),
        ({"bridge-reason": "failed"}, 'S|{"o":"failed","r":"","s":null,"n":1,"d":true,"a":[],"l":[]}', True),
    ],
)
def test_what_a_provider_may_have_already_is_replayed_with_a_mark(
    headers: dict[str, Any], info: str, maybe_sent: bool
) -> None:
    old = delivery(headers=headers)
    found = letter_of(old, NAMES).recalled(info)
    assert found.maybe_sent is maybe_sent
    message = new_generation(old, NAMES, Target("other", "bulk"), maybe_sent=found.maybe_sent)
    assert (message.headers or {}).get("bridge-doubt", False) is maybe_sent


# Words


def test_a_line_tells_all_but_texts_and_numbers() -> None:
    found = letter(headers={**REJECTED, "bridge-generation": 1}).recalled("")
    assert line(found).replace("\x1b[31m", "").replace("\x1b[0m", "") == (
        "2027-01-15T12:00:00.000Z rejected                 order-1  route default  to 4477*****123"
        "  after 1 attempt  generation 1  refused"
    )
    assert "doubt, resolved" in line(replace(found, reason="doubt", resolved=True))


def test_a_page_hides_what_is_for_the_phone_unless_asked() -> None:
    old = delivery(headers={**REJECTED, "campaign": "Ann's"}, message_id="m")
    found = letter_of(old, NAMES)
    told = page(found, old, full=False) + orjson.dumps(everything(found, old, full=False)).decode()
    for secret in ("1234", NUMBER, "Ann", "Shop"):
        assert secret not in told
    assert "4477*****123" in told
    assert "rejected 0xB" in told
    full = page(found, old, full=True)
    for shown in ("Your code is 1234", NUMBER, "Ann's", "Shop"):
        assert shown in full
    assert everything(found, old, full=True)["body"] == MT


def test_a_body_that_is_no_json_is_shown_only_in_full() -> None:
    old = delivery(b"to 447700900123 \xff", {"bridge-reason": "invalid"})
    found = letter_of(old, NAMES)
    assert NUMBER not in page(found, old, full=False)
    assert "(17 octets that are no JSON object)" in page(found, old, full=False)
    assert NUMBER in page(found, old, full=True)
    assert base64.b64decode(everything(found, old, full=True)["body"]) == old.body


@pytest.mark.parametrize("to", [447700900123, [NUMBER], {"n": NUMBER}, NUMBER])
def test_a_number_in_a_wrong_place_is_hidden_too(to: object) -> None:
    old = delivery({"to": to, "msisdn": NUMBER, "id": [NUMBER]}, {"bridge-reason": "invalid"})
    assert NUMBER not in page(letter_of(old, NAMES), old, full=False)


def test_a_terminal_is_not_steered() -> None:
    found = letter(b"{}", {"bridge-reason": "failed", "bridge-detail": "\x1b[2J\r\n"}, key="mt.\x1b")
    assert "\x1b[2J" not in line(found)
    assert len(line(found).splitlines()) == 1
