"""GSM 03.38 (3GPP TS 23.038, section 6.2.1): the basic table and its extension, both ways.

One octet per septet, unpacked, as SMPP carries it. Packing and the national tables are not here.
"""

import re
from codecs import charmap_build, charmap_decode, charmap_encode

ESCAPE = "\x1b"

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
"""The basic table in the order of its codes. Code 0x1B is the escape to the extension."""

EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}

_ENCODE_PLAIN = charmap_build(BASIC.replace(ESCAPE, "\ufffe"))  # U+FFFE marks a code without character
_ENCODE_ESCAPED = charmap_build(BASIC)
_EXTENDED = re.compile("[" + re.escape("".join(EXTENSION.values())) + "]")
_WRITTEN = {character: ESCAPE + BASIC[code] for code, character in EXTENSION.items()}

# An escape and what follows it, both already read through the basic table. Two escapes are kept for tables
# to come and show as a blank; an escape cut off from its code shows nothing.
_ESCAPED = re.compile(ESCAPE + "(.?)", re.DOTALL)
_SHOWN = {BASIC[code]: character for code, character in EXTENSION.items()} | {ESCAPE: " "}


def encode(text: str) -> bytes:
    """One octet a character, two for those of the extension. Raises UnicodeEncodeError like any codec."""
    try:
        return charmap_encode(text, "strict", _ENCODE_PLAIN)[0]
    except UnicodeEncodeError as error:
        if text[error.start] not in _WRITTEN:
            raise
    if ESCAPE in text:  # written as it is it would make another character of the next one
        raise _unencodable(text, ESCAPE)
    escaped = _EXTENDED.sub(lambda match: _WRITTEN[match[0]], text)
    try:
        return charmap_encode(escaped, "strict", _ENCODE_ESCAPED)[0]
    except UnicodeEncodeError as error:
        raise _unencodable(text, escaped[error.start]) from None


def _unencodable(text: str, character: str) -> UnicodeEncodeError:
    where = text.index(character)
    return UnicodeEncodeError("gsm", text, where, where + 1, "not in GSM 03.38")


def decode(octets: bytes) -> str:
    """The reverse of `encode`; never raises.

    An unknown code after an escape shows as the character of the basic table (TS 23.038, 6.2.1.1), an octet
    above 0x7F as U+FFFD.
    """
    text = charmap_decode(octets, "replace", BASIC)[0]
    if ESCAPE not in text:
        return text
    return _ESCAPED.sub(lambda match: _SHOWN.get(match[1], match[1]), text)
