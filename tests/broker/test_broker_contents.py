"""What is read of contents without the library: the same as the library reads, whatever a producer wrote."""

import struct
from dataclasses import replace
from random import Random

from aiormq import spec
from hypothesis import given
from hypothesis import strategies as st
from pamqp.header import ContentHeader

from bridge.broker.amqp import CONTENT_HEADER
from bridge.broker.contents import Delivered, delivered, plain, properties
from bridge.broker.message import Outgoing
from bridge.broker.tolerance import read_what_comes
from bridge.broker.wire import properties_of
from tests.broker.test_broker_frames import messages
from tests.fuzz.amqp import content_header

exchanges = st.from_regex(r"[a-zA-Z0-9_.:-]{0,100}", fullmatch=True)
words = st.text(st.characters(codec="utf-8"), max_size=60)


@given(words, st.integers(1, 2**63 - 1), st.booleans(), exchanges, words)
def test_a_delivery_is_read_as_the_library_reads_it(
    consumer: str, tag: int, redelivered: bool, exchange: str, routing_key: str
) -> None:
    method = spec.Basic.Deliver(consumer, tag, redelivered, exchange, routing_key)
    assert delivered(method.marshal()) == Delivered(tag, redelivered, exchange, routing_key)


@given(messages)
def test_properties_are_read_as_the_library_reads_them(message: Outgoing) -> None:
    octets = ContentHeader(properties=properties_of(message)).marshal()
    content = ContentHeader()
    content.unmarshal(octets)
    assert properties(octets[CONTENT_HEADER.size :]) == plain(content.properties)


@given(st.integers(0, 2**32))
def test_so_are_those_that_nobody_should_write(seed: int) -> None:
    """But for header tables with wrong lengths in them, where the library reads on in the next property."""
    read_what_comes()
    octets = content_header(Random(seed), 0)
    content = ContentHeader()
    content.unmarshal(octets)
    ours, library = properties(octets[CONTENT_HEADER.size :]), plain(content.properties)
    assert replace(ours, headers={}) == replace(library, headers={})


def test_a_time_no_calendar_has_is_none() -> None:
    for seconds, read in ((253_402_300_799, 253_402_300_799), (253_402_300_800, None), (2**64 - 1, None)):
        octets = struct.pack(">HQ", 1 << 6, seconds)
        assert properties(octets).timestamp == read
