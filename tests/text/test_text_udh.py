"""User data headers: walked by their lengths, or not taken for headers at all; and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.inbound import NO_SHIFTS, Concat, Ports, Shifts
from bridge.text.udh import Udh, read_udh, segment_of, write_udh

FIRST_OF_TWO = Concat(ref=10, total=2, seq=1)


@pytest.mark.parametrize(
    ("header", "concat", "ports", "shifts"),
    [
        ("05 00030a0201", FIRST_OF_TWO, None, NO_SHIFTS),
        ("06 080412340303", Concat(ref=0x1234, total=3, seq=3), None, NO_SHIFTS),
        ("06 050423f40b84", None, Ports(dst=9204, src=2948), NO_SHIFTS),
        ("04 04021122", None, Ports(dst=0x11, src=0x22), NO_SHIFTS),
        ("0b 05040b8423f0 00030a0201", FIRST_OF_TWO, Ports(dst=2948, src=9200), NO_SHIFTS),
        ("09 7002ff00 00030a0201", FIRST_OF_TWO, None, NO_SHIFTS),  # an unknown element first
        ("07 7000 00030a0201", FIRST_OF_TWO, None, NO_SHIFTS),  # an empty one
        ("0a 00030a0201 00030b0200", FIRST_OF_TWO, None, NO_SHIFTS),  # the second makes no sense
        ("03 240101", None, None, Shifts(single=1)),
        ("03 250103", None, None, Shifts(locking=3)),
        ("08 250103 00030a0201", FIRST_OF_TWO, None, Shifts(locking=3)),
        ("06 24010d 250106", None, None, Shifts(locking=6, single=13)),
        ("03 2401ff", None, None, Shifts(single=255)),  # nobody knows it
        ("04 24020101", None, None, NO_SHIFTS),  # a length no language has
        ("06 240101 240102", None, None, Shifts(single=2)),
        ("05 00030a0001", None, None, NO_SHIFTS),  # total 0
        ("05 00030a0200", None, None, NO_SHIFTS),  # seq 0
        ("05 00030a0203", None, None, NO_SHIFTS),  # seq above total
        ("04 00020a02", None, None, NO_SHIFTS),  # a length no concatenation has
        ("03 05010b", None, None, NO_SHIFTS),  # nor ports
    ],
)
def test_reads_headers(header: str, concat: Concat | None, ports: Ports | None, shifts: Shifts) -> None:
    octets = bytes.fromhex(header)
    assert read_udh(octets) == read_udh(octets + b"body") == Udh(len(octets), concat, ports, shifts)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x00",
        b"\x00H\x00i",  # UCS-2 text, not a header of length 0
        b"\x04\x1f\x04\x40\x04\x38",  # Cyrillic UCS-2
        b"Hello, no header",
        b"\x05\x00\x03\x0a\x02",  # ends before it ends
        b"\x05\x00\x04\x0a\x02\x01abc",  # an element beyond the header
        b"\x06\x00\x03\x0a\x02\x01\x70abc",  # an element without length
    ],
)
def test_takes_nothing_else_for_a_header(octets: bytes) -> None:
    assert read_udh(octets) is None


def test_a_segment_is_one_of_its_total() -> None:
    assert segment_of(0, 1, 1) == Concat(ref=0, total=1, seq=1)
    assert segment_of(1, 0, 0) is None
    assert segment_of(1, 2, 3) is None
    assert segment_of(0xFFFF, 255, 255) == Concat(ref=0xFFFF, total=255, seq=255)
    assert segment_of(1, 256, 1) is None
    assert segment_of(0x10000, 2, 1) is None


@given(st.binary(max_size=300))
def test_reading_never_raises(octets: bytes) -> None:
    header = read_udh(octets)
    assert header is None or 1 < header.octets <= len(octets)


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=9)), min_size=1, max_size=9))
def test_reads_every_well_formed_header(elements: list[tuple[int, bytes]]) -> None:
    walked = b"".join(bytes((kind, len(value))) + value for kind, value in elements)
    header = read_udh(bytes((len(walked),)) + walked)
    assert header is not None
    assert header.octets == len(walked) + 1


@pytest.mark.parametrize(
    ("concat", "wide_reference", "shifts", "header"),
    [
        (None, False, NO_SHIFTS, ""),
        (None, True, NO_SHIFTS, ""),
        (FIRST_OF_TWO, False, NO_SHIFTS, "05 00030a0201"),
        (FIRST_OF_TWO, True, NO_SHIFTS, "06 0804000a0201"),
        (Concat(ref=0x12345, total=255, seq=255), False, NO_SHIFTS, "05 000345ffff"),
        (Concat(ref=0x12345, total=255, seq=255), True, NO_SHIFTS, "06 08042345ffff"),
        (None, False, Shifts(single=1), "03 240101"),
        (None, False, Shifts(locking=6), "03 250106"),
        (FIRST_OF_TWO, False, Shifts(locking=6, single=13), "0b 00030a0201 24010d 250106"),
    ],
)
def test_writes_headers(concat: Concat | None, wide_reference: bool, shifts: Shifts, header: str) -> None:
    octets = write_udh(concat=concat, wide_reference=wide_reference, shifts=shifts)
    assert octets == bytes.fromhex(header)


@given(
    st.none() | st.builds(Concat, ref=st.integers(0, 255), total=st.just(255), seq=st.integers(1, 255)),
    st.booleans(),
    st.builds(Shifts, st.integers(0, 255), st.integers(0, 255)),
)
def test_reads_what_it_writes(concat: Concat | None, wide_reference: bool, shifts: Shifts) -> None:
    octets = write_udh(concat=concat, wide_reference=wide_reference, shifts=shifts)
    expected = Udh(len(octets), concat, None, shifts) if octets else None
    assert read_udh(octets) == expected
