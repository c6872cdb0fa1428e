"""What data_coding says on one account, both ways: text to octets and octets to text.

SMPP 3.4, 5.2.19, with the coding groups of 3GPP TS 23.038, section 4. The default alphabet (data_coding 0 and
the GSM classes) is configuration: nothing on the wire tells it. What no codec here reads (packed GSM, the
Japanese and Korean sets) is handed on as octets under the name of its encoding, never as wrong text.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from bridge.text import gsm

SEGMENT_OCTETS = 140
"""What one SMS carries on the air: 140 octets, or 160 septets."""

SMPP34_CODINGS: Mapping[int, str] = MappingProxyType(
    {
        1: "ascii",
        2: "binary",
        3: "latin1",
        4: "binary",
        5: "jis",
        6: "iso-8859-5",
        7: "iso-8859-8",
        8: "ucs2",
        9: "pictogram",
        10: "iso-2022-jp",
        13: "jis-x-0212",
        14: "ks-c-5601",
    }
)
"""Encodings of the data_coding values 1-15 by SMPP 3.4, 5.2.19; those left out are reserved."""

UNKNOWN = "unknown"
"""The encoding of a reserved data_coding."""


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


class Encoded(NamedTuple):
    """Octets for short_message with the data_coding that says what they are."""

    octets: bytes
    data_coding: int
    encoding: str


class Decoded(NamedTuple):
    """What octets say. Exactly one of `text` and `data` is set."""

    text: str | None
    data: bytes | None
    encoding: str


def capacity(encoding: str, udh_octets: int = 0) -> int:
    """How many octets of short_message one segment holds beside a user data header of this many octets.

    GSM counts 160: its septets travel as octets to the SMSC and are packed only on the air.
    """
    free = SEGMENT_OCTETS - udh_octets
    return free * 8 // 7 if encoding == "gsm" else free


def _decode_ascii(octets: bytes) -> str:
    return octets.rstrip(b"\0").decode("ascii", "replace")  # some routes end ASCII like a C string


def _decode_ucs2(octets: bytes) -> str:
    """UTF-16, big endian unless a byte order mark says otherwise; half a character at the end is dropped."""
    whole = octets[: len(octets) & ~1]
    if whole[:2] == b"\xff\xfe":
        return whole[2:].decode("utf-16-le", "replace")
    return whole.removeprefix(b"\xfe\xff").decode("utf-16-be", "replace")


_DECODERS: Mapping[str, Callable[[bytes], str]] = {
    "gsm": gsm.decode,
    "ascii": _decode_ascii,
    "latin1": lambda octets: octets.decode("latin-1"),
    "utf8": lambda octets: octets.decode("utf-8", "replace"),
    "ucs2": _decode_ucs2,
    "iso-8859-5": lambda octets: octets.decode("iso-8859-5", "replace"),
    "iso-8859-8": lambda octets: octets.decode("iso-8859-8", "replace"),
}

_ENCODERS: Mapping[str, Callable[[str], bytes]] = {
    "gsm": gsm.encode,
    "ascii": lambda text: text.encode("ascii"),
    "latin1": lambda text: text.encode("latin-1"),
    "utf8": lambda text: text.encode("utf-8"),
    "ucs2": lambda text: text.encode("utf-16-be"),
}


class Alphabets:
    """The alphabets of one account: its default, and what its other data_coding values mean.

    `default_alphabet` is the word of the configuration (gsm, gsm-packed, ascii, latin1, utf-8, shift_jis),
    `codings` the provider's table of the values 1-15.
    """

    def __init__(self, default_alphabet: str = "gsm", codings: Mapping[int, str] = SMPP34_CODINGS) -> None:
        self.default = default_alphabet.replace("utf-8", "utf8")  # as the contract's MTs call it
        self._encodings = tuple(_encoding_of(coding, self.default, codings) for coding in range(256))
        # Of two codings for one encoding the last is used: 4 for binary, which more SMSCs know than 2.
        self._codings = {encoding: coding for coding, encoding in codings.items()} | {self.default: 0}
        # Latin-1 is tried only where it is the default: elsewhere SMSCs transcribe it, and that may lose.
        wanted = dict.fromkeys((self.default, "gsm", "ucs2"))
        self._auto = tuple(word for word in wanted if word in _ENCODERS and word in self._codings)

    def encode(self, text: str, encoding: str) -> Encoded:
        """The text in this encoding; `auto` takes the one that needs the fewest segments and loses nothing.

        Among equals the account's default comes first. Raises Unencodable.
        """
        if encoding != "auto":
            return self._encode(text, encoding)
        *others, last = self._auto
        possible: list[Encoded] = []
        for word in others:
            try:
                encoded = self._encode(text, word)
            except Unencodable:
                continue
            if len(encoded.octets) <= capacity(word):
                return encoded
            possible.append(encoded)
        possible.append(self._encode(text, last))
        return min(possible, key=_segments)

    def _encode(self, text: str, encoding: str) -> Encoded:
        coding = self.coding_of(encoding)
        encoder = _ENCODERS.get(encoding)
        if encoder is None:
            raise Unencodable(None, encoding)
        try:
            return Encoded(encoder(text), coding, encoding)
        except UnicodeEncodeError as error:
            raise Unencodable(text[error.start], encoding) from None

    def coding_of(self, encoding: str) -> int:
        """The data_coding that names this encoding here. Raises Unencodable."""
        coding = self._codings.get(encoding)
        if coding is None:
            raise Unencodable(None, encoding)
        return coding

    def decode(self, octets: bytes, data_coding: int) -> Decoded:
        """What these octets, free of any header, say under this data_coding (0-255). Never raises."""
        encoding = self._encodings[data_coding]
        decoder = _DECODERS.get(encoding)
        return (
            Decoded(None, octets, encoding) if decoder is None else Decoded(decoder(octets), None, encoding)
        )

    def decode_default(self, octets: bytes) -> str:
        """Cosmetic text among ASCII words (a receipt's): the default alphabet, ASCII if that is not read."""
        return _DECODERS.get(self.default, _decode_ascii)(octets)


def _segments(encoded: Encoded) -> int:
    return -(-len(encoded.octets) // capacity(encoded.encoding))


def _encoding_of(data_coding: int, default: str, codings: Mapping[int, str]) -> str:
    """The encoding of a data_coding. Groups by TS 23.038, section 4; bits 3-2 give the alphabet in most."""
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
