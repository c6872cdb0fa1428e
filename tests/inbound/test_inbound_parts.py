"""Segments as they are held: the same afterwards, and anything else is said to be none."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inbound.parts import LARGEST_PART, Part, can_be_held, readable, set_key, tag
from bridge.model.events import Origin
from bridge.model.inbound import Concat, MoSegment, Ports, Shifts

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.integers(0, 65_535)
CONCAT = st.integers(1, 255).flatmap(
    lambda total: st.builds(Concat, ref=NUMBER, total=st.just(total), seq=st.integers(1, total))
)
SEGMENT = st.builds(
    MoSegment,
    from_=TEXT,
    to=TEXT,
    concat=CONCAT,
    octets=st.binary(max_size=140),
    data_coding=st.integers(0, 255),
    identity=st.binary(max_size=16),
    shifts=st.builds(Shifts, st.integers(0, 13), st.integers(0, 13)),
    ports=st.none() | st.builds(Ports, dst=NUMBER, src=NUMBER),
    raw=st.dictionaries(TEXT, st.integers(0, 255) | TEXT | st.dictionaries(TEXT, TEXT), max_size=3),
)
ORIGIN = st.builds(Origin, TEXT, TEXT, st.sampled_from(["smpp", "http"]), TEXT)
PART = st.builds(Part, SEGMENT, ORIGIN, st.floats(0, 4e9))
ONE = MoSegment(
    from_="447700900123",
    to="12345",
    concat=Concat(ref=7, total=2, seq=1),
    octets=b"hello",
    data_coding=0,
    identity=b"i" * 16,
    ports=Ports(dst=2948, src=9200),
    raw={"short_message": "00"},
)
GOOD: dict[str, Any] = orjson.loads(Part(ONE, Origin("p", "s", "smpp", "l"), 1.0).dump())


@given(PART)
def test_a_segment_is_the_same_after_its_wait(part: Part) -> None:
    assert Part.load(part.dump()) == part


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"\xff",
        b"null",
        b"[]",
        b"7",
        b"{}",
        *(orjson.dumps({name: value for name, value in GOOD.items() if name != missing}) for missing in GOOD),
        *(orjson.dumps(GOOD | {name: None}) for name in GOOD if name != "ports"),
        *(orjson.dumps(GOOD | {name: [1]}) for name in GOOD),
        *(
            orjson.dumps(GOOD | {"concat": concat})
            for concat in ([7, 2, 0], [7, 2, 3], [7, "2", 1], [7, 2, True])
        ),
        orjson.dumps(GOOD | {"shifts": [0.5, 0]}),
        orjson.dumps(GOOD | {"octets": "0"}),
        orjson.dumps(GOOD | {"at": "today"}),
        orjson.dumps(GOOD | {"origin": {"elsewhere": 1}}),
        orjson.dumps(GOOD | {"origin": {"site": "s"}}),
        orjson.dumps(GOOD | {"raw": "00"}),
    ],
)
def test_octets_that_are_no_segment(octets: bytes) -> None:
    with pytest.raises(ValueError):
        Part.load(octets)


@given(st.lists(PART, max_size=3), st.lists(st.binary(max_size=20), max_size=3))
def test_what_cannot_be_read_does_not_hide_the_others(parts: list[Part], foreign: list[bytes]) -> None:
    assert readable([*foreign, *(part.dump() for part in parts)]) == (parts, len(foreign))


@given(st.sampled_from(sorted(GOOD)), st.none() | st.integers(-5, 5) | TEXT | st.lists(st.integers(0, 3)))
def test_a_foreign_value_raises_nothing_else(name: str, value: object) -> None:
    parts, lost = readable([orjson.dumps(GOOD | {name: value})])
    assert len(parts) + lost == 1


def test_which_segments_make_one_message() -> None:
    """Provider, sender, destination, reference and total; not what is in them, nor the ports."""
    key = set_key("p", ONE)
    assert len(key) == 16
    other = replace(ONE, concat=Concat(ref=7, total=2, seq=2), octets=b"world", ports=None, identity=b"j")
    assert set_key("p", other) == key
    others = [
        set_key("q", ONE),
        set_key("p", replace(ONE, from_="447700900124")),
        set_key("p", replace(ONE, to="12346")),
        set_key("p", replace(ONE, from_="12345", to="447700900123")),
        set_key("p", replace(ONE, concat=Concat(ref=8, total=2, seq=1))),
        set_key("p", replace(ONE, concat=Concat(ref=7, total=3, seq=1))),
        set_key("p", replace(ONE, concat=Concat(ref=72, total=2, seq=1))),
    ]
    assert len({key, *others}) == 1 + len(others)


def test_what_tells_a_segment_from_a_repeat_of_another() -> None:
    first = tag(ONE)
    assert len(first) == 8
    assert tag(replace(ONE, identity=b"j", raw={"tlvs": {"0x1400": "01"}})) == first, "another site's TLVs"
    others = [
        tag(replace(ONE, octets=b"hellO")),
        tag(replace(ONE, data_coding=8)),
        tag(replace(ONE, shifts=Shifts(1, 0))),
        tag(replace(ONE, shifts=Shifts(0, 1))),
    ]
    assert len({first, *others}) == 1 + len(others)


def test_what_is_too_large_to_be_held() -> None:
    assert can_be_held(ONE)
    assert can_be_held(replace(ONE, octets=bytes(LARGEST_PART - 100)))
    assert not can_be_held(replace(ONE, octets=bytes(LARGEST_PART)))
    assert not can_be_held(replace(ONE, raw={"tlvs": {"0x0424": "00" * LARGEST_PART}}))
