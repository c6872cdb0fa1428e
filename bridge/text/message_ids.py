"""The provider's message ids: the form in which they are compared, and how one in a receipt relates to the answer's.

Providers write one id in two ways: padded with zeros, in the other case, hexadecimal here and decimal there. Pure;
not responsible for whose id it is, nor for which relation a provider has.
"""

from functools import lru_cache
from typing import Literal

Relation = Literal["exact", "hex_dec", "dec_hex", "any"]
"""Of the answer's id to the receipt's: the same, hexadecimal and then decimal, the reverse, or unknown."""

LONGEST_NUMBER = 256
"""An id of more digits is no number. SMPP allows 64 octets; Python refuses to convert some thousands."""

HEX_DIGITS = frozenset("0123456789abcdef")


@lru_cache(maxsize=1024)
def canonical(message_id: str) -> str:
    """The form two spellings of one id share: no blanks around, one case, no 0x, no leading zeros; at least "0"."""
    return message_id.strip().casefold().removeprefix("0x").lstrip("0") or "0"


def variants(message_id: str, relation: Relation) -> tuple[str, ...]:
    """The canonical forms the answer may have had, by `relation`, where a receipt has `message_id`.

    Only where all of the id is digits of that base. The form it has itself is not among them.
    """
    own = canonical(message_id)
    found = []
    if relation in ("hex_dec", "any") and _is_decimal(message_id):
        found.append(f"{int(own):x}")
    if relation in ("dec_hex", "any") and _is_hexadecimal(own):
        found.append(str(int(own, 16)))
    return tuple(form for form in found if form != own)


def relation_of(received: str, stored: str) -> Literal["exact", "hex_dec", "dec_hex"] | None:
    """The relation that a receipt's id shows to the id of the answer; None if it shows none, or more than one."""
    answered, own = canonical(stored), canonical(received)
    if answered == own:
        return "exact" if len(own) > 1 or not own.isdigit() else None
    if answered in variants(received, "hex_dec"):
        return "hex_dec"
    return "dec_hex" if answered in variants(received, "dec_hex") else None


def _is_decimal(message_id: str) -> bool:
    bare = message_id.strip()
    return bare.isascii() and bare.isdigit() and len(bare) <= LONGEST_NUMBER


def _is_hexadecimal(own: str) -> bool:
    return len(own) <= LONGEST_NUMBER and HEX_DIGITS.issuperset(own)
