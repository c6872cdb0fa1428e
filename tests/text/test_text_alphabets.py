"""What data_coding means on an account, and what octets say by it."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.inbound import Shifts
from bridge.text.alphabets import SMPP34_CODINGS, Alphabets, Decoded, Unencodable

GSM_AT_2 = {1: "ascii", 2: "gsm", 8: "ucs2"}
DEFAULTS = ("gsm", "gsm-packed", "ascii", "latin1", "utf-8", "shift_jis")


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
        (b"\xfe\xff\xd8\x3d\xde\x00", 8, "😀", "ucs2"),
        (b"\x00O\x00k\x00\x00", 8, "Ok", "ucs2"),
        (b"", 8, "", "ucs2"),
        ("日本①ｶﾅ".encode("cp932"), 5, "日本①ｶﾅ", "shift_jis"),
        (b"plain\0", 5, "plain", "shift_jis"),
        (b"\x1b$BF|K\\\x1b(B!", 5, "日本!", "shift_jis"),  # in the form of data_coding 10
        (b"\x82", 5, "\ufffd", "shift_jis"),
        (b"\x1b$BF|K\\\x1b(B!", 10, "日本!", "iso-2022-jp"),
        (b"\x1b(I6E\x1b(B", 10, "ｶﾅ", "iso-2022-jp"),
        (b"\x1b$BF", 10, "\ufffd", "iso-2022-jp"),
        (b"\x8f\xb0\xa1\xc6\xfc", 13, "丂日", "jis-x-0212"),
        (b"\x1b$(D0!\x1b(B", 13, "丂", "jis-x-0212"),
        ("한국어 똠".encode("cp949"), 14, "한국어 똠", "euc-kr"),
        (b"\xc7", 14, "\ufffd", "euc-kr"),
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
        (9, "pictogram"),
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
        ("utf-8", b"\xef\xbb\xbfHi\0", "Hi", "utf8"),
        ("latin1", b"Hi\0\0", "Hi", "latin1"),
        ("gsm", b"Hi\0", "Hi@", "gsm"),
        ("gsm-packed", b"a\x1be", "a€", "gsm"),
        ("shift_jis", b"\x93\xfa\x96{", "日本", "shift_jis"),
    ],
)
@pytest.mark.parametrize("data_coding", [0, 0x10, 0xF1])
def test_the_default_alphabet_is_the_account_s(
    default: str, octets: bytes, text: str, encoding: str, data_coding: int
) -> None:
    alphabets = Alphabets(default)
    assert alphabets.decode(octets, data_coding) == Decoded(text, None, encoding)
    assert alphabets.encoding_of(data_coding) == alphabets.default == encoding


@pytest.mark.parametrize(
    ("default", "data_coding", "packed"),
    [
        ("gsm-packed", 0, True),
        ("gsm-packed", 0x11, True),
        ("gsm-packed", 0xC0, True),
        ("gsm-packed", 0xF0, True),
        ("gsm-packed", 1, False),
        ("gsm-packed", 8, False),
        ("gsm-packed", 0xF4, False),
        ("gsm", 0, False),
        ("gsm", 0xF0, False),
    ],
)
def test_only_what_is_in_the_default_alphabet_may_be_packed(
    default: str, data_coding: int, packed: bool
) -> None:
    assert Alphabets(default).packed(data_coding) == packed


def test_another_data_coding_for_gsm_is_never_packed() -> None:
    alphabets = Alphabets("gsm-packed", GSM_AT_2)
    assert (alphabets.encoding_of(2), alphabets.packed(2)) == ("gsm", False)
    assert (alphabets.coding_of("gsm"), alphabets.packed(0)) == (0, True)


def test_national_tables_count_only_in_gsm() -> None:
    turkish = Shifts(locking=1, single=1)
    assert Alphabets().decode(b"\x04\x1bc", 0, turkish) == Decoded("€ç", None, "gsm")
    assert Alphabets("gsm-packed").decode(b"\x04", 0xF1, turkish) == Decoded("€", None, "gsm")
    assert Alphabets("latin1").decode(b"\xe9", 0, turkish) == Decoded("é", None, "latin1")
    assert Alphabets().decode(b"\x04\x1f", 8, turkish) == Decoded("П", None, "ucs2")


def test_an_encoding_has_one_data_coding() -> None:
    assert Alphabets("gsm").coding_of("binary") == 4
    assert Alphabets("gsm").coding_of("gsm") == 0
    with pytest.raises(Unencodable):
        Alphabets("gsm").coding_of("utf8")


@pytest.mark.parametrize(
    ("default", "data_coding", "octets", "text"),
    [
        ("gsm", 0, b"H\x1bello\xff", "H€llo\ufffd"),
        ("gsm", 0xF2, b"H\x1bello", "H€llo"),
        ("gsm-packed", 0, b"H\x1bello", "H€llo"),
        ("utf-8", 0, b"Zo\xc3\xab", "Zoë"),
        ("gsm", 1, b"a_b@c", "a_b@c"),
        ("gsm", 3, b"Espa\xf1a", "España"),
        ("gsm", 8, b"abc", "abc"),  # copied onto ASCII
        ("latin1", 8, b"Espa\xf1a", "España"),
        ("gsm", 4, b"H\x1bello", "H€llo"),
        ("gsm", 15, b"H\x1bello", "H€llo"),
        ("shift_jis", 0, b"abc\x82", "abc\ufffd"),
    ],
)
def test_cosmetic_text_is_read_by_its_alphabet_or_the_default(
    default: str, data_coding: int, octets: bytes, text: str
) -> None:
    assert Alphabets(default).decode_quoted(octets, data_coding) == text


def test_says_what_it_cannot_write() -> None:
    assert str(Unencodable("ï", "gsm")) == "the character 'ï' (U+00EF) cannot be written in gsm"
    assert str(Unencodable("\ud83d", "ucs2")) == r"the character '\ud83d' (U+D83D) cannot be written in ucs2"
    assert str(Unencodable(None, "gsm")) == "encoding gsm has no data_coding on this account"


ESCAPES = st.sampled_from([b"\x1b$B", b"\x1b(B", b"\x1b$(D", b"\x1b(I", b"\x1b", b"\x8f", b"\xff\xfe"])
OCTETS = st.lists(st.binary(max_size=5) | ESCAPES).map(b"".join)


@given(
    OCTETS,
    st.integers(0, 255),
    st.sampled_from(DEFAULTS),
    st.sampled_from([SMPP34_CODINGS, GSM_AT_2]),
    st.builds(Shifts, st.integers(0, 255), st.integers(0, 255)),
)
def test_reading_never_raises(
    octets: bytes, data_coding: int, default: str, codings: Mapping[int, str], shifts: Shifts
) -> None:
    decoded = Alphabets(default, codings).decode(octets, data_coding, shifts)
    assert (decoded.text is None) != (decoded.data is None)
    if decoded.text is not None:
        decoded.text.encode()  # nothing that JSON could not carry
