"""What data_coding means on an account, and which alphabet a text goes out in."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.text.alphabets import Alphabets, Decoded, Encoded, Unencodable, capacity

DEFAULTS = ("gsm", "gsm-packed", "ascii", "latin1", "utf-8", "shift_jis")
SPEAKABLE = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("octets", "data_coding", "text", "encoding"),
    [
        (b"", 0, "", "gsm"),
        (b"\x00\x5f", 0, "@§", "gsm"),
        (b"a_b@c\x00\x00", 1, "a_b@c", "ascii"),  # NULs end it
        (b"a\xe9", 1, "a\ufffd", "ascii"),
        (b"Espa\xf1a", 3, "España", "latin1"),
        (b"\xbf\xe0\xd8", 6, "При", "iso-8859-5"),
        (b"\xf9\xec\xe5\xed", 7, "שלום", "iso-8859-8"),
        ("мир 😀".encode("utf-16-be"), 8, "мир 😀", "ucs2"),
        (b"\xfe\xff\x04\x1f", 8, "П", "ucs2"),
        (b"\xff\xfe\x1f\x04\x3d", 8, "П", "ucs2"),  # little endian by its mark, odd length
        (b"\x04\x1f\xd8\x3d", 8, "П\ufffd", "ucs2"),  # half a pair
        (b"\x00", 0x10, "@", "gsm"),
        (b"\x00", 0x13, "@", "gsm"),
        (b"\x04\x1f", 0x18, "П", "ucs2"),
        (b"\x04\x1f", 0x3B, "П", "ucs2"),
        (b"\x00", 0x41, "@", "gsm"),
        (b"\x00", 0xC0, "@", "gsm"),
        (b"\x00", 0xDF, "@", "gsm"),
        (b"\x04\x1f", 0xE0, "П", "ucs2"),
        (b"\x00", 0xF0, "@", "gsm"),
        (b"\x00", 0xF2, "@", "gsm"),
        (b"\x00", 0xF8, "@", "gsm"),
    ],
)
def test_reads_text(octets: bytes, data_coding: int, text: str, encoding: str) -> None:
    assert Alphabets().decode(octets, data_coding) == Decoded(text, None, encoding)


@pytest.mark.parametrize(
    ("data_coding", "encoding"),
    [
        (2, "binary"),
        (4, "binary"),
        (0x14, "binary"),
        (0x35, "binary"),
        (0xF4, "binary"),
        (0xFF, "binary"),
        (5, "jis"),
        (9, "pictogram"),
        (10, "iso-2022-jp"),
        (13, "jis-x-0212"),
        (14, "ks-c-5601"),
        (11, "unknown"),
        (15, "unknown"),
        (0x1C, "unknown"),
        (0x80, "unknown"),
        (0xBF, "unknown"),
    ],
)
def test_hands_on_as_octets_what_is_no_readable_text(data_coding: int, encoding: str) -> None:
    assert Alphabets().decode(b"abc", data_coding) == Decoded(None, b"abc", encoding)


@pytest.mark.parametrize(
    ("default", "octets", "text", "encoding"),
    [
        ("gsm", b"\xa7", "\ufffd", "gsm"),
        ("ascii", b"{a}_@", "{a}_@", "ascii"),
        ("latin1", b"\xa7 8", "§ 8", "latin1"),
        ("utf-8", b"Zo\xc3\xab", "Zoë", "utf8"),
        ("utf-8", b"Zo\xc3", "Zo\ufffd", "utf8"),
        ("gsm-packed", b"abc", None, "gsm-packed"),
        ("shift_jis", b"abc", None, "shift_jis"),
    ],
)
@pytest.mark.parametrize("data_coding", [0, 0x10, 0xF1])
def test_the_default_alphabet_is_the_account_s(
    default: str, octets: bytes, text: str | None, encoding: str, data_coding: int
) -> None:
    expected = Decoded(text, octets if text is None else None, encoding)
    assert Alphabets(default).decode(octets, data_coding) == expected


@pytest.mark.parametrize(
    ("default", "text", "encoding", "octets", "data_coding", "word"),
    [
        ("gsm", "Hi @", "auto", b"Hi \x00", 0, "gsm"),
        ("gsm", "5 €", "auto", b"5 \x1b\x65", 0, "gsm"),
        ("gsm", "Zoë", "auto", "Zoë".encode("utf-16-be"), 8, "ucs2"),  # not Latin-1: it may lose
        ("gsm", "", "auto", b"", 0, "gsm"),
        ("gsm", "ok 😀", "auto", "ok 😀".encode("utf-16-be"), 8, "ucs2"),
        ("gsm-packed", "Hi", "auto", b"\0H\0i", 8, "ucs2"),
        ("shift_jis", "Hi", "auto", b"\0H\0i", 8, "ucs2"),
        ("ascii", "Hi @", "auto", b"Hi @", 0, "ascii"),
        ("ascii", "é", "auto", b"\x00\xe9", 8, "ucs2"),
        ("latin1", "Zoë", "auto", b"Zo\xeb", 0, "latin1"),
        ("latin1", "5 €", "auto", "5 €".encode("utf-16-be"), 8, "ucs2"),
        ("utf-8", "5 €", "auto", "5 €".encode(), 0, "utf8"),
        ("utf-8", "語" * 60, "auto", ("語" * 60).encode("utf-16-be"), 8, "ucs2"),  # 180 octets in UTF-8
        ("utf-8", "語" * 200, "auto", ("語" * 200).encode("utf-16-be"), 8, "ucs2"),  # 3 segments, not 5
        ("gsm", "a" * 161, "auto", b"a" * 161, 0, "gsm"),  # too long in every one: the shortest
        ("gsm", "Hi", "gsm", b"Hi", 0, "gsm"),
        ("gsm", "Hi", "ascii", b"Hi", 1, "ascii"),
        ("gsm", "Zoë", "latin1", b"Zo\xeb", 3, "latin1"),
        ("latin1", "Zoë", "latin1", b"Zo\xeb", 0, "latin1"),
        ("gsm", "Hi", "ucs2", b"\0H\0i", 8, "ucs2"),
        ("utf-8", "Zoë", "utf8", b"Zo\xc3\xab", 0, "utf8"),
        ("utf-8", "Hi", "ascii", b"Hi", 1, "ascii"),
    ],
)
def test_writes(default: str, text: str, encoding: str, octets: bytes, data_coding: int, word: str) -> None:
    assert Alphabets(default).encode(text, encoding) == Encoded(octets, data_coding, word)


@pytest.mark.parametrize(
    ("default", "text", "encoding", "complaint"),
    [
        ("gsm", "Привет", "gsm", "the character 'П' (U+041F) cannot be written in gsm"),
        ("gsm", "naïve", "ascii", "the character 'ï' (U+00EF) cannot be written in ascii"),
        ("gsm", "5 €", "latin1", "the character '€' (U+20AC) cannot be written in latin1"),
        ("gsm", "\ud83d", "auto", r"the character '\ud83d' (U+D83D) cannot be written in ucs2"),
        ("utf-8", "\ud83d", "utf8", r"the character '\ud83d' (U+D83D) cannot be written in utf8"),
        ("gsm", "Hi", "utf8", "encoding utf8 has no data_coding on this account"),
        ("latin1", "Hi", "gsm", "encoding gsm has no data_coding on this account"),
        ("gsm-packed", "Hi", "gsm", "encoding gsm has no data_coding on this account"),
        ("gsm", "Hi", "jis", "encoding jis has no data_coding on this account"),  # readable to none here
    ],
)
def test_says_what_it_cannot_write(default: str, text: str, encoding: str, complaint: str) -> None:
    with pytest.raises(Unencodable) as caught:
        Alphabets(default).encode(text, encoding)
    assert str(caught.value) == complaint


def test_an_encoding_has_one_data_coding() -> None:
    assert Alphabets("gsm").coding_of("binary") == 4
    assert Alphabets("gsm").coding_of("gsm") == 0
    with pytest.raises(Unencodable):
        Alphabets("gsm").coding_of("utf8")


@pytest.mark.parametrize(
    ("encoding", "udh_octets", "octets"),
    [("gsm", 0, 160), ("gsm", 6, 153), ("gsm", 7, 152), ("ucs2", 0, 140), ("binary", 6, 134)],
)
def test_one_segment_holds(encoding: str, udh_octets: int, octets: int) -> None:
    assert capacity(encoding, udh_octets) == octets


def test_cosmetic_text_is_read_by_the_default_alphabet() -> None:
    assert Alphabets("gsm").decode_default(b"H\x1bello\xff") == "H€llo\ufffd"
    assert Alphabets("utf-8").decode_default(b"Zo\xc3\xab") == "Zoë"
    assert Alphabets("shift_jis").decode_default(b"abc\x82") == "abc\ufffd"


@given(SPEAKABLE, st.sampled_from(DEFAULTS))
def test_auto_loses_nothing(text: str, default: str) -> None:
    assume(not text.startswith(("\ufeff", "\ufffe")))  # byte order marks
    assume(not text.endswith("\0"))  # ends ASCII
    alphabets = Alphabets(default)
    encoded = alphabets.encode(text, "auto")
    assert alphabets.decode(encoded.octets, encoded.data_coding) == Decoded(text, None, encoded.encoding)


@given(st.text(), st.sampled_from(DEFAULTS), st.sampled_from(["gsm", "latin1", "ucs2", "utf8", "ascii"]))
def test_writes_as_asked_or_not_at_all(text: str, default: str, encoding: str) -> None:
    alphabets = Alphabets(default)
    try:
        encoded = alphabets.encode(text, encoding)
    except Unencodable:
        return
    assert encoded.encoding == encoding
    assert alphabets.decode(encoded.octets, encoded.data_coding).encoding == encoding


@given(st.binary(), st.integers(0, 255), st.sampled_from(DEFAULTS))
def test_reading_never_raises(octets: bytes, data_coding: int, default: str) -> None:
    decoded = Alphabets(default).decode(octets, data_coding)
    assert (decoded.text is None) != (decoded.data is None)
    if decoded.text is not None:
        decoded.text.encode()  # nothing that JSON could not carry
