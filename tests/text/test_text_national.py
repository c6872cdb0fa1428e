"""The national language tables: known words, holes, and that reading undoes writing in every pair of tables."""

import unicodedata
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.inbound import NO_SHIFTS, Shifts
from bridge.text import gsm, national

LANGUAGES = sorted(national.LANGUAGES.values())
PAIRS = [Shifts(*pair) for pair in product([0, *LANGUAGES], repeat=2)]


def writable(shifts: Shifts) -> str:
    """All that this pair of tables has, found by reading every code and every escaped code."""
    codes = [code for code in range(128) if code != 0x1B]
    singles = [gsm.decode(bytes((code,)), shifts) for code in codes]
    escaped = [gsm.decode(bytes((0x1B, code)), shifts) for code in codes]
    return "".join(sorted({*singles, *escaped} - {"\ufffd"}))


def test_there_are_thirteen_languages_and_spanish_has_no_locking_table() -> None:
    assert LANGUAGES == list(range(1, 14)) == sorted(national.SINGLE)
    assert set(LANGUAGES) - set(national.LOCKING) == {national.LANGUAGES["spanish"]}


@pytest.mark.parametrize(
    ("language", "locking", "single"),
    [  # as other implementations count them; the basic ones have 127 and 10
        ("turkish", 127, 17),
        ("spanish", 127, 19),
        ("portuguese", 127, 37),
        ("bengali", 114, 82),
        ("gujarati", 120, 70),
        ("hindi", 127, 88),
        ("kannada", 120, 73),
        ("malayalam", 120, 82),
        ("oriya", 116, 75),
        ("punjabi", 110, 76),
        ("tamil", 102, 77),
        ("telugu", 120, 78),
        ("urdu", 127, 90),
    ],
)
def test_tables_have_as_many_characters_as_the_specification_s(
    language: str, locking: int, single: int
) -> None:
    number = national.LANGUAGES[language]
    codes = [bytes((code,)) for code in range(128) if code != 0x1B]
    assert len({gsm.decode(code, Shifts(locking=number)) for code in codes} - {"\ufffd"}) == locking
    assert len(gsm.EXTENSION | dict(national.SINGLE[number])) == single


@pytest.mark.parametrize(
    ("language", "script"),
    [
        ("bengali", "BENGALI"),
        ("gujarati", "GUJARATI"),
        ("hindi", "DEVANAGARI"),
        ("kannada", "KANNADA"),
        ("malayalam", "MALAYALAM"),
        ("oriya", "ORIYA"),
        ("punjabi", "GURMUKHI"),
        ("tamil", "TAMIL"),
        ("telugu", "TELUGU"),
        ("urdu", "ARABIC"),
    ],
)
def test_letters_are_of_their_script(language: str, script: str) -> None:
    table = national.LOCKING[national.LANGUAGES[language]].values()
    letters = [character for character in table if character not in (national.NO_CHARACTER, "(", ")")]
    assert all(script in unicodedata.name(letter) for letter in letters)


TURKISH, SPANISH, PORTUGUESE, BENGALI, GUJARATI, HINDI, KANNADA, *_ = LANGUAGES
*_, TAMIL, TELUGU, URDU = LANGUAGES


@pytest.mark.parametrize(
    ("text", "shifts", "octets"),
    [
        ("Ağrı €5 çok şık", Shifts(TURKISH, 0), "410c720720043520606f6b201d076b"),
        ("Şişli", Shifts(0, TURKISH), "1b53691b736c69"),
        ("adiós", Shifts(0, SPANISH), "6164691b6f73"),
        ("Não", Shifts(PORTUGUESE, 0), "4e7b6f"),
        ("Não", Shifts(0, PORTUGUESE), "4e1b7b6f"),
        ("Não €", Shifts(PORTUGUESE, PORTUGUESE), "4e7b6f2018"),  # the locking table comes first
        ("আমি", Shifts(BENGALI, 0), "044251"),
        ("ગુજ", Shifts(GUJARATI, 0), "17531d"),
        ("नमस्ते", Shifts(HINDI, 0), "2f424c5f2759"),
        ("५", Shifts(0, HINDI), "1b21"),
        ("A*", Shifts(HINDI, HINDI), "1b411b0b"),
        ("¡", Shifts(HINDI, HINDI), "1b13"),  # there twice
        ("ಡ", Shifts(KANNADA, 0), "24"),
        ("௮", Shifts(0, TAMIL), "1b24"),
        ("€", Shifts(0, TELUGU), "1b65"),
        ("سلام", Shifts(URDU, 0), "3d4d004e"),
        ("۔", Shifts(0, URDU), "1b3f"),
    ],
)
def test_words_of_a_language(text: str, shifts: Shifts, octets: str) -> None:
    assert gsm.encode(text, shifts).hex() == octets
    assert gsm.decode(bytes.fromhex(octets), shifts) == text


def test_with_a_locking_table_what_it_lacks_needs_the_single_table() -> None:
    with pytest.raises(UnicodeEncodeError) as caught:
        gsm.encode("नम A", Shifts(HINDI, 0))
    assert caught.value.start == 3
    assert gsm.encode("नम A", Shifts(HINDI, HINDI)) == b"\x2f\x42\x20\x1b\x41"


@pytest.mark.parametrize(
    ("octets", "shifts", "text"),
    [
        (b"a\x1bgb", Shifts(single=99), "agb"),  # a language nobody knows: the basic tables
        (b"\x1be\x04", Shifts(99, 99), "€è"),
        (b"\x07", Shifts(SPANISH, 0), "ì"),  # Spanish has no locking table
        (b"\x00a", Shifts(KANNADA, 0), "\ufffda"),  # a hole
        (b"\x1b\x00a", Shifts(KANNADA, KANNADA), "@a"),  # over which another character lies
        (b"\x1b\x01", Shifts(KANNADA, 0), "ಂ"),  # an unknown extension
        (b"\x1b\x1b\x1b", Shifts(TURKISH, TURKISH), " "),
        (b"\xe7", Shifts(TURKISH, TURKISH), "\ufffd"),
    ],
)
def test_reads_what_nobody_should_write(octets: bytes, shifts: Shifts, text: str) -> None:
    assert gsm.decode(octets, shifts) == text


@pytest.mark.parametrize("shifts", PAIRS)
def test_reading_undoes_writing_of_every_character(shifts: Shifts) -> None:
    text = writable(shifts)
    assert gsm.decode(gsm.encode(text, shifts), shifts) == text


@pytest.mark.parametrize("shifts", PAIRS)
def test_a_character_is_written_the_same_alone_and_among_others(shifts: Shifts) -> None:
    text = writable(shifts)
    assert b"".join(gsm.encode(character, shifts) for character in text) == gsm.encode(text, shifts)


@given(st.sampled_from(PAIRS), st.data())
def test_reading_undoes_writing(shifts: Shifts, data: st.DataObject) -> None:
    text = data.draw(st.text(st.sampled_from(writable(shifts))))
    assert gsm.decode(gsm.encode(text, shifts), shifts) == text


@given(st.text(), st.sampled_from(PAIRS))
def test_writes_exactly_the_texts_of_its_tables(text: str, shifts: Shifts) -> None:
    if set(text) <= set(writable(shifts)):
        assert gsm.decode(gsm.encode(text, shifts), shifts) == text
    else:
        with pytest.raises(UnicodeEncodeError):
            gsm.encode(text, shifts)


@given(st.binary(), st.builds(Shifts, st.integers(0, 255), st.integers(0, 255)))
def test_reading_never_raises(octets: bytes, shifts: Shifts) -> None:
    assert len(gsm.decode(octets, shifts)) <= len(octets)


def test_equal_shifts_are_the_same_tables_however_they_are_made() -> None:
    assert gsm.decode(b"\x04", Shifts(*NO_SHIFTS)) == gsm.decode(b"\x04") == "è"
