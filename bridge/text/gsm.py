"""GSM 03.38 (3GPP TS 23.038, section 6.2.1): the basic table and its extension or a language's own, both ways.

One octet per septet, unpacked, as SMPP mostly carries it. Packing is `packing.py`'s.
"""

import re
from codecs import charmap_decode, charmap_encode
from functools import lru_cache
from typing import NamedTuple

from bridge.model.inbound import NO_SHIFTS, Shifts
from bridge.text import national

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

_OTHER = 0xFF
"""No septet."""

_ESCAPED = re.compile(rb"\x1b(.?)", re.DOTALL)


class _Tables(NamedTuple):
    """One pair of tables. `written`: octets by code point; `shown`: characters by the octet after an escape;
    `of_latin1`: the octet of each character of Latin-1; `_OTHER` for those that need two, or are not there.
    """

    locking: str
    written: dict[int, bytes | int]
    shown: dict[bytes, str]
    of_latin1: bytes


@lru_cache(maxsize=256)  # all the pairs there are
def _tables(locking: int, single: int) -> _Tables:
    changes = national.LOCKING.get(locking, {})
    table = "".join(changes.get(code, character) for code, character in enumerate(BASIC))
    shifted = EXTENSION | dict(national.SINGLE.get(single, {}))
    # Two escapes in a row are kept for tables to come and show as a blank; one cut off from its code, nothing.
    shown = {b"": "", ESCAPE.encode(): " "} | {bytes((code,)): shifted[code] for code in shifted}
    written: dict[int, bytes | int] = {
        ord(shifted[code]): bytes((0x1B, code)) for code in sorted(shifted)[::-1]
    }
    written |= {
        ord(character): code
        for code, character in enumerate(table)
        if character not in (ESCAPE, national.NO_CHARACTER)
    }
    octets = [written.get(point) for point in range(256)]
    of_latin1 = bytes(octet if isinstance(octet, int) else _OTHER for octet in octets)
    return _Tables(table, written, shown, of_latin1)


_BASIC_TABLES = _tables(0, 0)


def _tables_of(shifts: Shifts) -> _Tables:
    """A table nobody knows is the basic one (TS 23.038, 6.2.1.2.2 and .3)."""
    if shifts is NO_SHIFTS:
        return _BASIC_TABLES
    locking, single = shifts
    return _tables(
        locking if locking in national.LOCKING else 0,
        single if single in national.SINGLE else 0,
    )


def encode(text: str, shifts: Shifts = NO_SHIFTS) -> bytes:
    """One octet a character, two for those of the extension. Raises UnicodeEncodeError like any codec."""
    tables = _tables_of(shifts)
    try:  # Most texts are Latin-1 without an escape, and that many times sooner written so.
        octets = text.encode("latin-1").translate(tables.of_latin1)
    except UnicodeEncodeError:
        pass
    else:
        if _OTHER not in octets:
            return octets
    return charmap_encode(text, "strict", tables.written)[0]


def decode(octets: bytes, shifts: Shifts = NO_SHIFTS) -> str:
    """The reverse of `encode`; never raises.

    An unknown code after an escape shows as the character without it (TS 23.038, 6.2.1.1), an octet without a
    character as U+FFFD.
    """
    locking, _, shown, _ = _tables_of(shifts)
    if 0x1B not in octets:
        return charmap_decode(octets, "replace", locking)[0]
    pieces = _ESCAPED.split(octets)  # in turn what is not escaped, and the octet after an escape
    return "".join(
        [
            shown[piece] if place & 1 and piece in shown else charmap_decode(piece, "replace", locking)[0]
            for place, piece in enumerate(pieces)
        ]
    )
