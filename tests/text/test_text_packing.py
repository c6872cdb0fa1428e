"""Packed septets: known packings, fill bits behind a header, padding, and that unpacking undoes packing."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.text.packing import pack, unpack

SEPTETS = st.binary(max_size=200).map(lambda octets: bytes(octet & 0x7F for octet in octets))
HEADERS = st.integers(0, 20)


@pytest.mark.parametrize(
    ("septets", "header_octets", "octets"),
    [
        (b"", 0, ""),
        (b"", 6, ""),
        (b"hellohello", 0, "e8329bfd4697d9ec37"),
        (b"second part", 6, "e6e5f1db4d06c1c3723a"),  # 48 bits of header, one to fill
        (b"A", 6, "82"),
        (b"A", 7, "41"),  # 56 bits: nothing to fill
        (b"A", 4, "0802"),  # 32 bits: three to fill
        (b"1234567", 0, "31d98c56b3dd1a"),  # seven bits left over: a CR fills them
        (b"12345678", 0, "31d98c56b3dd70"),
        (b"1234567\r", 0, "31d98c56b3dd1a0d"),  # a CR of its own needs one more, lest it be taken for filling
    ],
)
def test_packs(septets: bytes, header_octets: int, octets: str) -> None:
    assert pack(septets, header_octets).hex() == octets


@pytest.mark.parametrize(
    ("octets", "header_octets", "septets"),
    [
        ("", 0, b""),
        ("", 6, b""),
        ("e8329bfd4697d9ec37", 0, b"hellohello"),
        ("e6e5f1db4d06c1c3723a", 6, b"second part"),
        ("31d98c56b3dd1a", 0, b"1234567"),
        ("31d98c56b3dd00", 0, b"1234567"),  # padded with zeros, as in the SMS itself
        ("31d98c56b3dd1a0d", 0, b"1234567\r\r"),  # 6.1.2.3.1: read twice
        ("31d98c56b31d", 0, b"123456"),
        ("00", 0, b"\x00"),  # an @ before bits left over
        ("ff", 3, b""),  # four to fill: no whole septet
    ],
)
def test_unpacks(octets: str, header_octets: int, septets: bytes) -> None:
    assert unpack(bytes.fromhex(octets), header_octets) == septets


def test_the_last_at_sign_of_a_full_segment_is_one() -> None:
    septets = b"a" * 152 + b"\x00"  # cut behind the @ of an address
    octets = pack(septets, 6)
    assert len(octets) == 134
    assert unpack(octets, 6) == septets


@given(SEPTETS, HEADERS)
def test_unpacking_undoes_packing(septets: bytes, header_octets: int) -> None:
    assume(not septets.endswith((b"\x00", b"\r")))  # where these are padding cannot be told from where not
    octets = pack(septets, header_octets)
    assert unpack(octets, header_octets) == septets


@given(SEPTETS, HEADERS, st.sampled_from([b"\x00", b"\r"]))
def test_what_looks_like_padding_adds_or_loses_no_other_character(
    septets: bytes, header_octets: int, last: bytes
) -> None:
    text = septets + last
    again = unpack(pack(text, header_octets), header_octets)
    assert again in (text, text + b"\r", septets)


@given(st.binary(max_size=300), st.integers(0, 255))
def test_unpacking_never_raises(octets: bytes, header_octets: int) -> None:
    septets = unpack(octets, header_octets)
    assert len(septets) <= len(octets) * 8 // 7
    assert all(septet < 0x80 for septet in septets)
