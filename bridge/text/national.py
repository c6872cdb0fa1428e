"""The national language tables of GSM 03.38 (3GPP TS 23.038, Annex A), as what they change.

A message names them in its user data header: a locking shift table stands in for the basic table, a single
shift table for its extension. How they are applied is `gsm.py`'s.

The tables of the languages of South Asia share two layouts: the same codes hold letters, in the order of the
script's block in Unicode. A script is therefore its block and the places in it, in hex, code by code; `.` is a
code without a character, four digits are a character of another block. Where the specification's own tables
slip (the Kannada letter DDA, the digit eight in Tamil), what phones have is taken.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

LANGUAGES: Mapping[str, int] = {
    "turkish": 1,
    "spanish": 2,
    "portuguese": 3,
    "bengali": 4,
    "gujarati": 5,
    "hindi": 6,
    "kannada": 7,
    "malayalam": 8,
    "oriya": 9,
    "punjabi": 10,
    "tamil": 11,
    "telugu": 12,
    "urdu": 13,
}
"""The languages by their national language identifier (section 6.2.1.2.4). Bengali serves Assamese too."""

NO_CHARACTER = "\ufffe"
"""What a locking shift table has at a code without a character; Unicode has none there either."""

_ABSENT = ord(NO_CHARACTER)

# Scripts: block, letters of the locking shift table, letters of the single shift table.
_SCRIPTS: Mapping[str, tuple[int, str, str]] = {
    "bengali": (
        0x0980,
        "01-03 05-0c . . 0f 10 . . 13-28 . 2a-30 . 32 . . . 36-39 3c-44 . . 47 48 . . 4b-4e 57 5c 5d 70 71",
        "66-6f 5f-63 72-7a",
    ),
    "gujarati": (
        0x0A80,
        "01-03 05-0d . 0f-11 . 13-28 . 2a-30 . 32 33 . 35-39 3c-45 . 47-49 . 4b-4d 50 60-63 71",
        "0964 0965 66-6f",
    ),
    "hindi": (
        0x0900,
        "01-03 05-39 3c-4d 50 72 7b 7c 7e 7f",
        "64-6f 51-54 58-63 70 71",
    ),
    "kannada": (
        0x0C80,
        ". 02 03 05-0c . 0e-10 . 12-28 . 2a-33 . 35-39 3c-44 . 46-48 . 4a-4d 55 56 60-63",
        "0964 0965 66-6f 5e 71 72",
    ),
    "malayalam": (
        0x0D00,
        ". 02 03 05-0c . 0e-10 . 12-28 . 2a-39 . 3d-44 . 46-48 . 4a-4d 57 60-63 79",
        "0964 0965 66-75 7a-7f",
    ),
    "oriya": (
        0x0B00,
        "01-03 05-0c . . 0f 10 . . 13-28 . 2a-30 . 32 33 . 35-39 3c-44 . . 47 48 . . 4b-4d 56 57 60-63",
        "0964 0965 66-6f 5c 5d 5f 70 71",
    ),
    "punjabi": (
        0x0A00,
        (
            "01-03 05-0a . . . . 0f 10 . . 13-28 . 2a-30 . 32 33 . 35 36 . 38 39 3c . 3e-42 . . . . 47 48 . . 4b-4d 51"
            " 70-74"
        ),
        "0964 0965 66-6f 59-5c 5e 75",
    ),
    "tamil": (
        0x0B80,
        (
            ". 02 03 05-0a . . . 0e-10 . 12-15 . . . 19 1a . 1c . 1e 1f . . . 23 24 . . . 28-2a . . . 2e-39 . ."
            " 3e-42 . . . 46-48 . 4a-4d 50 57 70-72 79"
        ),
        "0964 0965 66-6f 73-78 7a",
    ),
    "telugu": (
        0x0C00,
        "01-03 05-0c . 0e-10 . 12-28 . 2a-33 . 35-39 . 3d-44 . 46-48 . 4a-4d 55 56 60-63",
        ". . 66-6f 58 59 78-7f",
    ),
    "urdu": (
        0x0600,
        (
            "27 22 28 7b 80 7e a6 2a c2 7f 79 7d 7a 7c 2b 2c 81 84 83 85-87 2d-2f 8c 88-8a 8f 8d 30 31 91 93 99 32"
            " 96 98 9a 33-39 41 42 a9-ab af b3 b1 44-46 ba-bc 48 c4 d5 c1 be 21 cc d0 d2 4d 50 4f 57 54 55 51 53"
            " 56 70"
        ),
        "00 01 f0-f9 0c-14 1b 1f 40 52 58 6b 6c 72 73 cd d4",
    ),
}
_LOCKING_LETTERS = "00-09 0b 0c 0e-1a 1c-1f 22-27 2a 2b 2d 2f 3c-3e 40-60 7b-7f"
_SINGLE_LETTERS = "19 1a 1c-27 2a-2e 30-3b 3f"
# What all the scripts have beside their letters. Of a character that stands at two codes the first is written.
_LOCKING_SIGNS = {0x28: ")", 0x29: "("}
_SINGLE_SIGNS = "00-09 0b 0c 0e-18 41-5a", "@£$¥¿\"¤%&'*+-/<=>¡^¡_#*ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _numbers(words: str) -> Iterator[int]:
    for word in words.split():
        first, _, last = word.partition("-")
        yield from (_ABSENT,) if word == "." else range(int(first, 16), int(last or first, 16) + 1)


def _letters(block: int, words: str) -> Iterator[str]:
    return (chr(number if number > 0xFF else block + number) for number in _numbers(words))


def _changes(words: str) -> dict[int, str]:
    return {int(word[:2], 16): word[2:] for word in words.split()}


def _locking(block: int, letters: str) -> dict[int, str]:
    places = zip(_numbers(_LOCKING_LETTERS), _letters(block, letters), strict=True)
    return dict(chain(places, _LOCKING_SIGNS.items()))


def _single(block: int, letters: str) -> dict[int, str]:
    codes, signs = _SINGLE_SIGNS
    places = zip(_numbers(_SINGLE_LETTERS), _letters(block, letters), strict=False)
    return {
        code: character
        for code, character in chain(zip(_numbers(codes), signs, strict=True), places)
        if character != NO_CHARACTER
    }


LOCKING: Mapping[int, Mapping[int, str]] = {
    1: _changes("04€ 07\u0131 0bĞ 0cğ 1cŞ 1dş 40İ 60ç"),
    3: _changes(
        "04ê 06ú 07í 08ó 09ç 0bÔ 0cô 0eÁ 0fá 12ª 13Ç 14À 15∞ 16^ 17\\ 18€ 19Ó 1a| 1cÂ 1dâ 1eÊ 24º 40Í 5bÃ 5cÕ"
        " 5dÚ 60~ 7bã 7cõ 7d`"
    ),
} | {LANGUAGES[language]: _locking(block, letters) for language, (block, letters, _) in _SCRIPTS.items()}
"""By language: the codes at which the locking shift table differs from the basic table. Spanish has none."""

SINGLE: Mapping[int, Mapping[int, str]] = {
    1: _changes("47Ğ 49İ 53Ş 63ç 67ğ 69\u0131 73ş"),
    2: _changes("09ç 41Á 49Í 4fÓ 55Ú 61á 69í 6fó 75ú"),
    3: _changes(
        "05ê 09ç 0bÔ 0cô 0eÁ 0fá 12Φ 13Γ 15Ω 16Π 17Ψ 18Σ 19Θ 1fÊ 41À 49Í 4fÓ 55Ú 5bÃ 5cÕ 61Â 69í 6fó 75ú 7bã"
        " 7cõ 7fâ"
    ),
} | {LANGUAGES[language]: _single(block, letters) for language, (block, _, letters) in _SCRIPTS.items()}
"""By language: what the single shift table has beside the characters of the basic extension."""
