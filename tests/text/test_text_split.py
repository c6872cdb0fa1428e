"""Where a long text is cut: never in a character, where it can be helped never in a grapheme, never too late."""

from itertools import pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.split import Limit, chunks, cut

MANY = 255
FAMILY = "👨‍👩‍👧"
SIGNS = (
    "a",
    "b",
    "é",
    "е\u0301",
    "각",
    "\u1100\u1161\u11a8",
    "क्षि",
    "\r\n",
    "🇬🇧",
    "👍🏽",
    FAMILY,
    "\u200d",
    "\u0301",
    "語",
)
TEXTS = st.lists(st.sampled_from(SIGNS), min_size=1, max_size=60).map("".join) | st.text(min_size=1)


def utf16(text: str, octets: int) -> Limit:
    return Limit(
        octets, {character: len(character.encode("utf-16-be", "surrogatepass")) for character in text}
    )


def graphemes(text: str) -> list[str]:
    return regex.findall(r"\X", text)


@pytest.mark.parametrize(
    ("text", "room", "pieces"),
    [
        ("abcdef", 6, ["abc", "def"]),
        ("abcdefg", 6, ["abc", "def", "g"]),
        ("abcdef", 7, ["abc", "def"]),  # half a character more is no room
        ("ab😀c", 6, ["ab", "😀c"]),  # never between surrogates
        ("abe\u0301d", 6, ["ab", "e\u0301d"]),
        ("ab\r\nc", 6, ["ab", "\r\nc"]),
        ("ab\u1100\u1161\u11a8", 6, ["ab", "\u1100\u1161\u11a8"]),  # Hangul as conjoining jamo
        ("a🇬🇧🇫🇷", 12, ["a🇬🇧", "🇫🇷"]),
        ("🇬🇧🇫🇷", 14, ["🇬🇧", "🇫🇷"]),  # the flags are told apart by counting from the beginning
        (f"abc{FAMILY}", 20, ["abc", FAMILY]),
        (f"a{FAMILY}b", 8, ["a", "👨\u200d", "👩\u200d", "👧b"]),  # longer than a piece: by characters
        ("ae" + "\u0301" * 5, 6, ["a", "e\u0301\u0301", "\u0301\u0301\u0301"]),
    ],
)
def test_cuts(text: str, room: int, pieces: list[str]) -> None:
    assert cut(text, [utf16(text, room)], MANY) == pieces


def test_the_narrowest_limit_decides() -> None:
    text = "ab[]" * 3
    septets = Limit(4, {"a": 1, "b": 1, "[": 2, "]": 2})
    octets = Limit(3, dict.fromkeys(text, 1))
    assert cut(text, [septets], MANY) == ["ab[", "]ab", "[]", "ab[", "]"]
    assert cut(text, [octets], MANY) == ["ab[", "]ab", "[]a", "b[]"]
    assert cut(text, [septets, octets], MANY) == ["ab[", "]ab", "[]", "ab[", "]"]


def test_graphemes_are_cut_where_that_saves_the_message() -> None:
    text = "ae\u0301" * 4
    limits = [utf16(text, 4)]
    assert cut(text, limits, 8) == ["a", "e\u0301"] * 4
    assert cut(text, limits, 7) == ["ae", "\u0301a", "e\u0301", "ae", "\u0301a", "e\u0301"]
    assert cut(text, limits, 6) == cut(text, limits, 7)
    assert cut(text, limits, 5) == cut(text, limits, 7)  # not fewer than there can be


@given(TEXTS, st.integers(4, 40), st.integers(1, 60))
def test_pieces_are_the_text_and_fit(text: str, room: int, most: int) -> None:
    limit = utf16(text, room)
    pieces = cut(text, [limit], most)
    assert "".join(pieces) == text
    assert all(0 < sum(limit.sizes[character] for character in piece) <= room for piece in pieces)


@given(TEXTS, st.integers(4, 40))
def test_a_grapheme_that_fits_into_a_piece_is_never_cut(text: str, room: int) -> None:
    limit = utf16(text, room)
    ends: set[int] = set()
    for piece in cut(text, [limit], len(text)):
        ends.add(max(ends, default=0) + len(piece))
    start = 0
    for grapheme in graphemes(text):
        inside = range(start + 1, start + len(grapheme))
        if sum(limit.sizes[character] for character in grapheme) <= room:
            assert ends.isdisjoint(inside)
        start += len(grapheme)


@given(TEXTS, st.integers(4, 40))
def test_by_characters_there_are_no_fewer_pieces(text: str, room: int) -> None:
    limit = utf16(text, room)
    pieces = cut(text, [limit], 0)
    for piece, after in pairwise(pieces):
        assert sum(limit.sizes[character] for character in piece + after[0]) > room


@pytest.mark.parametrize(
    ("octets", "pieces"),
    [(b"", ()), (b"abc", (b"abc",)), (b"abcd", (b"abc", b"d")), (b"abcdef", (b"abc", b"def"))],
)
def test_octets_are_cut_anywhere(octets: bytes, pieces: tuple[bytes, ...]) -> None:
    assert chunks(octets, 3) == pieces
