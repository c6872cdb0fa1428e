"""What data_coding says on one account, and the reading of text by it. Writing it is not here.

SMPP 3.4, 5.2.19, with the coding groups of 3GPP TS 23.038, section 4. The default alphabet (data_coding 0 and
the GSM classes) is configuration: nothing on the wire tells it. What no codec reads (pictograms, reserved
values) is handed on as octets under the name of its encoding, never as wrong text.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from bridge.model.inbound import NO_SHIFTS, Shifts
from bridge.text import gsm

SMPP34_CODINGS: Mapping[int, str] = MappingProxyType(
    {
        1: "ascii",
        2: "binary",
        3: "latin1",
        4: "binary",
        5: "shift_jis",
        6: "iso-8859-5",
        7: "iso-8859-8",
        8: "ucs2",
        9: "pictogram",
        10: "iso-2022-jp",
        13: "jis-x-0212",
        14: "euc-kr",
    }
)
"""Encodings of the data_coding values 1-15 by SMPP 3.4, 5.2.19; those left out are reserved.

For 5, 13 and 14 the specification names character sets (JIS X 0208, JIS X 0212, KS C 5601) and not how their
two octets are written; these are the forms that gateways write them in.
"""

UNKNOWN = "unknown"
"""The encoding of a reserved data_coding."""

_PACKED = "gsm-packed"


class Unencodable(ValueError):
    """A text cannot be written as asked. `character` is None where the account lacks the whole encoding."""

    def __init__(self, character: str | None, encoding: str) -> None:
        self.character = character
        self.encoding = encoding
        if character is None:
            super().__init__(f"encoding {encoding} has no data_coding on this account")
        else:
            name = f"{character!r} (U+{ord(character):04X})"
            super().__init__(f"the character {name} cannot be written in {encoding}")


class Decoded(NamedTuple):
    """What octets say. Exactly one of `text` and `data` is set."""

    text: str | None
    data: bytes | None
    encoding: str


def _reader(codec: str, escaped_codec: str = "") -> Callable[[bytes], str]:
    """By one of Python's codecs, or another one where there are escape sequences, which only that one has.

    NULs at the end are none of the text: some routes end it like a C string.
    """

    def read(octets: bytes) -> str:
        name = escaped_codec if escaped_codec and b"\x1b" in octets else codec
        return octets.decode(name, "replace").rstrip("\0")

    return read


def _read_ucs2(octets: bytes) -> str:
    """UTF-16, big endian unless a byte order mark says otherwise; half a character at the end is dropped."""
    whole = octets[: len(octets) & ~1]
    if whole[:2] == b"\xff\xfe":
        text = whole[2:].decode("utf-16-le", "replace")
    else:
        text = whole.removeprefix(b"\xfe\xff").decode("utf-16-be", "replace")
    return text.rstrip("\0")


# The Windows forms of Shift_JIS and EUC-KR are taken: phones write the characters they add. ISO-2022-JP is read
# in its widest form, with JIS X 0212 and the narrow kana.
_ISO_2022_JP = "iso2022_jp_ext"
_READERS: Mapping[str, Callable[[bytes], str]] = {
    "ascii": _reader("ascii"),
    "latin1": _reader("latin-1"),
    "utf8": _reader("utf-8-sig"),
    "ucs2": _read_ucs2,
    "iso-8859-5": _reader("iso-8859-5"),
    "iso-8859-8": _reader("iso-8859-8"),
    "shift_jis": _reader("cp932", _ISO_2022_JP),
    "iso-2022-jp": _reader(_ISO_2022_JP),
    "jis-x-0212": _reader("euc_jp", _ISO_2022_JP),
    "euc-kr": _reader("cp949"),
}


class Alphabets:
    """The alphabets of one account: its default, and what its other data_coding values mean.

    `default_alphabet` is the word of the configuration (gsm, gsm-packed, ascii, latin1, utf-8, shift_jis),
    `codings` the provider's table of the values 1-15.
    """

    def __init__(self, default_alphabet: str = "gsm", codings: Mapping[int, str] = SMPP34_CODINGS) -> None:
        meanings = [_meaning_of(coding, default_alphabet, codings) for coding in range(256)]
        self._packed = tuple(meaning == _PACKED for meaning in meanings)
        self._encodings = tuple(_NAMES.get(meaning, meaning) for meaning in meanings)
        self.default = self._encodings[0]
        # Of two codings for one encoding the last is used: 4 for binary, which more SMSCs know than 2.
        self._codings = {encoding: coding for coding, encoding in codings.items()} | {self.default: 0}

    def coding_of(self, encoding: str) -> int:
        """The data_coding that names this encoding here. Raises Unencodable."""
        coding = self._codings.get(encoding)
        if coding is None:
            raise Unencodable(None, encoding)
        return coding

    def encoding_of(self, data_coding: int) -> str:
        """The encoding this data_coding (0-255) names here."""
        return self._encodings[data_coding]

    def packed(self, data_coding: int) -> bool:
        """Whether text of this data_coding has its septets packed: to be unpacked before `decode`."""
        return self._packed[data_coding]

    def decode(self, octets: bytes, data_coding: int, shifts: Shifts = NO_SHIFTS) -> Decoded:
        """What these octets, free of any header and unpacked, say under this data_coding. Never raises.

        `shifts` count where the encoding is GSM. What cannot be read shows as U+FFFD.
        """
        encoding = self._encodings[data_coding]
        if encoding == "gsm":
            return Decoded(gsm.decode(octets, shifts), None, encoding)
        reader = _READERS.get(encoding)
        return Decoded(None, octets, encoding) if reader is None else Decoded(reader(octets), None, encoding)

    def decode_quoted(self, octets: bytes, data_coding: int) -> str:
        """Cosmetic text among ASCII words, a receipt's: never packed, nor two octets a character.

        By the alphabet of data_coding, which some SMSCs copy from the MT together with the text, or else by the
        default.
        """
        encoding = self._encodings[data_coding]
        if encoding == "ucs2" or encoding not in _READERS:
            encoding = self.default
        return _READERS.get(encoding, gsm.decode)(octets)


_NAMES = {"utf-8": "utf8", _PACKED: "gsm"}
"""The contract's MTs and events call them otherwise than its configuration."""


def _meaning_of(data_coding: int, default: str, codings: Mapping[int, str]) -> str:
    """What a data_coding names. Groups by TS 23.038, section 4; bits 3-2 give the alphabet in most."""
    if data_coding == 0:
        return default
    if data_coding < 0x10:
        return codings.get(data_coding, UNKNOWN)
    if data_coding < 0x80:  # general data, and the same marked for automatic deletion
        return (default, "binary", "ucs2", UNKNOWN)[data_coding >> 2 & 3]
    if data_coding < 0xC0:
        return UNKNOWN
    if data_coding < 0xF0:  # message waiting
        return "ucs2" if data_coding >= 0xE0 else default
    return "binary" if data_coding & 4 else default  # message class
