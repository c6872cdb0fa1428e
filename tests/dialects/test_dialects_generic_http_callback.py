"""What any HTTP API posts to us, by names and paths: receipts, messages, and what is neither."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.generic_callback import CallbackForm, MessageForm, ReceiptForm
from bridge.dialects.http import BadCallback
from bridge.model.inbound import Dr, Mo
from bridge.model.web import Callback

FORM = CallbackForm(
    receipt=ReceiptForm(
        when=(("results.0.status", None),),
        id="results.0.id",
        state="results.0.status.name",
        states={"DONE": "delivered", "WAY": "enroute", "TAKEN": "accepted"},
        error="results.0.error.id",
        from_="results.0.to",
        to="results.0.from",
        done_at="results.0.at",
    ),
    message=MessageForm(when=(("type", "in"), ("text", None)), from_="from", to="to", text="text", id="id"),
    final_states=frozenset({"accepted"}),
)
RESULT: dict[str, Any] = {
    "id": "p1",
    "status": {"name": "DONE"},
    "error": {"id": 0},
    "to": "447700900123",
    "from": "12345",
    "at": "2026-11-22T14:05:00.000+0000",
}
MESSAGE = {"type": "in", "id": "mo-1", "from": "447700900123", "to": "12345", "text": "Hi"}


def read(fields: dict[str, Any], form: CallbackForm = FORM) -> Mo | Dr:
    return form.read(Callback(fields=fields))


def read_dr(**changes: Any) -> Dr:
    dr = read({"results": [RESULT | changes]})
    assert isinstance(dr, Dr)
    return dr


def read_mo(fields: dict[str, Any], form: CallbackForm = FORM) -> Mo:
    mo = read(fields, form)
    assert isinstance(mo, Mo)
    return mo


def test_a_receipt_in_full() -> None:
    dr = read_dr()
    assert dr == Dr(
        ids=("p1",),
        state="delivered",
        final=True,
        error="0",
        network_error=None,
        submitted_at=None,
        done_at="2026-11-22T14:05:00.000+0000",
        to="12345",
        from_="447700900123",
        text=None,
        identity=dr.identity,
        raw={"fields": {"results": [RESULT]}},
    )


@pytest.mark.parametrize(
    ("word", "state", "final"),
    [("WAY", "enroute", False), ("TAKEN", "accepted", True), ("done", None, False), ("NEW", None, False)],
)
def test_states_are_ours_or_null(word: str, state: str | None, final: bool) -> None:
    dr = read_dr(status={"name": word})
    assert (dr.state, dr.final) == (state, final)


def test_what_a_receipt_need_not_have() -> None:
    dr = read({"results": [{"id": 7, "status": {"name": "DONE"}, "at": "yesterday"}]})
    assert isinstance(dr, Dr)
    assert dr.ids == ("7",)
    assert (dr.error, dr.to, dr.from_, dr.done_at) == (None, None, None, None)
    assert read_dr(at="2026-11-22 14:05").done_at == "2026-11-22T14:05"


def test_a_repeat_is_known_by_id_state_and_error_alone() -> None:
    identity = read_dr().identity
    assert read_dr(at="", more=1).identity == identity
    assert read_dr(status={"name": "NEW"}).identity != read_dr(status={"name": "OLD"}).identity
    assert read_dr(id="p2").identity != identity
    assert read_dr(error={"id": 1}).identity != identity


def test_a_message_in_full() -> None:
    mo = read_mo(MESSAGE)
    assert mo == Mo(
        id="mo-1",
        from_="447700900123",
        to="12345",
        text="Hi",
        data=None,
        encoding="utf-8",
        identity=mo.identity,
        raw={"fields": MESSAGE},
    )
    assert read_mo(MESSAGE | {"text": ""}).text == ""
    assert read_mo(MESSAGE | {"id": ""}).id is None


def test_a_message_without_id_is_known_by_all_of_it() -> None:
    form = CallbackForm(message=MessageForm(when=(("text", None),), from_="from", to="to", text="text"))
    mo = read_mo(MESSAGE, form)
    assert mo.id is None
    assert read_mo(dict(reversed(MESSAGE.items())), form).identity == mo.identity
    assert read_mo(MESSAGE | {"at": "1"}, form).identity != mo.identity


def test_a_field_with_dots_in_its_name_is_found() -> None:
    form = CallbackForm(
        message=MessageForm(when=(("m.text", None),), from_="m.from", to="m.to", text="m.text")
    )
    assert read_mo({"m.text": "Hi", "m.from": "1", "m.to": "2"}, form).text == "Hi"


NEITHER = "is neither a receipt nor a message that the configuration tells of"
UNPUBLISHABLE = "is nothing that can be published: text, numbers, and lists that are not too deep"


def deep(levels: int) -> list[Any]:
    return [deep(levels - 1)] if levels else []


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({}, "body", NEITHER),
        ({"results": []}, "body", NEITHER),
        ({"results": "x"}, "body", NEITHER),
        (MESSAGE | {"type": "out"}, "body", NEITHER),
        ({"results": [RESULT | {"id": None}]}, "results.0.id", "is missing"),
        ({"results": [RESULT | {"id": ["p1"]}]}, "results.0.id", "is missing"),
        ({"results": [RESULT | {"status": {}}]}, "results.0.status.name", "is missing"),
        (
            {"results": [RESULT, RESULT]},
            "results.0.id",
            "is one of several; a callback may tell of one message",
        ),
        (MESSAGE | {"from": ""}, "from", "is missing"),
        (MESSAGE | {"to": None}, "to", "is missing"),
        (MESSAGE | {"text": {}}, "text", "is missing"),
        (MESSAGE | {"text": "\ud800"}, "text", UNPUBLISHABLE),
        (MESSAGE | {"x": float("nan")}, "x", UNPUBLISHABLE),
        (MESSAGE | {"x": float("-inf")}, "x", UNPUBLISHABLE),
        (MESSAGE | {"x": 2**64}, "x", UNPUBLISHABLE),
        (MESSAGE | {"x": deep(40)}, "x", UNPUBLISHABLE),
        (MESSAGE | {"x": {1: 2}}, "x", UNPUBLISHABLE),
        (MESSAGE | {"x": {"\udfff": 2}}, "x", UNPUBLISHABLE),
        (MESSAGE | {"a text": b""}, "body", UNPUBLISHABLE),
        (MESSAGE | {"\ud800": ""}, "body", UNPUBLISHABLE),
    ],
)
def test_what_is_none_is_refused_by_field_and_rule(fields: dict[str, Any], field: str, rule: str) -> None:
    with pytest.raises(BadCallback) as caught:
        read(fields)
    assert (caught.value.field, caught.value.rule) == (field, rule)


def test_without_a_form_nothing_is_read() -> None:
    with pytest.raises(BadCallback, match=NEITHER):
        read(MESSAGE, CallbackForm())


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["in", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["0", "id", "name", "status"]) | st.text(max_size=2), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*MESSAGE, "results"]) | st.text(max_size=4), _JSON))
def test_any_callback_is_read_and_can_be_published_or_is_refused(fields: dict[str, Any]) -> None:
    try:
        inbound = read(fields)
    except BadCallback:
        return
    assert orjson.loads(orjson.dumps(inbound.raw)) == {"fields": fields}


@given(_JSON, st.dictionaries(st.sampled_from([*RESULT]), _JSON))
def test_any_receipt_is_read_or_refused(status: Any, changes: dict[str, Any]) -> None:
    try:
        assert read_dr(**({"status": status} | changes)).ids
    except BadCallback:
        return
