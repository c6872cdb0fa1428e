"""The frames we write ourselves: octet for octet what the library writes of the same."""

from typing import Any

import pytest
from aiormq import spec
from hypothesis import given
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.frame import marshal
from pamqp.header import ContentHeader

from bridge.broker.frames import UNWRITABLE, ack, content, publish_method, requeue
from bridge.broker.message import Outgoing
from bridge.broker.wire import properties_of

channels = st.integers(1, 65_535)
tags = st.integers(1, 2**63 - 1)
words = st.text(st.characters(codec="utf-8"), max_size=60)
maybe = st.none() | words
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
messages = st.builds(
    Outgoing,
    exchange=st.from_regex(r"[a-zA-Z0-9_.:-]{1,100}", fullmatch=True),
    routing_key=words,
    body=st.binary(max_size=400),
    message_id=words.filter(bool),
    type=maybe,
    correlation_id=maybe,
    headers=st.none() | st.dictionaries(words, values, max_size=4),
    timestamp=st.none() | st.integers(0, 4_102_444_800),
    mandatory=st.booleans(),
    content_type=maybe,
    content_encoding=maybe,
    reply_to=maybe,
    priority=st.none() | st.integers(0, 255),
    app_id=maybe,
)


@given(channels, messages, st.integers(1, 500))
def test_a_publish_is_as_the_library_writes_it(channel: int, message: Outgoing, largest: int) -> None:
    method = spec.Basic.Publish(
        exchange=message.exchange, routing_key=message.routing_key, mandatory=message.mandatory
    )
    header = ContentHeader(body_size=len(message.body), properties=properties_of(message))
    pieces = [message.body[at : at + largest] for at in range(0, len(message.body), largest)]
    frames: list[ContentHeader | ContentBody] = [header, *map(ContentBody, pieces)]
    written = publish_method(channel, message.exchange, message.routing_key, mandatory=message.mandatory)
    assert written == marshal(method, channel)
    assert content(channel, message, message.message_id or "", largest) == b"".join(
        marshal(frame, channel) for frame in frames
    )


@given(channels, tags, st.booleans())
def test_a_settlement_is_as_the_library_writes_it(channel: int, tag: int, multiple: bool) -> None:
    assert ack(channel, tag, multiple=multiple) == marshal(spec.Basic.Ack(tag, multiple), channel)
    assert requeue(channel, tag) == marshal(spec.Basic.Nack(tag, requeue=True), channel)


@pytest.mark.parametrize(
    "bad",
    [
        {"headers": {"bad": object()}},
        {"message_id": "ü" * 128},
        {"type": "\ud800"},
        {"priority": 256},
        {"timestamp": -1},
    ],
    ids=["header", "message id", "type", "priority", "timestamp"],
)
def test_what_has_no_octets_is_told(bad: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"exchange": "e", "routing_key": "k", "body": b"", "message_id": "m", **bad}
    message = Outgoing(**fields)
    with pytest.raises(UNWRITABLE):
        content(1, message, message.message_id or "", 100)
