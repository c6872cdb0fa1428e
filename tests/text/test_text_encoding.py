"""In which encoding a text goes out on an account, how many segments that makes, and what is refused."""

from collections.abc import Mapping

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bridge.dialects.genesys import GENESYS
from bridge.model.inbound import NO_SHIFTS
from bridge.text import gsm
from bridge.text.alphabets import SMPP34_CODINGS, Alphabets, Unencodable
from bridge.text.encoding import TooLong, Writer, Written
from bridge.text.national import LANGUAGES
from bridge.text.udh import read_udh

DEFAULTS = ("gsm", "gsm-packed", "ascii", "latin1", "utf-8", "shift_jis")
ENCODINGS = ("auto", "gsm", "latin1", "ucs2", "utf8", "ascii")
TURKISH, SPANISH, PORTUGUESE, HINDI = (
    LANGUAGES[word] for word in ("turkish", "spanish", "portuguese", "hindi")
)
SIGNS = (*"aZ@[~€é\r\nëşğıİ¥‾\\語ｱжहि¢〜\x1b\0", "😀", "👨‍👩‍👧", "🇬🇧", "e\u0301", "각", "\r\n")
TEXTS = st.builds(
    lambda signs, times, rest: "".join(signs) * times + rest,
    st.lists(st.sampled_from(SIGNS), max_size=8),
    st.integers(1, 120),
    st.text(max_size=8),
)


def writer(default: str = "gsm", *languages: int, codings: Mapping[int, str] = SMPP34_CODINGS) -> Writer:
    return Writer(Alphabets(default, codings), languages)


def sizes(written: Written) -> list[int]:
    return [len(piece) for piece in written.pieces]


@pytest.mark.parametrize(
    ("default", "text", "encoding", "octets", "data_coding", "word"),
    [
        ("gsm", "Hi @", "auto", b"Hi \x00", 0, "gsm"),
        ("gsm", "5 €", "auto", b"5 \x1b\x65", 0, "gsm"),
        ("gsm", "Zoë", "auto", "Zoë".encode("utf-16-be"), 8, "ucs2"),  # not Latin-1: it may lose
        ("gsm", "", "auto", b"", 0, "gsm"),
        ("gsm", "ok 😀", "auto", "ok 😀".encode("utf-16-be"), 8, "ucs2"),
        ("gsm", "Şu", "auto", b"\x01\x5e\0u", 8, "ucs2"),  # no language is configured
        ("gsm-packed", "Hi", "auto", b"Hi", 0, "gsm"),
        ("gsm-packed", "Zoë", "auto", "Zoë".encode("utf-16-be"), 8, "ucs2"),
        ("shift_jis", "カナ ｶﾅ", "auto", b"\x83J\x83i \xb6\xc5", 0, "shift_jis"),
        ("shift_jis", "¢5", "auto", b"\x00\xa2\x005", 8, "ucs2"),  # Shift_JIS would make a wide sign of it
        ("ascii", "Hi @", "auto", b"Hi @", 0, "ascii"),
        ("ascii", "é", "auto", b"\x00\xe9", 8, "ucs2"),
        ("latin1", "Zoë", "auto", b"Zo\xeb", 0, "latin1"),
        ("latin1", "5 €", "auto", "5 €".encode("utf-16-be"), 8, "ucs2"),
        ("utf-8", "5 €", "auto", "5 €".encode(), 0, "utf8"),
        ("utf-8", "語" * 60, "auto", ("語" * 60).encode("utf-16-be"), 8, "ucs2"),  # 180 octets in UTF-8
        ("gsm", "Hi", "gsm", b"Hi", 0, "gsm"),
        ("gsm", "Hi", "ascii", b"Hi", 1, "ascii"),
        ("gsm", "Zoë", "latin1", b"Zo\xeb", 3, "latin1"),
        ("latin1", "Zoë", "latin1", b"Zo\xeb", 0, "latin1"),
        ("gsm", "Hi", "ucs2", b"\0H\0i", 8, "ucs2"),
        ("utf-8", "Zoë", "utf8", b"Zo\xc3\xab", 0, "utf8"),
        ("utf-8", "Hi", "ascii", b"Hi", 1, "ascii"),
    ],
)
def test_one_segment(
    default: str, text: str, encoding: str, octets: bytes, data_coding: int, word: str
) -> None:
    packed = default == "gsm-packed" and data_coding == 0
    assert writer(default).write(text, encoding) == Written((octets,), word, data_coding, b"", packed)


@pytest.mark.parametrize(
    ("default", "text", "encoding", "word", "segments"),
    [
        ("gsm", "a" * 160, "auto", "gsm", [160]),
        ("gsm", "a" * 161, "auto", "gsm", [153, 8]),
        ("gsm", "a" * 306, "auto", "gsm", [153, 153]),
        ("gsm", "a" * 307, "auto", "gsm", [153, 153, 1]),
        ("gsm", "a" * 158 + "€", "auto", "gsm", [160]),
        ("gsm", "a" * 152 + "€" + "a" * 7, "auto", "gsm", [152, 9]),  # an escape is never cut
        ("gsm", "€" * 81, "auto", "gsm", [152, 10]),
        ("gsm", "ж" * 70, "auto", "ucs2", [140]),
        ("gsm", "ж" * 71, "auto", "ucs2", [134, 8]),
        ("gsm", "ж" * 134, "auto", "ucs2", [134, 134]),
        ("gsm", "ж" * 66 + "😀" * 3, "auto", "ucs2", [132, 12]),
        ("gsm", "ж" * 65 + "👨‍👩‍👧", "auto", "ucs2", [130, 16]),
        ("gsm", "ж" * 65 + "🇬🇧" * 2, "auto", "ucs2", [130, 16]),
        ("gsm", "ж" * 66 + "e\u0301" * 4, "auto", "ucs2", [132, 16]),
        ("gsm", "각" * 71, "auto", "ucs2", [134, 8]),
        ("gsm", "ж" * 66 + "\u1100\u1161\u11a8" * 2, "auto", "ucs2", [132, 12]),
        ("gsm", "a" * 141, "latin1", "latin1", [134, 7]),
        ("gsm-packed", "a" * 160, "auto", "gsm", [160]),
        ("gsm-packed", "a" * 161, "auto", "gsm", [153, 8]),
        ("gsm-packed", "a" * 158 + "\r\n", "auto", "gsm", [160]),
        ("gsm-packed", "a" * 159 + "\r", "auto", "gsm", [153, 7]),  # packed it would need an octet more
        ("gsm-packed", "a" * 152 + "\r" + "a" * 8, "auto", "gsm", [152, 9]),
        ("shift_jis", "カ" * 70, "auto", "shift_jis", [140]),
        ("shift_jis", "a" + "カ" * 70, "auto", "shift_jis", [133, 8]),  # no pair of octets is cut
        ("utf-8", "語" * 200, "auto", "ucs2", [134, 134, 132]),
        ("utf-8", "語" * 200, "utf8", "utf8", [132, 132, 132, 132, 72]),
        ("utf-8", "a" * 139 + "ë", "auto", "utf8", [67, 67, 7]),
        # What the SMSC transcribes to GSM is counted as GSM,
        ("utf-8", "a" * 160, "auto", "utf8", [160]),
        ("utf-8", "a" * 161, "auto", "utf8", [153, 8]),
        ("utf-8", "é" * 127, "auto", "utf8", [254]),
        ("utf-8", "é" * 128, "utf8", "utf8", [248, 8]),  # but short_message takes 254 octets, header included
        ("utf-8", "[" * 80, "auto", "utf8", [80]),
        ("utf-8", "[" * 81, "auto", "utf8", [76, 5]),
        ("ascii", "a" * 160, "auto", "ascii", [160]),
        ("latin1", "à" * 160, "auto", "latin1", [160]),
        ("latin1", "à" * 161, "latin1", "latin1", [153, 8]),
        ("latin1", "ë" * 140, "auto", "latin1", [140]),  # and what GSM has not, as octets;
        ("latin1", "ë" * 141, "latin1", "latin1", [67, 67, 7]),  # but segments go as UCS-2: they fit as that
        ("ascii", "`" * 141, "auto", "ascii", [67, 67, 7]),
    ],
)
def test_segments(default: str, text: str, encoding: str, word: str, segments: list[int]) -> None:
    written = writer(default).write(text, encoding)
    assert (written.encoding, sizes(written)) == (word, segments)


def test_among_equals_the_default_comes_first_then_gsm() -> None:
    genesys = writer("utf-8", codings=GENESYS.codings)
    for text, word in (
        ("a" * 160, "utf8"),
        ("é" * 128, "gsm"),  # one segment against two
        ("é" * 200, "utf8"),  # two in both
        ("語" * 20, "utf8"),
        ("語" * 60, "ucs2"),
    ):
        assert genesys.write(text, "auto").encoding == word
    assert genesys.write("5 €", "gsm") == Written((b"5 \x1be",), "gsm", 2)


@pytest.mark.parametrize(
    ("languages", "text", "header", "segments"),
    [
        ((TURKISH,), "Hi", "", [2]),
        ((TURKISH,), "Iş", "03240101", [3]),
        ((TURKISH,), "ş" * 77, "03240101", [154]),
        ((TURKISH,), "ş" * 78, "03250101", [78]),  # as single shifts 156 septets, and 155 are there
        ((TURKISH,), "ş" * 155, "03250101", [155]),
        ((TURKISH,), "ş" * 156, "03250101", [149, 7]),
        ((TURKISH,), "€" * 80, "", [160]),
        ((TURKISH,), "€" * 155, "03250101", [155]),  # Turkish has it in its basic table
        ((SPANISH,), "á" * 78, "03240102", [148, 8]),
        ((PORTUGUESE,), "ç" * 156, "03250103", [149, 7]),
        ((PORTUGUESE,), "ÊÔ" + "ã" * 140, "03250103", [142]),
        ((HINDI,), "हिन्दी", "03250106", [6]),
        ((HINDI,), "हिन्दी १", "06240106250106", [9]),  # the digit only in the single shift table
        ((HINDI,), "न" * 160 + "१", "06240106250106", [146, 16]),
        ((SPANISH, TURKISH), "ş", "03240101", [2]),
        ((SPANISH, TURKISH), "ñá", "03240102", [3]),
        ((TURKISH,), "語", "", None),
    ],
)
def test_national_tables_are_used_where_they_help(
    languages: tuple[int, ...], text: str, header: str, segments: list[int] | None
) -> None:
    written = writer("gsm", *languages).write(text, "auto")
    assert written.header.hex() == header
    assert written.encoding == ("ucs2" if segments is None else "gsm")
    if segments is not None:
        assert sizes(written) == segments
        assert writer("gsm", *languages).write(text, "gsm") == written


@pytest.mark.parametrize(
    ("default", "languages", "text", "encoding", "complaint"),
    [
        ("gsm", (), "Привет", "gsm", "the character 'П' (U+041F) cannot be written in gsm"),
        ("gsm", (), "a\x1bb", "gsm", r"the character '\x1b' (U+001B) cannot be written in gsm"),
        ("gsm", (TURKISH,), "ışık 語", "gsm", "the character '語' (U+8A9E) cannot be written in gsm"),
        ("gsm", (), "naïve", "ascii", "the character 'ï' (U+00EF) cannot be written in ascii"),
        ("gsm", (), "5 €", "latin1", "the character '€' (U+20AC) cannot be written in latin1"),
        ("gsm", (), "\ud83d", "auto", r"the character '\ud83d' (U+D83D) cannot be written in ucs2"),
        ("gsm", (), "a\udc00", "ucs2", r"the character '\udc00' (U+DC00) cannot be written in ucs2"),
        ("utf-8", (), "\ud83d", "utf8", r"the character '\ud83d' (U+D83D) cannot be written in utf8"),
        ("shift_jis", (), "¢", "shift_jis", "the character '¢' (U+00A2) cannot be written in shift_jis"),
        ("gsm", (), "Hi", "utf8", "encoding utf8 has no data_coding on this account"),
        ("latin1", (), "Hi", "gsm", "encoding gsm has no data_coding on this account"),
        ("gsm", (), "Hi", "iso-8859-5", "encoding iso-8859-5 has no data_coding on this account"),
    ],
)
def test_says_what_it_cannot_write(
    default: str, languages: tuple[int, ...], text: str, encoding: str, complaint: str
) -> None:
    with pytest.raises(Unencodable) as caught:
        writer(default, *languages).write(text, encoding)
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("text", "encoding", "complaint"),
    [
        ("a" * 460, "auto", "needs 4 segments in gsm, this provider takes 3 (max_segments)"),
        ("ж" * 202, "auto", "needs 4 segments in ucs2, this provider takes 3 (max_segments)"),
        ("€" * 229, "auto", "needs 4 segments in gsm, this provider takes 3 (max_segments)"),  # 458 septets
        ("a" * 39_016, "auto", "needs 256 segments in gsm, this provider takes 3 (max_segments)"),
        ("ж" * 40_800, "auto", "needs 609 segments in ucs2, this provider takes 3 (max_segments)"),
        ("ж" * 1_000_000, "auto", "needs more than 255 segments, this provider takes 3 (max_segments)"),
        ("\ud83d" * 1_000_000, "gsm", "needs more than 255 segments, this provider takes 3 (max_segments)"),
    ],
)
def test_says_how_many_segments_are_too_many(text: str, encoding: str, complaint: str) -> None:
    with pytest.raises(TooLong) as caught:
        Writer(Alphabets(), most=3).write(text, encoding)
    assert str(caught.value) == complaint


def test_graphemes_give_way_before_a_message_is_refused() -> None:
    text = "e\u0301" * 67  # a segment has room for 33 and a half
    assert sizes(Writer(Alphabets(), most=2).write(text, "ucs2")) == [134, 134]
    assert sizes(Writer(Alphabets(), most=3).write(text, "ucs2")) == [132, 132, 4]


def test_a_wider_number_leaves_less_room() -> None:
    wide = Writer(Alphabets("gsm"), (TURKISH,), concat_octets=6)
    assert sizes(wide.write("a" * 161, "auto")) == [152, 9]
    assert sizes(wide.write("ж" * 71, "auto")) == [132, 10]
    assert sizes(wide.write("ş" * 156, "auto")) == [148, 8]


def test_one_payload_may_have_more_octets_than_a_short_message() -> None:
    assert sizes(Writer(Alphabets("utf-8"), longest=65535).write("é" * 160, "auto")) == [320]


def test_shift_jis_is_written_as_it_is_read() -> None:
    alphabets = Alphabets("shift_jis")
    write = Writer(alphabets).write
    taken = 0
    for character in map(chr, range(1, 0x10000)):
        try:
            written = write(character, "shift_jis")
        except Unencodable:
            continue
        assert alphabets.decode(written.pieces[0], 0).text == character
        taken += 1
    assert taken > 9000


def on_air(written: Written, piece: bytes, number_octets: int) -> int:
    """Bits of one SMS, by the specification's arithmetic."""
    header = len(written.header) + number_octets
    if number_octets and not written.header:
        header += 1
    if written.encoding == "gsm":
        return (-(-header * 8 // 7) + len(piece)) * 7
    return (header + len(piece)) * 8


@given(
    TEXTS,
    st.sampled_from(DEFAULTS),
    st.sampled_from([SMPP34_CODINGS, GENESYS.codings]),
    st.sampled_from(ENCODINGS),
    st.sampled_from([(), (TURKISH,), (HINDI, TURKISH, SPANISH)]),
)
@example("a" * 152 + "€" * 9, "gsm", SMPP34_CODINGS, "auto", ())
def test_what_is_written_is_the_text_again_and_fits(
    text: str, default: str, codings: Mapping[int, str], encoding: str, languages: tuple[int, ...]
) -> None:
    assume(not text.startswith(("\ufeff", "\ufffe")))  # byte order marks
    assume(not text.endswith("\0"))  # ends a text but in GSM
    alphabets = Alphabets(default, codings)
    try:
        written = Writer(alphabets, languages).write(text, encoding)
    except Unencodable:
        assert encoding != "auto"
        return
    assert encoding in ("auto", written.encoding)
    header = read_udh(written.header)
    shifts = header.shifts if header else NO_SHIFTS
    decoded = alphabets.decode(b"".join(written.pieces), written.data_coding, shifts)
    assert (decoded.text, decoded.encoding) == (text, written.encoding)
    number = 5 if len(written.pieces) > 1 else 0
    for piece in written.pieces:
        part = alphabets.decode(piece, written.data_coding, shifts).text or ""
        assert "\ufffd" not in part or "\ufffd" in text  # no half character
        assert on_air(written, piece, number) <= 1120 or is_transcribed(written, part, number)
        assert len(piece) + len(written.header) + number <= 254


def is_transcribed(written: Written, part: str, number_octets: int) -> bool:
    """The SMSC makes GSM of it, and that fits."""
    septets = Written((), "gsm", 0)
    return written.data_coding == 0 and on_air(septets, gsm.encode(part), number_octets) <= 1120


@given(TEXTS, st.sampled_from(DEFAULTS))
def test_auto_takes_no_more_segments_than_any_other_that_loses_nothing(text: str, default: str) -> None:
    write = writer(default, TURKISH).write
    try:
        segments = len(write(text, "auto").pieces)
    except Unencodable:
        return
    for encoding in ("gsm", "ucs2", Alphabets(default).default):
        try:
            written = write(text, encoding)
        except Unencodable:
            continue
        assert segments <= len(written.pieces)
