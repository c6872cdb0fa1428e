"""Headers nested deeper than can be read: one such message must not end the connection again and again."""

import struct

import pytest
from pamqp.header import ContentHeader

from bridge.broker.contents import plain, properties
from bridge.broker.tolerance import read_what_comes
from tests.fuzz.amqp import nested


@pytest.mark.parametrize(("kind", "name"), [(b"F", b"\x01a"), (b"A", b"")])
@pytest.mark.parametrize("levels", [1, 10_000])
def test_headers_nested_too_deep_are_none(kind: bytes, name: bytes, levels: int) -> None:
    read_what_comes()
    table = b"\x04deep" + nested(kind, name, levels) + b"\x05plainS\x00\x00\x00\x02hi"
    octets = struct.pack(">H", 1 << 13 | 1 << 7) + struct.pack(">I", len(table)) + table + b"\x03m-1"
    content = ContentHeader()
    content.unmarshal(struct.pack(">HxxQ", 60, 0) + octets)
    for read in (plain(content.properties), properties(octets)):
        assert read.message_id == "m-1", "what is behind them is read"
        assert ("plain" in read.headers) is (levels == 1)
