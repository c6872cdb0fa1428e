"""GSM 03.38: the basic tables, the escape, and that reading undoes writing. The national tables have their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text import gsm

WRITABLE = sorted(set(gsm.BASIC) - {gsm.ESCAPE} | set(gsm.EXTENSION.values()))


def test_the_basic_table_has_128_different_codes() -> None:
    assert len(gsm.BASIC) == len(set(gsm.BASIC)) == 128


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("", b""),
        ("Hello", b"Hello"),
        ("@£$¥", b"\x00\x01\x02\x03"),
        ("_§", b"\x11\x5f"),
        ("äöñüà", b"\x7b\x7c\x7d\x7e\x7f"),
        ("ÄÖÑÜ§¿¡¤", b"\x5b\x5c\x5d\x5e\x5f\x60\x40\x24"),
        ("ΔΦΓΛΩΠΨΣΘΞ", bytes((0x10, *range(0x12, 0x1B)))),
        ("€", b"\x1b\x65"),
        ("\f^{}\\[~]|", b"\x1b\x0a\x1b\x14\x1b\x28\x1b\x29\x1b\x2f\x1b\x3c\x1b\x3d\x1b\x3e\x1b\x40"),
        ("5 € for [a]", b"5 \x1b\x65 for \x1b\x3ca\x1b\x3e"),
    ],
)
def test_writes_and_reads(text: str, octets: bytes) -> None:
    assert gsm.encode(text) == octets
    assert gsm.decode(octets) == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"A\x1bAB", "AAB"),  # an unknown extension shows as the basic character
        (b"\x1b\x1be", " e"),  # two escapes: for tables to come
        (b"end\x1b", "end"),  # cut off from its code
        (b"a\x80b\xff", "a\ufffdb\ufffd"),
        (b"\x1b\x90", "\ufffd"),
        (b"\x1b\n\x1b\n", "\f\f"),
    ],
)
def test_reads_what_nobody_should_write(octets: bytes, text: str) -> None:
    assert gsm.decode(octets) == text


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("naïve", "ï"),
        ("5 € for Ж", "Ж"),
        ("a\x1be", "\x1b"),
        ("€\x1be", "\x1b"),
        ("`", "`"),
        ("ç", "ç"),
        ("ok 😀", "😀"),
        ("€\ud83d", "\ud83d"),
        ("a\ufffe", "\ufffe"),
    ],
)
def test_names_the_character_it_cannot_write(text: str, character: str) -> None:
    with pytest.raises(UnicodeEncodeError) as caught:
        gsm.encode(text)
    assert text[caught.value.start] == character


@given(st.text(st.sampled_from(WRITABLE)))
def test_reading_undoes_writing(text: str) -> None:
    assert gsm.decode(gsm.encode(text)) == text


@given(st.binary())
def test_reading_never_raises(octets: bytes) -> None:
    assert len(gsm.decode(octets)) <= len(octets)


@given(st.text())
def test_writes_exactly_the_texts_of_its_table(text: str) -> None:
    if set(text) <= set(WRITABLE):
        assert gsm.decode(gsm.encode(text)) == text
    else:
        with pytest.raises(UnicodeEncodeError):
            gsm.encode(text)
